from __future__ import annotations

import contextlib
import csv
import datetime
import gzip
import io
import json
import math
import random
import sys
from types import SimpleNamespace
from unittest import mock

import numpy as np
import orjson
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from empkit.records import depth
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
from empkit.records.files import UnreadableRow, read_records
from empkit.records.form import SPELLINGS, format_employee_record
from empkit.records.samples import sample_records

unhurried = settings(deadline=None)  # a shared machine may stop for a while

ADA = {"employee_id": "E1", "first_name": "Ada", "last_name": "Byron"}


def employee(**more: object) -> Employee:
    return Employee.model_validate_json(json.dumps(ADA | more))


def reason(data: bytes | str) -> tuple[str, str]:
    with pytest.raises(ValidationError) as caught:
        Employee.model_validate_json(data)
    return validation_reason(caught.value)


# Values

texts = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=200)
names = st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1, max_size=40)
sound_leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)


def nested(leaves, keys):
    return st.recursive(
        leaves, lambda inside: st.lists(inside) | st.dictionaries(keys, inside), max_leaves=8
    )


extras = st.dictionaries(
    names.filter(lambda name: name not in FIELDS), nested(sound_leaves, texts), max_size=4
)
employees = st.fixed_dictionaries(
    {"employee_id": st.text("abcXYZ-019é☃", min_size=1, max_size=64), "first_name": names}
    | {"last_name": names},
    optional={
        "email": st.none() | texts,
        "department": texts,
        "position": texts,
        "salary": st.none() | st.floats(0, 1e300) | st.integers(0, 2**53),
        "hire_date": st.none() | st.dates().map(str),
    },
)
anything = nested(
    sound_leaves
    | st.sampled_from(["\0", "a\0b", "\ud800", 2**64, -(2**70), math.nan, math.inf, "1305590400"]),
    st.sampled_from(["a", "\0", "\udfff"]) | texts,
)


# The employee, the row and back


@unhurried
@given(employees, extras)
def test_a_record_comes_back_from_its_row_as_it_was(fields, more):
    record = fields | more
    row = to_row(Employee.model_validate_json(encode_record(record)))

    assert tuple(row) == CONTENT
    assert all(type(value) in (str, float, type(None)) for value in row.values())
    back = row_to_record(row)
    assert back == {k: v for k, v in record.items() if k not in FIELDS or v is not None}
    assert to_row(Employee.model_validate_json(encode_record(back))) == row


@unhurried
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


# Bringing rows to the form

spellings = st.sampled_from([name for group in SPELLINGS.values() for name in group.split()])
columns = spellings | spellings.map(lambda s: s.replace("_", " ").title()) | texts
cells = (
    st.sampled_from(["", " ", "NA", "-", "52,000.50", "5.", ".", "$ 1 000", " 2011-05-17T08:00 "])
    | st.sampled_from([math.nan, np.float64(7), np.int64(8), pd.NaT, pd.Timestamp("2011-05-17")])
    | st.dates()
    | anything
)


@unhurried
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


# Reading files

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
CSV_JUNK = [
    b"E2",
    b"E2,x,y,z",
    b"E2,x,y,z,a,b",
    b",x,y,,",
    b'E2,"x,y,,',
    b'E2,"x"y,y,,',
    b"E2,\xff,y,,",
    b"E2,x,y\x00,,",
    b"E2,x,y,,a lot",
    b"E2," + b"x" * 140_000 + b",y,,",
]
packings = st.tuples(st.booleans(), st.sampled_from([b"", b"\xef\xbb\xbf"]))


def packed(data: bytes, packing: tuple[bool, bytes]) -> io.BytesIO:
    zipped, mark = packing
    return io.BytesIO(gzip.compress(mark + data, 1, mtime=0) if zipped else mark + data)


def nest(depth: int, brackets: str = "[]") -> str:
    """A good record with an extra that is nested `depth` levels deep."""
    inner = brackets[:-1] * depth + "1" + brackets[-1] * depth
    return json.dumps(ADA)[:-1] + f', "x": {inner}}}'


@pytest.mark.parametrize("brackets", ["[]", '{"]}":}', '["}", ]'])
@pytest.mark.parametrize("limit", [500, 20_000])
def test_how_deep_a_file_may_go_does_not_depend_on_the_interpreter(brackets, limit):
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(limit)  # what some versions of Python go by, others have a fixed limit
    try:
        for depth in (101, 150, 250, 1_500, 5_000, 100_000):
            deep = nest(depth, brackets)
            for text in (deep, f"[{deep}]", f"{json.dumps(ADA)}\n{deep}"):
                [row] = read_records(io.BytesIO(text.encode())).unreadable
                assert row.reason == "Nested too deep: at most 100 levels are accepted."
    finally:
        sys.setrecursionlimit(before)


