"""Reads rows from a CSV file."""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from empkit.records.employee import REQUIRED, RecordError, name_to_show
from empkit.records.form import meaning, named_fields, shown
from empkit.records.rows import MAX_LINE_BYTES, Row, batches, lines_of, too_long, unreadable

MAX_ROW_LINES = 100
"""The largest number of lines that one CSV row may span with quotes."""

TITLE_LINES = 20
"""How many lines may stand before the names of the columns, such as a title."""

_SEPARATOR = re.compile(r"sep=(.)", re.IGNORECASE)
"""The first line with which some programs say which delimiter a file has."""

_TEXT = re.compile(rb"\S")

_RULE = re.compile(r"\s*:?-{2,}:?\s*|\s*=+\s*")
"""A cell of the line below the names of a table that is drawn with characters."""


class Header(NamedTuple):
    """The names of the columns.

    Attributes:
        lines: the number of lines up to and including it.
        end: where the line after it begins, in bytes.
        delimiter: between the cells.
        columns: the names; a column without one is called after its number.
        unnamed: how many columns at the end have no name, since each line ends in a delimiter.
    """

    lines: int
    end: int
    delimiter: str
    columns: list[str]
    unnamed: int


def csv_header(data: bytes, name: str) -> Header:
    """Return the header: the first line, of some, that names the fields that are needed.

    Args:
        data: the text of the file, which has more than blanks.
        name: of the file, for messages.

    Raises:
        RecordError: no line does, or two columns have the same name.
    """
    text = _TEXT.search(data)
    begin = data.rfind(b"\n", 0, text.start() if text else 0) + 1
    lines: list[bytes] = []
    filled: list[int] = []
    for number, line in enumerate(lines_of(data, begin)):
        lines.append(line)
        if line.strip():
            filled.append(number)
        if len(filled) > TITLE_LINES and number > filled[TITLE_LINES - 1] + MAX_ROW_LINES:
            break
    if b"\0" in lines[0] or "\ufffd" in lines[0].decode(errors="replace"):
        raise RecordError(
            f"{name} is not text in UTF-8: save it as CSV (UTF-8), JSON or JSON Lines."
        )
    said = _SEPARATOR.fullmatch(lines[0].decode(errors="replace").strip())
    for number in filled[:TITLE_LINES]:
        header = _header_at(lines, number, said[1] if said else ",;\t|")
        named = named_fields(header.columns)
        if not [field for field in REQUIRED if field not in named]:
            _check_names(header.columns, name)
            return header._replace(
                lines=data.count(b"\n", 0, begin) + header.lines,
                end=begin + sum(len(line) + 1 for line in lines[: header.lines]),
            )
    named = named_fields(_header_at(lines, 0, ",;\t|").columns)
    missing = [field for field in REQUIRED if field not in named]
    raise RecordError(
        f"{name} has no column for {', '.join(missing)}. A CSV file begins with the names of "
        f"its columns, such as {','.join(REQUIRED)}; this one begins with "
        f"{shown(lines[0].decode().strip())}."
    )


def _check_names(columns: list[str], name: str) -> None:
    twice = next((column for column in columns if columns.count(column) > 1), None)
    if twice is not None:
        raise RecordError(f"{name} has two columns named {name_to_show(twice)}: rename one.")


def _header_at(lines: list[bytes], number: int, delimiters: str) -> Header:
    """Return a line as a header, split by the delimiter that yields the most fields."""
    best = (-1, 0), Header(number + 1, 0, ",", [""], 0)
    for delimiter in delimiters:
        cells, count = _csv_cells(lines, number, delimiter)
        if not isinstance(cells, str):
            fields = {meaning(cell.strip())[0] for cell in cells} - {None}
            names = [cell.strip() for cell in cells]
            unnamed = 0
            while names and not names[-1]:
                names.pop()
                unnamed += 1
            # some programs leave the name of the column of row numbers empty
            columns = [cell or f"column_{place}" for place, cell in enumerate(names, start=1)]
            header = Header(number + count, 0, delimiter, columns, unnamed)
            best = max(best, ((len(fields), len(cells)), header), key=lambda found: found[0])
    return best[1]


