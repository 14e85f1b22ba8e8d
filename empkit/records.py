"""What an employee is, and how records come in, travel and go into a table.

    file --read_records--> row --format_employee_record--> record --encode_record--> bytes
                                                                                       |
    record <--row_to_record-- columns <--to_row-- Employee <--model_validate_json------+

A *record* is a dictionary with the fields of `Employee` and whatever else its sender knows (the
extras). What is compared when one asks whether two records are the same is what `to_row` makes of
them: the columns named in `CONTENT`.
"""

from __future__ import annotations

import csv
import datetime
import gzip
import hashlib
import io
import itertools
import json
import math
import random
import re
import sys
import unicodedata
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, BinaryIO, NoReturn

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
from pydantic_core import PydanticCustomError

MAX_ID = 128
"""The longest employee_id, in characters; a run puts seven of its own before each."""
MAX_TEXT = 200
"""The longest name, email, department or position, in characters."""
MAX_DEPTH = 100
"""How deep an extra may be nested, in levels; a file's JSON that goes deeper is not parsed. Each
parser has a limit of its own (pydantic's is 200, that of the standard library depends on Python's
version and on the stack of the caller), so the depth is counted before one is asked."""
MAX_LINE_BYTES = 16 * 2**20
"""A longer line of a file is reported as unreadable, in bytes."""
MAX_FILE_BYTES = 2**30
"""A larger file is not read, in bytes after unpacking; it bounds the memory."""
MAX_ROW_LINES = 100
"""Over how many lines the quotes of one CSV row may stretch."""

MISSING_ID = "Invalid employee data: missing employee_id"

_NUL = "Input should not contain the character NUL, which the database cannot hold"
NO_NUL = r"^[^\x00]*$"
"""Text that the database can hold, as a regular expression."""
_SURROGATE = re.compile("[\ud800-\udfff]")
_SMALLEST, _LARGEST = -(2**63), 2**64 - 1  # the whole numbers that orjson can write


class RecordError(ValueError):
    """A record or a file of records that cannot be used; the message says why and what to do."""


# --------------------------------------------------------------------------------- the employee


def _flaw(value: Any) -> str | None:
    """Why a value cannot be stored and given back unchanged; None when it can.

    Goes down level by level, not by recursion, so that no nesting can break it.
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
                if not _SMALLEST <= item <= _LARGEST:
                    return "Input should be a number of at most 64 bits; send a longer one as text"
            elif kind is float:
                if not math.isfinite(item):
                    return "Input should be a finite number"
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
    """Let dates and what looks like one pass; pydantic alone takes "1305590400" for a date too."""
    if (type(value) is str and value[4:5] == value[7:8] == "-") or type(value) is datetime.date:
        return value
    raise PydanticCustomError("date", "Input should be a date in the format YYYY-MM-DD")


_ID = StringConstraints(min_length=1, max_length=MAX_ID, pattern=NO_NUL)
_NAME = StringConstraints(min_length=1, max_length=MAX_TEXT, pattern=NO_NUL)
_TEXT = StringConstraints(max_length=MAX_TEXT, pattern=NO_NUL)
# Not strict: behind a validator of ours pydantic does not know that the text came from JSON.
_DAY = Annotated[datetime.date, BeforeValidator(_iso_date), Field(strict=False)]


class Employee(BaseModel):
    """One employee. Fields that are not listed here are kept as they come.

    Strict: a number is no text and text is no number. Every accepted employee can be stored by
    SQLite and PostgreSQL and read back as it was.

    Raises:
        pydantic.ValidationError: see `validation_reason` for what to tell the sender.
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
"""What an employee has, in the order of the table."""
CONTENT = (*FIELDS, "extra")
"""The columns of the table. Two records are the same when they agree in all of them."""
REQUIRED = FIELDS[:3]
"""What an employee cannot do without."""


def validation_reason(error: ValidationError) -> tuple[str, str]:
    """What to tell the sender of a record that is no employee.

    Returns:
        The field that is wrong first ("" when the whole is no record) and a sentence. Neither
        repeats the value that was sent.
    """
    first = error.errors(include_url=False, include_context=False)[0]
    field = str(first["loc"][0]) if first["loc"] else ""
    kind, message = first["type"], first["msg"]
    if field == "employee_id" and (
        kind in {"missing", "string_too_short"} or first["input"] is None
    ):
        return field, MISSING_ID
    if kind == "string_pattern_mismatch":
        message = _NUL
    elif kind == "json_invalid":
        field = _field_of_lone_surrogate(first["input"])
    field = _name_to_show(field)
    return field, f"Invalid employee data: {field + ': ' if field else ''}{message}"


