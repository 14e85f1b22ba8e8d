"""Rows brought to the form of a record: spellings, types, and a sentence for what cannot be."""

from __future__ import annotations

import io
import math

import numpy as np
import orjson
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from empkit.records.employee import Employee, RecordError, encode_record
from empkit.records.files import read_records
from empkit.records.form import SPELLINGS, format_employee_record
from tests.record_values import ADA, anything, texts

spellings = st.sampled_from([name for group in SPELLINGS.values() for name in group.split()])

columns = spellings | spellings.map(lambda s: s.replace("_", " ").title()) | texts

cells = (
    st.sampled_from(["", " ", "NA", "-", "52,000.50", "5.", ".", "$ 1 000", " 2011-05-17T08:00 "])
    | st.sampled_from([math.nan, np.float64(7), np.int64(8), pd.NaT, pd.Timestamp("2011-05-17")])
    | st.dates()
    | anything
)


@given(
    st.dictionaries(columns, cells, max_size=6),
    st.dictionaries(st.sampled_from(["emp_no", "Surname", "given name", "pay"]), texts),
)
def test_formatting_twice_is_formatting_once_and_gives_an_employee(row, more):
    try:
        record = format_employee_record({"id": 7, "first": "A", "last": "B"} | row | more)
    except RecordError:
        return
    assert format_employee_record(record) == record
    data = encode_record(record)
    assert orjson.loads(data) == record
    Employee.model_validate_json(data)


def test_a_salutation_stays_one_when_its_record_is_formatted_again():
    row = {"id": 7, "first": "A", "last": "B", "title": "Dr", "Surname": "Orr"}
    record = format_employee_record(row)
    assert record["title"] == "Dr" and "position" not in record
    assert format_employee_record(record) == record


def test_other_spellings_are_understood_and_values_brought_to_their_type():
    row = {
        "Emp-No": 10001,
        "GIVEN NAME": " Georgi ",
        "surname": "Facello",
        "E-Mail": "",
        "Dept": None,
        "job_title": "Engineer",
        "Pay": "$52,000.50",
        "hired on": "1986-06-26 00:00:00",
        "Gender": " M",
    }
    assert format_employee_record(row) == {
        "employee_id": "10001",
        "first_name": "Georgi",
        "last_name": "Facello",
        "position": "Engineer",
        "salary": 52000.5,
        "hire_date": "1986-06-26",
        "Gender": " M",
    }


def test_the_exactly_named_column_wins_and_the_other_is_kept():
    row = {"id": 1, "emp_no": 2, **ADA, "wage": "7", "salary": " "}
    record = format_employee_record(row)
    assert record == ADA | {"id": 1, "emp_no": 2, "salary": 7.0}
    del row["employee_id"]
    assert format_employee_record(row)["employee_id"] == "2"


def test_rows_of_a_data_frame_are_understood():
    frame = pd.DataFrame(
        {
            "id": [1.0, np.nan],
            "first": ["Ada", "Alan"],
            "last": ["Byron", "Turing"],
            "hired": pd.to_datetime(["2011-05-17", None]),
            "floor": [3.0, np.nan],
        }
    )
    one, two = frame.to_dict("records")
    expected = ADA | {"employee_id": "1", "hire_date": "2011-05-17", "floor": 3}
    assert format_employee_record(one) == expected
    assert format_employee_record(two | {"id": 2}) == {
        "employee_id": "2",
        "first_name": "Alan",
        "last_name": "Turing",
    }


def test_an_empty_column_of_a_field_that_another_column_has_is_left_out():
    found = read_records(io.BytesIO(b"id,first,~last,last,team\n1,Nia,Orr,,\n"))
    assert found.records == [
        {"employee_id": "1", "first_name": "Nia", "last_name": "Orr", "team": ""}
    ]
    assert format_employee_record(found.records[0]) == found.records[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"employee_id": " "}, "Missing employee_id: give it a value"),
        ({"last_name": None}, "Missing last_name"),
        ({"first_name": ["Ada"]}, "first_name: a list is not text"),
        ({"employee_id": 1.5}, "employee_id: 1.5 is not text"),
        ({"employee_id": True}, "employee_id: True is not text"),
        ({"salary": "52.000,50"}, "salary: '52.000,50' is not a number"),
        ({"salary": "5,20"}, "salary: '5,20' is not a number"),
        ({"salary": "a lot " * 99}, "salary: 'a lot a lot a lot a lot a lot ' is not a number"),
        ({"salary": "-1"}, "Invalid employee data: salary: Input should be greater"),
        ({"salary": 10**400}, "salary: 1000"),
        ({"hire_date": "17.05.2011"}, "hire_date: '17.05.2011' is not a date"),
        ({"hire_date": "2011-02-30"}, "hire_date: '2011-02-30' is not a date"),
        ({"email": "x" * 201}, "Invalid employee data: email: String should have at most 200"),
        ({5: 1}, "A column is named 5"),
    ],
)
def test_what_cannot_be_brought_to_the_form_is_refused_with_a_sentence(change, words):
    with pytest.raises(RecordError) as caught:
        format_employee_record(ADA | change)
    assert str(caught.value).startswith(words)
    assert str(caught.value).endswith(".") or str(caught.value).endswith(").")
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize("text", [r"\N", "NULL", "NA", "N/A", "None", "<NA>", "n/a", "-", "(null)"])
def test_a_text_that_stands_for_no_value_is_none_where_a_field_may_be_left_out(text):
    rows = f"id,first,last,dept,email\n1,a,b,{text},\n2,a,b,{text},x@y\n"
    found = read_records(io.BytesIO(rows.encode()))
    assert [record.get("department") for record in found.records] == [None, None]
    assert f"'dept' has no value where it has {text!r} (2 rows)." in found.notes
    assert "department" not in format_employee_record(ADA | {"department": text})


def test_a_person_may_be_called_null_but_not_as_databases_write_no_value():
    found = read_records(io.BytesIO(b"id,first,last\n1,Null,NA\n2,\\N,b\n3,a,<NA>\n"))
    assert [record["last_name"] for record in found.records] == ["NA"]
    assert [row.line for row in found.unreadable] == [3, 4]
