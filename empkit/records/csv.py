"""Reads rows from a CSV file."""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterator
from typing import NamedTuple

from empkit.records.employee import REQUIRED, RecordError, name_to_show
from empkit.records.form import meaning, named_fields, shown
from empkit.records.rows import MAX_LINE_BYTES, Row, too_long

MAX_ROW_LINES = 100
"""The largest number of lines that one CSV row may span with quotes."""

TITLE_LINES = 20
"""How many lines may stand before the names of the columns, such as a title."""

_SEPARATOR = re.compile(r"sep=(.)", re.IGNORECASE)
"""The first line with which some programs say which delimiter a file has."""

_RULE = re.compile(r"\s*:?-{2,}:?\s*|\s*=+\s*")
"""A cell of the line below the names of a table that is drawn with characters."""


class Header(NamedTuple):
    """The names of the columns.

    Attributes:
        lines: the number of lines up to and including it.
        delimiter: between the cells.
        columns: the names; a column without one is called after its number.
        unnamed: how many columns at the end have no name, since each line ends in a delimiter.
    """

    lines: int
    delimiter: str
    columns: list[str]
    unnamed: int


def csv_header(lines: list[bytes], name: str) -> Header:
    """Return the header: the first line, of some, that names the fields that are needed.

    Raises:
        RecordError: no line does, or two columns have the same name.
    """
    filled = (number for number, line in enumerate(lines) if line.strip())
    first = next(filled)
    if b"\0" in lines[first] or "\ufffd" in lines[first].decode(errors="replace"):
        raise RecordError(
            f"{name} is not text in UTF-8: save it as CSV (UTF-8), JSON or JSON Lines."
        )
    said = _SEPARATOR.fullmatch(lines[first].decode(errors="replace").strip())
    for number in itertools.chain([first], itertools.islice(filled, TITLE_LINES - 1)):
        header = _header_at(lines, number, said[1] if said else ",;\t|")
        named = named_fields(header.columns)
        if not [field for field in REQUIRED if field not in named]:
            _check_names(header.columns, name)
            return header
    named = named_fields(_header_at(lines, first, ",;\t|").columns)
    missing = [field for field in REQUIRED if field not in named]
    raise RecordError(
        f"{name} has no column for {', '.join(missing)}. A CSV file begins with the names of "
        f"its columns, such as {','.join(REQUIRED)}; this one begins with "
        f"{shown(lines[first].decode().strip())}."
    )


def _check_names(columns: list[str], name: str) -> None:
    twice = next((column for column in columns if columns.count(column) > 1), None)
    if twice is not None:
        raise RecordError(f"{name} has two columns named {name_to_show(twice)}: rename one.")


def _header_at(lines: list[bytes], number: int, delimiters: str) -> Header:
    """Return a line as a header, split by the delimiter that yields the most fields."""
    best = (-1, 0), Header(number + 1, ",", [""], 0)
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
            header = Header(number + count, delimiter, columns, unnamed)
            best = max(best, ((len(fields), len(cells)), header), key=lambda found: found[0])
    return best[1]


def csv_rows(lines: list[bytes], header: Header) -> Iterator[Row]:
    """Yield the rows below the header."""
    position, columns = header.lines, header.columns
    while position < len(lines):
        if not lines[position].strip():
            position += 1
            continue
        cells, count = _csv_cells(lines, position, header.delimiter)
        if isinstance(cells, str):
            yield position + 1, cells
        elif position == header.lines and all(map(_RULE.fullmatch, filter(None, cells))):
            pass  # the line below the names of a table that is drawn with characters
        elif (fitting := _fitting(cells, header)) is None:
            yield position + 1, f"{len(cells)} cells where the header has {len(columns)}."
            count = 1  # a stray quote may have included the lines below: read them as rows
        else:
            yield position + 1, dict(zip(_names(header, len(fitting)), fitting, strict=True))
        position += count


def _fitting(cells: list[str], header: Header) -> list[str] | None:
    """Return the cells of a row, without empty ones beyond the header; None if others are too
    many, or too few."""
    wanted = len(header.columns)
    fitting = list(cells)
    while len(fitting) > wanted and not fitting[-1].strip():
        fitting.pop()
    return fitting if wanted <= len(fitting) <= wanted + header.unnamed else None


def _names(header: Header, count: int) -> list[str]:
    """Return the names of the first columns, those at the end without one as well."""
    wanted = len(header.columns)
    return [*header.columns, *(f"column_{place}" for place in range(wanted + 1, count + 1))]


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