@pytest.mark.parametrize("shape", ["{}", "[{}]", "[\n{}\n]", "{}\n{}"])
def test_extras_of_a_hundred_levels_are_read_in_each_layout(shape):
    text = shape.replace("{}", nest(100))
    assert read_records(io.BytesIO(text.encode())).unreadable == []


def test_objects_that_are_not_closed_are_not_taken_for_nesting():
    text = "\n".join('{"employee_id": "E1", "first_name": "Ada"' for _ in range(300))
    reasons = {row.reason for row in read_records(io.BytesIO(text.encode())).unreadable}
    assert all(reason.startswith("Bad JSON: Expecting ',' delimiter") for reason in reasons)


class DepthCounter(json.JSONDecoder):
    """The standard library's parser in Python, which counts how deep it goes."""

    def __init__(self) -> None:
        super().__init__()
        self.depth = self.deepest = 0
        self.parse_array = self.counted(json.decoder.JSONArray)
        self.parse_object = self.counted(json.decoder.JSONObject)
        self.scan_once = json.scanner.py_make_scanner(self)

    def counted(self, parse):
        def inner(*arguments):
            self.depth += 1
            self.deepest = max(self.deepest, self.depth)
            try:
                return parse(*arguments)
            finally:
                self.depth -= 1

        return inner


@unhurried
@given(anything.map(json.dumps), st.sampled_from(["", "7 [[[[[[", "}", "\n[[[[[["]))
def test_the_depth_of_json_is_counted_as_the_parser_meets_it(text, rest):
    parser = DepthCounter()
    parser.raw_decode(text)
    with mock.patch.object(depth, "MAX_DEPTH", 2):
        starts_a_level = text[0] in "[{"
        assert depth._too_deep(text + rest * starts_a_level) == (parser.deepest > 3)


@unhurried
@given(
    st.lists(st.sampled_from(["[", "]", "{", "}", '{"a":', '"', ":", ",", "\\", " ", "\n", "1"]))
)
def test_no_text_takes_the_parser_deeper_than_was_counted(parts):
    text, parser = "".join(parts).lstrip(), DepthCounter()
    with contextlib.suppress(ValueError):
        parser.raw_decode(text)
    with mock.patch.object(depth, "MAX_DEPTH", 2):
        assert depth._too_deep(text) >= (parser.deepest > 3)


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


csv_text = st.lists(st.sampled_from([*"ab é☃\n\t,;|\"'", "\r\n"]), max_size=8).map(
    lambda parts: f"x{''.join(parts)}y"
)


@unhurried
@given(
    st.lists(
        st.one_of(st.lists(csv_text, min_size=3, max_size=3), st.sampled_from(CSV_JUNK)),
        max_size=12,
    ),
    st.sampled_from(",;\t|"),
    st.sampled_from(["\n", "\r\n"]),
    packings,
)
def test_every_line_of_csv_is_in_a_record_or_reported(rows, delimiter, end, packing):
    file = io.BytesIO()
    writer = csv.writer(
        text := io.TextIOWrapper(file, "utf-8", newline="", write_through=True),
        delimiter=delimiter,
        lineterminator=end,
    )
    writer.writerow(["emp no", "first_name", "last_name", "note", "pay"])
    expected, bad = [], []
    for number, row in enumerate(rows):
        line = file.getvalue().count(b"\n") + 1
        if isinstance(row, bytes):
            file.write(row.replace(b",", delimiter.encode()) + end.encode())
            bad.append(line)
        else:
            writer.writerow([number, *row, ""])
            fields = dict(zip(("first_name", "last_name"), row, strict=False))
            expected.append({"employee_id": str(number), **fields, "note": row[2]})
    data = file.getvalue()
    text.detach()

    found = read_records(packed(data, packing))
    assert found.records == expected
    assert [row.line for row in found.unreadable] == bad
    assert found.renamed == ({"emp no": "employee_id"} if expected else {})
    assert found.kept == (["note"] if expected else [])


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


