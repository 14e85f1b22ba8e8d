"""Finds the employees within JSON: in the lists of an object, and wrapped under a key.

{"page": 1, "data": [{"fields": {"ID": 7, ...}}]}  -->  the list `data`, its elements' `fields`
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from typing import Any

from empkit.records.decoder import decode
from empkit.records.depth import too_deep
from empkit.records.employee import REQUIRED, RecordError, name_to_show
from empkit.records.headings import column_of, fields_of, named_fields, plan_of
from empkit.records.rows import Row, unreadable
from empkit.records.values import number_of, shown

NONE, PART, BY_NAME, EMPLOYEE = range(4)
"""What an object is by its names: no employee, one of which something is missing, one if its
`name` is that of a person, or one."""

_WRAPPERS = frozenset({
    "_source", "attributes", "data", "doc", "document", "employee", "fields", "item", "name",
    "names", "node", "person", "personal", "profile", "properties", "record", "resource", "source",
    "user", "value", "worker",
})  # fmt: skip
"""Keys under which programs put an employee, or his name."""

_LEVELS = 4
"""How deep an employee may be wrapped."""

_MOST_NAMED = 8
"""How many lists a sentence names."""

_STAFF = frozenset({
    "associates", "colaboradores", "consultants", "contractors", "employees", "empleados",
    "employes", "items", "members", "mitarbeiter", "people", "personnel", "persons", "staff",
    "team", "users", "workers",
})  # fmt: skip
"""How a list of the employees of a group is called."""

_RELATIVES = frozenset({
    "beneficiaries", "children", "contacts", "dependants", "dependents", "emergency_contacts",
    "emergencycontacts", "family", "kids", "relatives", "spouses",
})  # fmt: skip
"""How a list of people is called that belongs to an employee; they are none."""

_HOLDING = frozenset({dict, list})

Path = tuple[str, ...]


class Nested:
    """Finds the employees in the values of one file.

    Args:
        name: of the file, for messages.
        columns: field -> heading, as the user says it.
        notes: gets what is to be said of how the file is read.

    Attributes:
        kinds: names of an object -> what it is, where that was asked.
        is_whole: whether the document is an object whose lists were found (see `begins`).
    """

    MOST = 1_000
    """How many different lists of names are remembered; each object may have its own."""

    def __init__(self, name: str, columns: Mapping[str, str], notes: list[str]) -> None:
        self._name = name
        self._columns = columns
        self._notes = notes
        self.kinds: dict[tuple[str, ...], int] = {}
        self.is_whole = False

    def kind(self, names: tuple[str, ...]) -> int:
        """Return what an object with these names is."""
        found = self.kinds.get(names)
        if found is None:
            if len(self.kinds) >= self.MOST:
                self.kinds.clear()
            found = self.kinds[names] = self._kind(names)
        return found

    def _kind(self, names: tuple[str, ...]) -> int:
        chosen = {field: column_of(heading, names) for field, heading in self._columns.items()}
        plan = plan_of(names, chosen)
        if fields_of(plan).issuperset(REQUIRED):
            by_name = plan.whole is not None and names[plan.whole].strip().casefold() == "name"
            chosen_so = by_name and plan.whole is not None and names[plan.whole] in chosen.values()
            return BY_NAME if by_name and not chosen_so else EMPLOYEE
        return PART if {"first_name", "last_name"} & plan.fields.keys() else NONE

    def is_plain(self, value: dict[str, Any]) -> bool:
        """Return whether an object is an employee by its names, and holds no others."""
        names = tuple(value)
        return self.kinds.get(names) == EMPLOYEE and _HOLDING.isdisjoint(map(type, value.values()))

    def rows(self, line: int, value: Any) -> Iterator[Row]:
        """Yield the rows of a value: the object that it is, or those within it."""
        if type(value) is dict:
            yield from self._rows_of_object(line, value)
        elif type(value) is list and self._is_list_of_employees(value):
            for each in value:
                yield from self.rows(line, each)
        elif type(value) is list:
            yield unreadable(
                line,
                "Not a JSON object but a list: write each row as an object with the names of its "
                'fields, such as {"employee_id": "E1", ...}, or save it as CSV.',
            )
        else:
            yield unreadable(line, f"Not a JSON object but {shown(value)}.")

    def _rows_of_object(self, line: int, value: dict[str, Any]) -> Iterator[Row]:
        kind = self.kind(tuple(value))
        inner = {type(each) for each in value.values()} & {dict, list}
        if dict in inner:
            value = {name: _of_mongo(each) for name, each in value.items()}
        if kind in {NONE, BY_NAME} and inner:
            lists = self._within(value, kind)
            if kind == BY_NAME and any(_word(path) not in _STAFF for path, _ in lists):
                yield unreadable(
                    line,
                    f"Its name may be an employee's or a group's, of which "
                    f"{_some([_shown(path) for path, _ in lists])} has the employees: call it "
                    "full_name, or make a list of these.",
                )
                return
            if lists:
                self._say_lists_within(value, lists)
                for _, elements in lists:
                    for each in elements:
                        yield from self.rows(line, each)
                return
            if (unwrapped := self._unwrapped(value)) is not None:
                value = unwrapped
            elif reason := self._why_none(value, kind):
                yield unreadable(line, reason)
                return
        elif kind == EMPLOYEE and (reason := _by_columns(value)):
            yield unreadable(line, reason)
            return
        yield line, tuple(value), list(value.values())

    def begins(self, text: str) -> list[int]:
        """Return where the lists of employees of a document begin, each at its bracket; where the
        document begins if it is no object with lists.

        Raises:
            RecordError: several lists have employees, of different forms.
        """
        begin = len(text) - len(text.lstrip())
        if text[begin] != "{" or too_deep(text, begin):
            return [begin]
        try:
            value, end, repeated = decode(text, begin)
        except ValueError:
            return [_broken_list(text, begin)]
        if text[end:].strip() or self.kind(tuple(value)) in {EMPLOYEE, PART}:
            return [begin]
        every = list(_lists_of_objects(value))
        wanted = self._holding(every, EMPLOYEE) or self._holding(every, BY_NAME)
        if not wanted:
            if self._unwrapped(value) is not None or _table(value):
                return [begin]
            wanted = sorted(every, key=lambda found: -len(found[1]))[:1]
        elif len(wanted) > 1:
            self._check_alike(wanted)
            self._notes.append(
                f"It has employees in {len(wanted)} lists, and all are read: "
                f"{', '.join(f'{_shown(path)} ({len(of):,})' for path, of in wanted)}."
            )
        read = [path for path, _ in wanted]
        if others := [_shown(path) for path, _ in every if path not in read]:
            self._notes.append(
                f"Of its lists {_some([_shown(path) for path in read])} "
                f"{'is' if len(read) == 1 else 'are'} read; {_some(others)} "
                f"{'is' if len(others) == 1 else 'are'} not."
            )
        places = [_place(text, begin, path, once=bool(repeated)) for path in read]
        if None in places or not places:
            return [begin]
        self.is_whole = True
        return [place for place in places if place is not None]

    def _check_alike(self, lists: list[tuple[Path, list[Any]]]) -> None:
        """Refuse lists whose employees have their id and names under different names."""
        forms = set()
        for _, elements in lists:
            flat = (self._flat(each) for each in elements)
            forms.add(next((self._form(each) for each in flat if each is not None), None))
        if len(forms - {None}) > 1:
            raise RecordError(
                f"{self._name} has employees in {len(lists)} lists, of different forms "
                f"({_some([_shown(path) for path, _ in lists])}): save the one that you mean as a "
                f"file of its own, such as by jq '.{'.'.join(lists[0][0])}'."
            )

    def _form(self, value: dict[str, Any]) -> tuple[str | None, ...]:
        plan = plan_of(value, {})
        places = [plan.fields.get(field, plan.whole) for field in REQUIRED]
        return tuple(None if place is None else plan.columns[place] for place in places)

    def _flat(self, value: Any) -> dict[str, Any] | None:
        if type(value) is not dict:
            return None
        return value if self.kind(tuple(value)) == EMPLOYEE else self._unwrapped(value)

    def _lists(self, value: dict[str, Any], least: int) -> list[tuple[Path, list[Any]]]:
        return self._holding(list(_lists_of_objects(value)), least)

    def _holding(
        self, lists: list[tuple[Path, list[Any]]], least: int
    ) -> list[tuple[Path, list[Any]]]:
        return [found for found in lists if self._is_list_of_employees(found[1], least)]

    def _is_list_of_employees(self, elements: list[Any], least: int = BY_NAME) -> bool:
        return any(type(each) is dict and self._holds(each, least) for each in elements)

    def _holds(self, value: dict[str, Any], least: int) -> bool:
        kind = self.kind(tuple(value))
        if kind >= least or kind == PART:
            return kind != PART
        if not {type(each) for each in value.values()} & {dict, list}:
            return False
        unwrapped = self._unwrapped(value)
        if unwrapped is not None and self.kind(tuple(unwrapped)) >= least:
            return True
        return bool(self._within(value, kind, least))

    def _within(
        self, value: dict[str, Any], kind: int, least: int = BY_NAME
    ) -> list[tuple[Path, list[Any]]]:
        """Return the lists of employees in an object that is a group of these, not those of the
        relatives of an employee."""
        if kind == BY_NAME:
            least = EMPLOYEE
            if not named_fields(value).isdisjoint({"email", "position", "salary", "hire_date"}):
                return []
        lists = self._lists(value, least)
        return [found for found in lists if _word(found[0]) not in _RELATIVES]

    def _unwrapped(self, value: dict[str, Any], level: int = 1) -> dict[str, Any] | None:
        """Return the only employee that an object wraps, with what stands beside it."""
        found = []
        for key, inner in value.items():
            if type(inner) is not dict or not (key.casefold() in _WRAPPERS or len(value) == 1):
                continue
            merged: dict[str, Any] | None = _merged(value, key, inner)
            if merged is not None and self.kind(tuple(merged)) < BY_NAME:
                deeper = self._unwrapped(inner, level + 1) if level < _LEVELS else None
                merged = None if deeper is None else _merged(value, key, deeper)
            if merged is not None and self.kind(tuple(merged)) >= BY_NAME:
                found.append((key, merged))
        if len(found) != 1:
            return None
        key, merged = found[0]
        if level == 1:
            self._say(f"Its employees are under {shown(key)} of each object, and are read so.")
        return merged

    def _say_lists_within(self, value: dict[str, Any], lists: list[tuple[Path, list[Any]]]) -> None:
        beside = [shown(name) for name in value if name not in {path[0] for path, _ in lists}]
        more = f"; what stands beside is not read ({_some(beside)})" if beside else ""
        self._say(
            f"Its employees are in lists within objects "
            f"({_some([_shown(path) for path, _ in lists])}){more}."
        )

    def _say(self, sentence: str) -> None:
        if sentence not in self._notes and len(self._notes) < _MOST_NAMED:
            self._notes.append(sentence)

    def _why_none(self, value: dict[str, Any], kind: int) -> str:
        """Return why an object that holds others is no employee; "" if its fields say it."""
        if reason := _table(value):
            return reason
        inner = [each for each in value.values() if type(each) is dict]
        if inner and len(inner) == len(value) and all(self.kind(tuple(e)) != NONE for e in inner):
            return (
                f"Its employees are the values of an object, under keys such as "
                f"{shown(next(iter(value)))}: make a list of them, such as by jq 'to_entries | "
                "map({employee_id: .key} + .value)'."
            )
        named = [each for name, each in value.items() if name.strip().casefold() == "name"]
        if inner and (kind == NONE or type(named[0]) is dict):
            names = ", ".join(map(name_to_show, [*value][:12]))
            return (
                f"It has no employee_id, first_name and last_name beside each other, and objects "
                f"within it (names found: {names}): flatten it, so that each employee is one "
                "object with these."
            )
        return ""


def _table(value: dict[str, Any]) -> str:
    """Return what to do with a table that is written as one object; "" if it is none."""
    if not value:
        return ""
    if reason := _by_columns(value):
        return reason
    lists = [each for each in value.values() if type(each) is list]
    if type(value.get("columns")) is list and type(value.get("data")) is list:
        return f"It is a table with its names apart, {_OF_PANDAS.format('split')}"
    if lists and not any(lists) and not any(type(each) is dict for each in value.values()):
        names = [shown(name) for name, each in value.items() if type(each) is list]
        one = len(names) == 1
        return (
            f"The list{'' if one else 's'} {_some(names)} {'is' if one else 'are'} empty: it has "
            "no employees."
        )
    return ""


_OF_PANDAS = (
    "such as DataFrame.to_json(orient='{0}') of pandas writes: write it with orient='records'."
)


def _by_columns(value: dict[str, Any]) -> str:
    """Return what to do with a table that is written column by column; "" if it is none."""
    columns = list(value.values())
    kind = type(columns[0]) if columns else None
    if kind not in {dict, list} or len(columns) < 2 or not all(type(e) is kind for e in columns):
        return ""
    alike = all(len(each) == len(columns[0]) > 0 for each in columns)
    cells = [cell for each in columns for cell in (each.values() if kind is dict else each)]
    if not alike or any(type(cell) in {dict, list} for cell in cells):
        return ""
    if kind is dict and any(each.keys() != columns[0].keys() for each in columns):
        return ""
    named = fields_of(plan_of(value, {}))
    if not named.issuperset(REQUIRED):
        return ""
    orient = "columns" if kind is dict else "list"
    return f"It is a table by columns, {_OF_PANDAS.format(orient)}"


def _merged(value: dict[str, Any], key: str, inner: dict[str, Any]) -> dict[str, Any]:
    """Return what is under a key, with what stands beside it, which yields its names."""
    merged = dict(inner)
    for name, beside in value.items():
        if name != key:
            while name in merged:
                name = f"{name}_beside_{key}"  # noqa: PLW2901
            merged[name] = beside
    return merged


def _of_mongo(value: Any) -> Any:
    """Return a value of MongoDB's Extended JSON, such as {"$oid": "..."}, as a plain one."""
    if type(value) is not dict or len(value) != 1:
        return value
    ((kind, inner),) = value.items()
    if kind == "$date":
        moment = _of_mongo(inner)
        if type(moment) is not int:
            return moment
        epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
        try:
            return (epoch + datetime.timedelta(milliseconds=moment)).isoformat()
        except OverflowError:
            return value
    if kind in {"$numberInt", "$numberLong", "$numberDouble", "$numberDecimal"}:
        try:
            return int(inner) if kind in {"$numberInt", "$numberLong"} else number_of(inner)
        except (ValueError, TypeError):
            return value
    return inner if kind in {"$oid", "$uuid"} and type(inner) is str else value


