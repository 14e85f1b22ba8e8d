"""CSV: every line is in a record or reported."""

from __future__ import annotations

import csv
import io
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empkit.records.files import read_records
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
    b"E2," + b"x" * 140_000 + b",y,,",
]

BAD_PAY = b"E2,x,y,,a lot"
"""A row of which one value cannot be used, and is not needed."""

csv_text = st.lists(st.sampled_from([*"ab é☃\n\t,;|\"'", "\r\n"]), max_size=8).map(
    lambda parts: f"x{''.join(parts)}y"
)


@given(
    st.lists(
        st.one_of(
            st.lists(csv_text, min_size=3, max_size=3),
            st.sampled_from([*CSV_JUNK, BAD_PAY]),
        ),
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
    # a character that shows that the file is in UTF-8, so that other bytes in it are damage
    writer.writerow(["emp no", "first_name", "last_name", "not\u00e9", "pay"])
    expected, bad, dropped = [], [], []
    for number, row in enumerate(rows):
        line = file.getvalue().count(b"\n") + 1
        if isinstance(row, bytes):
            file.write(row.replace(b",", delimiter.encode()) + end.encode())
            if row == BAD_PAY:
                dropped.append((line, "pay", "a lot"))
                record = {"employee_id": "E2", "first_name": "x", "last_name": "y"}
                expected.append({**record, "not\u00e9": ""})
            else:
                bad.append(line)
        else:
            writer.writerow([number, *row, ""])
            fields = dict(zip(("first_name", "last_name"), row, strict=False))
            expected.append({"employee_id": str(number), **fields, "not\u00e9": row[2]})
    data = file.getvalue()
    text.detach()

    found = read_records(packed(data, packing))
    assert found.records == expected
    assert [row.line for row in found.unreadable] == bad
    assert [value[:3] for value in found.dropped] == dropped
    assert found.renamed == ({"emp no": "employee_id"} if expected else {})
    assert found.kept == (["not\u00e9"] if expected else [])


def test_a_quote_that_is_never_closed_costs_one_row_only():
    rows = [f"{number},{'' if number % 100 else chr(34)}a,b" for number in range(2_000)]
    found = read_records(io.BytesIO("\n".join(["id,first,last", *rows]).encode()))
    assert [row.line for row in found.unreadable] == list(range(2, 2_002, 100))
    assert len(found.records) == 1_980


NIA = {"employee_id": "T1", "first_name": "Nia", "last_name": "Orr"}
HEAD = "employee_id,first_name,last_name"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"{HEAD}\rT1,Nia,Orr\r", id="carriage returns alone"),
        pytest.param('"employee_id", "first_name", "last_name"\n"T1", "Nia", "Orr"', id="blanks"),
        pytest.param("sep=;\nemployee_id;first_name;last_name\nT1;Nia;Orr", id="sep="),
        pytest.param(f"Staff list,,\n,,\n{HEAD}\nT1,Nia,Orr", id="title lines"),
        pytest.param(f"# made by hand\n# in May\n{HEAD}\nT1,Nia,Orr", id="comments"),
        pytest.param(f"{HEAD}\nT1,Nia,Orr,", id="delimiter at a row's end"),
        pytest.param(f"{HEAD},\nT1,Nia,Orr,", id="delimiter at every line's end"),
        pytest.param(f"{HEAD},\nT1,Nia,Orr", id="delimiter at the header's end"),
        pytest.param(
            "employee_id | first_name | last_name\n--- | :---: | ---\nT1 | Nia | Orr", id="rule"
        ),
        pytest.param(f"{HEAD}\nT1,Nia,Orr".encode("utf-16"), id="utf-16"),
        pytest.param(b"\xff\xfe" + f"{HEAD}\r\nT1,Nia,Orr".encode("utf-16-le"), id="excel"),
        pytest.param("employee_id,full_name\nT1,Nia Orr", id="full name"),
        pytest.param('Employee ID #,Name (last first)\nT1,"Orr, Nia"', id="last name first"),
        pytest.param("Employee ID #,First Name *,LAST_NAME:\nT1,Nia,Orr", id="decorated"),
        pytest.param("N\u00famero empleado;Nombre;Apellidos\nT1;Nia;Orr", id="Spanish"),
        pytest.param("Matr\u00edcula;Nome;Sobrenome\nT1;Nia;Orr", id="Portuguese"),
        pytest.param("User Id,nameFirst,nameLast\nT1,Nia,Orr", id="camel case"),
    ],
)
def test_a_file_that_a_person_would_have_read_is_read(text):
    data = text if isinstance(text, bytes) else text.encode()
    found = read_records(io.BytesIO(data))
    assert found.records == [NIA]
    assert found.unreadable == []


def test_the_id_is_never_taken_from_another_column_where_one_is_empty():
    text = "employee_id,id,first_name,last_name\nT1,7,Nia,Orr\n,8,Bo,Lund\n"
    found = read_records(io.BytesIO(text.encode()))
    assert [record["employee_id"] for record in found.records] == ["T1"]
    assert [row.line for row in found.unreadable] == [3]


@pytest.mark.slow
@pytest.mark.alone
def test_the_time_of_reading_grows_with_the_rows_and_not_with_their_square():
    def seconds(count):
        rows = "".join(f"T{number},Nia,Orr\n" for number in range(count))
        began = time.process_time()
        read_records(io.BytesIO(f"{HEAD}\n{rows}".encode()))
        return time.process_time() - began

    seconds(1_000)
    few, many = zip(*((seconds(4_000), seconds(32_000)) for _ in range(3)), strict=True)
    assert min(many) < 16 * min(few)