def _field_of_lone_surrogate(data: bytes | str) -> str:
    """The field whose escapes pydantic's parser could not read; "" when something else is wrong."""
    try:
        text = data if isinstance(data, str) else data.decode()
        record = None if _too_deep(text) else json.loads(text)
    except ValueError:
        return ""
    if not isinstance(record, dict):
        return ""
    return next((name for name, value in record.items() if _flaw(name) or _flaw(value)), "")


def _name_to_show(name: object) -> str:
    """A field's name for a message: not endless, and safe to print."""
    text = str(name)[:64]
    return text if text.isprintable() else ascii(text)[1:-1]


def to_row(employee: Employee) -> dict[str, Any]:
    """The columns of an employee, as they are stored and compared (see `CONTENT`).

    `hire_date` is ISO text; `extra` is JSON text with sorted keys, None without extras.
    """
    row: dict[str, Any] = dict(employee.__dict__)  # the declared fields and nothing else
    if row["hire_date"] is not None:
        row["hire_date"] = row["hire_date"].isoformat()
    extra = employee.__pydantic_extra__
    row["extra"] = orjson.dumps(extra, option=orjson.OPT_SORT_KEYS).decode() if extra else None
    return row


def row_to_record(row: Mapping[str, Any]) -> dict[str, Any]:
    """The record that a stored row came from: extras merged back, empty columns left out."""
    record = {name: row[name] for name in FIELDS if row[name] is not None}
    if row["extra"]:
        record |= orjson.loads(row["extra"])
    return record


def encode_record(record: Mapping[str, Any]) -> bytes:
    """The record as JSON.

    Raises:
        RecordError: JSON, or UTF-8, cannot hold a value of it; the message names the field.
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
            raise RecordError(f"{_name_to_show(name)}: {flaw}.")


# ------------------------------------------------------------------------ bringing it to the form

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
"""Other names of the fields, the surest first. Case, blanks, `_` and `-` do not matter."""

_BLANKS = re.compile(r"[\s_-]+")
_NUMBER = re.compile(
    r"[-+]?(\d+|\d{1,3}(,\d{3})+|\d{1,3}([ \u00a0\u202f']\d{3})+)?(\.\d*)?(e[-+]?\d+)?",
    re.ASCII | re.IGNORECASE,
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d([T ].*)?", re.ASCII)
_NO_VALUE = {"na", "n/a", "nan", "null", "none", "-", r"\n"}
"""How programs write that there is no number or date; as a name each of them could be meant."""
_PLAIN = {str, int, bool, list, dict, type(None)}


def _squeeze(name: str) -> str:
    return _BLANKS.sub("", name).casefold()


_MEANINGS = {
    _squeeze(spelling): (field, rank)
    for field, spellings in SPELLINGS.items()
    for rank, spelling in enumerate(spellings.split(), start=1)
}


@lru_cache(maxsize=4096)
def _meaning(name: object) -> tuple[str | None, int]:
    """The field that a column's name stands for, and how sure that is: 0 is the very name."""
    if not isinstance(name, str):
        raise RecordError(f"A column is named {_shown(name)}: give it a name that is text.")
    return (name, 0) if name in FIELDS else _MEANINGS.get(_squeeze(name), (None, 0))


def format_employee_record(row: Mapping[str, Any]) -> dict[str, Any]:
    """Bring what a file or a data frame has to the fields of an employee.

    Other spellings of the fields are understood (see `SPELLINGS`): of two columns for one field
    that with a value and the surer name wins, the other is kept under its own name like every
    unknown column. Blanks around a value go, an optional field without a value is left out.
    What comes out is an employee, and formatting it again changes nothing.

    Args:
        row: a value for each column; text, or numbers and dates as JSON, pandas and numpy have
            them.

    Returns:
        The record, its fields in the order of `FIELDS`, then the rest.

    Raises:
        RecordError: the id or a name is missing, or a value is not of its field's type.
    """
    return _format(row)[0]


