"""CSV: every line is in a record or reported."""

from __future__ import annotations

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from empkit.records.files import read_records
from tests.record_values import unhurried
from tests.records.test_files import packed, packings

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


def test_a_quote_that_is_never_closed_costs_one_row_only():
    rows = [f"{number},{'' if number % 100 else chr(34)}a,b" for number in range(2_000)]
    found = read_records(io.BytesIO("\n".join(["id,first,last", *rows]).encode()))
    assert [row.line for row in found.unreadable] == list(range(2, 2_002, 100))
    assert len(found.records) == 1_980
