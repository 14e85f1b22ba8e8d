"""Finds the line of a CSV file that names its columns, or that there is none.

Staff list,,               a title: skipped
Employee ID,First,Last     the header
7,Nia,Orr                  the first row
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, cast

from empkit.records.csv import MAX_ROW_LINES, Header, cells_at, own_names
from empkit.records.employee import REQUIRED, RecordError, name_to_show
from empkit.records.headings import column_of, fields_of, meaning, no_column, plan_of
from empkit.records.reading import FULL_NAME, Reading
from empkit.records.rows import lines_of, unreadable
from empkit.records.text import of_zero_bytes
from empkit.records.values import shown

TITLE_LINES = 20
"""How many lines may stand before the names of the columns, such as a title."""

_MOST_COMMENTS = 1_000
"""How many lines that begin with # may stand before the names of the columns."""

_DELIMITERS = ",;\t|"

_SEPARATOR = re.compile(r"sep=(.)", re.IGNORECASE)
"""The first line with which some programs say which delimiter a file has."""

_SINGLE_QUOTED = re.compile(r"\s*'[^']*'\s*")

_TEXT = re.compile(rb"\S")

Line = bytes | Sequence[Any]
"""A line of a text, or the cells of a row."""


def csv_header(data: bytes, name: str, reading: Reading) -> Header:
    """Return the header: the first line, of some, that names the fields that are needed.

    A file without one has it before its first row, if the user gives the numbers of the columns.

    Args:
        data: the text of the file, which has more than blanks.
        name: of the file, for messages.
        reading: what the user says of it.

    Raises:
        RecordError: no line does, or two columns have the same name.
    """
    text = _TEXT.search(data)
    begin = data.rfind(b"\n", 0, text.start() if text else 0) + 1
    lines: list[bytes] = []
    filled: list[int] = []
    comments = 0
    for number, line in enumerate(lines_of(data, begin)):
        lines.append(line)
        if len(filled) > TITLE_LINES + min(comments, _MOST_COMMENTS):
            if number > filled[-1] + MAX_ROW_LINES:  # a row that begins there may have many lines
                break
        elif line.strip():
            filled.append(number)
            comments += _is_comment(line)
    if b"\0" in lines[0] or "\ufffd" in lines[0].decode(errors="replace"):
        such = f"which looks like {of_zero_bytes(data)}" if b"\0" in lines[0] else "such as cp1252"
        raise RecordError(
            f"{name} is not text in UTF-8: save it as CSV (UTF-8), JSON or JSON Lines, or say its "
            f"encoding with --encoding, {such}."
        )
    said = _SEPARATOR.fullmatch(lines[0].decode(errors="replace").strip())
    if said and len(filled) > 1:
        filled = filled[1:]
    delimiters = reading.delimiter or (said[1] if said else _DELIMITERS)
    before = data.count(b"\n", 0, begin)
    header = header_among(lines, filled, delimiters, name, reading, before)
    end = begin + sum(len(line) + 1 for line in lines[: header.lines - before])
    return header._replace(end=end)


def header_among(
    lines: Sequence[Line],
    filled: Sequence[int],
    delimiters: str,
    name: str,
    reading: Reading,
    before: int = 0,
) -> Header:
    """Return the header: the first of some lines that names the fields that are needed.

    Args:
        lines: of the file, as text or as cells.
        filled: which of them are not blank.
        delimiters: that may stand between the cells of a text.
        name: of the file, for messages.
        reading: what the user says of it.
        before: how many lines of the file stand before these.

    Raises:
        RecordError: no line does, or two columns have the same name.
    """
    comments = sum(_is_comment(lines[number]) for number in filled)
    filled = filled[: TITLE_LINES + min(comments, _MOST_COMMENTS)]
    candidates = [_header_at(lines, number, delimiters, reading) for number in filled]
    place = _header_among(candidates, reading)
    if place is None:
        error = _no_header(candidates, reading, name, is_text=isinstance(lines[0], bytes))
        if len(lines) <= filled[-1] + 1:
            raise error
        raise RecordError(
            f"{error} The headings were looked for in the first {TITLE_LINES} lines: if they stand "
            "below, remove what is above them."
        )
    header = candidates[place]
    if _is_row(place, candidates, reading):
        header = _without_header(candidates[place:], filled[place], reading)
        header.notes.append("It has no headings: its first line is read as a row.")
    for field, heading in reading.columns.items():
        if field not in header.chosen:
            raise no_column(field, heading, header.columns, name)
    _check_names(header, name)
    _look_above(header, before, lines, filled[:place])
    return header._replace(lines=before + header.lines)


