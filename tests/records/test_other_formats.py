"""Files of other formats: what they are, and the next step; none of the known ones is one."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import pickle
import sqlite3
import tarfile
import zipfile

import pyarrow as pa
import pyarrow.feather
import pyarrow.orc
import pytest

from empkit.records.employee import RecordError
from empkit.records.files import read_records

CSV = b"id,first,last\n1,Nia,Orr\n"
TABLE = pa.table({"id": [1], "first": ["Nia"], "last": ["Orr"]})


def tar():
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        member = tarfile.TarInfo("employees.csv")
        member.size = len(CSV)
        archive.addfile(member, io.BytesIO(CSV))
    return file.getvalue()


def zstd():
    return pa.Codec("zstd").compress(CSV, asbytes=True)


def feather():
    file = io.BytesIO()
    pa.feather.write_feather(TABLE, file, compression="uncompressed")
    return file.getvalue()


def orc():
    file = io.BytesIO()
    pa.orc.write_table(TABLE, file)
    return file.getvalue()


def zipped():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("employees.csv", CSV)
    return file.getvalue()


def sqlite():
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE employees (id)")
        return database.serialize()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (gzip.compress(gzip.compress(CSV, mtime=0), mtime=0), "packed with gzip twice: unpack it"),
        (lzma.compress(CSV), "packed with xz: unpack it"),
        (bz2.compress(CSV), "packed with bzip2: unpack it"),
        (zstd(), "packed with zstd: unpack it"),
        (tar(), r"an archive \(tar\): unpack it"),
        (gzip.compress(tar(), mtime=0), r"an archive \(tar\): unpack it"),
        (zipped(), r"is an archive \(zip\), and no spreadsheet"),
        (sqlite(), "a database of SQLite, .*export its table"),
        (feather(), "write it as Parquet"),
        (orc(), "write it as Parquet"),
        (pickle.dumps([{"id": 1}]), "is a pickle of Python"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", "is a PDF, .*get the table as"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "is a picture"),
        (b"<!DOCTYPE html>\n<html><body>Log in</body></html>", "HTML, .*asks for a login"),
        (b"\n<table><tr><th>id</th></tr></table>", "HTML, .*save its table as .xlsx"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<e><id>1</id></e>", "is XML, .*export the employees"),
        (
            b"<?xml version='1.0'?>\n"
            b"<Workbook xmlns='urn:schemas-microsoft-com:office:spreadsheet'>",
            "Excel 2003 in XML, .*save it as .xlsx",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "file",  # not the bytes of a file
)
def test_another_format_is_named_with_the_next_step(content, words):
    with pytest.raises(RecordError, match=words):
        read_records(io.BytesIO(content))


@pytest.mark.parametrize("first", ["ORC", "RDX", "RDA team", "BZh", "PDF", "<b>id</b>", "ustar"])
def test_a_heading_that_begins_like_another_format_is_a_heading(first):
    text = f"{first},id,first,last\nx,1,Nia,Orr\n"
    assert len(read_records(io.BytesIO(text.encode())).records) == 1
