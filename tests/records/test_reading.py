"""How a file is read, as properties of all files: what options say, what a bad value costs."""

from __future__ import annotations

import csv
import datetime
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empkit.records.employee import RecordError
from empkit.records.files import read_records
from empkit.records.reading import Reading
from empkit.records.remarks import DroppedValue, grouped

HEADINGS = {
    "employee_id": "Kenn wert", "first_name": "Ruf (kurz)", "last_name": "Zu #", "salary": "Betrag",
    "hire_date": "Am", "email": "Post",
}  # fmt: skip

words = st.text("abzAZ \u00e9\u00fc\u00df-.,;|\t\"'", min_size=1, max_size=12).map(
    lambda text: f"x{text}y"
)
people = st.fixed_dictionaries(
    {"first_name": words, "last_name": words},
    optional={
        "salary": st.integers(0, 10**9).map(lambda cents: cents / 100),
        "hire_date": st.dates(datetime.date(1950, 1, 1), datetime.date(2025, 1, 1)),
        "email": words,
    },
)


def written(record, decimal, date_format, thousands):
    """A record's cells as a program writes them that has these conventions."""
    cells = dict(record)
    if "salary" in record:
        text = f"{record['salary']:,.2f}" if thousands else f"{record['salary']:.2f}"
        cells["salary"] = text.translate(str.maketrans(",.", ".,")) if decimal == "," else text
    if "hire_date" in record:
        cells["hire_date"] = record["hire_date"].strftime(date_format)
    return [cells.get(field, "") for field in HEADINGS]


@given(
    people=st.lists(people, min_size=1, max_size=6),
    delimiter=st.sampled_from(",;\t|^~"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "mac_roman"]),
    decimal=st.sampled_from(",."),
    date_format=st.sampled_from(["%d.%m.%Y", "%m/%d/%Y", "%d/%m/%y", "%Y%m%d", "%d %b %Y"]),
    end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    thousands=st.booleans(),
    headings=st.booleans(),
)
def test_a_table_of_any_dialect_comes_back_with_the_options_that_say_it(
    people, delimiter, encoding, decimal, date_format, end, quoting, thousands, headings
):
    file = io.StringIO(newline="")
    rows = csv.writer(file, delimiter=delimiter, lineterminator=end, quoting=quoting)
    records = [{"employee_id": f"T{number}", **one} for number, one in enumerate(people)]
    if headings:
        rows.writerow(HEADINGS.values())
    rows.writerows(written(record, decimal, date_format, thousands) for record in records)
    numbers = {field: str(number) for number, field in enumerate(HEADINGS, start=1)}
    found = read_records(
        io.BytesIO(file.getvalue().encode(encoding)),
        columns=HEADINGS if headings else numbers, delimiter=delimiter, encoding=encoding,
        decimal=decimal, date_format=date_format, strict_values=True,
    )  # fmt: skip
    for record in records:
        if "hire_date" in record:
            record["hire_date"] = record["hire_date"].isoformat()
    assert found.records == records
    assert found.unreadable == found.dropped == []


BAD = {
    "salary": ["lots", "1,2,3", "-5", "5 or 6", "#N/A", "12.34.5", "NaN", "inf"],
    "hire_date": ["soon", "2021-02-30", "99/99/2021", "44561", "0000-00-00", "31/02/2021"],
    "email": ["x" * 201, "a\0b"],
    "team": ["a\0b"],
}


def table(rows):
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(["employee_id", "first_name", "last_name", *BAD])
    for number, row in enumerate(rows):
        writer.writerow([number, "a", "b", *row])
    return read_records(io.BytesIO(file.getvalue().encode()))


good_rows = st.lists(
    st.tuples(
        st.sampled_from(["", "52000", "1,250,000", "99.5", "52,000", "1.250.000"]),
        st.sampled_from(["", "2021-05-06", "31.12.2021", "4/2/2021", "12/31/2021", "31/12/2021"]),
        st.sampled_from(["", "a@b"]),
        st.sampled_from(["", "red"]),
    ),
    min_size=1,
    max_size=8,
)


@given(good_rows, st.data())
def test_a_value_that_is_dropped_changes_no_other_value_and_costs_no_record(rows, data):
    before = table(rows)
    place = data.draw(st.integers(0, len(rows) - 1))
    column = data.draw(st.sampled_from(list(BAD)))
    value = data.draw(st.sampled_from(BAD[column]))
    number = list(BAD).index(column)
    empty, bad = ([*rows] for _ in range(2))
    for changed, text in ((empty, ""), (bad, value)):
        changed[place] = (*rows[place][:number], text, *rows[place][number + 1 :])
    after, without = table(bad), table(empty)
    expected = [dict(record) for record in without.records]
    if column == "team":
        del expected[place]["team"]  # an empty text is a value of a column that is no field
    assert after.records == expected
    assert len(after.records) == len(before.records) == len(rows)
    assert after.unreadable == []
    assert after.values_dropped == without.values_dropped + 1
    more = set(map(repr, after.dropped)) - set(map(repr, without.dropped))
    assert [value.column for value in after.dropped if repr(value) in more] == [column]


