"""stub, to be replaced"""

from __future__ import annotations
import datetime
from typing import Any, Annotated
import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError


class RecordError(ValueError): ...


class Employee(BaseModel):
    model_config = ConfigDict(strict=True, extra="allow")
    employee_id: Annotated[str, Field(min_length=1, max_length=128)]
    first_name: str
    last_name: str
    email: str | None = None
    department: str | None = None
    position: str | None = None
    salary: float | None = None
    hire_date: datetime.date | None = None


def to_row(e):
    return dict(
        employee_id=e.employee_id,
        first_name=e.first_name,
        last_name=e.last_name,
        email=e.email,
        department=e.department,
        position=e.position,
        salary=e.salary,
        hire_date=e.hire_date.isoformat() if e.hire_date else None,
        extra=orjson.dumps(e.model_extra, option=orjson.OPT_SORT_KEYS).decode()
        if e.model_extra
        else None,
    )


def row_to_record(row):
    d = {k: v for k, v in row.items() if v is not None and k != "extra"}
    if row.get("extra"):
        d |= orjson.loads(row["extra"])
    return d


def validation_reason(error):
    f = error.errors()[0]
    return str(f["loc"][0] if f["loc"] else ""), "Invalid employee data: " + f["msg"]


def encode_record(r):
    return orjson.dumps(dict(r))


def sample_records(n, seed=0):
    return [
        dict(employee_id=f"E{i:06d}", first_name="Ada", last_name="Byron", salary=1.0 * i)
        for i in range(n)
    ]


class RecordFile: ...


def read_records(f):
    raise RecordError("stub")
