"""Reads files of records, with or without gzip: CSV, JSON, JSON Lines, spreadsheets and Parquet; no
row is dropped."""

from __future__ import annotations

import gzip
import hashlib
import io
import itertools
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO

from empkit.records.employee import RecordError
from empkit.records.encoded import EncodedRecords
from empkit.records.form import Form
from empkit.records.header import csv_header
from empkit.records.ids import Ids
from empkit.records.json import OF_THE_LIST, is_by_line, json_document, json_lines, may_be_json
from empkit.records.nested import Nested
from empkit.records.other_formats import refuse_other_format
from empkit.records.parquet import is_parquet, parquet
from empkit.records.reading import Reading
from empkit.records.remarks import DroppedValue, Drops, of_skipped, of_splits
from empkit.records.rows import Row, Source, lines_of, unreadable
from empkit.records.sheets import is_workbook, workbook
from empkit.records.table import csv_rows
from empkit.records.text import (
    ESCAPED,
    decoded,
    in_utf8,
    remarks_on_text,
    with_line_feeds,
    with_one_line_end,
    without_quotes_around_lines,
    zeros_of_json,
)

MAX_FILE_BYTES = 2**30
"""The maximum size of a file, in bytes after unpacking; it limits the memory."""

MOST_RECORDS = 4
"""How many times that the records may take as JSON, which has the names of the fields."""

MOST_UNREADABLE = 1_000_000
"""How many rows of a file may be unreadable; each has its reason, which takes memory."""


Progress = Callable[[int, int], None]
"""Is told how far reading is: how many lines were read, of how many. Where a value means what the
others of its column say, all are read again, twice."""

