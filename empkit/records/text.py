"""Brings the bytes of a text file to UTF-8 with line ends of one kind."""

from __future__ import annotations

import codecs
import itertools
import json
import re
from collections.abc import Callable

from charset_normalizer import from_bytes

from empkit.records.employee import RecordError
from empkit.records.rows import lines_of

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order marks; those of UTF-32 begin like those of UTF-16."""
_WORD = re.compile(rb"[^\s,;|\"]*[\x80-\xff][^\s,;|\"]*")
"""A word with more than ASCII."""

_SIGNS = frozenset(
    "\u20ac\xa3\xa5\xa7\xb0\xba\xaa\xa0\xab\xbb\u2013\u2014\u2018\u2019\u201c\u201d\u2026"
)
"""What names, titles and amounts have besides letters: currencies, quotes, dashes, ordinals."""

_CLOSING = frozenset("\xbb\u201d\u2026\xa0")
"""What stands at the end of a word."""

_ORDINAL = frozenset("\xb0\xba\xaa")
"""What stands behind an N."""

_OTHER_LATIN = frozenset(
    "\u0152\u0153\u0178"  # French
    "\u011e\u011f\u0130\u0131\u015e\u015f"  # Turkish
)

_ALIEN = frozenset("\xd0\xde\xdd\xf0\xfe\xfd\xd7\xf7")
"""Icelandic letters, in whose places the Turkish ones are, and signs between the letters."""

_ASCII = b"id,name;1\n"
_PLAIN = _ASCII.decode()

ESCAPED = re.compile("[\udc80-\udcff]")
"""What stands for a byte that is not UTF-8."""

_CENTRAL = ("cp1250", "iso8859_2")
"""Encodings of the Latin alphabet in Central Europe."""

_CENTRAL_LETTERS = frozenset(
    "\u0105\u0107\u0119\u0142\u0144\xf3\u015b\u017a\u017c"  # Polish
    "\xe1\u010d\u010f\xe9\u011b\xed\u0148\u0159\u0161\u0165\xfa\u016f\xfd\u017e"  # Czech
    "\xe4\u013e\u013a\u0155\xf4\xf6\u0151\xfc\u0171\u0111\xdf"  # Slovak, Hungarian, Croatian
    "\u0103\xe2\xee\u015f\u0163"  # Romanian
)

_SCRIPTS = ("cp1251", "cp1255", "cp1253", "gb18030", "cp949", "cp932")
"""Encodings of other alphabets that most of their files are in, besides UTF-8."""

_USUAL = frozenset(
    {*_SCRIPTS, *_CENTRAL, "cp1256", "cp1257", "cp866", "cp874", "koi8_r", "koi8_u"}
) | {
    *("big5", "euc_jp", "shift_jis", "iso8859_5", "iso8859_7", "iso8859_8", "iso8859_13"),
    *("mac_cyrillic", "mac_greek"),
}
"""Encodings that files are in; others that Python knows are rare."""

_ASCII_LETTER = re.compile(rb"[A-Za-z]")

_FEW_WORDS = 4
"""With how many words at most an encoding is not certain, if they are words in another as well."""

_APOSTROPHE = re.compile(rb"('(?<![^,;\t|\"\n]')[\d+=@-][^',;\t|\"\r\n]*)(?=[,;\t|\"\r\n]|\Z)")
"""A cell that a spreadsheet was told to take as text. The pattern begins with one character, since
that is found ten times as fast as one of several."""

_ESCAPE = re.compile(rb"(\\[tnr0])")
"""A tab or a line end, as databases write it."""

_ALONE = re.compile(rb"\r(?!\n)")

_DAMAGED = 20
"""How many lines may be damaged for each that is whole."""

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


def zeros_of_json(data: bytes) -> str | None:
    """Return the encoding of JSON without a byte order mark in which each letter takes two bytes
    or four: its zero bytes tell. None if it is another."""
    begin = data[:4]
    if b"\0" not in begin or begin.startswith(tuple(mark for mark, _ in _MARKS)):
        return None
    encoding = json.detect_encoding(begin)
    return encoding if begin.decode(encoding, "replace")[:1] in {"[", "{"} else None


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


def in_utf8(data: bytes) -> tuple[bytes, str, str]:
    """Return a text in UTF-8, the encoding that it was in, and some of its words with letters
    beyond ASCII, which show whether that is right, and what else they may be.

    A text with lines of UTF-8 beyond ASCII is UTF-8, even if some others are not: these are
    damaged, and their rows say where. Otherwise the encoding is detected.
    """
    if _is_utf8(data):
        return data, "utf-8", ""
    if b"\0" in data[:SAMPLE] or _is_damaged_utf8(data[:SAMPLE]):
        return data, "utf-8", ""
    words = list(dict.fromkeys(_WORD.findall(data[:SAMPLE])))
    encoding, others = _detected(words, carriage_returns=b"\n" not in data)
    try:
        text = data.decode(encoding)
    except UnicodeError:
        return data, "utf-8", ""
    return (
        text.encode(),
        encoding.replace("_", "-"),
        _shown_words(words, encoding) + _uncertain(words, encoding, others),
    )


def _shown_words(words: list[bytes], encoding: str) -> str:
    return ", ".join(word.decode(encoding, "replace") for word in words[:3])


def _uncertain(words: list[bytes], encoding: str, others: list[str]) -> str:
    """Return which other encodings a few words may be in, and what they would be."""
    if len(words) > _FEW_WORDS:
        return ""
    found: dict[str, str] = {}
    for other in others:
        text = _shown_words(words, other)
        if text != _shown_words(words, encoding):
            found.setdefault(text, other)
    ways = [f"{other.replace('_', '-')} ({text})" for text, other in found.items()]
    return f"; not certain, it may be {' or '.join(ways[:3])}" if ways else ""


def _is_utf8(data: bytes) -> bool:
    """Return whether a text is UTF-8; all of it as Python's text may take four times its bytes."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for begin in range(0, len(data), SAMPLE):
            decoder.decode(data[begin : begin + SAMPLE])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _is_damaged_utf8(data: bytes) -> bool:
    """Return whether lines with more than ASCII are UTF-8, but for a few."""
    good = bad = 0
    for line in data.split(b"\n"):
        if not line.isascii():
            try:
                line.decode()
                good += 1
            except UnicodeDecodeError:
                bad += 1
    return good * _DAMAGED >= bad and good > 0


