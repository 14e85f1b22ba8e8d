"""Converts a row of any source into a record: names of fields, numbers, dates."""

from __future__ import annotations

import datetime
import itertools
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any, NoReturn

from pydantic import ValidationError

from empkit.records.employee import (
    FIELDS,
    LARGEST,
    REQUIRED,
    SMALLEST,
    Employee,
    RecordError,
    encode_record,
    name_to_show,
    validation_reason,
)

SPELLINGS = {
    "employee_id": (
        "employee_id employee_no employee_number employee_num employee_nr emp_id emp_no "
        "emp_number emp_num empl_id personnel_id personnel_no personnel_number staff_id staff_no "
        "staff_number worker_id id"
    ),
    "first_name": "first_name given_name given_names forename fname f_name first given",
    "last_name": "last_name family_name surname lname l_name last family",
    "email": "email email_address mail mail_address email_addr",
    "department": "department department_name dept dept_name division",
    "position": "position position_name position_title job_title job title role designation",
    "salary": "salary annual_salary yearly_salary base_salary salaries wage wages pay base_pay",
    "hire_date": (
        "hire_date date_hired date_of_hire hired_date hired_on hired hiring_date start_date "
        "started_on date_started join_date joining_date date_joined joined_on joined"
    ),
}
"""Names of each field, the least ambiguous first. Case, blanks, `_` and `-` are ignored."""

_BLANKS = re.compile(r"[\s_-]+")

_NUMBER = re.compile(
    r"[-+]?(\d+|\d{1,3}(,\d{3})+|\d{1,3}([ \u00a0\u202f']\d{3})+)?(\.\d*)?(e[-+]?\d+)?",
    re.ASCII | re.IGNORECASE,
)

_DATE = re.compile(r"\d{4}-\d\d-\d\d([T ].*)?", re.ASCII)

_NO_VALUE = {"na", "n/a", "nan", "null", "none", "-", r"\n"}
"""Texts that programs write for a missing number or date; in a name each could be the value."""

_PLAIN = {str, int, bool, list, dict, type(None)}


def _squeeze(name: str) -> str:
    return _BLANKS.sub("", name).casefold()


_MEANINGS = {
    _squeeze(spelling): (field, rank)
    for field, spellings in SPELLINGS.items()
    for rank, spelling in enumerate(spellings.split(), start=1)
}


@lru_cache(maxsize=4096)
def meaning(name: object) -> tuple[str | None, int]:
    """Return the field that a column's name stands for, and its rank: 0 is the exact name."""
    if not isinstance(name, str):
        raise RecordError(f"A column is named {shown(name)}: give it a name that is text.")
    return (name, 0) if name in FIELDS else _MEANINGS.get(_squeeze(name), (None, 0))


def format_employee_record(row: Mapping[str, Any]) -> dict[str, Any]:
    """Convert a row of a file or a data frame to an employee record.

    Other names of the fields are accepted (see `SPELLINGS`). If two columns stand for one field,
    the column with a value and the less ambiguous name is used; the other is kept under its own
    name, like every unknown column. Blanks around a value are removed, an optional field without a
    value is left out. The result is a valid employee, and formatting it again changes nothing.

    Args:
        row: a value for each column: text, or numbers and dates of JSON, pandas or numpy.

    Returns:
        The record: its fields in the order of `FIELDS`, then the extras.

    Raises:
        RecordError: the id or a name is missing, or a value is not of its field's type.

    Example:
        >>> format_employee_record({"ID": 7, "Surname": "Byron", "Forename": " Ada "})
        {'employee_id': '7', 'first_name': 'Ada', 'last_name': 'Byron'}
    """
    return format_row(row)[0]


def format_row(row: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the record, and the columns that were read as fields of another name."""
    fields: dict[str, Any] = {}
    columns: dict[str, str] = {}
    extras: dict[str, Any] = {}
    known: list[tuple[int, str, str, Any]] = []
    for name, value in row.items():
        field, rank = meaning(name)
        plain = value if type(value) in _PLAIN else _plain(value)
        if field is None:
            if plain is not None or value is None:
                extras[name] = plain
        elif not _is_blank(field, plain):
            known.append((rank, field, name, plain))
    for _, field, name, value in sorted(known, key=lambda column: column[0]):
        if field in columns:
            extras[name] = value
        else:
            columns[field] = name
            fields[field] = _CONVERT[field](field, value)
    _require(fields, row)
    record = {name: fields[name] for name in FIELDS if name in fields} | extras
    try:
        Employee.model_validate_json(encode_record(record))
    except ValidationError as error:
        raise RecordError(validation_reason(error)[1] + ".") from None
    return record, {name: field for field, name in columns.items() if name != field}


def _require(fields: Mapping[str, Any], row: Mapping[str, Any]) -> None:
    for name in REQUIRED:
        if name not in fields:
            there = ", ".join(map(name_to_show, itertools.islice(row, 12))) or "none"
            raise RecordError(
                f"Missing {name}: give it a value in a column of that name, or one of "
                f"{', '.join(SPELLINGS[name].split()[1:4])} (columns found: {there})."
            )


def _plain(value: Any) -> Any:
    """Return a value of pandas, numpy or datetime as a type of JSON; None for a missing value, and
    for a number that is none (NaN, Infinity)."""
    if str(value) in {"nan", "inf", "-inf", "NaT", "<NA>"}:
        return None
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return value.item() if getattr(value, "ndim", None) == 0 else value


def _is_blank(field: str, value: Any) -> bool:
    if isinstance(value, str):
        text = value.strip()
        return not text or (field in {"salary", "hire_date"} and text.casefold() in _NO_VALUE)
    return value is None


def shown(value: object) -> str:
    """Return a value, its beginning or its type, for a message."""
    if isinstance(value, list | dict):
        return f"a {type(value).__name__}"
    text = ascii(value[:30] if isinstance(value, str) else value)
    return text if len(text) <= 40 else text[:37] + "..."


def _refuse(field: str, value: object, wanted: str) -> NoReturn:
    raise RecordError(f"{field}: {shown(value)} is not {wanted}.")


def _to_text(field: str, value: Any) -> str:
    if isinstance(value, str):
        return value.strip()
    # pandas converts a column of integers to floats if one of them is missing
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    if type(value) is int and SMALLEST <= value <= LARGEST:
        return str(value)
    _refuse(field, value, "text, nor a whole number that can be converted to text")


def _to_salary(field: str, value: Any) -> float:
    wanted = "a number in an unambiguous form: write it like 52000.50"
    if isinstance(value, str):
        text = value.strip().strip("$\u20ac\u00a3\u00a5").strip()
        if _NUMBER.fullmatch(text) is None:
            _refuse(field, value, wanted)
        value = re.sub(r"[,\s']", "", text)
    elif isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        _refuse(field, value, wanted)
    try:
        return float(value)
    except (ValueError, OverflowError):
        _refuse(field, value, wanted)


def _to_date(field: str, value: Any) -> str:
    if isinstance(value, str) and _DATE.fullmatch(value.strip()):
        try:
            return datetime.datetime.fromisoformat(value.strip()).date().isoformat()
        except ValueError:
            pass
    _refuse(field, value, "a date: write it like 2024-05-31")


_CONVERT: dict[str, Callable[[str, Any], Any]] = {
    **dict.fromkeys(FIELDS, _to_text),
    "salary": _to_salary,
    "hire_date": _to_date,
}
