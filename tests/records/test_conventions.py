"""Numbers and dates of a column: read in the one way that all its values can mean, or refused."""

import datetime
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empkit.records.files import read_records

HEAD = "employee_id;first_name;last_name;"


def file_with(field, values):
    """What is read of a file with these values in a column."""
    rows = [f"{number};a;b;{value}" for number, value in enumerate(values)]
    return read_records(io.BytesIO("\n".join([HEAD + field, *rows]).encode()))


def read(field, values):
    """What a column of a file is read as, row by row; None where the row is refused."""
    found = file_with(field, values)
    by_id = {record["employee_id"]: record.get(field) for record in found.records}
    return [by_id.get(str(number)) for number in range(len(values))]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (["52.000", "61.500", "1.250.000"], [52_000, 61_500, 1_250_000]),
        (["52.000", "1.234,56"], [52_000, 1_234.56]),
        (["52.000", "99,5"], [52_000, 99.5]),
        (["52.000", "52.5"], [52, 52.5]),
        (["52.000", "1,250.75"], [52, 1_250.75]),
        (["52,000", "1,250,000"], [52_000, 1_250_000]),
        (["52.000", "61.500"], [None, None]),
        (["52.000", "1.250.000", "99.5"], [None, 1_250_000, 99.5]),
        (["52.000,00", "61,500.00", "1.234.567"], [52_000, 61_500, 1_234_567]),
        (["0.125"], [0.125]),
        (["52.000,-", "61.500,50"], [52_000, 61_500.5]),
        (["52.000,-"], [52_000]),
        (["1250,000", "850,000"], [1_250, 850]),
        (["52,000"], [None]),  # a semicolon between cells: the comma may stand before decimals
        (["\u20ac 52.000", "\u20ac 1.250.000"], [52_000, 1_250_000]),
    ],
)
def test_a_column_of_numbers_is_read_in_the_one_way_that_it_can_mean(written, meant):
    assert read("salary", written) == meant


@pytest.mark.parametrize("decimal", [",", "."])
@given(cents=st.lists(st.integers(0, 10**10), min_size=1, max_size=8))
def test_amounts_written_with_thousands_and_cents_come_back(decimal, cents):
    swap = str.maketrans(",.", ".,")
    written = [f"{number // 100:,}.{number % 100:02}" for number in cents]
    if decimal == ",":
        written = [text.translate(swap) for text in written]
    assert read("salary", written) == [number / 100 for number in cents]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (["31.12.2021", "4.2.2021"], ["2021-12-31", "2021-02-04"]),
        (["12/31/2021", "4/2/2021"], ["2021-12-31", "2021-04-02"]),
        (["31/12/2021", "4/2/2021"], ["2021-12-31", "2021-02-04"]),
        (["4/2/2021", "2021-05-06"], [None, "2021-05-06"]),
        (["2/2/2021"], ["2021-02-02"]),
        (["12.31.2021", "4.2.2021"], ["2021-12-31", "2021-04-02"]),
        (["31.12.2021", "4/2/2021"], ["2021-12-31", None]),
        (["12/31/2021", "31/12/2021"], [None, None]),
        (["12/31/2021", "2/30/2021"], ["2021-12-31", None]),
    ],
)
def test_a_column_of_dates_is_read_in_the_one_way_that_it_can_mean(written, meant):
    assert read("hire_date", written) == meant


@pytest.mark.slow
@pytest.mark.parametrize("form", ["%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%d-%m-%Y"])
@given(st.lists(st.dates(datetime.date(1950, 1, 1), datetime.date(2040, 1, 1)), min_size=1))
def test_a_date_is_never_read_as_another_one(form, dates):
    for found, date in zip(
        read("hire_date", [f"{each:{form}}" for each in dates]), dates, strict=True
    ):
        assert found in (None, date.isoformat())


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (["52.000 €", "48.500 €", "$1,200.50"], [None, None, 1_200.5]),
        (["$52,000", "€48.500", "£1,250,000"], [None, None, 1_250_000]),
        (["USD 52,000", "EUR 48.500,00"], [None, 48_500]),
        (["US$52,000.50", "52,000 USD", "$7,000"], [52_000.5, 52_000, 7_000]),
        (["52.000 EUR", "€ 1.250.000"], [52_000, 1_250_000]),
    ],
)
def test_amounts_in_several_currencies_do_not_tell_how_the_others_are_written(written, meant):
    assert read("salary", written) == meant
    several = any("in several currencies" in note for note in file_with("salary", written).notes)
    assert several == (None in meant)