def _lists_of_objects(value: dict[str, Any], path: Path = ()) -> Iterator[tuple[Path, list[Any]]]:
    """Yield the lists of objects within an object, not those within lists."""
    for key, inner in value.items():
        if type(inner) is dict:
            yield from _lists_of_objects(inner, (*path, key))
        elif type(inner) is list and any(type(each) is dict for each in inner):
            yield (*path, key), inner


def _place(text: str, begin: int, path: Path, *, once: bool) -> int | None:
    """Return where the value begins to which keys lead from an object that begins at a place.

    Args:
        text: the document.
        begin: where the object begins.
        path: the keys.
        once: whether to look on, and return None if a key is there twice.
    """
    for key in path:
        found: list[int] = []
        for name, place in _members(text, begin):
            if name == key:
                found.append(place)
                if not once:
                    break
        if len(found) > 1:
            return None
        begin = found[0]
    return begin


def _broken_list(text: str, begin: int) -> int:
    """Return where the list of objects begins in which an object is not JSON; where the object
    begins if that is elsewhere, or another list of objects stands before."""
    member = begin
    try:
        for _, member in _members(text, begin):
            if text[member] == "[" and _is_of_objects(text, member) and not _is_json(text, member):
                return member
            if text[member] == "[" and _is_of_objects(text, member):
                return begin
    except (ValueError, IndexError):
        if member > begin and text[member] == "{":
            inner = _broken_list(text, member)
            return begin if inner == member else inner
    return begin


def _is_of_objects(text: str, begin: int) -> bool:
    return text[begin + 1 : begin + 64].lstrip()[:1] == "{"


def _is_json(text: str, begin: int) -> bool:
    try:
        decode(text, begin)
    except ValueError:
        return False
    return True


def _members(text: str, begin: int) -> Iterator[tuple[str, int]]:
    """Yield the names of an object, and where their values begin."""
    place = begin
    while text[place] != "}":
        name, place, _ = decode(text, _to(text, place + 1))
        place = _to(text, _to(text, place) + 1)
        yield name, place
        place = _to(text, decode(text, place).end)


def _to(text: str, place: int) -> int:
    """Return the first place from here that is not blank."""
    while text[place] in " \t\r\n":
        place += 1
    return place


def _word(path: Path) -> str:
    return path[-1].casefold()


def _shown(path: Path) -> str:
    return shown(".".join(path))


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED:,} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more
