"""A row of a file, before it is validated as a record."""

from __future__ import annotations

from typing import Any

MAX_LINE_BYTES = 16 * 2**20
"""The maximum length of a line of a file, in bytes; a longer line is reported as unreadable."""

Row = tuple[int, dict[str, Any] | str]
"""The line where a row begins, and its values, or why it is unreadable."""


def too_long(line: bytes) -> str:
    """Return the reason why a line longer than `MAX_LINE_BYTES` is unreadable."""
    return f"The line is {len(line)} bytes long; at most {MAX_LINE_BYTES} are read."
