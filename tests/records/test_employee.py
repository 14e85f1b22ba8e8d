"""The employee, its row and back: what is accepted is kept exactly, all else refused by name."""

from __future__ import annotations

import datetime
import json
import math

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from empkit.records.employee import (
    CONTENT,
    FIELDS,
    Employee,
    RecordError,
    encode_record,
    row_to_record,
    to_row,
    validation_reason,
)
from tests.record_values import ADA, anything, employees, extras


def employee(**more: object) -> Employee:
    return Employee.model_validate_json(json.dumps(ADA | more))


def reason(data: bytes | str) -> tuple[str, str]:
    with pytest.raises(ValidationError) as caught:
        Employee.model_validate_json(data)
    return validation_reason(caught.value)


@given(employees, extras)
def test_a_record_comes_back_from_its_row_as_it_was(fields, more):
    record = fields | more
    row = to_row(Employee.model_validate_json(encode_record(record)))

    assert tuple(row) == CONTENT
    assert all(type(value) in (str, float, type(None)) for value in row.values())
    back = row_to_record(row)
    assert back == {k: v for k, v in record.items() if k not in FIELDS or v is not None}
    assert to_row(Employee.model_validate_json(encode_record(back))) == row


@pytest.mark.slow
@given(st.dictionaries(st.sampled_from([*FIELDS, "x", "y\0", "\udfff", "extra"]), anything))
def test_what_is_accepted_is_kept_exactly_and_all_else_is_refused_by_name(values):
    record = ADA | values
    data = json.dumps(record)
    try:
        row = to_row(Employee.model_validate_json(data))
    except ValidationError as error:
        field, sentence = validation_reason(error)
        shown = {ascii(name)[1:-1] for name in values} | set(values)
        assert field in shown
        assert sentence.startswith("Invalid employee data: ")
        encode_record({"field": field, "sentence": sentence})
    else:
        encoded = orjson.dumps(row)
        assert b"\\u0000" not in encoded.replace(rb"\\", b"")
        assert row_to_record(row) == {
            k: v for k, v in record.items() if v is not None or k == "x" or k == "extra"
        }


def test_extras_in_another_order_are_the_same_content():
    one, two = employee(a=1, b={"c": 2, "d": 3}), employee(b={"d": 3, "c": 2}, a=1)
    assert to_row(one) == to_row(two)
    assert to_row(one) != to_row(employee(a=1, b={"c": 2, "d": 4}))
    assert to_row(employee())["extra"] is None


def test_whole_numbers_become_floats_and_dates_dates():
    found = employee(salary=52_000, hire_date="2011-05-17")
    assert type(found.salary) is float
    assert found.hire_date == datetime.date(2011, 5, 17)
    assert Employee(**ADA, hire_date=datetime.date(2011, 5, 17)).hire_date == found.hire_date


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"employee_id": ""}, "employee_id", "missing employee_id"),
        ({"employee_id": None}, "employee_id", "missing employee_id"),
        ({"employee_id": 7}, "employee_id", "employee_id: Input should be a valid string"),
        ({"employee_id": "x" * 129}, "employee_id", "employee_id: String should have at most 128"),
        ({"first_name": ""}, "first_name", "first_name: String should have at least 1 character"),
        ({"salary": "52000"}, "salary", "salary: Input should be a valid number"),
        ({"salary": True}, "salary", "salary: Input should be a valid number"),
        ({"salary": -1}, "salary", "salary: Input should be greater than or equal to 0"),
        ({"salary": math.nan}, "salary", "salary: Input should be a finite number"),
        ({"hire_date": "1305590400"}, "hire_date", "hire_date: Input should be a date in the"),
        ({"hire_date": 0}, "hire_date", "hire_date: Input should be a date in the"),
        ({"hire_date": "2011-02-30"}, "hire_date", "hire_date: Input should be a valid date"),
        ({"email": "a\0"}, "email", "email: Input should not contain the character NUL"),
        ({"badge": {"a": ["\0"]}}, "badge", "badge: Input should not contain the character NUL"),
        ({"bad\0ge": 1}, r"bad\x00ge", r"bad\x00ge: Input should not contain the character NUL"),
        ({"badge": "\ud800"}, "badge", "badge: Invalid JSON"),
        ({"badge": 10**30}, "badge", "badge: Input should be a number of at most 64 bits"),
        ({"badge": math.inf}, "badge", "badge: Input should be a finite number"),
    ],
)
def test_a_refusal_names_the_field_and_says_why(change, field, words):
    found, sentence = reason(json.dumps(ADA | change))
    assert found == field
    assert sentence.startswith(f"Invalid employee data: {words}")


def test_a_refusal_without_an_id_uses_the_words_of_the_first_description():
    expected = ("employee_id", "Invalid employee data: missing employee_id")
    assert reason("{}") == expected
    assert reason('{"salary": "x", "z": "\\u0000"}') == expected


def test_what_is_no_record_at_all_is_refused():
    for data in (b"", b"[1]", b"null", b"\xff", b"{", '"\ud800"'):
        field, sentence = reason(data)
        assert field == ""
        assert sentence.startswith("Invalid employee data: I")


def test_a_refusal_never_repeats_the_value_nor_an_endless_name():
    secret = "s3cret" * 50
    for name in FIELDS:
        assert "s3cret" not in reason(json.dumps(ADA | {name: [secret]}))[1]
    field, sentence = reason(json.dumps(ADA | {"n" * 10_000: "\0"}))
    assert len(field) == 64
    assert len(sentence) < 200


@pytest.mark.slow
@pytest.mark.parametrize("brackets", ["[]", '{"a":}'])
def test_nesting_has_a_limit_and_breaks_nothing(brackets):
    opening, closing = brackets[:-1], brackets[-1]

    def record(depth: int) -> str:
        deep = opening * depth + "1" + closing * depth
        return json.dumps(ADA)[:-1] + f', "deep": {deep}}}'

    row = to_row(Employee.model_validate_json(record(100)))
    assert to_row(Employee.model_validate_json(encode_record(row_to_record(row)))) == row
    assert reason(record(101)) == (
        "deep",
        "Invalid employee data: deep: Input should be nested at most 100 levels deep",
    )
    assert "recursion limit" in reason(record(100_000))[1]
    assert "recursion limit" in reason(record(100_000).replace('"deep"', '"salary"'))[1]
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ValidationError, match="at most 100 levels"):
        Employee(**ADA, deep=deep)
    with pytest.raises(RecordError, match="deep: Input should be nested at most 100"):
        encode_record(ADA | {"deep": deep})


@pytest.mark.parametrize(
    "value", ["\ud800", {"a": "\udfff"}, math.nan, [math.inf], 2**64, object(), {1: 2}, b"bytes"]
)
def test_what_json_cannot_hold_is_not_sent_as_something_else(value):
    with pytest.raises(RecordError, match=r"^badge: Input should"):
        encode_record(ADA | {"badge": value})
    assert encode_record(ADA | {"badge": None}).endswith(b'"badge":null}')
