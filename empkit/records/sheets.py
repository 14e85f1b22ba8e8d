"""Reads rows from a spreadsheet: .xlsx of Excel, .ods of LibreOffice."""

from __future__ import annotations

import contextlib
import datetime
import io
import itertools
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from empkit.records.archive import ERROR, FORMULA, Archive, looked_into, member_of
from empkit.records.csv import Header
from empkit.records.employee import REQUIRED, RecordError
from empkit.records.header import TITLE_LINES, header_among
from empkit.records.headings import plan_of
from empkit.records.reading import Reading, nearest
from empkit.records.rows import Cells, Source
from empkit.records.table import table_rows
from empkit.records.values import NoValue, shown

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

_ZIP = b"PK\x03\x04"
_OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""How files of Excel until 2003 begin, and those of later ones with a password."""

_EXACT = 2**53
"""Below it every whole number is one in a cell, where all numbers are floating-point."""


Place = tuple[int, int]
"""The row and the column of a cell, from 0."""


class Merged(NamedTuple):
    """Cells that are merged over rows: the first row and the last one, from 0, and the column."""

    top: int
    column: int
    bottom: int


def is_workbook(data: bytes) -> bool:
    """Return whether a file begins like a spreadsheet."""
    return data.startswith((_ZIP, _OLD))


def workbook(data: bytes, name: str, reading: Reading, most: int) -> Source:
    """Return the rows of a sheet: of the one that the user names, else of the only one that has
    employees.

    Args:
        data: the file.
        name: of the file, for messages.
        reading: what the user says of it.
        most: how much it may take in memory, in bytes.

    Raises:
        RecordError: the file cannot be read, or it does not tell which sheet is meant.
    """
    if reading.delimiter is not None or reading.encoding is not None:
        raise RecordError(
            f"{name} is a spreadsheet, and no text: leave out --delimiter and --encoding."
        )
    book, archive = _opened(data, name, most)
    found = _chosen(book, name, reading)
    if found is None:
        found = _only_one(book, name, reading)
    sheet, header = found
    notes = [*header.notes]
    if len(book.sheet_names) > 1:
        others = len(book.sheet_names) - 1
        notes.append(
            f"Of its sheets {sheet.name!r} is read; {others} more {'is' if others == 1 else 'are'} "
            "not."
        )
    for what, count in (
        (ERROR, archive.errors),
        (FORMULA, archive.formulas),
    ):
        if count:
            notes.append(
                f"It has {what} in {count:,} cell{'s' if count > 1 else ''}, read as empty: open "
                "it in its program, mend that, and save it."
            )
    plan = plan_of(header.columns, header.chosen)
    if archive.zeros and _has_number(sheet, header, plan.fields.get("employee_id")):
        notes.append(
            "Ids are numbers in it, and some numbers are shown with zeros in front, such as 00042, "
            "which are not in the file: if ids are, write them as text there."
        )
    needed = {plan.fields.get(field) for field in REQUIRED} | {plan.whole}
    merged = _merged(sheet, header, needed)
    if merged:
        columns = sorted({each.column for each in merged})
        there = ", ".join(
            shown(header.columns[column]) for column in columns if column < len(header.columns)
        )
        notes.append(
            f"Cells that are merged over several rows give each of these their value: in {there}."
        )
    if archive.over_rows:
        notes.append(
            f"It has {archive.over_rows:,} cell{'s' if archive.over_rows > 1 else ''} merged over "
            "several rows, of which only the first row has the value: split them, and fill them in."
        )
    member = member_of(data, sheet.name) if archive.errors or archive.formulas else None
    without = archive.places.get(member or "", {})
    skipped: dict[int, str] = {}
    return Source(
        partial(_rows, sheet, header, skipped, merged, without), notes, header.chosen, "", skipped,
        sheet.total_height,
    )  # fmt: skip


def _opened(data: bytes, name: str, most: int) -> tuple[CalamineWorkbook, Archive]:
    if data.startswith(_OLD):
        raise RecordError(
            f"{name} is a spreadsheet of Excel until 2003 (.xls), or has a password: save it as "
            ".xlsx without one, or as CSV."
        )
    archive = looked_into(data, name, most)
    if not {"xl/workbook.xml", "content.xml"} & {*archive.names}:
        raise RecordError(
            f"{name} is an archive (zip), and no spreadsheet (.xlsx or .ods): unpack it, and give "
            "the file within."
        )
    try:
        from python_calamine import CalamineWorkbook  # noqa: PLC0415 - an extra
    except ImportError:
        raise RecordError(
            f"{name} is a spreadsheet: to read it install python-calamine "
            "(pip install 'empkit[excel]'), or save it as CSV."
        ) from None
    with _own_errors(name):
        return CalamineWorkbook.from_filelike(io.BytesIO(data)), archive


@contextlib.contextmanager
def _own_errors(name: str) -> Iterator[None]:
    """Turn an error of the library into a sentence."""
    from python_calamine import CalamineError  # noqa: PLC0415 - an extra

    try:
        yield
    except BaseException as error:
        # a panic of Rust is no Exception, and its class cannot be imported
        if not isinstance(error, CalamineError) and type(error).__name__ != "PanicException":
            raise
        raise RecordError(
            f"{name} cannot be read as a spreadsheet ({error}): save it once more in the program "
            "that wrote it, or as CSV."
        ) from None


def _chosen(
    book: CalamineWorkbook, name: str, reading: Reading
) -> tuple[CalamineSheet, Header] | None:
    """Return the sheet that the user names, and its header; None if none is named."""
    wanted = reading.sheet
    if wanted is None:
        return None
    names = book.sheet_names
    if wanted in names:
        place = names.index(wanted)
    elif wanted.strip().isdecimal() and 1 <= int(wanted) <= len(names):
        place = int(wanted) - 1
    else:
        there = ", ".join(f"{number} is {each!r}" for number, each in enumerate(names, start=1))
        raise RecordError(
            f"{name} has no sheet {wanted!r} for --sheet{nearest(wanted, names)}. Its sheets: "
            f"{there}."
        )
    sheet = _sheet(book, place, name)
    return sheet, _header(sheet, f"The sheet {sheet.name!r} of {name}", reading)


def _only_one(book: CalamineWorkbook, name: str, reading: Reading) -> tuple[CalamineSheet, Header]:
    """Return the only sheet with a header that names the fields that are needed, and the header."""
    found: list[tuple[CalamineSheet, Header]] = []
    refused: list[RecordError] = []
    for place in range(len(book.sheet_names)):
        try:
            sheet = _sheet(book, place, name)
            found.append((sheet, _header(sheet, f"The sheet {sheet.name!r} of {name}", reading)))
        except RecordError as error:
            refused.append(error)
    if len(found) == 1:
        return found[0]
    if found:
        there = ", ".join(f"{sheet.name!r}" for sheet, _ in found)
        raise RecordError(
            f"{name} has employees in {len(found)} sheets ({there}): say which with --sheet, and "
            "read the others afterwards."
        )
    raise refused[0] if refused else RecordError(f"{name} has no sheet.")


def _sheet(book: CalamineWorkbook, place: int, name: str) -> CalamineSheet:
    with _own_errors(f"The sheet {book.sheet_names[place]!r} of {name}"):
        return book.get_sheet_by_index(place)


def _header(sheet: CalamineSheet, name: str, reading: Reading) -> Header:
    """Return the header of a sheet.

    Raises:
        RecordError: it has none.
    """
    lines: list[list[Any]] = []
    filled: list[int] = []
    for number, cells in _cells(sheet):
        lines += [[] for _ in range(number - 1 - len(lines))]
        lines.append(cells)
        filled.append(number - 1)
        if len(filled) > 2 * TITLE_LINES:
            break
    if not filled:
        raise RecordError(f"{name} is empty.")
    return header_among(lines, filled, "\t", name, reading)


def _cells(sheet: CalamineSheet, after: int = 0) -> Iterator[tuple[int, list[Any]]]:
    """Yield the rows that are not empty, and their numbers from 1."""
    if not sheet.height:
        return
    for number, cells in enumerate(itertools.islice(sheet.iter_rows(), after, None), after + 1):
        plain = [None if cell == "" else _plain(cell) for cell in cells]
        if any(cell is not None for cell in plain):
            yield number, plain


def _rows(
    sheet: CalamineSheet,
    header: Header,
    skipped: dict[int, str],
    merged: list[Merged],
    without: dict[Place, str],
) -> Iterator[Any]:
    rows: Iterator[Cells] = _cells(sheet, header.lines)
    if merged or without:
        rows = _whole(rows, merged, without)
    return table_rows(rows, header, skipped, in_place=True)


def _whole(
    rows: Iterator[Cells], merged: list[Merged], without: dict[Place, str]
) -> Iterator[Cells]:
    """Yield rows with the values of merged cells, and with what is in place of a value."""
    marks: dict[int, dict[int, str]] = {}
    for (row, column), what in without.items():
        marks.setdefault(row, {})[column] = what
    below: dict[int, tuple[int, Any]] = {}  # column -> the last row of its merged cells, and value
    following = 0
    for number, cells in rows:
        if isinstance(cells, str):
            yield number, cells
            continue
        row, filled = number - 1, list(cells)
        for column, what in marks.get(row, {}).items():
            filled += [None] * (column + 1 - len(filled))
            filled[column] = NoValue(what)
        for column, (bottom, value) in below.items():
            if row <= bottom and column < len(filled) and filled[column] is None:
                filled[column] = value
        while following < len(merged) and merged[following].top <= row:
            top, column, bottom = merged[following]
            if top == row and column < len(filled):
                below[column] = bottom, filled[column]
            following += 1
        yield number, filled


def _merged(sheet: CalamineSheet, header: Header, needed: set[int | None]) -> list[Merged]:
    """Return which cells are merged over rows, from the first row on.

    An id or a name is not given to the rows below, which would become employees by that.
    """
    return sorted(
        Merged(top, left, bottom)
        for (top, left), (bottom, _) in sheet.merged_cell_ranges or ()
        if header.lines <= top < bottom and left not in needed
    )


def _has_number(sheet: CalamineSheet, header: Header, column: int | None) -> bool:
    """Return whether a cell of a column is a number."""
    return column is not None and any(
        column < len(cells) and type(cells[column]) in {int, float}
        for _, cells in _cells(sheet, header.lines)
    )


def _plain(cell: Any) -> Any:
    """Return a cell's value as its program shows it: 1001 for 1001.0, a day without a time."""
    kind = type(cell)
    if kind is float:
        return int(cell) if cell.is_integer() and abs(cell) < _EXACT else cell
    if kind is datetime.datetime:
        return cell.date() if cell.time() == datetime.time() else cell
    if kind is datetime.timedelta:
        minutes, seconds = divmod(int(cell.total_seconds()), 60)
        return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
    return cell