def test_the_format_is_told_from_the_content_not_the_name(tmp_path, monkeypatch):
    line = json.dumps(ADA).encode()
    table = b"id;first;last\nE1;Ada;Byron\n"
    for content in (
        line,
        b"[" + line + b"]",
        table,
        gzip.compress(table, mtime=0),
        b"oops\n" + line,
    ):
        (tmp_path / "file.csv").write_bytes(content)
        assert read_records(tmp_path / "file.csv").records == [ADA]
        assert read_records(str(tmp_path / "file.csv")).records == [ADA]
        stdin = SimpleNamespace(buffer=io.BytesIO(content))
        monkeypatch.setattr("sys.stdin", stdin)
        assert read_records("-").records == [ADA]


def test_made_up_records_come_back_from_csv_and_json_lines(tmp_path):
    made_up = sample_records(50)
    pd.DataFrame(made_up).to_csv(tmp_path / "a.csv", index=False)
    pd.DataFrame(made_up).to_json(
        tmp_path / "b.gz", orient="records", lines=True, compression="gzip"
    )
    assert read_records(tmp_path / "a.csv").records == made_up
    assert read_records(tmp_path / "b.gz").records == made_up


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "There is no file"),
        (b"", "is empty"),
        (b"\xef\xbb\xbf \n", "is empty"),
        (gzip.compress(b"", mtime=0), "is empty"),
        (gzip.compress(random.Random(1).randbytes(99), mtime=0)[:40], "cannot be unpacked"),
        (b"10001,1953-09-02,Georgi\n", "has no column for employee_id, first_name, last_name"),
        (b"id,first,birth\n1,2,3\n", "has no column for last_name"),
        (b"id,first,last,x,x\n1,2,3,4,5\n", "two columns named x"),
        ("id,first,last\n".encode("utf-16"), "is not text in UTF-8"),
        (b"PK\x03\x04\x00\x00", "is not text in UTF-8"),
    ],
)
def test_a_file_without_records_is_refused_with_the_next_step(tmp_path, content, words):
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RecordError, match=words) as caught:
        read_records(path)
    assert str(path) in str(caught.value)


def test_a_directory_is_refused(tmp_path):
    with pytest.raises(RecordError, match="is a directory: give one file"):
        read_records(tmp_path)


def test_too_long_lines_are_reported_and_too_large_files_refused(monkeypatch):
    for module in ("csv", "json", "rows"):
        monkeypatch.setattr(f"empkit.records.{module}.MAX_LINE_BYTES", 100)
    good = json.dumps(ADA).encode()
    for head, row in ((b"", good), (b"id,first,last\n", b"E1,Ada,Byron")):
        data = b"%s%s\n%s\n%s\n" % (head, row, b'{"a":"' + b"x" * 200, row)
        found = read_records(io.BytesIO(data))
        assert found.records == [ADA, ADA]
        assert found.unreadable == [
            UnreadableRow(
                2 + len(head.splitlines()),
                "The line is 206 bytes long; at most 100 are read.",
            )
        ]
    monkeypatch.setattr("empkit.records.files.MAX_FILE_BYTES", 2**20)
    for large in (b" " * 2**21, gzip.compress(b" " * 2**21, mtime=0)):
        with pytest.raises(RecordError, match="larger than 1 MiB: split it"):
            read_records(io.BytesIO(large))


def test_damaged_gzip_gives_what_can_be_read_and_says_where_it_ends():
    lines = [json.dumps(record) for record in sample_records(5_000)]
    whole = gzip.compress("\n".join(lines).encode())
    found = read_records(io.BytesIO(whole[: len(whole) // 2]))
    assert 1_000 < len(found.records) < 4_000
    assert found.records == sample_records(len(found.records))
    (end,) = found.unreadable
    assert end.line == len(found.records) + 1
    assert end.reason.startswith("The gzip data end early")


def test_a_quote_that_is_never_closed_costs_one_row_only():
    rows = [f"{number},{'' if number % 100 else chr(34)}a,b" for number in range(2_000)]
    found = read_records(io.BytesIO("\n".join(["id,first,last", *rows]).encode()))
    assert [row.line for row in found.unreadable] == list(range(2, 2_002, 100))
    assert len(found.records) == 1_980


# Made-up records


def test_made_up_records_are_the_same_for_a_seed_and_all_are_employees():
    made_up = sample_records(500)
    assert made_up[:100] == sample_records(100)
    assert made_up != sample_records(500, seed=1)
    assert made_up[0]["employee_id"] == "E000001"
    assert [format_employee_record(record) for record in made_up] == made_up
    assert all(tuple(record) == FIELDS for record in made_up)
    assert all(record["email"].endswith("@example.com") for record in made_up)
    for name, at_least in {
        "email": 500,
        "employee_id": 500,
        "hire_date": 450,
        "salary": 200,
    }.items():
        assert len({record[name] for record in made_up}) >= at_least