def _is_comment(line: Line) -> bool:
    """Return whether a line of a text is one that may stand above the headings besides titles."""
    return isinstance(line, bytes) and line.lstrip().startswith(b"#")


def _cells(
    lines: Sequence[Line], number: int, delimiter: str, quote: str = '"'
) -> tuple[Sequence[str] | str, int]:
    """Return the cells of a line as text, or why it is unreadable, and how many lines it spans."""
    line = lines[number]
    if isinstance(line, bytes):
        return cells_at(cast("Sequence[bytes]", lines), number, delimiter, quote)
    return ["" if cell is None else str(cell) for cell in line], 1


def _header_at(lines: Sequence[Line], number: int, delimiters: str, reading: Reading) -> Header:
    """Return a line as a header, split by the delimiter that yields the most fields."""
    best = (-1, 0), Header(number + 1, 0, delimiters[0], [""], 0, {}, [], [])
    for delimiter in delimiters:
        cells, count = _cells(lines, number, delimiter)
        if isinstance(cells, str):
            continue
        quote = '"'
        if len(cells) > 1 and all(_SINGLE_QUOTED.fullmatch(cell) for cell in cells):
            quoted, count_quoted = _cells(lines, number, delimiter, "'")
            if not isinstance(quoted, str):
                quote, cells, count = "'", quoted, count_quoted
        names = [cell.strip() for cell in cells]
        unnamed = 0
        while names and not names[-1]:
            names.pop()
            unnamed += 1
        # some programs leave the name of the column of row numbers empty
        written = [cell or f"column_{place}" for place, cell in enumerate(names, start=1)]
        columns = own_names(written)
        repeated = {own: name for own, name in zip(columns, written, strict=True) if own != name}
        places = range(len(columns) + 1, len(columns) + unnamed + 1)
        every = [*columns, *(f"column_{place}" for place in places)]
        chosen = {
            field: column
            for field, heading in reading.columns.items()
            if (column := column_of(heading, every, by_number=True)) is not None
        }
        header = Header(
            number + count, 0, delimiter, columns, unnamed, chosen, [], [], quote, repeated
        )
        found = ({meaning(column)[0] for column in columns} - {None}) | chosen.keys()
        best = max(best, ((len(found), len(cells)), header), key=lambda found: found[0])
    return best[1]


def _header_among(candidates: Sequence[Header], reading: Reading) -> int | None:
    """Return which is the header: the first that has the fields that are needed, and names some.

    Where the user gave the numbers of all of these, one that names none will do.
    """
    numbered = _numbers(reading)
    fitting = None
    for place, header in enumerate(candidates):
        if numbered:
            fits = max(numbered.values()) <= len(header.columns) + header.unnamed
        else:
            fits = not _missing(header)
        if fits and _names_some(header, reading.columns) > (1 if numbered else 0):
            return place
        if fits and numbered and fitting is None:
            fitting = place
    return fitting


def _numbers(reading: Reading) -> dict[str, int]:
    """Return the numbers of the columns if the user gave them for all fields that are needed."""
    needed = ["employee_id", FULL_NAME] if FULL_NAME in reading.columns else REQUIRED
    given = {field: reading.columns.get(field, "").strip() for field in needed}
    if not all(map(str.isdecimal, given.values())):
        return {}
    return {field: int(number) for field, number in given.items()}


def _missing(header: Header) -> list[str]:
    named = fields_of(plan_of(header.columns, header.chosen))
    return [field for field in REQUIRED if field not in named]


def _names_some(header: Header, given: Mapping[str, str]) -> int:
    """Return how many columns are named by what their headings mean, or as the user wrote it."""
    by_heading = {
        column for field, column in header.chosen.items() if not given[field].strip().isdecimal()
    }
    return sum(column in by_heading or meaning(column)[0] is not None for column in header.columns)


def _is_row(place: int, candidates: Sequence[Header], reading: Reading) -> bool:
    """Return whether the line at `place` is a row of a file without headings.

    It may be one only if the user gave the numbers of all columns that are needed. Then it is one
    if its id has digits as the others have, or if it looks like the lines below and no heading.
    """
    header = candidates[place]
    numbered = _numbers(reading)
    if not numbered:
        return False
    below = [each.columns for each in candidates[place + 1 :]]
    below = [columns for columns in below if len(columns) == len(header.columns)]
    id_place = numbered["employee_id"] - 1
    ids = [columns[id_place] for columns in (header.columns, *below) if id_place < len(columns)]
    if ids and all(map(_has_digit, ids)):
        return True
    if _names_some(header, reading.columns) > 1:
        return False
    return not any(
        not _has_digit(column) and below and all(_has_digit(row[number]) for row in below)
        for number, column in enumerate(header.columns)
    )


