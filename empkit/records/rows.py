"""A row of a file, before it is validated as a record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

MAX_LINE_BYTES = 16 * 2**20
"""The maximum length of a line of a file, in bytes; a longer line is reported as unreadable."""

BATCH_BYTES = 2**18
"""How much of a file is divided into lines at once, in bytes; all of its lines would take more
memory than the file."""

Row = tuple[int, tuple[str, ...], Sequence[Any] | str]
"""The line where a row begins, the names of its columns, and their values; or why it is
unreadable. Rows with the same columns have the same names, which are looked up once."""


Cells = tuple[int, Sequence[Any] | str]
"""The line where a row begins, and its cells, or why it is unreadable."""


class Source(NamedTuple):
    """The rows of a file.

    Attributes:
        rows: yields them from the first one, each time that it is called.
        notes: how they are read.
        chosen: field -> the column that the user said.
        delimiter: between the cells of CSV.
        skipped: gets what lines are that are no rows.
        lines: how many lines or rows there are, to show how far reading is.
        by_element: whether rows are elements of a list, several of which may be in a line.
    """

    rows: Callable[[], Iterator[Row]]
    notes: list[str]
    chosen: Mapping[str, str]
    delimiter: str
    skipped: dict[int, str]
    lines: int
    by_element: bool = False


def unreadable(line: int, reason: str) -> Row:
    """Return a row that cannot be read."""
    return line, (), reason


def too_long(line: bytes) -> str:
    """Return the reason why a line longer than `MAX_LINE_BYTES` is unreadable."""
    return f"The line is {len(line)} bytes long; at most {MAX_LINE_BYTES} are read."


def batches(data: bytes, begin: int = 0) -> Iterator[tuple[int, bytes]]:
    """Yield whole lines of a text, some at a time, and where each part ends; a part has no line
    feed at its end.

    Args:
        data: the text, with a line feed between its lines.
        begin: where the first line begins.
    """
    while begin < len(data):
        end = data.find(b"\n", min(begin + BATCH_BYTES, len(data)))
        end = len(data) if end < 0 else end
        yield end + 1, data[begin:end]
        begin = end + 1


def lines_of(data: bytes, begin: int = 0) -> Iterator[bytes]:
    """Yield the lines of a text, without its line feeds."""
    while begin < len(data):
        end = data.find(b"\n", begin)
        end = len(data) if end < 0 else end
        yield data[begin:end]
        begin = end + 1
