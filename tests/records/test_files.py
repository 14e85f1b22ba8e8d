"""Files of records: told apart by content, packed or not, and refused with the next step."""

from __future__ import annotations

import gzip
import io
import json
import random
from types import SimpleNamespace

import pandas as pd
import pytest
from hypothesis import strategies as st

from empkit.records.employee import RecordError
from empkit.records.files import UnreadableRow, read_records
from empkit.records.samples import sample_records
from tests.record_values import ADA

packings = st.tuples(st.booleans(), st.sampled_from([b"", b"\xef\xbb\xbf"]))


def packed(data: bytes, packing: tuple[bool, bytes]) -> io.BytesIO:
    zipped, mark = packing
    return io.BytesIO(gzip.compress(mark + data, 1, mtime=0) if zipped else mark + data)


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
        (b"id,first,last,email,email\n1,2,3,4,5\n", "two columns named email"),
        (b"\xff\xfei\x00d", "is not text in utf-16, although it begins like that"),
        (b"PK\x03\x04\x00\x00", "begins like a spreadsheet, but it is damaged"),
        (b"PAR1\x00\x00", "begins like a Parquet file, but cannot be read"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "or has a password: save it as .xlsx"),
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


def test_the_number_of_lines_that_cannot_be_read_and_of_records_is_bounded(monkeypatch):
    monkeypatch.setattr("empkit.records.files.MOST_UNREADABLE", 10)
    rows = "".join(f"{number},Nia,Orr\nx\n" for number in range(11))
    with pytest.raises(RecordError, match=r"more than 10 lines .* is line 3: "):
        read_records(io.BytesIO(f"id,first,last\n{rows}".encode()))
    monkeypatch.setattr("empkit.records.files.MAX_FILE_BYTES", 400)
    rows = "".join(f"{number},a,b\n" for number in range(50))
    with pytest.raises(RecordError, match="more records than fit into memory"):
        read_records(io.BytesIO(f"id,first,last\n{rows}".encode()))


def test_damaged_gzip_gives_what_can_be_read_and_says_where_it_ends():
    lines = [json.dumps(record) for record in sample_records(5_000)]
    whole = gzip.compress("\n".join(lines).encode())
    found = read_records(io.BytesIO(whole[: len(whole) // 2]))
    assert 1_000 < len(found.records) < 4_000
    assert found.records == sample_records(len(found.records))
    (end,) = found.unreadable
    assert end.line == len(found.records) + 1
    assert end.reason.startswith("The gzip data end early")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (io.StringIO("id,first,last\n1,a,b"), 'open the file with mode "rb"'),
        (io.StringIO(), 'open the file with mode "rb"'),
        (SimpleNamespace(read=lambda size: "id"), 'open the file with mode "rb"'),
        (b"id,first,last\n1,a,b", "wrap it in io.BytesIO"),
        (None, "this is NoneType"),
        ([ADA], "this is list"),
        (7, "this is int"),
    ],
)
def test_what_is_no_file_is_refused_with_what_to_give(source, words):
    with pytest.raises(TypeError, match=words):
        read_records(source)


@pytest.mark.parametrize("path", ["", "a\0b"])
def test_what_is_no_path_is_refused(path):
    with pytest.raises(RecordError, match="is no path: give the path of a file"):
        read_records(path)


@pytest.mark.parametrize(
    "options",
    [
        {"columns": ["id"]},
        {"columns": {"employee_id": 1}},
        {"encoding": 5},
        {"delimiter": b";"},
        {"date_format": 1},
        {"decimal": 1.5},
    ],
)
def test_an_option_of_another_type_is_refused_with_its_name(options):
    with pytest.raises(TypeError, match=f"{next(iter(options))}=.*: (write|give)"):
        read_records(io.BytesIO(b"id,first,last\n1,a,b"), **options)