def _format(row: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The record, and which columns went into fields of another name."""
    fields: dict[str, Any] = {}
    columns: dict[str, str] = {}
    extras: dict[str, Any] = {}
    known: list[tuple[int, str, str, Any]] = []
    for name, value in row.items():
        field, rank = _meaning(name)
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
            there = ", ".join(map(_name_to_show, itertools.islice(row, 12))) or "none"
            raise RecordError(
                f"Missing {name}: give it a value in a column of that name, or one of "
                f"{', '.join(SPELLINGS[name].split()[1:4])} (columns found: {there})."
            )


def _plain(value: Any) -> Any:
    """A value of pandas, numpy or datetime as JSON could hold it; None for a missing one."""
    if str(value) in {"nan", "NaT", "<NA>"}:
        return None
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return value.item() if getattr(value, "ndim", None) == 0 else value


def _is_blank(field: str, value: Any) -> bool:
    if isinstance(value, str):
        text = value.strip()
        return not text or (field in {"salary", "hire_date"} and text.casefold() in _NO_VALUE)
    return value is None


def _shown(value: object) -> str:
    """What a value is, or the beginning of it, for a message."""
    if isinstance(value, list | dict):
        return f"a {type(value).__name__}"
    text = ascii(value[:30] if isinstance(value, str) else value)
    return text if len(text) <= 40 else text[:37] + "..."


def _refuse(field: str, value: object, wanted: str) -> NoReturn:
    raise RecordError(f"{field}: {_shown(value)} is not {wanted}.")


def _to_text(field: str, value: Any) -> str:
    if isinstance(value, str):
        return value.strip()
    # pandas turns a column of whole numbers into floats as soon as one is missing
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    if type(value) is int and _SMALLEST <= value <= _LARGEST:
        return str(value)
    _refuse(field, value, "text, nor a whole number that could stand for it")


def _to_salary(field: str, value: Any) -> float:
    wanted = "a number that can be read without a guess: write it like 52000.50"
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


# --------------------------------------------------------------------------------- reading files


@dataclass(frozen=True)
class UnreadableRow:
    """A row of a file that gave no record: the line where it begins, from 1, and why."""

    line: int
    reason: str


@dataclass(frozen=True)
class RecordFile:
    """What `read_records` found. Each row of the file is in `records` or in `unreadable`.

    Args:
        records: the records, as `format_employee_record` returns them, in the file's order.
        unreadable: the rows that gave none.
        renamed: column of the file -> field that it was read as, where the names differ.
        kept: columns that are no field of an employee; they travel as extras.
        sha256: of the bytes that were read, before they were unpacked, in hexadecimal.
    """

    records: list[dict[str, Any]]
    unreadable: list[UnreadableRow]
    renamed: dict[str, str]
    kept: list[str]
    sha256: str = ""


_Row = tuple[int, dict[str, Any] | str]
"""The line where a row begins, and what it holds or why it holds nothing."""


def read_records(source: str | Path | BinaryIO) -> RecordFile:
    """Read employees from CSV, JSON or JSON Lines, packed with gzip or not.

    What it is is told from the content. CSV needs a line of column names; the delimiter may be
    a comma, a semicolon, a tab or a bar. JSON is a list of objects, or one object. Text is UTF-8.
    A row that cannot be read is reported with its line and does not stop the others.

    Args:
        source: the file, a stream of bytes, or "-" for standard input.

    Raises:
        RecordError: there is nothing to read, or it is none of these.
    """
    name = _source_name(source)
    data = _load(source, name)
    sha256 = hashlib.sha256(data).hexdigest()
    data, damage = _unpack(data, name)
    data = data.removeprefix(b"\xef\xbb\xbf")
    if not data.strip():
        raise RecordError(
            f"{name} holds nothing: give a file with employees (CSV, JSON or JSON Lines)."
        )
    found = RecordFile([], [], {}, [], sha256)
    kept: dict[str, None] = {}
    for line, row in itertools.chain(_rows(data, name), damage):
        try:
            if isinstance(row, str):
                raise RecordError(row)
            record, columns = _format(row)
        except RecordError as error:
            found.unreadable.append(UnreadableRow(line, str(error)))
        else:
            found.records.append(record)
            found.renamed.update(columns)
            kept |= dict.fromkeys(column for column in record if column not in FIELDS)
    found.kept.extend(kept)
    return found


def _source_name(source: str | Path | BinaryIO) -> str:
    if source == "-":
        return "Standard input"
    return str(source) if isinstance(source, str | Path) else "The stream"


def _load(source: str | Path | BinaryIO, name: str) -> bytes:
    if source == "-":
        return _read_all(sys.stdin.buffer.read, name)
    if not isinstance(source, str | Path):
        return _read_all(source.read, name)
    path = Path(source)
    if path.is_dir():
        raise RecordError(f"{name} is a directory: give one file (CSV, JSON or JSON Lines).")
    try:
        with path.open("rb") as stream:
            return _read_all(stream.read, name)
    except FileNotFoundError:
        raise RecordError(
            f"There is no file {name}: check the path, or give - to read standard input."
        ) from None
    except OSError as error:
        raise RecordError(
            f"{name} cannot be read ({error.strerror or error}): check its permissions."
        ) from None


def _read_all(read: Callable[[int], bytes], name: str) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while chunk := read(2**20):
        chunks.append(chunk)
        size += len(chunk)
        _check_size(size, name)
    return b"".join(chunks)


def _check_size(size: int, name: str) -> None:
    if size > MAX_FILE_BYTES:
        raise RecordError(
            f"{name} is larger than {MAX_FILE_BYTES // 2**20} MiB: split it into smaller files."
        )


def _unpack(data: bytes, name: str) -> tuple[bytes, list[_Row]]:
    """The data without gzip, and where they break off when the packed data are damaged."""
    if not data.startswith(b"\x1f\x8b"):
        return data, []
    chunks: list[bytes] = []
    size = 0
    damage = ""
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
        try:
            while chunk := packed.read1(2**20):
                chunks.append(chunk)
                size += len(chunk)
                _check_size(size, name)
        except (EOFError, OSError, zlib.error) as error:
            damage = f"The gzip data break off or are damaged here ({error}): fetch the file again."
    plain = b"".join(chunks)
    if not damage:
        return plain, []
    plain = plain[: plain.rfind(b"\n") + 1]  # the last line may be half a line
    if not plain.strip():
        raise RecordError(f"{name} cannot be unpacked. {damage}")
    return plain, [(plain.count(b"\n") + 1, damage)]


def _rows(data: bytes, name: str) -> Iterator[_Row]:
    """The rows of a file, by its format."""
    lines = data.split(b"\n")
    sample = list(itertools.islice((line for line in lines if line.strip()), 100))
    start = sample[0].lstrip()[:1]
    if start == b"{":
        # an object that goes over several lines has no line that is an object by itself
        by_line = _json_state(sample[0]) != _OPEN or any(
            line.startswith(b"{") and _json_state(line) == _WHOLE for line in sample[1:]
        )
    elif start == b"[":
        by_line = len(sample) > 1 and _json_state(sample[0]) != _OPEN
    else:
        try:
            return _csv_rows(lines, _csv_header(lines, name))
        except RecordError:
            if not any(line.startswith(b"{") for line in sample):
                raise
        by_line = True
    return _json_lines(lines) if by_line else _json_document(data)


def _too_long(line: bytes) -> str:
    return f"The line is {len(line)} bytes long; at most {MAX_LINE_BYTES} are read."


# JSON and JSON Lines

_OPEN, _BROKEN, _WHOLE = range(3)
_NEXT_OBJECT = re.compile(r"\n[ \t\r]*,?[ \t]*(?=\{)")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_no_constant)  # keeps long numbers as they are
_TO_BRACKET = re.compile(r'[^][{}"]*+(?:"(?:[^"\\\n]|\\.)*+"[^][{}"]*+)*+([][{}])')
"""All up to the next bracket that is not in a string, and the bracket."""
_BEFORE_INNER = {"{": ":", "[": "[,"}
"""What stands before an inner list or object, by the bracket that it is in."""


def _too_deep(text: str, start: int = 0) -> bool:
    """Whether the JSON value at `start` is nested deeper than a record with its extras may be.

    Of text that is not JSON it looks only at what a parser reads before it stops.
    """
    around: list[str] = []
    while (bracket := _TO_BRACKET.match(text, start)) is not None:
        if bracket[1] in "[{":
            place = bracket.start(1)
            before = text[start:place].rstrip(" \t\r\n")[-1:] or text[start - 1 : start]
            if around and before not in _BEFORE_INNER[around[-1]]:
                return False
            around.append(bracket[1])
        elif around:
            around.pop()
        if not around:
            return False
        if len(around) > MAX_DEPTH + 1:  # the record is a level itself
            return True
        start = bracket.end()
    return False


def _json_state(line: bytes) -> int:
    """Whether a line is JSON by itself, is broken, or could go on in the next line."""
    if len(line) > MAX_LINE_BYTES:
        return _BROKEN
    text = line.decode(errors="replace").strip()
    if _too_deep(text):
        return _BROKEN
    try:
        _DECODER.decode(text)
    except json.JSONDecodeError as error:
        return _OPEN if error.pos >= len(text) else _BROKEN
    except ValueError:
        return _BROKEN
    return _WHOLE


def _json_lines(lines: list[bytes]) -> Iterator[_Row]:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield number, _json_line(line)


def _json_line(line: bytes) -> dict[str, Any] | str:
    if len(line) > MAX_LINE_BYTES:
        return _too_long(line)
    try:
        text = line.decode()
        return _TOO_DEEP if _too_deep(text) else _json_object(_DECODER.decode(text))
    except UnicodeDecodeError as error:
        return f"Bytes that are not UTF-8, at byte {error.start + 1}."
    except ValueError as error:
        return _bad_json(error)


def _json_object(value: Any) -> dict[str, Any] | str:
    return value if isinstance(value, dict) else f"Not a JSON object but {_shown(value)}."


_TOO_DEEP = f"Nested too deep: at most {MAX_DEPTH} levels are taken."


def _bad_json(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        line = f"line {error.lineno}, " if error.lineno > 1 else ""
        return f"Bad JSON: {error.msg} at {line}column {error.colno}."
    return f"Bad JSON: {error}."


def _json_document(data: bytes) -> Iterator[_Row]:
    """The objects of a list, or one after the other; after a broken one it goes on with the next
    line that begins with an object."""
    text = data.decode(errors="surrogateescape")  # the escapes are refused field by field
    position = len(text) - len(text.lstrip())
    is_list = text[position] == "["
    position += is_list
    line, counted = 1, 0
    while True:
        while position < len(text) and text[position] in " \t\r\n,":
            position += 1
        line, counted = line + text.count("\n", counted, position), position
        if position == len(text):
            if is_list:
                yield line, "The list is not closed: the file may have been cut short."
            return
        if is_list and text[position] == "]":
            if text[position + 1 :].strip():
                yield line, "There is more after the end of the list; it was not read."
            return
        problem = _TOO_DEEP if _too_deep(text, position) else ""
        if not problem:
            try:
                value, position = _DECODER.raw_decode(text, position)
            except ValueError as error:
                problem = _bad_json(error)
        if not problem:
            yield line, _json_object(value)
            continue
        yield line, problem
        following = _NEXT_OBJECT.search(text, position)
        if following is None:
            return
        position = following.end()


# CSV

_Header = tuple[int, str, list[str]]
"""Over how many lines the file's head goes, the delimiter, and the names of the columns."""


def _csv_header(lines: list[bytes], name: str) -> _Header:
    """The header, cut by the delimiter with which it names the most fields of an employee."""
    first = next(number for number, line in enumerate(lines) if line.strip())
    if b"\0" in lines[first] or "\ufffd" in lines[first].decode(errors="replace"):
        raise RecordError(
            f"{name} is not text in UTF-8: save it as CSV (UTF-8), JSON or JSON Lines."
        )
    best = (0, 0), (1, ",", [""])
    for delimiter in ",;\t|":
        cells, count = _csv_cells(lines, first, delimiter)
        if not isinstance(cells, str):
            fields = {_meaning(cell.strip())[0] for cell in cells} - {None}
            best = max(best, ((len(fields), len(cells)), (count, delimiter, cells)))
    count, delimiter, cells = best[1]
    # programs leave the name of a column of row numbers empty
    columns = [cell.strip() or f"column_{number}" for number, cell in enumerate(cells, start=1)]
    named = {_meaning(column)[0] for column in columns}
    if missing := [field for field in REQUIRED if field not in named]:
        raise RecordError(
            f"{name} has no column for {', '.join(missing)}. A CSV file begins with the names of "
            f"its columns, such as {','.join(REQUIRED)}; this one begins with "
            f"{_shown(lines[first].decode().strip())}."
        )
    twice = next((column for column in columns if columns.count(column) > 1), None)
    if twice is not None:
        raise RecordError(f"{name} has two columns named {_name_to_show(twice)}: rename one.")
    return first + count, delimiter, columns


def _csv_rows(lines: list[bytes], header: _Header) -> Iterator[_Row]:
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
            count = 1  # if a stray quote has swallowed the lines below, give them back
        else:
            yield position + 1, dict(zip(columns, cells, strict=True))
        position += count


def _csv_cells(lines: list[bytes], start: int, delimiter: str) -> tuple[list[str] | str, int]:
    """One row: its cells, or why it has none, and over how many lines it goes.

    Quotes may hold line ends. But a quote that is never closed must not swallow the rest of the
    file: then the first line alone is bad.
    """
    rest = itertools.islice(lines, start, start + MAX_ROW_LINES)
    first = next(rest)
    if len(first) > MAX_LINE_BYTES:
        return _too_long(first), 1
    text = first.decode(errors="surrogateescape")  # the escapes are refused cell by cell
    try:
        return _csv_split(text, delimiter), 1
    except csv.Error as error:
        reason = f"Bad CSV: {error}."
    if first.count(b'"') % 2:
        for count, line in enumerate(rest, start=2):
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


# --------------------------------------------------------------------------------- made-up records

_GIVEN_NAMES, _FAMILY_NAMES = map(
    str.split,
    (
        "Aiko Alba Amara Anders Asha Bruno Carmen Chidi Clara Daniel Elif Emeka Fatima Femi "
        "Gita Grace Hana Hugo Ines Ivan Jasmin Jorge José Kamala Kenji Lena Liam Lucía "
        "Malik Marta Mei Milan Nadia Noah Olga Omar Priya Quentin Rahel Renée Sakura Samir "
        "Sofia Søren Tariq Thandi Uma Viktor Wanda Xenia Yusuf Zoë",
        "Abara Almeida Andersson Bakker Banerjee Bauer Castillo Chen Costa Dahl Demir "
        "Diallo Eriksen Farouk Ferrari Fischer García Gupta Haddad Hansen Horvat Ivanova "
        "Jansen Kaya Khan Kimura Kowalski Larsen Laurent Lindqvist Mbeki Meyer Moreau "
        "Müller Nakamura Ndiaye Novak Núñez Okafor Oliveira Patel Petrov Quispe Rossi Sato "
        "Silva Tanaka Usman Varga Weber Yilmaz Zhang",
    ),
)
_JOBS = {
    "Engineering": {"Software Engineer": 78, "Test Engineer": 66, "Engineering Manager": 112},
    "Operations": {"Technician": 46, "Dispatcher": 41, "Operations Manager": 83},
    "Sales": {"Sales Representative": 52, "Account Manager": 64, "Sales Director": 118},
    "Finance": {"Accountant": 57, "Controller": 79, "Payroll Clerk": 43},
    "Human Resources": {"Recruiter": 51, "HR Partner": 62},
    "Research": {"Research Scientist": 88, "Laboratory Assistant": 44},
    "Customer Service": {"Service Agent": 38, "Team Lead": 55},
}
"""Departments, their positions, and a middling yearly salary in thousands."""
_FIRST_DAY = datetime.date(1995, 1, 1)
_DAYS = (datetime.date(2025, 12, 31) - _FIRST_DAY).days


def sample_records(count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Made-up employees: names put together by chance, mail addresses at example.com.

    Args:
        count: how many; the first ones do not depend on it.
        seed: the same seed gives the same employees.
    """
    return list(make_up_records(count, seed))


def make_up_records(count: int, seed: int = 0) -> Iterator[dict[str, Any]]:
    """The same as `sample_records`, one after the other: a million at once would take 500 MB."""
    chance = random.Random(seed)  # noqa: S311 - employees, not secrets
    for number in range(1, count + 1):
        yield _made_up(number, chance)


def _made_up(number: int, chance: random.Random) -> dict[str, Any]:
    first, last = chance.choice(_GIVEN_NAMES), chance.choice(_FAMILY_NAMES)
    department = chance.choice(tuple(_JOBS))
    position, middle = chance.choice(tuple(_JOBS[department].items()))
    hired = _FIRST_DAY + datetime.timedelta(days=chance.randrange(_DAYS + 1))
    return {
        "employee_id": f"E{number:06d}",
        "first_name": first,
        "last_name": last,
        "email": f"{_ascii(first)}.{_ascii(last)}{number}@example.com",
        "department": department,
        "position": position,
        "salary": round(middle * chance.uniform(750, 1350) / 50) * 50.0,
        "hire_date": hired.isoformat(),
    }


def _ascii(name: str) -> str:
    """A name as a mail address can hold it: marks taken off, small letters."""
    plain = unicodedata.normalize("NFKD", name.replace("ø", "o"))
    return plain.encode("ascii", "ignore").decode().lower()
