"""Any bytes at all as a file: only a sentence refuses it, and every row of it is read or reported.

`every_row_is_read_or_reported` is what the fuzzer calls (`python -m benchmarks.fuzz files`).
"""

from __future__ import annotations

import codecs
import io
import json
import re
import time
import zipfile
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empkit.records.employee import Employee, RecordError
from empkit.records.files import read_records
from empkit.records.form import format_employee_record
from tests.spreadsheets import ods, xlsx

FIRST = {"employee_id": "T1", "first_name": "Nia", "last_name": "Orr"}
LAST = {"employee_id": "T2", "first_name": "Bo", "last_name": "Lund"}
HEAD = b"employee_id,first_name,last_name,salary,hire_date"
ROW = re.compile(rb"[^\n]*[0-9A-Za-z][^\n]*")
"""A line with something to read or to report."""
ANOTHER_TABLE = "below headings that are of another table"
LONGEST_S = 10.0
"""How long 4 KiB may take, in seconds of the processor, on a slow machine."""


def _unpacked(workbook: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(workbook)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


_ROWS = [["id", "first", "last", "salary", "hired"], [7, "Nia", "Orr", 1.5, date(2020, 5, 6)]]
SHEETS = {
    b"4": (_unpacked(xlsx({"A": _ROWS})), "xl/worksheets/sheet1.xml"),
    b"5": (_unpacked(ods({"A": _ROWS})), "content.xml"),
}
"""The files of a workbook, and which of them has the cells."""

SEEDS = [
    b"0" + text
    for text in [
        HEAD + b"\nT1,Nia,Orr,52000.50,2020-05-06\nT2,Bo,Lund,,",
        b"sep=;\nid;Vorname;Nachname;Gehalt\n1;Nia;Orr;52.000\n2;Bo;Lund;1.250.000,50\n",
        b"Staff list,,\n\n# May\nID,Full Name,Start\n1,\"Orr, Nia\",31.12.2021\n2,B L,1/2/2021\n",
        b"id | first | last\n--- | :---: | ---\n1 | Nia | Orr\n",
        b"\"id\", \"first\", \"last\"\r\n\"1\", \"Nia\r\nAnn\", \"O\"\"rr\"\r\n",
        "\ufeffid\tfirst\tlast\r1\tN\u00eda\tM\u00fcller\r".encode("utf-16"),
        "id;first;last;\n1;N\u00eda;M\u00fcller;\n".encode("cp1252"),
        b'{"id": 1, "first": "Nia", "last": "Orr", "salary": NaN},\n{"id": 2, "first": "Bo"}\n',
        b'[{"id": 1, "first": "Nia", "last": "Orr"}, {"id": oops}, 7, {"id": 2}]',
        b'{"page": 1, "data": [{"id": 1, "first": "Nia", "last": "Orr", "more": {"a": [1]}}]}',
    ]
] + [
    b"1T3,Ada,Byron,\"1,250.00\",12/31/2021\n\"T4,\nT5,a,b,c\nT6,\"x\ny\",z,1e5,\n#\n",
    b"1" + b"T3,Ada,Byron,1,\n" * 20,
    b'2{"employee_id": "T3", "salary": 1e999}\n{"employee_id": 3,}\n[]\n"\\ud800"\n',
    b'3{"employee_id": "T3"}, {"a": "}, {", oops}, [{"employee_id": "T4"}], {"b": [{]}, ',
    *(arrangement + whole[member] for arrangement, (whole, member) in SHEETS.items()),
]  # fmt: skip


def read(data: bytes):
    """Return what a file is read as, None if it is refused; each record has to be a good one."""
    began = time.process_time()
    try:
        found = read_records(io.BytesIO(data))
    except RecordError as error:
        assert str(error).endswith((".", ")"))
        return None
    finally:
        assert time.process_time() - began < LONGEST_S
    for record, payload in zip(found.records, found.records.payloads(), strict=True):
        Employee.model_validate_json(payload)
        assert format_employee_record(record) == record
    lines = [row.line for row in found.unreadable]
    assert lines == sorted(lines)
    assert all(row.reason for row in found.unreadable)
    return found


def every_row_is_read_or_reported(data: bytes) -> bytes | None:
    """Check one input: its first byte says where in a file the others stand.

    Raises:
        AssertionError: a row was neither read nor reported.
    """
    arrangement, junk = data[:1], data[1:]
    if arrangement == b"1":
        _between_rows_of_csv(junk)
    elif arrangement == b"2":
        _between_json_lines(junk)
    elif arrangement == b"3":
        _within_a_json_list(junk)
    elif arrangement in SHEETS:
        read(_as_a_sheet(arrangement, junk))
    else:
        read(junk)
    return data


def _between_rows_of_csv(junk: bytes) -> None:
    found = read(b"%s\nT1,Nia,Orr,,\n%s\nT2,Bo,Lund,,\n" % (HEAD, junk))
    assert found.records[0] == FIRST
    # below headings of another table, which may have stood in the junk, a row is only reported
    assert found.records[-1] == LAST or ANOTHER_TABLE in found.unreadable[-1].reason
    if b'"' not in junk:  # with quotes a row may have several lines
        lines = (line.removeprefix(codecs.BOM_UTF8) for line in ROW.findall(junk))
        rows = [line for line in lines if not line.lstrip().startswith((b"#", HEAD[:11]))]
        assert len(found.records) + len(found.unreadable) >= 2 + len(rows)


def _between_json_lines(junk: bytes) -> None:
    lines = [json.dumps(FIRST).encode(), *junk.split(b"\n"), json.dumps(LAST).encode()]
    found = read(b"\n".join(lines))
    assert found.records[0] == FIRST
    assert found.records[-1] == LAST
    filled = [line for line in lines if line.removeprefix(codecs.BOM_UTF8).strip()]
    assert len(found.records) + len(found.unreadable) == len(filled)


def _within_a_json_list(junk: bytes) -> None:
    found = read(b"[%s,%s,%s]" % (json.dumps(FIRST).encode(), junk, json.dumps(LAST).encode()))
    # what follows an element that is broken may belong to it, and is reported with it
    assert list(found.records[-1:]) == [LAST] or found.unreadable


def _as_a_sheet(arrangement: bytes, junk: bytes) -> bytes:
    """Return a workbook whose sheet has this as its XML."""
    whole, member = SHEETS[arrangement]
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in whole.items():
            archive.writestr(name, junk if name == member else content)
    return file.getvalue()


PIECES = [
    *(b",;\t|\"'\n\r#=[]{}:0"[place : place + 1] for place in range(15)),
    *(b"\n", b"\r\n", b"sep=;", b"---", b"NaN", b"null", b"\\ud800", b"\xff", b"\xef\xbb\xbf"),
    *(HEAD, b"T1,Nia,Orr", b"52.000", b"1/2/2021", b'{"employee_id": "T1"', b'"data": ['),
    *(b"\nT3,Ada,Byron,1,\n", b"\x1f\x8b"),
]  # fmt: skip


@pytest.mark.parametrize("seed", SEEDS)
def test_every_row_of_a_seed_is_read_or_reported(seed):
    every_row_is_read_or_reported(seed)


@given(
    st.sampled_from([b"0", b"1", b"2", b"3", *SHEETS]),
    st.lists(st.sampled_from(PIECES) | st.binary(max_size=3), max_size=40).map(b"".join),
)
def test_every_row_of_any_bytes_is_read_or_reported(arrangement, junk):
    every_row_is_read_or_reported(arrangement + junk)
