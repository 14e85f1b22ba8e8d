"""Employees: what one is, how a file's rows become them, and made-up ones to try things with."""

from __future__ import annotations

import csv
import datetime
import gzip
import io
import random
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, BinaryIO, NamedTuple, Self

import orjson
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

MAX_ID = 128
MAX_TEXT = 200
MAX_LINE_BYTES = 16 * 2**20
"""A longer line of a file is no record; reading on in bounded memory matters more."""

_NO_NUL = r"^[^\x00]*$"  # PostgreSQL cannot hold NUL in a text
Id = Annotated[str, StringConstraints(min_length=1, max_length=MAX_ID, pattern=_NO_NUL)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=MAX_TEXT, pattern=_NO_NUL)]
Text = Annotated[str, StringConstraints(max_length=MAX_TEXT, pattern=_NO_NUL)]


class RecordError(ValueError):
    """Something is not a record, or a file holds none."""


class Employee(BaseModel):
    """One employee. Only the id and the names are required; unknown fields are kept.

    Raises:
        pydantic.ValidationError: something is missing, of the wrong type or too long.
    """

    model_config = ConfigDict(strict=True, extra="allow")

    employee_id: Id
    first_name: Name
    last_name: Name
    email: Text | None = None
    department: Text | None = None
    position: Text | None = None
    salary: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    hire_date: datetime.date | None = None

    @model_validator(mode="after")
    def _extras_can_be_stored(self) -> Self:
        """Unknown fields are kept as JSON, in which every text can be written but this one."""
        if extra := self.__pydantic_extra__:
            try:
                same = orjson.loads(orjson.dumps(extra)) == extra
            except TypeError as error:
                raise ValueError(f"the unknown fields cannot be kept: {error}") from None
            if not same:
                raise ValueError("the unknown fields hold a number that cannot be kept")
        return self


FIELDS = tuple(Employee.model_fields)


def to_row(employee: Employee) -> dict[str, Any]:
    """The row of the database that an employee becomes; unknown fields go into `extra`, as JSON
    with sorted keys, so that equal content gives equal rows."""
    extra = employee.__pydantic_extra__
    hired = employee.hire_date
    return {
        "employee_id": employee.employee_id,
        "first_name": employee.first_name,
        "last_name": employee.last_name,
        "email": employee.email,
        "department": employee.department,
        "position": employee.position,
        "salary": employee.salary,
        "hire_date": hired.isoformat() if hired is not None else None,
        "extra": orjson.dumps(extra, option=orjson.OPT_SORT_KEYS).decode() if extra else None,
    }


def row_to_record(row: Mapping[str, Any]) -> dict[str, Any]:
    """The record that a row was made from; fields without a value are left out."""
    record = {name: row[name] for name in FIELDS if row[name] is not None}
    if row["extra"]:
        record |= orjson.loads(row["extra"])
    return record


def validation_reason(error: ValidationError) -> tuple[str, str]:
    """Which field is wrong, and why in a sentence; the value itself is not repeated."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"][:3])
    if first["loc"][:1] == ("employee_id",) and first["type"] in {"missing", "string_too_short"}:
        return "employee_id", "Invalid employee data: missing employee_id"
    message = first["msg"].splitlines()[0][:200]
    return where, f"Invalid employee data: {where}: {message}" if where else (
        f"Invalid employee data: {message}"
    )


def encode_record(record: Mapping[str, Any]) -> bytes:
    """A record as JSON.

    Raises:
        RecordError: it holds something that JSON cannot, such as half a surrogate pair.
    """
    try:
        return orjson.dumps(record if isinstance(record, dict) else dict(record))
    except (TypeError, ValueError) as error:
        raise RecordError(f"The record cannot be written as JSON: {error}.") from error


_SPELLINGS = {
    "employee_id": "id emp_no emp_id empid employee_no employee_number emp_number employee "
    "personnel_no personnel_number staff_id",
    "first_name": "firstname first given_name forename fname",
    "last_name": "lastname last surname family_name lname",
    "email": "e_mail mail email_address",
    "department": "dept department_name dept_name division",
    "position": "title job_title job role",
    "salary": "wage pay annual_salary base_salary",
    "hire_date": "hired hired_on hire date_hired start_date date_of_hire joined",
}


def _folded(column: str) -> str:
    """A column's name without case, spaces, hyphens and underscores."""
    return re.sub(r"[\s_\-.]+", "", column).casefold()


_FIELD_OF = {_folded(name): name for name in FIELDS} | {
    _folded(spelling): name for name, all_of in _SPELLINGS.items() for spelling in all_of.split()
}


def field_of(column: str) -> str | None:
    """The field that a file's column is another spelling of; None for an unknown one."""
    return _FIELD_OF.get(_folded(column))


