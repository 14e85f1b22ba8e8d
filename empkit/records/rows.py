"""A row of a file, before anybody asks whether it is a record."""

from __future__ import annotations

from typing import Any

MAX_LINE_BYTES = 16 * 2**20
"""A longer line of a file is reported as unreadable, in bytes."""

_Row = tuple[int, dict[str, Any] | str]
"""The line where a row begins, and what it holds or why it holds nothing."""


def _too_long(line: bytes) -> str:
    return f"The line is {len(line)} bytes long; at most {MAX_LINE_BYTES} are read."
