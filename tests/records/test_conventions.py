"""Numbers and dates of a column: read in the one way that all its values can mean, or refused."""

import datetime
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empkit.records.files import read_records

HEAD = "employee_id;first_name;last_name;"


def read(field, values):
    """What a column of a file is read as, row by row; None where the row is refused."""
    rows = [f"{number};a;b;{value}" for number, value in enumerate(values)]
    found = read_records(io.BytesIO("\n".join([HEAD + field, *rows]).encode()))
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
        (["52.000", "1.250.000", "99.5"], [None, None, 99.5]),
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


@pytest.mark.parametrize("form", ["%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%d-%m-%Y"])
@given(st.lists(st.dates(datetime.date(1950, 1, 1), datetime.date(2040, 1, 1)), min_size=1))
def test_a_date_is_never_read_as_another_one(form, dates):
    for found, date in zip(
        read("hire_date", [f"{each:{form}}" for each in dates]), dates, strict=True
    ):
        assert found in (None, date.isoformat())
