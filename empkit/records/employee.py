"""The employee record: its fields, and its forms as JSON and as a row of a table.

    file --read_records--> row --format_employee_record--> record --encode_record--> bytes
                                                                                       |
    record <--row_to_record-- columns <--to_row-- Employee <--model_validate_json------+

A *record* is a dictionary with the fields of `Employee` and any other fields (the extras). Two
records are the same when `to_row` returns the same for both: the columns named in `CONTENT`.
"""

from __future__ import annotations

import datetime
import itertools
import json
import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

import orjson
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from empkit.records.depth import MAX_DEPTH, too_deep

MAX_ID = 128
"""The maximum length of employee_id, in characters; a run prefixes each with seven characters."""

MAX_TEXT = 200
"""The maximum length of a name, email, department or position, in characters."""

INVALID_DATA = "Invalid employee data: "
"""How the reason begins why a record is not a valid employee."""

MISSING_ID = f"{INVALID_DATA}missing employee_id"

_NUL = "Input should not contain the character NUL, which the database cannot hold"

NO_NUL = r"^[^\x00]*$"
"""A regular expression for text without NUL, which the database cannot hold."""

_SURROGATE = re.compile("[\ud800-\udfff]")

SMALLEST, LARGEST = -(2**63), 2**64 - 1  # the range of integers that orjson can write


class RecordError(ValueError):
    """A record or a file of records cannot be used; the message says why and what to do."""


def _flaw(value: Any) -> str | None:
    """Return why a value cannot be stored and read back unchanged; None when it can.

    Iterates level by level instead of recursing, so that no nesting can exhaust the stack.
    """
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        deeper: list[Any] = []
        for item in level:
            kind = type(item)
            if kind is str:
                if "\0" in item:
                    return _NUL
                if not item.isascii() and _SURROGATE.search(item):
                    return "Input should be text in UTF-8, without lone surrogates"
            elif kind is dict:
                if not all(type(key) is str for key in item):
                    return "Input should have text as its keys"
                deeper += itertools.chain(item, item.values())
            elif kind is list:
                deeper += item
            elif kind is int:
                if not SMALLEST <= item <= LARGEST:
                    return "Input should be a number of at most 64 bits; send a longer one as text"
            elif kind is float:
                if not math.isfinite(item):
                    return "Input should be a finite number"
            elif kind is Decimal:
                return "Input should be a number of at most 17 digits; send a longer one as text"
            elif item is not None and kind is not bool:
                return "Input should be something that JSON can hold"
        if not deeper:
            return None
        level = deeper
    return f"Input should be nested at most {MAX_DEPTH} levels deep"


def _sound(value: Any) -> Any:
    if (flaw := _flaw(value)) is not None:
        raise PydanticCustomError("unsound", "{flaw}", {"flaw": flaw})
    return value


def _iso_date(value: Any) -> Any:
    """Accept only dates and text like YYYY-MM-DD; pydantic also accepts "1305590400" as a date."""
    if (type(value) is str and value[4:5] == value[7:8] == "-") or type(value) is datetime.date:
        return value
    raise PydanticCustomError("date", "Input should be a date in the format YYYY-MM-DD")


_ID = StringConstraints(min_length=1, max_length=MAX_ID, pattern=NO_NUL)

_NAME = StringConstraints(min_length=1, max_length=MAX_TEXT, pattern=NO_NUL)

_TEXT = StringConstraints(max_length=MAX_TEXT, pattern=NO_NUL)

# Not strict: after a custom validator pydantic does not know that the text came from JSON.
_DAY = Annotated[datetime.date, BeforeValidator(_iso_date), Field(strict=False)]


class Employee(BaseModel):
    """One employee. Fields that are not listed here are kept unchanged, as extras.

    Strict: a number is not accepted as text, nor text as a number. Every accepted employee can be
    stored by SQLite and PostgreSQL and read back unchanged.

    Raises:
        pydantic.ValidationError: `validation_reason` returns the message for the sender.

    Example:
        >>> Employee(employee_id="E1", first_name="Ada", last_name="B", team="x").model_extra
        {'team': 'x'}
    """

    model_config = ConfigDict(strict=True, extra="allow")
    __pydantic_extra__: dict[
        Annotated[str, StringConstraints(pattern=NO_NUL)], Annotated[Any, AfterValidator(_sound)]
    ]

    employee_id: Annotated[str, _ID]
    first_name: Annotated[str, _NAME]
    last_name: Annotated[str, _NAME]
    email: Annotated[str, _TEXT] | None = None
    department: Annotated[str, _TEXT] | None = None
    position: Annotated[str, _TEXT] | None = None
    salary: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    hire_date: _DAY | None = None


