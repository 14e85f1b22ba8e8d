"""JSON lines and lists: every line is a record or reported."""

from __future__ import annotations

import contextlib
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empkit.records.employee import RecordError
from empkit.records.files import read_records
from empkit.records.form import format_employee_record
from tests.record_values import ADA, employees
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
    b'{"employee_id": "E2", "first_name": "x", "last_name": "y", "z": 1' + b"0" * 5000 + b"}",
]


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


@given(st.lists(employees, min_size=1, max_size=5), st.sampled_from([None, 2, "\t"]))
def test_a_json_list_gives_the_same_however_it_is_laid_out(rows, indent):
    found = read_records(io.BytesIO(json.dumps(rows, indent=indent).encode()))
    assert len(found.records) + len(found.unreadable) > 0
    one_a_line = "\n".join(map(json.dumps, rows))
    assert found.records == read_records(io.BytesIO(one_a_line.encode())).records


BROKEN = [
    "oops",
    "'single'",
    "7",
    '{"employee_id": oops}',
    '{"employee_id": "E2", "salary": 1e5x, "reports": [{"employee_id": "E3"}, {"a": 1}]}',
    '{"employee_id": "E2, "first_name": "x"}',
    '{"employee_id": "E2",',
    '{"employee_id": "E2", "note": "a } b { c", oops}',
    "[" * 200 + "]" * 200,
]


@given(st.lists(st.one_of(employees, st.sampled_from(BROKEN)), min_size=1, max_size=8))
def test_after_a_broken_element_on_the_same_line_every_other_one_is_read(rows):
    written = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    text = ", ".join(row.removesuffix(",") for row in [*written, json.dumps(ADA)])
    found = read_records(io.BytesIO(f"[{text}]".encode()))
    good = []
    for row in rows:
        with contextlib.suppress(RecordError):
            good.append(format_employee_record({} if isinstance(row, str) else row))
    assert found.records == [*good, ADA]
    broken = len(rows) - len(good)
    # what follows an object that is not closed may belong to it, and is reported with it
    unclosed = any(isinstance(row, str) and row.endswith(",") for row in rows)
    assert len(found.unreadable) == broken or (unclosed and 0 < len(found.unreadable) < broken)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_a_number_that_is_none_is_no_value(number):
    text = f'[{{"employee_id": "E1", "first_name": "a", "last_name": "b", "salary": {number}}}]'
    found = read_records(io.BytesIO(text.encode()))
    assert found.records == [{"employee_id": "E1", "first_name": "a", "last_name": "b"}]
    assert found.unreadable == []


def test_a_broken_element_of_a_list_does_not_stop_the_others():
    good = json.dumps(ADA)
    text = f'[\n{good},\n{{"employee_id": oops}},\n7,\n{{"salary": 1}},\n{good}\n'
    found = read_records(io.BytesIO(text.encode()))
    assert found.records == [ADA, ADA]
    assert [(row.line, row.reason.split(":")[0]) for row in found.unreadable] == [
        (3, "Bad JSON"),
        (4, "Not a JSON object but 7."),
        (5, "Missing employee_id"),
        (7, "The list is not closed"),
    ]
    assert read_records(io.BytesIO(json.dumps(ADA, indent=1).encode())).records == [ADA]


@pytest.mark.parametrize(
    "text",
    [
        '{{"data": [{0}, {0}], "total": 2}}',
        '{{"response": {{"page": 1, "employees": [{0},{0}]}}, "errors": []}}',
        '{{\n "meta": {{"data": "none"}},\n "data": [\n  {0},\n  {0}\n ]\n}}\n',
        "{0},\n{0},\n",
        "{0}\n{0}",
    ],
)
def test_records_within_an_object_or_with_commas_after_each_line_are_read(text):
    found = read_records(io.BytesIO(text.format(json.dumps(ADA)).encode()))
    assert found.records == [ADA, ADA]
    assert found.unreadable == []


def test_rows_with_the_id_in_different_columns_are_not_mixed():
    other = {"id": "7", "first_name": "Bo", "last_name": "Lund"}
    found = read_records(io.BytesIO(json.dumps([ADA, other]).encode()))
    assert found.records == [ADA]
    assert "The id is in 'id' here, and in 'employee_id' above" in found.unreadable[0].reason


def lines_and_list(*objects):
    """Return objects as JSON Lines, as a list, in an object, and over several lines."""
    return [
        "\n".join([*objects, json.dumps(ADA)]),
        f"[{', '.join([*objects, json.dumps(ADA)])}]",
        f'{{"data": [{", ".join([*objects, json.dumps(ADA)])}]}}',
    ]


@pytest.mark.parametrize(
    "twice",
    [
        '{"employee_id": 1, "employee_id": 2, "first_name": "a", "last_name": "b"}',
        '{"employee_id": 1, "first_name": "a", "last_name": "b", "first_name" : "c"}',
        '{"employee_id": 1, "first_name": "a", "last_name": "b", "x": {"n": 1, "n": 2}}',
        '{"employee_id": 1, "first_name": "a", "last_name": "b", "\\u0078": 1, "x": "\\": 2"}',
    ],
)
def test_a_name_that_an_object_has_twice_is_reported(twice):
    for text in lines_and_list(twice):
        found = read_records(io.BytesIO(text.encode()))
        assert found.records == [ADA]
        assert [row.line for row in found.unreadable] == [1]
        assert "twice, and one value would be lost" in found.unreadable[0].reason