@given(good_rows, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_nothing_that_is_read(rows, random):
    def values(found):
        return sorted(str({**record, "employee_id": ""}) for record in found.records)

    shuffled = [*rows]
    random.shuffle(shuffled)
    assert values(table(rows)) == values(table(shuffled))


def test_strict_values_drops_nothing_and_leaves_out_each_record_with_a_bad_value():
    text = "id,first,last,salary,hired\n1,a,b,lots,soon\n2,a,b,52.000,\n3,a,b,NaN,\n4,a,b,,\n"
    found = read_records(io.BytesIO(text.encode()), strict_values=True)
    assert [record["employee_id"] for record in found.records] == ["4"]
    assert found.dropped == []
    assert [row.line for row in found.unreadable] == [2, 3, 4]
    assert "salary: 'lots' is not a number" in found.unreadable[0].reason
    assert "hire_date: 'soon' is not a date" in found.unreadable[0].reason


def test_all_reasons_of_a_row_are_given():
    text = "id,first,last,salary,hired\n,a,,lots,soon\n"
    (row,) = read_records(io.BytesIO(text.encode())).unreadable
    for words in ("Missing employee_id", "Missing last_name", "'lots' is not", "'soon' is not"):
        assert words in row.reason


def test_what_is_ambiguous_or_no_finite_number_is_dropped_and_said_once_a_column():
    rows = ["1,a,b,52.000,4/2/2021", "2,a,b,61.500,5/6/2021", "3,a,b,NaN,", "4,a,b,-Infinity,"]
    text = "\n".join(["id,first,last,pay,hired", *rows])
    found = read_records(io.BytesIO(text.encode()))
    assert len(found.records) == 4
    assert [(value.line, value.column) for value in found.dropped] == [
        (2, "pay"), (2, "hired"), (4, "pay"),
    ]  # fmt: skip
    assert found.values_dropped == 6
    number, date, nan = (value.reason for value in found.dropped)
    assert '--decimal "." or --decimal ","' in number
    assert "--date-format %d/%m/%Y or --date-format %m/%d/%Y" in date
    assert "so are 2 values of the column" in number
    assert "no finite number" in nan
    assert all(not {"salary", "hire_date"} & record.keys() for record in found.records)


def test_dropped_values_are_said_once_for_each_column_and_reason():
    dropped = [DroppedValue(line, "pay", f"x{line}", "no number") for line in range(2, 5)]
    assert grouped([*dropped, DroppedValue(9, "hired", "y", "no date")]) == [
        "'pay': 'x2' (3 values, the first in line 2) is dropped: no number.",
        "'hired': 'y' (line 9) is dropped: no date.",
    ]


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"columns": {"nmae": "x"}}, "no field 'nmae'"),
        ({"columns": {"frist_name": "x"}}, "did you mean 'first_name'"),
        ({"columns": {"first_name": " "}}, "names no column"),
        ({"columns": {"first_name": "N", "last_name": "N"}}, "--column full_name='N'"),
        ({"encoding": "klingon"}, "no encoding that Python knows"),
        ({"encoding": "base64"}, "no encoding that Python knows"),
        ({"delimiter": ""}, "one character"),
        ({"delimiter": '"'}, "one character"),
        ({"delimiter": "a"}, "one character"),
        ({"date_format": "%d.%m"}, "day, month and year"),
        ({"date_format": "%H:%M"}, "day, month and year"),
        ({"date_format": "%Q"}, "day, month and year"),
        ({"decimal": ";"}, "no decimal mark"),
    ],
)
def test_an_option_that_cannot_be_is_refused_with_a_sentence(option, words):
    with pytest.raises(RecordError) as caught:
        Reading(**option)
    assert words in str(caught.value)
    assert str(caught.value).endswith(".")


def test_a_year_of_two_digits_is_not_one_of_the_next_century():
    text = "id,first,last,hired\n1,a,b,14.03.68\n2,a,b,14.03.21\n"
    found = read_records(io.BytesIO(text.encode()), date_format="%d.%m.%y")
    assert [record["hire_date"] for record in found.records] == ["1968-03-14", "2021-03-14"]