def format_employee_record(row: Mapping[str, Any]) -> dict[str, Any]:
    """Bring what a file has to the fields of an employee.

    Other spellings of a field's name are understood (`emp_no`, `Surname`, `dept`, ...), texts are
    stripped, numbers and dates brought to their types, empty optional fields left out. Unknown
    columns are kept as they are. Where two columns mean one field, the one with its exact name
    wins, else the first, and the other is kept.

    Raises:
        RecordError: the id or a name is missing, or a value cannot be brought to its type.
    """
    record: dict[str, Any] = {}
    kept: dict[str, Any] = {}
    for column, value in sorted(row.items(), key=lambda item: item[0] not in FIELDS):
        name = field_of(column)
        if name is None or name in record:
            kept[column] = value
            continue
        try:
            brought = _VALUES.get(name, _text)(value)
        except ValueError as error:
            raise RecordError(f"{column}: {error}") from None
        if brought is not None:
            record[name] = brought
    for name in ("employee_id", "first_name", "last_name"):
        if name not in record:
            raise RecordError(f"{name} is missing")
    return {name: record[name] for name in FIELDS if name in record} | kept


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool | float | list | dict):
        raise ValueError(f"expected text, found {type(value).__name__}")
    return str(value).strip() or None


def _identifier(value: Any) -> str | None:
    """An id is text, though files have it as a number, which a spreadsheet may make 10001.0."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return _text(value)


def _amount(value: Any) -> float | None:
    if isinstance(value, str):
        value = value.strip().replace(",", "").replace(" ", "").replace("_", "").lstrip("$€£")
        if not value:
            return None
    if value is None:
        return None
    if isinstance(value, bool):
        raise ValueError("expected a number, found a truth value")
    try:
        amount = float(value)
    except (TypeError, ValueError):
        raise ValueError("expected a number") from None
    if not 0 <= amount < float("inf"):
        raise ValueError("expected a number of 0 or more")
    return amount


def _day(value: Any) -> str | None:
    if isinstance(value, datetime.datetime):
        return value.date().isoformat()
    if isinstance(value, datetime.date):
        return value.isoformat()
    text = _text(value)
    if text is None:
        return None
    try:
        return datetime.datetime.fromisoformat(text).date().isoformat()
    except ValueError:
        raise ValueError("expected a date as YYYY-MM-DD") from None


_VALUES: dict[str, Callable[[Any], str | float | None]] = {
    "employee_id": _identifier,
    "salary": _amount,
    "hire_date": _day,
}


class UnreadableRow(NamedTuple):
    """A row of a file that is no record, and why."""

    line: int
    reason: str


@dataclass(frozen=True)
class RecordFile:
    """What a file holds.

    Attributes:
        records: ready to be sent.
        unreadable: the rows that were left out.
        renamed: columns that were read as a field of another name.
        kept: columns that no field is known for; they are sent as they are.
    """

    records: list[dict[str, Any]] = field(default_factory=list)
    unreadable: list[UnreadableRow] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)

    def add(self, line: int, row: Any) -> None:
        """Take one row, or note why it cannot be taken."""
        if isinstance(row, str):
            self.unreadable.append(UnreadableRow(line, row))
            return
        if not isinstance(row, dict):
            self.add(line, f"expected an object, found {type(row).__name__}")
            return
        try:
            record = format_employee_record(row)
            Employee.model_validate_json(encode_record(record))
        except RecordError as error:
            self.add(line, str(error))
        except ValidationError as error:
            self.add(line, validation_reason(error)[1])
        else:
            self.records.append(record)
            for column in row:
                name = field_of(column)
                if name is None and column not in self.kept:
                    self.kept.append(column)
                elif name is not None and name != column:
                    self.renamed[column] = name


def read_records(source: str | Path | BinaryIO) -> RecordFile:
    """Read employees from CSV, JSON or JSON Lines, gzip or not; content decides which.

    Args:
        source: a path, `-` for standard input, or an open binary file.

    Raises:
        RecordError: there is no such file, or nothing in it.
    """
    found = RecordFile()
    for line, row in _rows(_content(source), str(getattr(source, "name", source))):
        found.add(line, row)
    return found


def _content(source: str | Path | BinaryIO) -> bytes:
    try:
        if isinstance(source, str | Path):
            content = sys.stdin.buffer.read() if str(source) == "-" else Path(source).read_bytes()
        else:
            content = source.read()
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
    except FileNotFoundError:
        raise RecordError(f"There is no file {source}.") from None
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or error
        raise RecordError(f"{source} cannot be read: {reason}.") from None
    return content.removeprefix(b"\xef\xbb\xbf")


def _rows(content: bytes, name: str) -> Iterator[tuple[int, Any]]:
    """Each row with its line: a mapping, or the reason why there is none."""
    start = content.lstrip()[:1]
    if not start:
        raise RecordError(f"{name} is empty. Expected CSV with a header, JSON or JSON Lines.")
    if start == b"[":
        yield from _json_rows(content, name)
    elif start == b"{":
        yield from _json_lines(content)
    else:
        yield from _csv_rows(content)


def _json_rows(content: bytes, name: str) -> Iterator[tuple[int, Any]]:
    try:
        rows = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise RecordError(f"{name} begins like a JSON array but is none: {error}.") from None
    # JSON has no lines of its own; the place in the array is what a reader can find again
    yield from enumerate(rows, 1)


def _json_lines(content: bytes) -> Iterator[tuple[int, Any]]:
    try:
        whole = orjson.loads(content)  # one object, perhaps over several lines
    except orjson.JSONDecodeError:
        for number, line in enumerate(content.split(b"\n"), 1):
            if not line.strip():
                continue
            if len(line) > MAX_LINE_BYTES:
                yield number, f"a line of {len(line)} bytes; at most {MAX_LINE_BYTES} are read"
                continue
            try:
                yield number, orjson.loads(line)
            except orjson.JSONDecodeError as error:
                yield number, f"not JSON: {error}"
    else:
        yield 1, whole


def _csv_rows(content: bytes) -> Iterator[tuple[int, Any]]:
    lines = content.splitlines(keepends=True)
    header_line = lines[0].decode("utf-8", errors="replace")
    delimiter = max(",;\t|", key=header_line.count)
    header = [name.strip() for name in next(csv.reader([header_line], delimiter=delimiter))]
    for number, cells in _csv_cells(lines, delimiter):
        if isinstance(cells, str):
            yield number, cells
        elif len(cells) != len(header):
            yield number, f"{len(cells)} cells where the header has {len(header)}"
        else:
            yield number, dict(zip(header, cells, strict=True))


def _csv_cells(lines: list[bytes], delimiter: str) -> Iterator[tuple[int, list[str] | str]]:
    """The cells of each row after the header; a quoted cell may go over several lines.

    Each row is parsed by itself, so that one that cannot be decoded does not end the file.
    """
    number = 1
    while number < len(lines):
        first = number
        row = lines[number]
        number += 1
        while row.count(b'"') % 2 and number < len(lines) and len(row) < MAX_LINE_BYTES:
            row += lines[number]
            number += 1
        if row.count(b'"') % 2:  # a quote that is never closed spoils its own line only
            row, number = lines[first], first + 1
            yield first + 1, "a quote that is never closed"
            continue
        if not row.strip():
            continue
        if len(row) > MAX_LINE_BYTES:
            yield first + 1, f"a line of {len(row)} bytes; at most {MAX_LINE_BYTES} are read"
            continue
        try:
            text = row.decode("utf-8").rstrip("\r\n")
            reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
            yield first + 1, next(reader)
        except UnicodeDecodeError as error:
            yield first + 1, f"not UTF-8: byte {row[error.start]:#04x}"
        except (csv.Error, StopIteration) as error:
            yield first + 1, f"not CSV: {error}"


_GIVEN = ("Ada", "Alan", "Amira", "Ben", "Chen", "Dora", "Elif", "Farid", "Grace", "Igor", "Kira")
_FAMILY = ("Abel", "Berg", "Costa", "Diaz", "Fuchs", "Goto", "Ito", "Kaya", "Lund", "Novak", "Osei")
_WORK = {
    "Engineering": ("Developer", "Tester", "Architect"),
    "Sales": ("Account Manager", "Assistant"),
    "Finance": ("Accountant", "Controller"),
    "Support": ("Agent", "Team Lead"),
}


def sample_records(count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Made-up employees, the same for the same seed.

    Args:
        count: how many; their ids are E000001, E000002, ...
        seed: for the choice of names, work, salaries and dates.
    """
    chance = random.Random(seed)  # noqa: S311 - nothing is to be kept secret by it
    records = []
    for number in range(1, count + 1):
        first, last = chance.choice(_GIVEN), chance.choice(_FAMILY)
        department = chance.choice(list(_WORK))
        hired = datetime.date(2005, 1, 1) + datetime.timedelta(days=chance.randrange(7_000))
        records.append(
            {
                "employee_id": f"E{number:06d}",
                "first_name": first,
                "last_name": last,
                "email": f"{first}.{last}.{number}@example.com".lower(),
                "department": department,
                "position": chance.choice(_WORK[department]),
                "salary": float(chance.randrange(30_000, 150_000, 500)),
                "hire_date": hired.isoformat(),
            }
        )
    return records
