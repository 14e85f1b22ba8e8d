"""Reads rows from a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from empkit.records.employee import REQUIRED, RecordError, name_to_show
from empkit.records.form import meaning, shown
from empkit.records.rows import MAX_LINE_BYTES, Row, too_long

MAX_ROW_LINES = 100
"""The largest number of lines that one CSV row may span with quotes."""

_Header = tuple[int, str, list[str]]
"""The number of lines up to and including the header, the delimiter, and the column names."""


def csv_header(lines: list[bytes], name: str) -> _Header:
    """Return the header, split by the delimiter that yields the most fields of an employee."""
    first = next(number for number, line in enumerate(lines) if line.strip())
    if b"\0" in lines[first] or "\ufffd" in lines[first].decode(errors="replace"):
        raise RecordError(
            f"{name} is not text in UTF-8: save it as CSV (UTF-8), JSON or JSON Lines."
        )
    best = (0, 0), (1, ",", [""])
    for delimiter in ",;\t|":
        cells, count = _csv_cells(lines, first, delimiter)
        if not isinstance(cells, str):
            fields = {meaning(cell.strip())[0] for cell in cells} - {None}
            best = max(best, ((len(fields), len(cells)), (count, delimiter, cells)))
    count, delimiter, cells = best[1]
    # some programs leave the name of the column of row numbers empty
    columns = [cell.strip() or f"column_{number}" for number, cell in enumerate(cells, start=1)]
    named = {meaning(column)[0] for column in columns}
    if missing := [field for field in REQUIRED if field not in named]:
        raise RecordError(
            f"{name} has no column for {', '.join(missing)}. A CSV file begins with the names of "
            f"its columns, such as {','.join(REQUIRED)}; this one begins with "
            f"{shown(lines[first].decode().strip())}."
        )
    twice = next((column for column in columns if columns.count(column) > 1), None)
    if twice is not None:
        raise RecordError(f"{name} has two columns named {name_to_show(twice)}: rename one.")
    return first + count, delimiter, columns


def csv_rows(lines: list[bytes], header: _Header) -> Iterator[Row]:
    """Yield the rows below the header."""
    position, delimiter, columns = header
    while position < len(lines):
        if not lines[position].strip():
            position += 1
            continue
        cells, count = _csv_cells(lines, position, delimiter)
        if isinstance(cells, str):
            yield position + 1, cells
        elif len(cells) != len(columns):
            yield position + 1, f"{len(cells)} cells where the header has {len(columns)}."
            count = 1  # a stray quote may have included the lines below: read them as rows
        else:
            yield position + 1, dict(zip(columns, cells, strict=True))
        position += count


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
    return next(csv.reader([text], delimiter=delimiter, strict=True))