def _has_digit(text: str) -> bool:
    return any(map(str.isdigit, text))


def _without_header(rows: Sequence[Header], line: int, reading: Reading) -> Header:
    """Return the header of a file that has none: its columns are called after their numbers.

    Args:
        rows: the first ones, of which most have as many cells as the others.
        line: the number of lines before them.
        reading: has the numbers.
    """
    counts = Counter(len(row.columns) + row.unnamed for row in rows)
    count = counts.most_common(1)[0][0]
    numbers = {field: column.strip() for field, column in reading.columns.items()}
    return rows[0]._replace(
        lines=line,
        columns=[f"column_{number}" for number in range(1, count + 1)],
        unnamed=0,
        repeated={},
        chosen={
            field: f"column_{int(number)}"
            for field, number in numbers.items()
            if number.isdecimal() and 1 <= int(number) <= count
        },
    )


def _look_above(header: Header, before: int, lines: Sequence[Line], above: Sequence[int]) -> None:
    """Note the lines above the header: titles, and what may be a row that was moved there."""
    of = plan_of(header.columns, header.chosen)
    needed = [of.fields[field] for field in REQUIRED if field in of.fields]
    needed += [] if of.whole is None else [of.whole]
    titles = []
    for number in above:
        line = lines[number]
        cells, _ = _cells(lines, number, header.delimiter)
        if isinstance(line, bytes):
            text = line.decode(errors="replace").strip()
        else:
            text = " ".join(filter(None, cells))
        fits = not isinstance(cells, str) and len(cells) >= len(header.columns)
        if fits and all(cells[place].strip() for place in needed) and not text.startswith("#"):
            reason = (
                f"It stands above the headings, which are in line {before + header.lines}: if it "
                "is a row, move it below them."
            )
            header.rows.append(unreadable(before + number + 1, reason))
        else:
            titles.append(f"line {before + number + 1} ({shown(text)})")
    if titles:
        more = f" and {len(titles) - 3} more" if len(titles) > 3 else ""
        header.notes.append(f"Skipped above the headings: {', '.join(titles[:3])}{more}.")


def _check_names(header: Header, name: str) -> None:
    """Note the columns that have the name of another one.

    Raises:
        RecordError: it is not known which of two is that of a field.
    """
    for own, column in header.repeated.items():
        field, place = meaning(column)[0], header.columns.index(own) + 1
        if field is not None and field not in header.chosen:
            raise RecordError(
                f"{name} has two columns named {name_to_show(column)}: rename one, or say which it "
                f"is by its number, such as --column {field}={place}."
            )
        header.notes.append(
            f"Several columns are named {shown(column)}: that in place {place} is called "
            f"{shown(own)} here."
        )


def _no_header(
    candidates: Sequence[Header], reading: Reading, name: str, *, is_text: bool
) -> RecordError:
    """Return the error that no line names the columns, with the options that would help."""
    best = max(candidates, key=lambda header: len(REQUIRED) - len(_missing(header)))
    for field, heading in reading.columns.items():
        if field not in best.chosen:
            return no_column(field, heading, best.columns, name)
    missing = _missing(best)
    first = candidates[0]
    if reading.encoding is not None:
        name = f"Read in {reading.encoding}, which --encoding says, {name}"
    what = "A CSV file" if is_text else "A table"
    message = (
        f"{name} has no column for {', '.join(missing)}. {what} begins with the names of its "
        f"columns, such as {','.join(REQUIRED)}; this one begins with "
        f"{shown((first.delimiter if is_text else ', ').join(first.columns))}. "
    )
    if len(missing) < len(REQUIRED):
        there = ", ".join(map(name_to_show, best.columns[:12]))
        options = " ".join(f"--column {field}=HEADING" for field in missing)
        return RecordError(f"{message}Say which column it is ({there}), or its number: {options}.")
    if len(first.columns) == 1 and is_text:
        why = "is HTML or XML" if first.columns[0].startswith("<") else "has one column only"
        return RecordError(
            f"{message}It {why} (between the cells may stand a comma, a semicolon, a tab or a "
            "bar): say the delimiter with --delimiter, or export it as CSV or JSON."
        )
    numbered = ", ".join(
        f"{number} is {shown(cell)}" for number, cell in enumerate(first.columns[:8], start=1)
    )
    options = " ".join(f"--column {f}={n}" for n, f in enumerate(REQUIRED, start=1))
    return RecordError(
        f"{message}If its columns are called otherwise, say it: --column employee_id=HEADING, and "
        f"so on. If it has no headings, give the numbers of the columns ({numbered}), such as "
        f"{options}."
    )