_SHOWN_EACH = 1_000


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
        dropped: the values that could not be used, each with its line, column and reason; their
            rows are in `records` without them.
        notes: sentences on how the file was read, where that is not plain: its encoding, lines
            that were skipped, whole names that were split.
        values_dropped: how many values were dropped; of a column that is the cause of it there is
            one in `dropped`.
        name: of the file, without its folder; "-" is standard input.
        reading: how the user said it is to be read.
    """

    records: EncodedRecords
    unreadable: list[UnreadableRow]
    renamed: dict[str, str]
    kept: list[str]
    sha256: str = ""
    dropped: list[DroppedValue] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    values_dropped: int = 0
    name: str = ""
    reading: Reading = field(default_factory=Reading)


def read_records(
    source: str | Path | BinaryIO,
    *,
    columns: Mapping[str, str] | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    date_format: str | None = None,
    decimal: str | None = None,
    strict_values: bool = False,
    sheet: str | int | None = None,
) -> RecordFile:
    """Read employees from CSV, JSON, JSON Lines, a spreadsheet (.xlsx, .ods) or Parquet, with or
    without gzip.

    What is not given is detected. CSV needs a line of column names, or the numbers of its columns;
    the delimiter may be a comma, a semicolon, a tab or a bar. JSON is a list of objects, or one
    object. Within an object the lists are read whose elements have an id and names, also under a
    key such as `fields`; several lists only if their elements name these alike.

    A row that cannot be read is reported with its line; the other rows are still read. So is a
    value that cannot be used, if its field may be left out: its row is read without it. A column
    of numbers or dates is read in the one way that all of its values can mean.

    Args:
        source: the file, a stream of bytes, or "-" for standard input.
        columns: see `empkit.records.reading.Reading`, as for the following.
        encoding: such as cp1252.
        delimiter: between the cells of CSV.
        date_format: such as %d.%m.%Y.
        decimal: the decimal mark, a point or a comma.
        strict_values: whether a value that cannot be used costs its row.
        sheet: of a spreadsheet, its name or its number from 1.

    Raises:
        RecordError: there is nothing to read, the format is none of these, or an option cannot be.
        TypeError: the source, or an option, is of another type.

    Example:
        >>> file = read_records(io.BytesIO(b'{"id": 7, "first": "Ada", "last": "Byron"}'))
        >>> len(file.records), file.renamed["first"]
        (1, 'first_name')
    """
    return read(
        source,
        Reading(
            columns=columns or {}, encoding=encoding, delimiter=delimiter, date_format=date_format,
            decimal=decimal, strict_values=strict_values,
            sheet=None if sheet is None else str(sheet),
        ),
    )  # fmt: skip


def read(
    source: str | Path | BinaryIO, reading: Reading, progress: Progress | None = None
) -> RecordFile:
    """Read employees as `read_records` does, with its options in one object.

    Args:
        source: the file, a stream of bytes, or "-" for standard input.
        reading: what the user says of it.
        progress: is called some of the time, to show how far reading is.

    Raises:
        RecordError: there is nothing to read, the format is none that is known, or more cannot be
            read, or has to be kept in memory, than is sensible.
    """
    name = _source_name(source)
    data = _load(source, name)
    sha256 = hashlib.sha256(data).hexdigest()
    data, damage = _unpack(data, name)
    source_rows = _opened(data, name, reading)
    del data  # the rows may be of a copy in another encoding
    rows, lines = source_rows.rows, source_rows.lines

    def form(*, learned: bool) -> Form:
        made = Form(replace(reading, columns=source_rows.chosen), learned=learned)
        made.conventions.between_cells = source_rows.delimiter
        return made

    used = form(learned=False)
    taken = _taken(chain(_shown(rows(), progress, 0, lines), damage), used, name)
    if taken is None:
        used = form(learned=True)
        for line, names, values in _shown(rows(), progress, 0, 2 * lines):
            if not isinstance(values, str):
                used.learn(names, values, line)
        used.check_seen(name)
        taken = _taken(chain(_shown(rows(), progress, lines, 2 * lines), damage), used, name)
        assert taken is not None
    used.check_seen(name)
    by_element = source_rows.by_element and taken.count > lines + 1
    notes = source_rows.notes
    notes += [*of_skipped(source_rows.skipped), *of_splits(used.splits), *used.remarks()]
    notes += taken.ids.remarks(taken.records)
    return RecordFile(
        taken.records, taken.unreadable(by_element), used.renamed, list(used.kept), sha256,
        taken.drops.all(by_element), notes, taken.drops.count, _short_name(source), reading,
    )  # fmt: skip


class _Taken:
    """What the rows of a file became."""

    def __init__(self) -> None:
        self.records = EncodedRecords()
        self.drops = Drops()
        self.ids = Ids()
        self.count = 0
        self.refused: list[tuple[int, int, str]] = []  # line, number of the row, why

    def unreadable(self, by_element: bool) -> list[UnreadableRow]:
        """Return the rows that are no records, by their lines: what may be headings is judged by
        the rows below it."""
        return [
            UnreadableRow(
                line,
                f"Element {number}: {reason}"
                if by_element and reason not in OF_THE_LIST
                else reason,
            )
            for line, number, reason in sorted(self.refused, key=itemgetter(0))
        ]


def _taken(rows: Iterable[Row], form: Form, name: str) -> _Taken | None:
    """Form all rows; None if one cannot be before `Form.learn` was shown all of them.

    Raises:
        RecordError: more of them are no records, or have to be kept in memory, than is sensible.
    """
    taken = _Taken()
    size = 0
    for number, (line, names, values) in enumerate(rows, start=1):
        taken.count = number
        formed = values if isinstance(values, str) else form.formed(names, values)
        if formed is None:
            return None
        if isinstance(formed, str) or formed.record is None:
            reason = formed if isinstance(formed, str) else " ".join(formed.reasons)
            taken.refused.append((line, number, reason))
            if len(taken.refused) > MOST_UNREADABLE:
                raise _too_many_unreadable(*taken.refused[0], name)
            continue
        taken.records.append(formed.payload)
        taken.ids.add(formed.record["employee_id"], line)
        size += len(formed.payload)
        if size > MOST_RECORDS * MAX_FILE_BYTES:
            raise RecordError(
                f"{name} has more records than fit into memory: split it into smaller files."
            )
        if formed.dropped:
            taken.drops.add(line, formed.dropped, number)
    return taken


def _too_many_unreadable(line: int, _number: int, reason: str, name: str) -> RecordError:
    return RecordError(
        f"{name} has more than {MOST_UNREADABLE:,} lines that cannot be read. The first is line "
        f"{line}: {reason}"
    )


def _shown(
    rows: Iterator[Row], progress: Progress | None, before: int, whole: int
) -> Iterator[Row]:
    """Pass on rows, and show some of the time how far they are.

    Args:
        rows: those of the file.
        progress: see `read`.
        before: how many lines were read before the first.
        whole: how many there are to read.
    """
    if progress is None:
        return rows
    return _passed_on(rows, progress, before, whole)


def _passed_on(rows: Iterator[Row], progress: Progress, before: int, whole: int) -> Iterator[Row]:
    for count, row in enumerate(rows):
        if count % _SHOWN_EACH == 0:
            progress(before + max(count, row[0]), whole)
        yield row


def _source_name(source: str | Path | BinaryIO) -> str:
    if source == "-":
        return "Standard input"
    return str(source) if isinstance(source, str | Path) else "The stream"


def _short_name(source: str | Path | BinaryIO) -> str:
    if source == "-":
        return "-"
    return Path(source if isinstance(source, str | Path) else getattr(source, "name", "")).name


def _load(source: str | Path | BinaryIO, name: str) -> bytes:
    if source == "-":
        return _read_all(sys.stdin.buffer.read, name)
    if not isinstance(source, str | Path):
        if isinstance(source, io.TextIOBase) or not callable(getattr(source, "read", None)):
            raise TypeError(_no_source(source))
        return _read_all(source.read, name)
    if not str(source) or "\0" in str(source):
        raise RecordError(f"{str(source)!r} is no path: give the path of a file.")
    path = Path(source)
    if path.is_dir():
        raise RecordError(f"{name} is a directory: give one file.")
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


def _no_source(source: object) -> str:
    """Return what to give in place of something that is neither a path nor a stream of bytes."""
    kind = type(source).__name__
    if isinstance(source, io.TextIOBase | str):
        step = 'is text: open the file with mode "rb", or encode the text for io.BytesIO'
    elif isinstance(source, bytes | bytearray | memoryview):
        step = f"is {kind}: wrap it in io.BytesIO"
    else:
        step = f"is {kind}"
    return (
        f'A file of records is a path, a stream of bytes, or "-" for standard input; this {step}.'
    )


def _read_all(read: Callable[[int], bytes], name: str) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while chunk := read(2**20):
        if not isinstance(chunk, bytes | bytearray | memoryview):
            raise TypeError(_no_source(chunk))
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


def _opened(data: bytes, name: str, reading: Reading) -> Source:
    """Return the rows of a file, which its first bytes tell to be text or not.

    Raises:
        RecordError: it is empty, or none of the formats that are known.
    """
    if is_workbook(data):
        return workbook(data, name, reading, MAX_FILE_BYTES)
    if is_parquet(data):
        return parquet(data, name, reading, MAX_FILE_BYTES)
    if reading.delimiter is None:
        refuse_other_format(data, name)
    if reading.sheet is not None:
        raise RecordError(f"{name} is no spreadsheet, and so has no sheets: leave out --sheet.")
    unmarked = zeros_of_json(data) if reading.encoding is None else None
    data, encoding = decoded(data, name, unmarked or reading.encoding)
    data = with_line_feeds(data)
    if not data or data.isspace():
        raise RecordError(f"{name} is empty: give a file with employees (CSV, JSON, .xlsx, ...).")
    return _rows(data, name, encoding, reading)


def _rows(data: bytes, name: str, encoding: str | None, reading: Reading) -> Source:
    """Return the rows of a file; its format is detected here.

    Args:
        data: the file in UTF-8, if its encoding is known.
        name: of the file, for messages.
        encoding: that the file was in, None if it is not known.
        reading: what the user says of it.

    Raises:
        RecordError: it is CSV without a header.
    """
    notes = []
    lines = data.count(b"\n")
    if encoding not in {None, "utf-8"} and reading.encoding is None:
        notes.append(f"Its encoding is {encoding}, as its first bytes say.")
    sample = list(itertools.islice((line for line in lines_of(data) if line.strip()), 100))
    start = sample[0].lstrip()[:1]
    if reading.delimiter is None and start in {b"{", b"["} and may_be_json(sample[0]):
        by_line = is_by_line(sample)
    else:
        text = data
        if encoding is None:
            text, found, words = in_utf8(data)  # JSON is in UTF-8 always (RFC 8259)
            if found != "utf-8":
                notes.append(
                    f"Its encoding was detected as {found} ({words}): if letters are "
                    "wrong, say it with --encoding."
                )
        text = with_one_line_end(text)
        if (unwrapped := without_quotes_around_lines(text)) is not None:
            text = unwrapped
            notes.append("Each line stands in quotes as a whole; it is read without these.")
        try:
            header = csv_header(text, name, reading)
        except RecordError:
            if not any(line.startswith(b"{") for line in sample) or reading.delimiter is not None:
                raise
        else:
            skipped: dict[int, str] = {}
            notes += [*header.notes, *remarks_on_text(text, header.delimiter)]
            return Source(
                partial(csv_rows, text, header, skipped), notes,
                header.chosen, header.delimiter, skipped, lines,
            )  # fmt: skip
        notes = []
        by_line = True
    nested = Nested(name, reading.columns, notes)
    if by_line:
        return Source(partial(json_lines, data, nested), notes, reading.columns, "", {}, lines)
    document = data.decode(errors="surrogateescape")  # the escapes are refused field by field
    if reading.encoding is None and (escaped := ESCAPED.search(document)):
        line = document.count("\n", 0, escaped.start()) + 1
        notes.append(
            f"It has bytes that are not UTF-8, the first in line {line}: say its encoding with "
            "--encoding, such as cp1252."
        )
    rows = partial(json_document, document, nested.begins(document), nested)
    return Source(rows, notes, reading.columns, "", {}, lines, by_element=True)
