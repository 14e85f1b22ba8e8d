"""Reads files of records: CSV, JSON and JSON Lines, with or without gzip; no row is dropped."""

from __future__ import annotations

import gzip
import hashlib
import io
import itertools
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from empkit.records.csv import csv_header, csv_rows
from empkit.records.employee import RecordError
from empkit.records.encoded import EncodedRecords
from empkit.records.form import Form
from empkit.records.json import OPEN, WHOLE, json_document, json_lines, json_state
from empkit.records.rows import Row, lines_of, unreadable
from empkit.records.text import in_utf8, unmarked, with_line_feeds

MAX_FILE_BYTES = 2**30
"""The maximum size of a file, in bytes after unpacking; it limits the memory."""


@dataclass(frozen=True)
class UnreadableRow:
    """A row of a file that is not a record: the line where it begins, from 1, and why."""

    line: int
    reason: str


@dataclass(frozen=True)
class RecordFile:
    """The result of `read_records`. Each row of the file is in `records` or in `unreadable`.

    Args:
        records: the records, as `format_employee_record` returns them, in the file's order; one is
            decoded when it is asked for.
        unreadable: the rows that are not records.
        renamed: column of the file -> field that it was read as, where the names differ.
        kept: columns that are not fields of an employee; they are sent as extras.
        sha256: SHA-256 of the bytes that were read, before unpacking, in hexadecimal.
    """

    records: EncodedRecords
    unreadable: list[UnreadableRow]
    renamed: dict[str, str]
    kept: list[str]
    sha256: str = ""


def read_records(source: str | Path | BinaryIO) -> RecordFile:
    """Read employees from CSV, JSON or JSON Lines, with or without gzip.

    The format is detected from the content. CSV needs a line of column names; the delimiter may be
    a comma, a semicolon, a tab or a bar. JSON is a list of objects, or one object. Text is UTF-8.
    A row that cannot be read is reported with its line; the other rows are still read.

    Args:
        source: the file, a stream of bytes, or "-" for standard input.

    Raises:
        RecordError: there is nothing to read, or the format is none of these.

    Example:
        >>> file = read_records(io.BytesIO(b'{"id": 7, "first": "Ada", "last": "Byron"}'))
        >>> len(file.records), file.renamed["first"]
        (1, 'first_name')
    """
    name = _source_name(source)
    data = _load(source, name)
    sha256 = hashlib.sha256(data).hexdigest()
    data, damage = _unpack(data, name)
    data = with_line_feeds(unmarked(data, name))
    if not data or data.isspace():
        raise RecordError(f"{name} is empty: give a file with employees (CSV, JSON or JSON Lines).")
    rows = _rows(data, name)
    form = Form()
    for _, names, values in rows():
        if not isinstance(values, str):
            form.learn(names, values)
    records = EncodedRecords()
    refused: list[UnreadableRow] = []
    for line, names, values in itertools.chain(rows(), damage):
        try:
            if isinstance(values, str):
                raise RecordError(values)
            records.append(form.encoded(names, values))
        except RecordError as error:
            refused.append(UnreadableRow(line, str(error)))
    return RecordFile(records, refused, form.renamed, list(form.kept), sha256)


def _source_name(source: str | Path | BinaryIO) -> str:
    if source == "-":
        return "Standard input"
    return str(source) if isinstance(source, str | Path) else "The stream"


def _load(source: str | Path | BinaryIO, name: str) -> bytes:
    if source == "-":
        return _read_all(sys.stdin.buffer.read, name)
    if not isinstance(source, str | Path):
        return _read_all(source.read, name)
    path = Path(source)
    if path.is_dir():
        raise RecordError(f"{name} is a directory: give one file (CSV, JSON or JSON Lines).")
    try:
        with path.open("rb") as stream:
            return _read_all(stream.read, name)
    except FileNotFoundError:
        raise RecordError(
            f"There is no file {name}: check the path, or give - to read standard input."
        ) from None
    except OSError as error:
        raise RecordError(
            f"{name} cannot be read ({error.strerror or error}): check its permissions."
        ) from None


def _read_all(read: Callable[[int], bytes], name: str) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while chunk := read(2**20):
        chunks.append(chunk)
        size += len(chunk)
        _check_size(size, name)
    return b"".join(chunks)


def _check_size(size: int, name: str) -> None:
    if size > MAX_FILE_BYTES:
        raise RecordError(
            f"{name} is larger than {MAX_FILE_BYTES // 2**20} MiB: split it into smaller files."
        )


def _unpack(data: bytes, name: str) -> tuple[bytes, list[Row]]:
    """Return the unpacked data, and the row at which damaged gzip data end."""
    if not data.startswith(b"\x1f\x8b"):
        return data, []
    chunks: list[bytes] = []
    size = 0
    damage = ""
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
        try:
            while chunk := packed.read1(2**20):
                chunks.append(chunk)
                size += len(chunk)
                _check_size(size, name)
        except (EOFError, OSError, zlib.error) as error:
            damage = f"The gzip data end early or are damaged here ({error}): get the file again."
    plain = b"".join(chunks)
    if not damage:
        return plain, []
    plain = plain[: plain.rfind(b"\n") + 1]  # the last line may be incomplete
    if not plain or plain.isspace():
        raise RecordError(f"{name} cannot be unpacked. {damage}")
    return plain, [unreadable(plain.count(b"\n") + 1, damage)]


def _rows(data: bytes, name: str) -> Callable[[], Iterator[Row]]:
    """Return what yields the rows of a file from its begin; its format is detected here."""
    sample = list(itertools.islice((line for line in lines_of(data) if line.strip()), 100))
    start = sample[0].lstrip()[:1]
    if start == b"{":
        # no single line of an object that spans several lines is a whole object
        by_line = (len(sample) > 1 and json_state(sample[0]) != OPEN) or any(
            line.startswith(b"{") and json_state(line) == WHOLE for line in sample[1:]
        )
    elif start == b"[":
        by_line = len(sample) > 1 and json_state(sample[0]) != OPEN
    else:
        text, _ = in_utf8(data)  # JSON is in UTF-8 always (RFC 8259)
        try:
            return partial(csv_rows, text, csv_header(text, name))
        except RecordError:
            if not any(line.startswith(b"{") for line in sample):
                raise
        by_line = True
    return partial(json_lines if by_line else json_document, data)
