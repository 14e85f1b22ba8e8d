"""Reads rows from a CSV file."""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from empkit.records.headings import meaning
from empkit.records.rows import MAX_LINE_BYTES, Cells, Row, batches, lines_of, too_long, unreadable

MAX_ROW_LINES = 100
"""The largest number of lines that one CSV row may span with quotes."""

_RULE = re.compile(r"\s*:?-{2,}:?\s*|\s*=+\s*")
"""A cell of the line below the names of a table that is drawn with characters."""


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


def csv_rows(data: bytes, header: Header, skipped: dict[int, str]) -> Iterator[Row]:
    """Yield the rows below the header; one whose cells are all empty is a blank line.

    Args:
        data: the text of the file.
        header: of it.
        skipped: gets what lines are that are no rows: comments, and the header once more.
    """
    rows = _cells_of(data, header)
    return table_rows(_plain(rows) if b'="' in data else rows, header, skipped)


def _plain(rows: Iterable[Cells]) -> Iterator[Cells]:
    """Yield rows with ="00017" as 00017: so programs write text that a spreadsheet would take for a
    number."""
    for number, cells in rows:
        if isinstance(cells, str):
            yield number, cells
        else:
            yield number, [_FORMULA.sub(r"\1", cell) for cell in cells]


def table_rows(
    rows: Iterable[Cells], header: Header, skipped: dict[int, str], *, in_place: bool = False
) -> Iterator[Row]:
    """Yield the rows of a table; one whose cells are all empty is a blank line.

    Args:
        rows: those below the header.
        header: of the table.
        skipped: see `csv_rows`.
        in_place: whether each cell is in a column of its own, whatever its row has besides: one
            beyond the header has no heading, and those that are missing are empty.
    """
    yield from header.rows
    wanted, names = len(header.columns), tuple(header.columns)
    heading = names[0]
    first = True
    for number, cells in rows:
        if isinstance(cells, str):
            yield unreadable(number, cells)
        elif (
            len(cells) == wanted
            and (begin := cells[0])
            and (type(begin) is not str or (begin[0] != "#" and begin != heading))
            and not first
        ):
            yield number, names, cells
        elif not any(map(_filled, cells)):
            continue
        elif str(cells[0]).startswith("#") and not any(map(_filled, cells[1:])) and wanted > 1:
            skipped[number] = "comments"
        elif first and all(_RULE.fullmatch(str(cell)) for cell in filter(_filled, cells)):
            skipped[number] = "the rule below the headings"
        elif _is_header(cells, header, first):
            skipped[number] = "the headings again"
        elif cells[0] == heading and meaning(heading)[0] == "employee_id":
            yield unreadable(
                number,
                f"Its id is {heading!r}, as the column is called: another table may begin here. "
                "Give one file to each.",
            )
        elif (fitting := _fitting(cells, header, in_place)) is None:
            yield unreadable(number, _ill_fitting(cells, header))
        else:
            yield number, _names(header, len(fitting)), fitting
        first = False


def _filled(cell: Any) -> bool:
    return bool(cell.strip()) if isinstance(cell, str) else cell is not None


def _is_header(cells: Sequence[Any], header: Header, first: bool) -> bool:
    """Return whether a row has the headings once more, the first one in another language."""
    names = [str(cell).strip() for cell in cells[: len(header.columns)]]
    if names == header.columns or not first:
        return names == header.columns
    both = zip(header.columns, names, strict=False)
    return sum(meaning(column)[0] == meaning(name)[0] is not None for column, name in both) > 2


def _cells_of(data: bytes, header: Header) -> Iterator[Cells]:
    """Yield the rows with the number of their first line; each has its cells, or why it is
    unreadable."""
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
            if count > 1 and _fitting(cells, header) is None:
                # a stray quote may have included the lines below: read them as rows
                cells, count = _ill_fitting(cells, header), 1
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


def _ill_fitting(cells: Sequence[Any], header: Header) -> str:
    return (
        f"{len(cells)} cells where the header has {len(header.columns)}: put quotes around a cell "
        "with the delimiter in it, or say the delimiter with --delimiter."
    )


def _fitting(cells: Sequence[Any], header: Header, in_place: bool = False) -> list[Any] | None:
    """Return the cells of a row, without empty ones beyond the header; None if others are too
    many, or too few."""
    wanted = len(header.columns)
    fitting = list(cells)
    while len(fitting) > wanted and not _filled(fitting[-1]):
        fitting.pop()
    if in_place:
        return fitting + [None] * (wanted - len(fitting))
    return fitting if wanted <= len(fitting) <= wanted + header.unnamed else None


def _names(header: Header, count: int) -> tuple[str, ...]:
    """Return the names of the first columns, those at the end without one as well."""
    wanted = len(header.columns)
    return (*header.columns, *(f"column_{place}" for place in range(wanted + 1, count + 1)))


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
    return reason, 1


def _csv_split(text: str, delimiter: str, quote: str) -> list[str]:
    reader = csv.reader(
        [text], delimiter=delimiter, quotechar=quote, strict=True, skipinitialspace=True
    )
    return next(reader)
