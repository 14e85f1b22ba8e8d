"""Looks into a spreadsheet's archive before another library unpacks it: how large it is then."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import NamedTuple
from xml.etree import ElementTree

from empkit.records.employee import RecordError

ERROR = "an error such as #DIV/0! in place of a value"
FORMULA = "a formula without its value"

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
_CELL_OF_ERROR = re.compile(rb"""<c\b(?=[^<>]*\bt\s*=\s*["']e["'])([^<>]*)>""")
_CELL_WITHOUT_VALUE = re.compile(
    rb"<c\b([^<>]*)>\s*(?:<f\b[^<>]*>[^<]*</f>|<f\b[^<>]*/>)\s*(?:<v\s*/>|<v>\s*</v>)?\s*</c>"
)
_PLACE = re.compile(rb"""\br\s*=\s*["']([A-Za-z]{1,3})(\d{1,7})["']""")
_ZEROS = re.compile(
    rb"""formatCode\s*=\s*["'](?:&quot;.*?&quot;|[A-Za-z\\ -])*0{2,}|"""
    rb"""\boffice:value\s*=\s*"\d+"[^<>]*>\s*<text:p>0\d"""
)
"""A format with zeros in front, or a number in .ods that is shown with them."""
_OVER_ROWS = re.compile(rb"""number-rows-spanned\s*=\s*["'](?!1["'])\d""")

_MOST_PLACES = 100_000
"""How many cells without a value are known by their place."""

_LONGEST = 64
"""How long the beginning of what these look for may be, in bytes."""


class Archive(NamedTuple):
    """What an archive holds.

    Attributes:
        names: of its files.
        errors: how many cells hold an error in place of a value, such as #DIV/0!.
        formulas: how many cells hold a formula without its value.
        places: of a sheet's file -> the row and column of such cells, from 0, and what they hold.
        zeros: whether a number may be shown with zeros in front.
        over_rows: how many cells of .ods are merged over several rows.
    """

    names: list[str]
    errors: int
    formulas: int
    places: dict[str, dict[tuple[int, int], str]]
    zeros: bool
    over_rows: int


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
    size = errors = formulas = over_rows = 0
    zeros = False
    places: dict[str, dict[tuple[int, int], str]] = {}
    damaged = f"{name} begins like a spreadsheet, but it is damaged"
    try:
        members = zipfile.ZipFile(io.BytesIO(data)).infolist()
        for member in members:
            rows = columns = 0
            before = cell = b""
            is_sheet = member.filename.startswith("xl/worksheets/")
            for part in _unpacked(data, member):
                size += len(part)
                if size > most:
                    raise RecordError(
                        f"{name} is larger than {most // 2**20} MiB when it is unpacked: save its "
                        "sheets as separate files, or as CSV."
                    )
                text = before + part
                if member.filename in {"xl/styles.xml", "content.xml"}:
                    zeros = zeros or _ZEROS.search(text) is not None
                    over_rows += len(_OVER_ROWS.findall(text)) - len(_OVER_ROWS.findall(before))
                    before = part[-_LONGEST:]
                elif is_sheet:
                    found = places.setdefault(member.filename, {})
                    cell = _note_places(cell + part, found)
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
    names = [member.filename for member in members]
    return Archive(names, errors, formulas, places, zeros, over_rows)


def _note_places(text: bytes, places: dict[tuple[int, int], str]) -> bytes:
    """Note which cells of a part of a sheet have no value; return the beginning of its last one."""
    for pattern, what in ((_CELL_OF_ERROR, ERROR), (_CELL_WITHOUT_VALUE, FORMULA)):
        for match in pattern.finditer(text):
            place = _PLACE.search(match[1])
            if place and len(places) < _MOST_PLACES:
                places[int(place[2]) - 1, _number(place[1]) - 1] = what
    last = text.rfind(b"<c")
    return text[last:][:PART_BYTES] if last >= 0 else b""


def member_of(data: bytes, sheet: str) -> str | None:
    """Return the file of a sheet in a workbook of Excel; None if it is not said."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            # its size is known (`looked_into`), and the parser refuses entities that grow
            book = ElementTree.fromstring(archive.read("xl/workbook.xml"))  # noqa: S314
            links = ElementTree.fromstring(  # noqa: S314
                archive.read("xl/_rels/workbook.xml.rels")
            )
    except (KeyError, ElementTree.ParseError, zipfile.BadZipFile, zlib.error, EOFError):
        return None
    targets = {each.get("Id"): each.get("Target", "") for each in links}
    for each in book.iter():
        if each.tag.endswith("}sheet") and each.get("name") == sheet:
            key = next((of for name, of in each.items() if name.endswith("}id")), None)
            target = targets.get(key, "")
            return target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
    return None


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