def csv_rows(data: bytes, header: Header) -> Iterator[Row]:
    """Yield the rows below the header; one whose cells are all empty is a blank line."""
    wanted, names = len(header.columns), tuple(header.columns)
    first = True
    for number, cells in _cells_of(data, header):
        if isinstance(cells, str):
            yield unreadable(number, cells)
        elif len(cells) == wanted and cells[0] and not first:
            yield number, names, cells
        elif not any(cell.strip() for cell in cells):
            continue
        elif first and all(map(_RULE.fullmatch, filter(None, cells))):
            pass  # the line below the names of a table that is drawn with characters
        elif (fitting := _fitting(cells, header)) is None:
            yield unreadable(number, _ill_fitting(cells, header))
        else:
            yield number, _names(header, len(fitting)), fitting
        first = False


def _cells_of(data: bytes, header: Header) -> Iterator[tuple[int, list[str] | str]]:
    """Yield the rows with the number of their first line; each has its cells, or why it is
    unreadable."""
    number, begin = header.lines, header.end
    while begin < len(data):
        end, part = next(batches(data, begin))
        # escapes stand for bytes that are not UTF-8; they are refused cell by cell
        lines = part.decode(errors="surrogateescape").split("\n")
        if (rows := _one_a_line(lines, header.delimiter)) is not None:
            yield from enumerate(rows, start=number + 1)
            number, begin = number + len(lines), end
            continue
        # a row may continue below the lines of this part
        below = list(itertools.islice(lines_of(data, end), MAX_ROW_LINES))
        several = [*part.split(b"\n"), *below]
        place = 0
        while place < len(lines):
            cells, count = _csv_cells(several, place, header.delimiter)
            if count > 1 and _fitting(cells, header) is None:
                # a stray quote may have included the lines below: read them as rows
                cells, count = _ill_fitting(cells, header), 1
            yield number + place + 1, cells
            place += count
        number, begin = (
            number + place,
            end + sum(len(line) + 1 for line in several[len(lines) : place]),
        )


def _one_a_line(lines: list[str], delimiter: str) -> list[list[str]] | None:
    """Return the cells of each line; None if some row has more than one line, or is unreadable."""
    if 4 * max(map(len, lines)) > MAX_LINE_BYTES:
        return None
    reader = csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True)
    try:
        rows = list(reader)
    except csv.Error:
        return None
    return rows if len(rows) == len(lines) else None


def _ill_fitting(cells: Sequence[str], header: Header) -> str:
    return f"{len(cells)} cells where the header has {len(header.columns)}."


def _fitting(cells: Sequence[str], header: Header) -> list[str] | None:
    """Return the cells of a row, without empty ones beyond the header; None if others are too
    many, or too few."""
    wanted = len(header.columns)
    fitting = list(cells)
    while len(fitting) > wanted and not fitting[-1].strip():
        fitting.pop()
    return fitting if wanted <= len(fitting) <= wanted + header.unnamed else None


def _names(header: Header, count: int) -> tuple[str, ...]:
    """Return the names of the first columns, those at the end without one as well."""
    wanted = len(header.columns)
    return (*header.columns, *(f"column_{place}" for place in range(wanted + 1, count + 1)))


def _csv_cells(lines: list[bytes], start: int, delimiter: str) -> tuple[list[str] | str, int]:
    """Return one row: its cells, or why it is unreadable, and the number of its lines.

    Quoted text may contain line ends. If a quote is never closed, only its first line is reported
    as unreadable, not the rest of the file.
    """
    first = lines[start]
    if len(first) > MAX_LINE_BYTES:
        return too_long(first), 1
    text = first.decode(errors="surrogateescape")  # the escapes are refused cell by cell
    try:
        return _csv_split(text, delimiter), 1
    except csv.Error as error:
        reason = f"Bad CSV: {error}."
    if first.count(b'"') % 2:
        for count, line in enumerate(lines[start + 1 : start + MAX_ROW_LINES], start=2):
            if len(text) + len(line) > MAX_LINE_BYTES:
                break
            text += "\n" + line.decode(errors="surrogateescape")
            if line.count(b'"') % 2:
                try:
                    return _csv_split(text, delimiter), count
                except csv.Error:
                    break
        reason = "Bad CSV: a quote is opened and not closed."
    return reason, 1


def _csv_split(text: str, delimiter: str) -> list[str]:
    return next(csv.reader([text], delimiter=delimiter, strict=True, skipinitialspace=True))