def test_a_list_whose_key_stands_twice_is_reported():
    text = f'{{"a": [{json.dumps(ADA)}], "a": [{json.dumps(ADA)}]}}'
    found = read_records(io.BytesIO(text.encode()))
    assert "It has 'a' twice" in found.unreadable[0].reason


@pytest.mark.parametrize(
    ("number", "kept"),
    [
        ("1234567890.12345678901234", False),
        ("0.1234567890123456789", False),
        ("12345678901234567890.12", False),
        ("0.1000000000000000055511151231257827", True),  # the double itself
        ("0.10000000000000000555", True),  # and rounded
        ("1234567890.1234567", True),
        ("52000.500000000000000000000", True),
    ],
)
def test_a_number_with_more_digits_than_are_kept_is_reported(number, kept):
    for text in lines_and_list(json.dumps(ADA | {"tax": 0}).replace(": 0}", f": {number}}}")):
        found = read_records(io.BytesIO(text.encode()))
        if kept:
            assert found.records[0]["tax"] == float(number)
            assert found.dropped == []
        else:
            assert "tax" not in found.records[0]
            assert [value.column for value in found.dropped] == ["tax"]
            assert "send a longer one as text" in found.dropped[0].reason


@pytest.mark.parametrize(
    ("broken", "cause"),
    [
        ('{"employee_id": 1, }', "a comma before the closing bracket"),
        ('{"a": [1, 2,]}', "a comma before the closing bracket"),
        ("{'employee_id': 1}", "single quotes"),
        ('// c\n{"employee_id": 1}', "a comment"),
        ('/* { */{"employee_id": 1}', "a comment"),
        ('{"employee_id": 1 # c\n}', "a comment"),
        ("{employee_id: 1}", "the name employee_id without quotes"),
        ('{"employee_id": None}', "None, which JSON writes null"),
        ("{\u201cemployee_id\u201d: 1}", "quotes of a text processor"),
    ],
)
def test_why_text_is_not_json_is_named_and_the_others_are_read(broken, cause):
    good = json.dumps(ADA)
    found = read_records(io.BytesIO(f"[{good}, {broken}, {good}]".encode()))
    assert found.records == [ADA, ADA]
    assert any(cause in row.reason for row in found.unreadable)


def test_a_number_that_cannot_be_held_costs_its_element_only():
    for number, why in (
        ("1" * 5_000, "4300 digits"),
        ("1.5e-" + "9" * 30, "exponent is too large"),
    ):
        lines = (
            f'{{"id":1,"first":"a","last":"b","x":{number}}}\n{{"id":2,"first":"a","last":"b"}}\n'
        )
        for text in (lines, f"[{lines.strip().replace(chr(10), ',')}]"):
            found = read_records(io.BytesIO(text.encode()))
            assert [record["employee_id"] for record in found.records] == ["2"]
            assert why in found.unreadable[0].reason


@pytest.mark.parametrize("length", [1, 2**14 - 60, 2**14 - 50, 2**14 - 40, 2**14, 2**17])
def test_an_element_of_any_length_is_read_whole(length):
    elements = [{"id": "1", "first": "a", "last": "b", "note": "x" * length}] * 3
    found = read_records(io.BytesIO(json.dumps(elements).encode()))
    assert [record["note"] for record in found.records] == ["x" * length] * 3
    assert found.unreadable == []


def test_a_comment_between_elements_costs_none_of_them():
    good = json.dumps(ADA)
    found = read_records(io.BytesIO(f"[{good}, // one\n{good} /* }} */, {good}]".encode()))
    assert found.records == [ADA, ADA, ADA]
    first = read_records(io.BytesIO(f'[{{"employee_id":1,}},\n // c\n {good}]'.encode()))
    assert first.records == [ADA]


def test_of_several_elements_in_a_line_the_number_is_said():
    rows = [ADA, {"salary": 1}, ADA | {"salary": "x"}]
    found = read_records(io.BytesIO(json.dumps(rows).encode()))
    assert found.unreadable[0].reason.startswith("Element 2: Missing employee_id")
    assert found.dropped[0].element == 3
    found = read_records(io.BytesIO(json.dumps(rows, indent=1).encode()))
    assert found.unreadable[0].reason.startswith("Missing employee_id")
    assert found.dropped[0].element == 0


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("text", [json.dumps([ADA]), json.dumps(ADA)])
def test_zero_bytes_tell_the_encoding_of_json_without_a_mark(encoding, text):
    found = read_records(io.BytesIO(text.encode(encoding)))
    assert found.records == [ADA]
    assert found.notes == [f"Its encoding is {encoding}, as its first bytes say."]


def test_a_list_that_is_not_in_utf_8_names_the_option():
    text = json.dumps([ADA | {"first_name": "Zo\xeb"}], ensure_ascii=False, indent=1)
    found = read_records(io.BytesIO(text.encode("cp1252")))
    assert "say its encoding with --encoding, such as cp1252" in found.notes[0]
    assert "in line 4" in found.notes[0]
    found = read_records(io.BytesIO(text.encode("cp1252")), encoding="cp1252")
    assert found.records[0]["first_name"] == "Zo\xeb"
    assert found.notes == []


def test_objects_of_one_line_and_of_several_are_read():
    whole, long = json.dumps(ADA), json.dumps(ADA, indent=1)
    for text in (f"{whole}\n{long}\n", f"{long}\n{whole}\n{long}", f"{whole}\n{whole}\n{long}"):
        found = read_records(io.BytesIO(text.encode()))
        assert found.records == [ADA] * text.count('"E')
        assert found.unreadable == []
