"""Recognizes files of other formats by their first bytes, to say what to do with them."""

from __future__ import annotations

import re

from empkit.records.employee import RecordError

_PACKED = {
    b"\x1f\x8b": "with gzip twice",
    b"\xfd7zXZ\x00": "with xz",
    b"BZh": "with bzip2",
    b"\x28\xb5\x2f\xfd": "with zstd",
    b"\x04\x22\x4d\x18": "with lz4",
    b"7z\xbc\xaf\x27\x1c": "with 7-Zip",
    b"Rar!\x1a\x07": "with RAR",
}

_OTHERS = {
    b"%PDF-": ("a PDF", "get the table as .xlsx or CSV from the program that made it"),
    b"\x89PNG": ("a picture (PNG)", "give the table itself"),
    b"\xff\xd8\xff": ("a picture (JPEG)", "give the table itself"),
    b"GIF8": ("a picture (GIF)", "give the table itself"),
    b"SQLite format 3\x00": (
        "a database of SQLite",
        "export its table, such as by sqlite3 -header -csv FILE 'SELECT * FROM TABLE'",
    ),
    b"ARROW1": ("a Feather file (Arrow)", "write it as Parquet"),
    b"ORC": ("an ORC file", "write it as Parquet"),
    b"Obj\x01": ("an Avro file", "write it as Parquet or JSON Lines"),
    b"\x89HDF": ("an HDF5 file", "write its table as Parquet or CSV"),
    b"RDX": ("data of R", "write it by write.csv(..., row.names = FALSE)"),
    b"RDA": ("data of R", "write it by write.csv(..., row.names = FALSE)"),
    b"X\n\x00\x00\x00": ("data of R", "write it by write.csv(..., row.names = FALSE)"),
    **dict.fromkeys(
        (b"\x80\x02", b"\x80\x03", b"\x80\x04\x95", b"\x80\x05\x95"),
        ("a pickle of Python", "write it by DataFrame.to_parquet() or to_csv()"),
    ),
    b"{\\rtf": ("a document (RTF)", "save its table as CSV"),
}

_OF_TAR, _TAR_PLACE = b"ustar", 257
"""The mark of an archive of tar, and where it stands."""

_MARKUP = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*<(?:\?xml|!doctype|!--|html|head|body|table|meta)\b", re.IGNORECASE
)
_HTML = re.compile(rb"<(?:!doctype\s+html|html|head|body|table|meta)\b", re.IGNORECASE)
_SHEET = b"urn:schemas-microsoft-com:office:spreadsheet"

_SQL = re.compile(
    rb"\s*(?:--[^\n]*(?:\n\s*|\Z)|/\*.*?\*/;?\s*)*"
    rb"(?:insert\s+(?:ignore\s+)?into\s|create\s+(?:table|database|schema)\s|drop\s+table\s|"
    rb"copy\s+[\w.\"]+\s*\(|set\s+[\w.@]+\s*=|begin(?:\s+transaction)?\s*;|"
    rb"pragma\s+\w+\s*=|use\s+[`\w]+\s*;|lock\s+tables\s)",
    re.IGNORECASE | re.DOTALL,
)
"""How a dump of a database begins, below its comments."""

_LOOKED_AT = 2**12


def refuse_other_format(data: bytes, name: str) -> None:
    """Refuse a file that has no records as they can be read.

    Args:
        data: the file, after one gzip is unpacked.
        name: of the file, for messages.

    Raises:
        RecordError: it is packed in another way, or of another format, and what to do.
    """
    for mark, way in _PACKED.items():
        if data.startswith(mark) and (mark != b"BZh" or data[4:10] == b"1AY&SY"):
            raise RecordError(f"{name} is packed {way}: unpack it, and give the file within.")
    if data.startswith(_OF_TAR, _TAR_PLACE):
        raise RecordError(f"{name} is an archive (tar): unpack it, and give the file within.")
    for mark, (what, step) in _OTHERS.items():
        if data.startswith(mark) and not (mark.isalnum() and _is_heading(data, mark)):
            raise RecordError(f"{name} is {what}, and no table that can be read: {step}.")
    if _SQL.match(data[:_LOOKED_AT]):
        raise RecordError(
            f"{name} is a dump in SQL, which is not read: export the table as CSV from its "
            "database, such as by COPY ... TO ... (FORMAT csv, HEADER), or by .mode csv and "
            ".headers on."
        )
    if not _MARKUP.match(data):
        return
    begin = data[:_LOOKED_AT]
    if _SHEET in begin:
        what, step = "a spreadsheet of Excel 2003 in XML", "open it there, and save it as .xlsx"
    elif _HTML.search(begin):
        what = "a page in HTML"
        step = (
            "open it in a spreadsheet program and save its table as .xlsx or CSV; if it was "
            "downloaded, see whether it asks for a login"
        )
    else:
        what, step = "XML", "export the employees as CSV, JSON or .xlsx"
    raise RecordError(f"{name} is {what}, which is not read: {step}.")


def _is_heading(data: bytes, mark: bytes) -> bool:
    """Return whether a mark that is text may be the begin of a heading: text follows."""
    line = data[len(mark) : _LOOKED_AT].partition(b"\n")[0]
    return b"\0" not in data[:64] and all(byte >= 32 or byte in b"\t\r" for byte in line)