def _detected(words: list[bytes], *, carriage_returns: bool) -> tuple[str, list[str]]:
    """Return the encoding of words that are not UTF-8, and others that they may be in.

    A library that is made for it says it for alphabets that are not Latin. Between the encodings
    of Western Europe it errs (of `J\xf6rg` in cp1252 it says cp775), as few letters of a file tell
    them apart: the first is taken in which all of its words look like words.
    """
    western = ["cp1252", "cp1254", "iso8859_15", "cp850", "mac_roman"]
    if carriage_returns:
        western = ["mac_roman", "cp1252"]
    fitting = [each for each in western if _fits(words, each, _LETTERS.get(each, _is_western))]
    latin = any(_ASCII_LETTER.search(word) for word in words)
    central = [each for each in _CENTRAL if latin and _fits(words, each, _is_central)]
    if fitting:
        return fitting[0], [*central, *fitting[1:]]
    found = from_bytes(b"\n".join(words))
    others = [each.encoding for each in found if each.encoding not in western]
    others = [encoding for encoding in others if _ASCII.decode(encoding, "replace") == _PLAIN]
    likely = [encoding for encoding in others if _fits(words, encoding, str.isalpha)]
    usual = [encoding for encoding in likely if encoding in _USUAL]
    ways = [*dict.fromkeys([*usual, *central, *likely, *others, "cp1252"])]
    scripts = [each for each in _SCRIPTS if _fits(words, each, str.isalpha)]
    return ways[0], [*scripts, *central, *usual]


def _fits(words: list[bytes], encoding: str, is_letter: Callable[[str], bool]) -> bool:
    """Return whether words in an encoding look like words."""
    try:
        return all(_is_word(word.decode(encoding), is_letter) for word in words)
    except UnicodeDecodeError:
        return False


