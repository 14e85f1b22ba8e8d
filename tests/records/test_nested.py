"""JSON of other programs: of its lists the employees are read, and what is not read is said."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empkit.records.employee import RecordError
from empkit.records.files import read_records
from tests.record_values import ADA

BO = {"employee_id": "E2", "first_name": "Bo", "last_name": "Lund"}
CY = {"employee_id": "E3", "first_name": "Cy", "last_name": "Roe"}
REPORT = {"id": 1, "name": "Report May"}


def read(document, **options):
    text = document if isinstance(document, str) else json.dumps(document)
    return read_records(io.BytesIO(text.encode()), **options)


@pytest.mark.parametrize(
    "document",
    [
        {"employees": [ADA], "contractors": [BO, CY]},
        {"a": {"employees": [ADA]}, "b": {"employees": [BO, CY]}},
        {"a": {"employees": [ADA, BO]}, "page": 1, "b": {"c": {"staff": [CY]}}},
    ],
)
@pytest.mark.parametrize("indent", [None, 1])
def test_all_lists_of_employees_are_read_and_said_with_their_paths(document, indent):
    found = read(json.dumps(document, indent=indent))
    assert found.records == [ADA, BO, CY]
    assert found.unreadable == []
    assert any("It has employees in 2 lists, and all are read" in note for note in found.notes)
    assert all(" (" in note and ")" in note for note in found.notes)


def test_lists_of_employees_with_other_names_are_refused_with_their_paths():
    other = {"id": 7, "surname": "Roe", "forename": "Cy"}
    with pytest.raises(RecordError, match=r"2 lists, of different forms \('staff', 'x.former'\)"):
        read({"staff": [ADA], "x": {"former": [other]}})


@pytest.mark.parametrize("other", [[{"code": 1, "who": "A"}], [REPORT], [REPORT] * 9])
@pytest.mark.parametrize("first", [True, False])
def test_the_list_that_has_the_fields_is_read_wherever_it_stands(other, first):
    lists = [("employees", [ADA]), ("others", other)]
    found = read(dict(lists if first else reversed(lists)))
    assert found.records == [ADA]
    assert found.unreadable == []
    assert found.notes == ["Of its lists 'employees' is read; 'others' is not."]


def test_the_list_that_the_users_columns_fit_is_read():
    document = {"logs": [{"code": 1, "who": "x"}] * 3, "rows": [{"k": 1, "v": "Ada", "f": "B"}]}
    columns = {"employee_id": "k", "first_name": "v", "last_name": "f"}
    assert read(document, columns=columns).records[0]["first_name"] == "Ada"


def test_lines_of_rows_stay_those_of_the_document():
    text = f'{{"a": [\n{json.dumps(ADA)}],\n"b": [\n{json.dumps(BO)},\n{{"salary": 1}}]}}'
    found = read(text)
    assert found.records == [ADA, BO]
    assert [row.line for row in found.unreadable] == [5]


@pytest.mark.parametrize(
    "text",
    [
        '{{"page": 1, "data": [{0}, {{"employee_id": oops}}, {1}]}}',
        '{{"x": {{"data": [{0}, {{"employee_id": 1,}}, {1}]}}}}',
        '{{"data": [{0}, {1}, {{"employee_id": ',
    ],
)
def test_a_broken_element_of_a_list_in_an_object_does_not_stop_the_others(text):
    found = read(text.format(json.dumps(ADA), json.dumps(BO)))
    assert found.records == [ADA, BO]
    assert found.unreadable


@pytest.mark.parametrize(
    ("wrapped", "beside"),
    [
        (lambda record: {"id": "rec1", "fields": record}, {"id": "rec1"}),
        (lambda record: {"_index": "i", "_source": record}, {"_index": "i"}),
        (lambda record: {"node": record}, {}),
        (lambda record: {"anything": record}, {}),
        (
            lambda record: {
                "id": record["employee_id"],
                "attributes": {
                    name: each for name, each in record.items() if name != "employee_id"
                },
            },
            {},
        ),
        (
            lambda record: {
                "id": record["employee_id"],
                "name": {"first": record["first_name"], "last": record["last_name"]},
            },
            {},
        ),
    ],
)
def test_employees_under_a_key_of_each_object_are_read_and_said(wrapped, beside):
    rows = [wrapped(BO), wrapped(CY)]
    lines = "\n".join(map(json.dumps, rows))
    for document in (rows, {"records": rows, "offset": "x"}, {"a": {"b": rows}}, lines):
        found = read(document)
        assert found.records == [BO | beside, CY | beside]
        assert found.unreadable == []
        assert len(found.notes) == 1
        assert "under '" in found.notes[0]


def test_what_stands_beside_a_wrapped_employee_under_one_of_his_names_is_kept():
    found = read([{"id": "rec1", "fields": {"id": "E2", "first_name": "Bo", "last_name": "Lund"}}])
    assert found.records == [BO | {"id_beside_fields": "rec1"}]


def test_lists_within_the_objects_of_a_list_and_pages_are_read():
    departments = [{"id": 1, "name": "Human Resources", "employees": [ADA]}]
    departments.append({"id": 2, "name": "Information Technology", "employees": [BO, CY]})
    found = read({"departments": departments})
    assert found.records == [ADA, BO, CY]
    assert "what stands beside is not read ('id', 'name')" in found.notes[0]
    pages = "\n".join(json.dumps({"employees": rows}) for rows in ([ADA], [BO, CY]))
    assert read(pages).records == [ADA, BO, CY]
    assert read(f"{json.dumps([ADA])}\n{json.dumps([BO, CY])}").records == [ADA, BO, CY]


def test_a_name_that_may_be_an_employees_or_a_groups_is_not_guessed():
    found = read([{"id": 7, "name": "Human Resources", "crew": [BO]}])
    assert list(found.records) == []
    assert "may be an employee's or a group's, of which 'crew'" in found.unreadable[0].reason


def test_relatives_and_reports_of_an_employee_are_not_employees():
    reports = {"id": 7, "name": "Nia Orr", "reports": [{"id": 8, "name": "Bo Lund"}]}
    assert [record["employee_id"] for record in read([reports]).records] == ["7"]
    assert read({**ADA, "dependents": [BO]}).records == [{**ADA, "dependents": [BO]}]
    by_name = {"id": 7, "name": "Nia Orr", "dependents": [BO]}
    assert [record["employee_id"] for record in read([by_name]).records] == ["7"]
    paid = {"id": 7, "name": "Nia Orr", "salary": 5, "members": [BO]}
    assert [record["employee_id"] for record in read([paid]).records] == ["7"]
    found = read([{"code": 7, "who": "Nia Orr", "children": [BO]}])
    assert list(found.records) == []
    assert found.unreadable
    unnamed = {"employee_id": "E1", "first_name": "Ada", "dependents": [BO]}
    found = read([unnamed])
    assert list(found.records) == []
    assert "Missing last_name" in found.unreadable[0].reason


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"1": {"first_name": "A", "last_name": "B"}}, "values of an object, under keys such as"),
        ({"E1": ADA, "E2": BO}, "values of an object, under keys such as 'E1'"),
        ({"data": []}, "The list 'data' is empty"),
        ({"columns": ["employee_id"], "index": [0], "data": [[1]]}, "orient='records'"),
        (
            {"employee_id": {"0": 1}, "first_name": {"0": "A"}, "last_name": {"0": "B"}},
            "by columns.*orient='records'",
        ),
        (
            {"employee_id": [1, 2], "first_name": ["A", "C"], "last_name": ["B", "D"]},
            "by columns.*orient='records'",
        ),
        ([["employee_id", "first_name"], [1, "A"]], "write each row as an object"),
        ([{"who": {"nr": 1}, "what": {"given": "A"}}], "flatten it"),
    ],
)
def test_other_forms_of_tables_get_a_sentence_with_the_next_step(document, words):
    found = read(document)
    assert list(found.records) == []
    assert all(words.split(".*")[-1] in row.reason for row in found.unreadable)
    assert found.unreadable


def test_extended_json_of_mongodb_is_read():
    text = (
        '{"_id":{"$oid":"507f"},"first_name":"Ada","last_name":"B","hire_date":{"$date":'
        '{"$numberLong":"1614556800000"}},"salary":{"$numberDecimal":"52000.50"}}'
    )
    assert read(text).records == [
        {
            "employee_id": "507f",
            "first_name": "Ada",
            "last_name": "B",
            "salary": 52000.5,
            "hire_date": "2021-03-01",
        }
    ]


nested = st.recursive(
    st.none() | st.integers() | st.text(max_size=3) | st.just(ADA) | st.just(BO),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=8,
)


@given(nested)
def test_no_document_is_read_as_nothing_without_a_word(document):
    try:
        found = read(document)
    except RecordError as error:
        assert str(error)
        return
    there = json.dumps(document).count('"last_name"')
    assert not there or found.records or found.unreadable
