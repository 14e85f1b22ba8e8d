"""Looks into a spreadsheet's archive before another library unpacks it: how large it is then."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from empkit.records.employee import RecordError

CELL_BYTES = 32
"""What a cell takes in memory, empty ones between others as well, in bytes."""

PART_BYTES = 2**20

_LOCAL = struct.Struct("<26xHH")
"""The end of a file's header in a zip archive: the lengths of its name and of its extra field."""

_COLUMN = re.compile(rb"""\br\s*=\s*["']([A-Za-z]{1,3})\d""")
_ROW = re.compile(rb"""\br\s*=\s*["'][A-Za-z]{0,3}(\d{1,9})["']""")
_ERROR = re.compile(rb"""\bt\s*=\s*["']e["']""")
_NO_VALUE = re.compile(rb"(?:</f>|<f\b[^<>]*/>)\s*(?:<v\s*/>|<v>\s*</v>)?\s*</c>")
"""A formula whose program has not calculated it."""
_LONGEST = 64
"""How long the beginning of what these look for may be, in bytes."""


class Archive(NamedTuple):
    """What an archive holds.

    Attributes:
        names: of its files.
        errors: how many cells hold an error in place of a value, such as #DIV/0!.
        formulas: how many cells hold a formula without its value.
    """

    names: list[str]
    errors: int
    formulas: int


def looked_into(data: bytes, name: str, most: int) -> Archive:
    """Return what a zip archive holds, if it fits into memory.

    The sizes that an archive states are not believed: all of it is unpacked once, in parts. A
    spreadsheet's cells are a rectangle in memory, whatever is empty in it, so one cell far from
    the others may take more than there is.

    Args:
        data: the archive.
        name: of the file, for messages.
        most: how much it may take, in bytes.

    Raises:
        RecordError: it is damaged, encrypted or too large.
    """
    size = errors = formulas = 0
    damaged = f"{name} begins like a spreadsheet, but it is damaged"
    try:
        members = zipfile.ZipFile(io.BytesIO(data)).infolist()
        for member in members:
            rows = columns = 0
            before = b""
            is_sheet = member.filename.startswith("xl/worksheets/")
            for part in _unpacked(data, member):
                size += len(part)
                if size > most:
                    raise RecordError(
                        f"{name} is larger than {most // 2**20} MiB when it is unpacked: save its "
                        "sheets as separate files, or as CSV."
                    )
                if is_sheet:
                    text = before + part
                    columns = max([columns, *map(_number, set(_COLUMN.findall(text)))])
                    rows = max([rows, *map(int, set(_ROW.findall(text)))])
                    errors += len(_ERROR.findall(text)) - len(_ERROR.findall(before))
                    formulas += len(_NO_VALUE.findall(text)) - len(_NO_VALUE.findall(before))
                    before = part[-_LONGEST:]
            if rows * columns * CELL_BYTES > most:
                raise RecordError(
                    f"{name} has a sheet of {rows:,} rows and {columns:,} columns, which does not "
                    f"fit into memory: delete the cells far from the table, or save the sheet as "
                    "CSV."
                )
    except zipfile.BadZipFile as error:
        raise RecordError(f"{damaged} ({error}): get the file again.") from None
    except (zlib.error, struct.error, ValueError, LookupError, OSError, EOFError) as error:
        if isinstance(error, RecordError):
            raise
        raise RecordError(f"{damaged} ({error}): get the file again.") from None
    return Archive([member.filename for member in members], errors, formulas)


def _unpacked(data: bytes, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yield the content of a file of an archive, as much as there is of it."""
    if member.flag_bits & 1:
        raise zipfile.BadZipFile("it is protected by a password")
    name_size, extra_size = _LOCAL.unpack_from(data, member.header_offset)
    begin = member.header_offset + _LOCAL.size + name_size + extra_size
    packed = data[begin : begin + member.compress_size]
    if member.compress_type == zipfile.ZIP_STORED:
        yield packed
        return
    if member.compress_type != zipfile.ZIP_DEFLATED:
        raise zipfile.BadZipFile(f"{member.filename} is compressed in a way that is not known")
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    while packed and not inflate.eof:
        yield inflate.decompress(packed, PART_BYTES)
        packed = inflate.unconsumed_tail


def _number(letters: bytes) -> int:
    """Return the number of a column, from 1."""
    number = 0
    for letter in letters.upper():
        number = 26 * number + letter - 64
    return number