@pytest.mark.parametrize(
    ("field", "written", "words"),
    [
        ("salary", ["52,000", "48500,50"], "as '48500,50' in line 3 shows: '52,000' is 52 (1"),
        ("salary", ["52.000", "48.500", "3500.75"],
         "as '3500.75' in line 4 shows: '52.000' is 52 (2 "),
        ("salary", ["52.000", "1.250.000"],
         "as '1.250.000' in line 3 shows: '52.000' is 52000 (1 "),
        ("hire_date", ["4/2/2021", "12/31/2021"],
         "as '12/31/2021' in line 3 shows: '4/2/2021' is 2021-04-02 (1 "),
    ],
)  # fmt: skip
def test_a_reading_that_another_value_decided_is_said_with_that_value(field, written, words):
    (note,) = file_with(field, written).notes
    assert words in note


@pytest.mark.parametrize(
    ("field", "written"),
    [
        ("salary", ["52000.50", "1,250.75"]),
        ("salary", ["52.000,00", "61.500,00"]),
        ("hire_date", ["31/12/2021", "2/2/2021"]),
        ("hire_date", ["2021-05-06"]),
    ],
)
def test_values_that_mean_one_thing_each_need_no_note(field, written):
    assert file_with(field, written).notes == []


def test_values_that_contradict_each_other_are_said_to_do_so():
    dates = file_with("hire_date", ["01/02/2021", "13/04/2021", "04/13/2021"]).dropped
    numbers = file_with("salary", ["52,000.00", "52.000,00", "48,500"]).dropped
    assert "contradict each other ('13/04/2021' and '04/13/2021')" in dates[0].reason
    assert "contradict each other ('52,000.00' and '52.000,00')" in numbers[-1].reason


@pytest.mark.parametrize(
    ("written", "form", "meant"),
    [
        ("3/1/2021 12:00:00 AM", "%m/%d/%Y", "2021-03-01"),
        ("01/02/2021 00:00", "%d/%m/%Y", "2021-02-01"),
        ("01.02.21 23:15:00.5 +0100", "%d.%m.%y", "2021-02-01"),
        ("2021-3-1", None, "2021-03-01"),
        ("2021-03-01 00:00:00 UTC", None, "2021-03-01"),
        ("2021/3/1 08:00", None, "2021-03-01"),
        ("01 Mar 21", None, "2021-03-01"),
        ("01-MAR-85", None, "1985-03-01"),
        ("01-Mar-2021 10:00:00", None, "2021-03-01"),
        ("2021-03-01 or so", None, None),
        ("3/1/2021 later", "%m/%d/%Y", None),
    ],
)
def test_a_date_may_have_a_time_behind_it_or_short_numbers(written, form, meant):
    found = read_records(io.BytesIO(f"{HEAD}hire_date\n1;a;b;{written}".encode()), date_format=form)
    assert found.records[0].get("hire_date") == meant


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("44256", "spreadsheet's number of a day"),
        ("1614556800", "since 1970"),
        ("1614556800000", "since 1970"),
        ("1. März 2021", "English only"),
        ("12 de enero de 2021", "English only"),
        ("soon", "--date-format"),
    ],
)
def test_a_date_that_no_form_can_say_is_told_what_it_looks_like(written, words):
    assert words in file_with("hire_date", [written]).dropped[0].reason


@pytest.mark.parametrize(
    ("written", "meant"),
    [("US$52000", 52_000), ("Rs. 52,000/-", 52_000), ("HK$ 1,200.50", 1_200.5),
     ("Rs 12,50,000/-", 1_250_000)],
)  # fmt: skip
def test_an_amount_is_read_without_its_currency(written, meant):
    found = read_records(
        io.BytesIO(f'employee_id,first_name,last_name,salary\n1,a,b,"{written}"'.encode())
    )
    assert found.records[0].get("salary") == meant


@pytest.mark.parametrize("written", ["48.500,50-", "-5", "1234.56 -"])
def test_a_negative_amount_is_told_to_be_one(written):
    assert "negative amount" in file_with("salary", [written]).dropped[0].reason
