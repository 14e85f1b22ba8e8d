"""JSON lines and lists: every line is a record or reported."""

from __future__ import annotations

import io
import json

from hypothesis import given
from hypothesis import strategies as st

from empkit.records.employee import RecordError
from empkit.records.files import read_records
from empkit.records.form import format_employee_record
from tests.record_values import ADA, employees, unhurried
from tests.records.test_files import packed, packings

JSON_JUNK = [
    b"oops",
    b"[1, 2]",
    b"7",
    b'"text"',
    b"[" * 5000,
    b'{"employee_id": "E2", "first_name": "x",',
    b'{"employee_id": "E2", "first_name": "x", "last_name": "y"',
    b'{"first_name": "x", "last_name": "y"}',
    b'{"employee_id": "E2", "first_name": "\xff", "last_name": "y"}',
    b'{"employee_id": "E2", "first_name": "\\u0000", "last_name": "y"}',
    b'{"employee_id": "E2", "first_name": "\\ud800", "last_name": "y"}',
    b'{"employee_id": "E2", "first_name": "x", "last_name": "y", "z": NaN}',
    b'{"employee_id": "E2", "first_name": "x", "last_name": "y", "z": 1' + b"0" * 5000 + b"}",
]


@unhurried
@given(
    st.lists(st.one_of(employees, st.sampled_from(JSON_JUNK), st.just(b"")), max_size=12),
    employees,
    st.sampled_from([b"\n", b"\r\n"]),
    packings,
)
def test_every_line_of_json_lines_is_a_record_or_reported(rows, last, end, packing):
    expected, bad, lines = [], [], []
    for number, row in enumerate([*rows, last], start=1):
        lines.append(row if isinstance(row, bytes) else json.dumps(row).encode())
        if row == b"":
            continue
        try:
            expected.append(format_employee_record({} if isinstance(row, bytes) else row))
        except RecordError:
            bad.append(number)
    found = read_records(packed(end.join(lines), packing))
    assert found.records == expected
    assert [row.line for row in found.unreadable] == bad
    assert all(row.reason.endswith((".", ")")) for row in found.unreadable)


@unhurried
@given(st.lists(employees, min_size=1, max_size=5), st.sampled_from([None, 2, "\t"]))
def test_a_json_list_gives_the_same_however_it_is_laid_out(rows, indent):
    found = read_records(io.BytesIO(json.dumps(rows, indent=indent).encode()))
    assert found.records + found.unreadable != []
    one_a_line = "\n".join(map(json.dumps, rows))
    assert found.records == read_records(io.BytesIO(one_a_line.encode())).records


def test_a_broken_element_of_a_list_does_not_stop_the_others():
    good = json.dumps(ADA)
    text = f'[\n{good},\n{{"employee_id": oops}},\n7,\n{{"salary": 1}},\n{good}\n'
    found = read_records(io.BytesIO(text.encode()))
    assert found.records == [ADA, ADA]
    assert [(row.line, row.reason.split(":")[0]) for row in found.unreadable] == [
        (3, "Bad JSON"),
        (5, "Missing employee_id"),
        (7, "The list is not closed"),
    ]
    assert read_records(io.BytesIO(json.dumps(ADA, indent=1).encode())).records == [ADA]
