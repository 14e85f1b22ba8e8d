"""Reads rows from a CSV file."""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from empkit.records.rows import MAX_LINE_BYTES, Cells, Row, batches, lines_of, too_long

csv.field_size_limit(MAX_LINE_BYTES)  # of Python it is 131,072 characters

MAX_ROW_LINES = 100
"""The largest number of lines that one CSV row may span with quotes."""

HELD_ROWS = (
    "A cell in quotes holds lines that could each be a row: if a quote is missing there or too "
    "many, mend it"
)
"""What is said of a row that may have taken others into a cell of it."""

_FORMULA = re.compile(r'\A="([^"]*)"\Z')


class Header(NamedTuple):
    """The names of the columns.

    Attributes:
        lines: the number of lines up to and including it.
        end: where the line after it begins, in bytes.
        delimiter: between the cells.
        columns: the names; a column without one is called after its number.
        unnamed: how many columns at the end have no name, since each line ends in a delimiter.
        chosen: field -> its column, where the user said it.
        notes: what is to be said of the lines above, and how they were read.
        rows: lines above that may be rows, and why they are not read.
        quote: what stands around cells, as it does around the names.
        repeated: column -> its name in the file, where another column has that, too.
    """

    lines: int
    end: int
    delimiter: str
    columns: list[str]
    unnamed: int
    chosen: dict[str, str]
    notes: list[str]
    rows: list[Row]
    quote: str = '"'
    repeated: Mapping[str, str] = {}


def own_names(columns: Sequence[str]) -> list[str]:
    """Return names of columns of which no two are the same: one that was there gets its number."""
    names: list[str] = []
    for place, column in enumerate(columns, start=1):
        own = column
        while own in names or (own != column and own in columns):
            own = f"{own}_{place}"
        names.append(own)
    return names


def _plain(rows: Iterable[Cells]) -> Iterator[Cells]:
    """Yield rows with ="00017" as 00017: so programs write text that a spreadsheet would take for a
    number."""
    for number, cells in rows:
        if isinstance(cells, str):
            yield number, cells
        else:
            yield number, [_FORMULA.sub(r"\1", cell) for cell in cells]


def filled(cell: Any) -> bool:
    """Return whether a cell has more than blanks."""
    return bool(cell.strip()) if isinstance(cell, str) else cell is not None


def csv_cells(data: bytes, header: Header, skipped: dict[int, str]) -> Iterator[Cells]:
    """Yield the rows below the header with the number of their first line; each has its cells, or
    why it is unreadable.

    Args:
        data: the text of the file.
        header: of it.
        skipped: gets what is to be said of lines.
    """
    rows = _cells_of(data, header, skipped)
    return _plain(rows) if b'="' in data else rows


def _cells_of(data: bytes, header: Header, skipped: dict[int, str]) -> Iterator[Cells]:
    number, begin = header.lines, header.end
    while begin < len(data):
        end, part = next(batches(data, begin))
        # escapes stand for bytes that are not UTF-8; they are refused cell by cell
        lines = part.decode(errors="surrogateescape").split("\n")
        if (rows := _one_a_line(lines, header)) is not None:
            yield from enumerate(rows, start=number + 1)
            number, begin = number + len(lines), end
            continue
        # a row may continue below the lines of this part
        below = list(itertools.islice(lines_of(data, end), MAX_ROW_LINES))
        several = [*part.split(b"\n"), *below]
        place = 0
        while place < len(lines):
            cells, count = cells_at(several, place, header.delimiter, header.quote)
            if count > 1 and fitting_cells(cells, header) is None:
                # a stray quote may have included the lines below: read them as rows
                cells, count = ill_fitting(cells, header), 1
            if count > 1 and _holds_rows(several[place + 1 : place + count], header):
                skipped[number + place + 1] = HELD_ROWS
            yield number + place + 1, cells
            place += count
        number, begin = (
            number + place,
            end + sum(len(line) + 1 for line in several[len(lines) : place]),
        )


def _one_a_line(lines: list[str], header: Header) -> list[list[str]] | None:
    """Return the cells of each line; None if some row has more than one line, or is unreadable."""
    if 4 * max(map(len, lines)) > MAX_LINE_BYTES:
        return None
    reader = csv.reader(
        lines, delimiter=header.delimiter, quotechar=header.quote, strict=True,
        skipinitialspace=True,
    )  # fmt: skip
    try:
        rows = list(reader)
    except csv.Error:
        return None
    return rows if len(rows) == len(lines) else None


def _holds_rows(lines: Sequence[bytes], header: Header) -> bool:
    """Return whether some of the lines of a quoted cell would be a row each."""
    least, delimiter = len(header.columns), header.delimiter
    for line in lines:
        cells = line.decode(errors="replace").replace(header.quote, "").split(delimiter)
        if least > 2 and len(cells) >= least and all(map(filled, cells[:3])):
            return True
    return False


def ill_fitting(cells: Sequence[Any], header: Header) -> str:
    """Return why a row is unreadable that has too many cells, or too few."""
    count, wanted = len(cells), len(header.columns)
    if 1 < count < wanted:
        step = "its last cells may have been left out: write a delimiter for each that is empty"
    else:
        step = "put quotes around a cell with the delimiter in it"
    return (
        f"{count} cell{'s' * (count != 1)} where the header has {wanted}: {step}, or say the "
        "delimiter with --delimiter."
    )


def fitting_cells(cells: Sequence[Any], header: Header, in_place: bool = False) -> list[Any] | None:
    """Return the cells of a row, without empty ones beyond the header; None if others are too
    many, or too few."""
    wanted = len(header.columns)
    fitting = list(cells)
    while len(fitting) > wanted and not filled(fitting[-1]):
        fitting.pop()
    if in_place:
        return fitting + [None] * (wanted - len(fitting))
    return fitting if wanted <= len(fitting) <= wanted + header.unnamed else None


def cells_at(
    lines: Sequence[bytes], start: int, delimiter: str, quote: str = '"'
) -> tuple[list[str] | str, int]:
    """Return one row: its cells, or why it is unreadable, and the number of its lines.

    Quoted text may contain line ends. If a quote is never closed, only its first line is reported
    as unreadable, not the rest of the file.
    """
    first = lines[start]
    if len(first) > MAX_LINE_BYTES:
        return too_long(first), 1
    text = first.decode(errors="surrogateescape")  # the escapes are refused cell by cell
    try:
        return _csv_split(text, delimiter, quote), 1
    except csv.Error as error:
        reason = f"Bad CSV: {error}."
    if first.count(quote.encode()) % 2:
        for count, line in enumerate(lines[start + 1 : start + MAX_ROW_LINES], start=2):
            if len(text) + len(line) > MAX_LINE_BYTES:
                break
            text += "\n" + line.decode(errors="surrogateescape")
            if line.count(quote.encode()) % 2:
                try:
                    return _csv_split(text, delimiter, quote), count
                except csv.Error:
                    break
        reason = "Bad CSV: a quote is opened and not closed."
    if b"\\" + quote.encode() in first:
        reason += f" A quote within a cell is written twice, {quote * 2}, and not as \\{quote}."
    return reason, 1


def _csv_split(text: str, delimiter: str, quote: str) -> list[str]:
    reader = csv.reader(
        [text], delimiter=delimiter, quotechar=quote, strict=True, skipinitialspace=True
    )
    return next(reader)