def _is_central(letter: str) -> bool:
    return letter.lower() in _CENTRAL_LETTERS


def _is_western(letter: str) -> bool:
    latin = "\xc0" <= letter <= "\xff" and letter not in _ALIEN
    return latin or letter in _OTHER_LATIN


def _is_western_15(letter: str) -> bool:
    return _is_western(letter) or letter in "\u0160\u0161\u017d\u017e"


_LETTERS = {"iso8859_15": _is_western_15}
"""Which letters an encoding has, where that is not plain."""


def _is_word(word: str, is_letter: Callable[[str], bool]) -> bool:
    """Return whether a word has letters and signs where a word may have them."""
    in_row = 0
    for before, letter, after in zip(" " + word, word, word[1:] + " ", strict=False):
        if letter.isascii():
            in_row = 0
        elif letter in _SIGNS:
            may_follow = letter == "\u2019" or (letter in _ORDINAL and before in "Nn")
            may_end = letter in _CLOSING and not after.isalpha()
            if before.isalpha() and not (may_follow or may_end):
                return False
        else:
            in_row += 1
            if not is_letter(letter) or (before.islower() and letter.isupper()):
                return False
            if in_row > 2 and is_letter is not str.isalpha:
                return False
    return True


def of_zero_bytes(data: bytes) -> str:
    """Return which encoding of two bytes a text is in that has zero bytes between its letters."""
    sample = data[:SAMPLE]
    even, odd = (sample[place::2].count(b"\0") for place in range(2))
    return "utf-16-be" if even > odd else "utf-16-le"


def without_quotes_around_lines(data: bytes) -> bytes | None:
    """Return CSV whose lines stand in quotes as a whole, without them; None if they do not."""
    lines = (line for line in lines_of(data) if line.strip())
    if not all(map(_is_quoted_whole, itertools.islice(lines, 100))):
        return None
    return b"\n".join(
        line.strip()[1:-1].replace(b'""', b'"') if _is_quoted_whole(line) else line
        for line in data.split(b"\n")
    )


def _is_quoted_whole(line: bytes) -> bool:
    line = line.strip()
    inner = line[1:-1]
    whole = (
        len(line) > 2 and line[:1] == line[-1:] == b'"' and b'"' not in inner.replace(b'""', b"")
    )
    return whole and any(mark in inner for mark in (b",", b";", b"\t", b"|"))


def remarks_on_text(data: bytes, delimiter: str) -> list[str]:
    """Return sentences on what a CSV file's text has that other programs mean otherwise.

    Args:
        data: the text.
        delimiter: between its cells.
    """
    sentences = []
    if found := _APOSTROPHE.search(data):
        sentences.append(
            f"A cell begins with an apostrophe, {_around(data, found)}: spreadsheets hide it, here "
            "it is kept as it is."
        )
    if delimiter == "\t" and (found := _ESCAPE.search(data)):
        sentences.append(
            f"A cell has a backslash, {_around(data, found)}: databases write a tab or a line end "
            "so, here it is kept as it is."
        )
    return sentences


def _around(data: bytes, found: re.Match[bytes]) -> str:
    text = found[1].decode(errors="replace")[:30]
    return f"{text!r} in line {data.count(bytes([10]), 0, found.start(1)) + 1}"


def with_line_feeds(data: bytes) -> bytes:
    """Return the text with a line feed at each line's end, where a carriage return stands alone,
    and without the byte order marks of files that were put together."""
    lines = data if b"\n" in data else data.replace(b"\r", b"\n")
    return lines.replace(b"\n\xef\xbb\xbf", b"\n")


def with_one_line_end(data: bytes) -> bytes:
    """Return CSV whose lines end in line feeds, some of which ended in a carriage return alone.

    Within quotes it is part of a cell, and stays.
    """
    if data.count(b"\r") == data.count(b"\r\n") or data.count(b'"') % 2:
        return data
    parts = data.split(b'"')
    parts[::2] = [_ALONE.sub(b"\n", part) for part in parts[::2]]
    return b'"'.join(parts)
