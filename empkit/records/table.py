"""Tells the rows of a table from its other lines: headings once more, rules, comments, totals."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from empkit.records.csv import (
    Header,
    csv_cells,
    filled,
    fitting_cells,
    ill_fitting,
    own_names,
)
from empkit.records.employee import REQUIRED
from empkit.records.headings import HEADING_WORDS, fields_of, meaning, plan_of
from empkit.records.rows import Cells, Row, unreadable
from empkit.records.values import NO_TEXT, shown

_RULE = re.compile(r"\s*[:+|]*[-=_]{2,}[-=_+:|]*\s*|\s*=+\s*")
"""A cell of a line of a table that is drawn with characters."""

_REMARK = re.compile(r"#(?!\S*\d\s*\Z)")
"""How no id begins; one may be #17."""

_OTHER_ID = re.compile(r"[^\W\d_]+[ _-](?:id|no|nr|num|number|code|key)", re.IGNORECASE)
"""How the first column of a table is called: dept_id."""

_COUNT = re.compile(r"\s*\(?\d+ (?:rows?|records?)(?:\(s\))?\b.*", re.IGNORECASE)
"""What a database's shell writes below a table."""

_TOTALS = frozenset(
    (  # noqa: SIM905 - a list of words is easier to read so
        "total totals grand_total subtotal sub_total sum sums average averages count summe gesamt "
        "gesamtsumme zwischensumme mittelwert total_general totaux somme moyenne suma promedio "
        "totale totaal gemiddelde"
    ).split()
)
"""What stands in the place of an id in a row of totals."""

_AGAIN = "the headings again"

_DIGITS = "0123456789"

_OTHER_ORDER = "These are headings again, in other words or another order: the rows below have them"


def csv_rows(data: bytes, header: Header, skipped: dict[int, str]) -> Iterator[Row]:
    """Yield the rows below the header; one whose cells are all empty is a blank line.

    Args:
        data: the text of the file.
        header: of it.
        skipped: gets what lines are that are no rows, or what is to be said of them: comments, and
            the header once more.
    """
    return table_rows(csv_cells(data, header, skipped), header, skipped)


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
    wanted, names, place = _shape(header)
    first = True
    strange: tuple[int, int] | None = None  # other headings: their line, how many cells they have
    pending: tuple[int, Header] | None = None  # others, until a row below has as many cells
    for number, cells in rows:
        if pending is not None and not isinstance(cells, str) and any(map(filled, cells)):
            line, other = pending
            pending = None
            if fitting_cells(cells, other, in_place) is not None or _are_headings(cells):
                header = other
                wanted, names, place = _shape(header)
                skipped[line] = _OTHER_ORDER
            else:
                yield unreadable(
                    line, "These look like headings, but the row below has not as many cells."
                )
        if isinstance(cells, str):
            yield unreadable(number, cells)
        elif (
            len(cells) == wanted
            and (key := cells[place])
            and (
                type(key) is not str
                or (key[-1] in _DIGITS and key[0] != "#")
                or (not in_place and _is_plain(key, cells))
            )
            and not first
            and strange is None
        ):
            yield number, names, cells
        elif not any(map(filled, cells)):
            continue
        elif (what := _what(cells, header, first)) is not None:
            skipped[number] = what
            strange = None if what == _AGAIN else strange
        elif _are_headings(cells):
            strange = None
            other_places = _contradict(cells, header)
            again = _in_its_words(cells, header)
            if again is not None and (other_places or len(cells) != wanted):
                pending = number, again
            else:
                reason = "without those that are needed: give one file to each."
                strange = (number, len(cells)) if other_places else None
                yield unreadable(number, f"These look like headings of another table, {reason}")
        elif strange is not None and len(cells) == strange[1]:
            yield unreadable(
                number,
                f"It stands below headings that are of another table, in line {strange[0]}.",
            )
        elif (why := _no_employee(cells, header, place, in_place)) is not None:
            if _heads(cells, header, place) and (
                _contradict(cells, header) or _key(cells, place) != names[place]
            ):
                strange = number, len(cells)
            yield unreadable(number, why)
        else:
            fitting = fitting_cells(cells, header, in_place) or []
            yield number, _names(header, len(fitting)), fitting
        first = False
    if pending is not None:
        skipped[pending[0]] = _OTHER_ORDER


def _no_employee(cells: Sequence[Any], header: Header, place: int, in_place: bool) -> str | None:
    """Return why a line of a table is no row of it; None if it is one.

    Args:
        cells: of the line.
        header: of the table.
        place: of the id.
        in_place: see `table_rows`.
    """
    key = _key(cells, place)
    if _REMARK.match(key) and key not in NO_TEXT:
        return (
            f"Its id is {shown(key)}: that is a comment, or an error of a spreadsheet, and no "
            "employee. Remove or mend it."
        )
    if _heads(cells, header, place):
        return (
            f"Its id is {shown(key)}, as a column is called: another table may begin here. "
            "Give one file to each."
        )
    fitting = fitting_cells(cells, header, in_place)
    if fitting is None:
        return ill_fitting(cells, header)
    if _word(fitting[place]) in _TOTALS:
        return (
            f"Its id is {str(fitting[place]).strip()!r}: this is a row of totals, no employee. "
            "Remove it."
        )
    return None


