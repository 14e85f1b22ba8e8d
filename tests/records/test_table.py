"""The lines of a table that are no rows, and rows that are another's headings: none is an employee,
and each is said."""

from __future__ import annotations

import io

import pytest

from empkit.records.files import read_records
from tests.records.test_exports import employee, read

HEAD = "employee_id,first_name,last_name,salary\n1,Ada,Byron,5\n"


@pytest.mark.parametrize(
    ("below", "second"),
    [
        ("employee_id,last_name,first_name,salary\n2,Stone,Bob,6\n", {"salary": 6.0}),
        ("salary,employee_id,first_name,last_name\n6,2,Bob,Stone\n", {"salary": 6.0}),
        ("Employee ID,First Name,Last Name,Salary\n2,Bob,Stone,6\n", {"salary": 6.0}),
        ("Personalnr,Nachname,Vorname,Gehalt\n2,Stone,Bob,6\n", {"salary": 6.0}),
        ("Surname,Given name,Emp no\nStone,Bob,2\n", {}),
        ("Emp no,Name,Pay,Team\n2,Bob Stone,6,red\n", {"salary": 6.0, "Team": "red"}),
        ("LAST NAME,FIRST NAME,STAFF NO,TEAM,PAY\nStone,Bob,2,red,6\n",
         {"salary": 6.0, "TEAM": "red"}),
    ],
)  # fmt: skip
def test_rows_below_headings_in_other_words_or_another_order_are_read_by_these(below, second):
    found = read(HEAD + below)
    assert found.records == [
        employee("1", "Ada", "Byron", salary=5.0),
        employee("2", "Bob", "Stone", **second),
    ]
    assert found.unreadable == []
    assert any("headings again" in note and "line 3" in note for note in found.notes)


def test_rows_below_headings_without_what_is_needed_are_reported():
    found = read(f"{HEAD}id,department,position,pay\n7,red,blue,3\n{HEAD}")
    assert [record["employee_id"] for record in found.records] == ["1", "1"]
    assert [row.line for row in found.unreadable] == [3, 4]
    assert "another table" in found.unreadable[0].reason
    assert "line 3" in found.unreadable[1].reason


@pytest.mark.parametrize("row", ["E,First,Smith,7", "x,Given,Last,7", "a,Title,Division,7"])
def test_an_employee_who_is_called_like_a_heading_stays_one(row):
    number, first, last, _ = row.split(",")
    found = read(f"{HEAD}{row}\n")
    assert found.records[1:] == [employee(number, first, last, salary=7.0)]


@pytest.mark.parametrize(
    "word", ["Total", "TOTAL:", "Grand Total", "Summe", "Sub-total", "Average"]
)
def test_a_row_of_totals_is_reported_and_no_employee(word):
    found = read(f"id;full_name;salary\n1;Ada Byron;5\n{word};{word} all;5\n")
    assert [record["employee_id"] for record in found.records] == ["1"]
    assert [row.line for row in found.unreadable] == [3]
    assert "row of totals" in found.unreadable[0].reason


@pytest.mark.parametrize(
    "line", ["---,---,---,---", "====,====,====,====", "----------", "+-----+----+", "(2 rows)",
             "2 rows in set (0.00 sec)", "======="]
)  # fmt: skip
def test_a_rule_or_a_number_of_rows_is_no_row_and_is_said(line):
    found = read(f"{HEAD}2,Bob,Stone,6\n{line}\n")
    assert [record["employee_id"] for record in found.records] == ["1", "2"]
    assert found.unreadable == []
    assert len(found.notes) == 1
    assert found.notes[0].endswith("in line 4.")


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ('1,Ada,Byron,"open\n2,Bob,Stone,x\n3,Cy,Roe,y"\n4,D,E,z\n', True),
        ('1,Ada,Byron,"open\n2,Bob,Stone,x"\n4,D,E,z\n', True),
        ('1,Ada,Byron,"two\nlines, no more"\n4,D,E,z\n', False),
    ],
)
def test_a_cell_in_quotes_that_may_have_taken_rows_is_said(text, held):
    found = read(f"employee_id,first_name,last_name,note\n{text}")
    assert [record["employee_id"] for record in found.records] == ["1", "4"]
    assert any("each be a row" in note and "(line 2)" in note for note in found.notes) == held


def test_a_row_that_lacks_cells_is_told_so_and_not_to_use_quotes():
    found = read_records(io.BytesIO(HEAD.encode() + b"2,Bob,Stone\n3,Cy,Roe,1,2\n"))
    few, many = (row.reason for row in found.unreadable)
    assert "3 cells where the header has 4: its last cells may have been left out" in few
    assert "put quotes around a cell" in many


def test_headings_that_the_row_below_does_not_fit_cost_no_other_row():
    found = read(f"{HEAD},employee_id,first_name,last_name,salary\n2,Bob,Stone,6\n3,Cy,Roe,7\n")
    assert [record["employee_id"] for record in found.records] == ["1", "2", "3"]
    assert [row.line for row in found.unreadable] == [3]


def test_rows_of_another_width_than_strange_headings_are_still_rows():
    found = read(f"{HEAD}id,department,position\n7,red,blue\n2,Bob,Stone,6\n")
    assert [record["employee_id"] for record in found.records] == ["1", "2"]
    assert [row.line for row in found.unreadable] == [3, 4]
