"""Brings the bytes of a text file to UTF-8 with line ends of one kind."""

from __future__ import annotations

import codecs

from charset_normalizer import from_bytes

from empkit.records.employee import RecordError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order marks; those of UTF-32 begin like those of UTF-16."""
SAMPLE = 2**18
"""How many bytes are looked at to detect an encoding."""


def decoded(data: bytes, name: str, encoding: str | None = None) -> tuple[bytes, str | None]:
    """Return a file in UTF-8, and its encoding if the user or its byte order mark says it.

    Bytes that are no text in the encoding that the user gave stay, so that their rows are refused.

    Args:
        data: the content of the file.
        name: of the file, for messages.
        encoding: that the user gave.

    Raises:
        RecordError: it is not what its mark says, or its mark says another encoding.
    """
    marked = next((each for mark, each in _MARKS if data.startswith(mark)), None)
    if encoding is None:
        if marked is None:
            return data, None
        return _strictly(data, marked, name), marked
    wanted = codecs.lookup(encoding).name
    if marked is not None and not wanted.startswith(marked):
        raise RecordError(
            f"{name} begins with the mark of {marked}, so it is not in {encoding}: leave out "
            "--encoding."
        )
    try:
        text = data.decode(encoding, "surrogateescape")
    except UnicodeError as error:
        raise RecordError(
            f"{name} is not text in {encoding} ({error}): leave out --encoding, which is then "
            "detected, or give another."
        ) from error
    return text.removeprefix("\ufeff").encode(errors="surrogateescape"), wanted


def _strictly(data: bytes, encoding: str, name: str) -> bytes:
    if encoding == "utf-8":
        return data.removeprefix(codecs.BOM_UTF8)
    try:
        return data.decode(encoding).encode()
    except UnicodeError as error:
        raise RecordError(
            f"{name} is not text in {encoding}, although it begins like that ({error}): save it "
            "as CSV (UTF-8), JSON or JSON Lines, or say its encoding with --encoding."
        ) from error


def in_utf8(data: bytes) -> tuple[bytes, str]:
    """Return a text in UTF-8, and the encoding that it was in.

    A text with any character of UTF-8 beyond ASCII is UTF-8, even if other bytes of it are not: it
    is damaged, and its rows say where. Otherwise the encoding is detected.
    """
    try:
        data.decode()
    except UnicodeDecodeError:
        pass
    else:
        return data, "utf-8"
    if b"\0" in data[:SAMPLE] or _has_utf8(data):
        return data, "utf-8"
    found = from_bytes(data[:SAMPLE] if len(data) > SAMPLE else data).best()
    encoding = "cp1252" if found is None else found.encoding
    # of the single-byte encodings of Western Europe the text alone cannot tell; Windows has this
    if encoding in {"latin_1", "iso8859_1", "iso8859_15", "cp1250", "cp1252", "mac_roman"}:
        encoding = "cp1252"
    try:
        return data.decode(encoding).encode(), encoding.replace("_", "-")
    except UnicodeError:
        return data, "utf-8"


def _has_utf8(data: bytes) -> bool:
    """Return whether some character beyond ASCII is written as UTF-8 writes it."""
    return any(ord(character) > 127 for character in data.decode(errors="ignore"))


def with_line_feeds(data: bytes) -> bytes:
    """Return the text with a line feed at each line's end, where a carriage return stands alone."""
    return data if b"\n" in data else data.replace(b"\r", b"\n")