def _key(cells: Sequence[Any], place: int) -> str:
    """Return the id of a row as text, which may have too few cells."""
    cell = cells[min(place, len(cells) - 1)]
    return "" if cell is None else str(cell)


def _heads(cells: Sequence[Any], header: Header, place: int) -> bool:
    """Return whether the id of a row is what the column of an id may be called."""
    key = _key(cells, place)
    return key == header.columns[place] or _OTHER_ID.fullmatch(key) is not None


def _shape(header: Header) -> tuple[int, tuple[str, ...], int]:
    """Return how many columns there are, their names, and the place of the id."""
    place = plan_of(header.columns, header.chosen).fields.get("employee_id", 0)
    return len(header.columns), tuple(header.columns), place


def _is_plain(key: str, cells: Sequence[Any]) -> bool:
    """Return whether a row is one at first sight: it has no word of a heading, nor of totals."""
    return (
        key[0] not in "#-=:+_ "
        and _OTHER_ID.fullmatch(key) is None
        and HEADING_WORDS.isdisjoint(map(str.casefold, cells))
        and key.casefold().rstrip(" :.").replace(" ", "_").replace("-", "_") not in _TOTALS
    )


def _word(cell: Any) -> str:
    return re.sub(r"[\W_]+", "_", cell.strip().casefold()).strip("_") if type(cell) is str else ""


def _what(cells: Sequence[Any], header: Header, first: bool) -> str | None:
    """Return what a line is that is neither a row nor other headings; None if it may be one."""
    written = [str(cell) for cell in cells if filled(cell)]
    alone = len(written) == 1 and len(header.columns) > 1
    if alone and str(cells[0]).startswith("#"):
        return "comments"
    if all(map(_RULE.fullmatch, written)) and (len(written) > 1 or alone):
        return "the rule below the headings" if first else "rules between rows"
    if alone and _COUNT.fullmatch(written[0]):
        return "the number of rows"
    return _AGAIN if _is_header(cells, header, first) else None


def _is_header(cells: Sequence[Any], header: Header, first: bool) -> bool:
    """Return whether a row has the headings once more, the first one in another language."""
    names = [str(cell).strip() for cell in cells[: len(header.columns)]]
    if own_names(names) == header.columns:
        return True
    both = zip(header.columns, names, strict=False)
    same = sum(meaning(column)[0] == meaning(name)[0] is not None for column, name in both)
    if first and same > 2:
        return True
    known = sum(meaning(column)[0] is not None for column in header.columns)
    return 2 < same == known and len(names) == len(header.columns) and _are_headings(cells)


def _fields(cells: Sequence[Any]) -> set[str]:
    """Return what the cells stand for if they are headings."""
    found = {meaning(cell.strip())[0] for cell in cells if type(cell) is str}
    return {field for field in found if field is not None}


def _contradict(cells: Sequence[Any], header: Header) -> bool:
    """Return whether headings say of some column that it is another one than the header does."""
    there = [*map(meaning, header.columns)]
    return any(
        field is not None and (place >= len(there) or there[place][0] != field)
        for place, cell in enumerate(cells)
        if type(cell) is str and (field := meaning(cell.strip())[0])
    )


def _are_headings(cells: Sequence[Any]) -> bool:
    """Return whether the cells of a row are headings: three of them are known, and all begin with
    a letter."""
    texts = [cell.strip() for cell in cells if filled(cell)] if _texts(cells) else []
    return (
        len(texts) > 2
        and not HEADING_WORDS.isdisjoint(map(str.casefold, texts))
        and all(text[0].isalpha() for text in texts)
        and len(_fields(texts)) > 2
    )


def _texts(cells: Sequence[Any]) -> bool:
    return all(type(cell) is str or cell is None for cell in cells)


def _in_its_words(cells: Sequence[Any], header: Header) -> Header | None:
    """Return the header that a row of headings is, in the words of the first one where both mean
    the same; None if it lacks columns that are needed, or has one twice."""
    plan = plan_of(header.columns, header.chosen)
    known = {field: header.columns[place] for field, place in plan.fields.items()}
    written = ["" if cell is None else cell.strip() for cell in cells]
    while not written[-1]:
        written.pop()
    columns = [
        known.get(meaning(cell)[0] or "", cell) or f"column_{number}"
        for number, cell in enumerate(written, start=1)
    ]
    there = fields_of(plan_of(columns, header.chosen))
    if len(set(columns)) < len(columns) or not there.issuperset(REQUIRED):
        return None
    return header._replace(columns=columns, unnamed=len(cells) - len(columns))


def _names(header: Header, count: int) -> tuple[str, ...]:
    """Return the names of the first columns, those at the end without one as well."""
    wanted = len(header.columns)
    return (*header.columns, *(f"column_{place}" for place in range(wanted + 1, count + 1)))