FIELDS = tuple(Employee.model_fields)
"""The fields of an employee, in the order of the table."""

CONTENT = (*FIELDS, "extra")
"""The columns of the table. Two records are the same when all of them are equal."""

REQUIRED = FIELDS[:3]
"""The fields that every employee must have."""


def validation_reason(error: ValidationError) -> tuple[str, str]:
    """Return what to tell the sender of a record that is not a valid employee.

    Returns:
        The first invalid field ("" when the data is not a record at all) and a sentence. Neither
        contains the value that was sent.
    """
    first = error.errors(include_url=False, include_context=False)[0]
    field = str(first["loc"][0]) if first["loc"] else ""
    kind = first["type"]
    if field == "employee_id" and (
        kind in {"missing", "string_too_short"} or first["input"] is None
    ):
        return field, MISSING_ID
    if kind == "json_invalid":
        field = _field_of_lone_surrogate(first["input"])
    field = name_to_show(field)
    return field, f"{INVALID_DATA}{field + ': ' if field else ''}{_message(first)}"


def _message(error: ErrorDetails) -> str:
    return _NUL if error["type"] == "string_pattern_mismatch" else error["msg"]


def flaws(record: Mapping[str, Any]) -> dict[str, str]:
    """Return why values of a record cannot be stored, by their names.

    Args:
        record: may lack fields that every employee has; that is no flaw of a value.
    """
    found = {name: flaw for name, value in record.items() if (flaw := _flaw(name) or _flaw(value))}
    rest = {name: value for name, value in record.items() if name not in found}
    try:
        Employee.model_validate_json(encode_record(rest))
    except ValidationError as error:
        for each in error.errors(include_url=False, include_context=False):
            name = str(each["loc"][0])
            if name in rest:
                found.setdefault(name, _message(each))
    return found


def _field_of_lone_surrogate(data: bytes | str) -> str:
    """Return the field with a lone surrogate, which pydantic's parser refuses; "" if none has."""
    try:
        text = data if isinstance(data, str) else data.decode()
        record = None if too_deep(text) else json.loads(text)
    except ValueError:
        return ""
    if not isinstance(record, dict):
        return ""
    return next((name for name, value in record.items() if _flaw(name) or _flaw(value)), "")


def name_to_show(name: object) -> str:
    """Return a field's name for a message: shortened, and safe to print."""
    text = str(name)[:64]
    return text if text.isprintable() else ascii(text)[1:-1]


def to_row(employee: Employee) -> dict[str, Any]:
    """Return the columns of an employee, as they are stored and compared (see `CONTENT`).

    `hire_date` is ISO text; `extra` is JSON text with sorted keys, None without extras.
    """
    row: dict[str, Any] = dict(employee.__dict__)  # the declared fields and nothing else
    if row["hire_date"] is not None:
        row["hire_date"] = row["hire_date"].isoformat()
    extra = employee.__pydantic_extra__
    row["extra"] = orjson.dumps(extra, option=orjson.OPT_SORT_KEYS).decode() if extra else None
    return row


def row_to_record(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record of a stored row: extras are merged in, empty columns left out."""
    record = {name: row[name] for name in FIELDS if row[name] is not None}
    if row["extra"]:
        record |= orjson.loads(row["extra"])
    return record


def encode_record(record: Mapping[str, Any]) -> bytes:
    """Return the record as JSON.

    Raises:
        RecordError: JSON or UTF-8 cannot represent a value; the message names the field.
    """
    try:
        data = orjson.dumps(record if type(record) is dict else dict(record))
    except TypeError as error:
        _refuse_flaw(record)
        raise RecordError(f"The record cannot be written as JSON: {error}.") from None
    if b"null" in data:
        _refuse_flaw(record, numbers_only=True)  # orjson writes NaN and infinities as null
    return data


def _refuse_flaw(record: Mapping[str, Any], *, numbers_only: bool = False) -> None:
    for name, value in record.items():
        flaw = _flaw(name) or _flaw(value)
        if flaw is not None and (not numbers_only or "finite" in flaw):
            raise RecordError(f"{name_to_show(name)}: {flaw}.")
