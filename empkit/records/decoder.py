"""Decodes JSON values without losing anything of them, and says why a text is not JSON."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from empkit.records.employee import name_to_show
from empkit.records.values import number_of

_COMMENT = ("//", "/*", "#")

_WORD = re.compile(r"[A-Za-z_]\w*")

_OF_PYTHON = {"None": "null", "True": "true", "False": "false", "undefined": "null"}

_LONG = re.compile(rb'":\s*-?(?:[\d.]{16}|[\d.]+[eE][-+]?\d{3})')
_LONG_IN_TEXT = re.compile(_LONG.pattern.decode())
"""A value with more digits than every floating-point number keeps, or with a longer exponent."""

_NESTED = frozenset({dict, list})

_BLANKS = (b" :", b"\t:", b"\r:", b"\n:")
_BLANKS_IN_TEXT = tuple(map(bytes.decode, _BLANKS))

_QUICK = json.JSONDecoder()

_PART = 2**14
"""How much of a document is decoded at a time, in characters: an error counts the lines of all
that its decoder was given."""

_LONGEST_MARK = 16
"""How far before the end of a part an error may be that is only of its end, in characters."""

_BLANK = re.compile(r"\s*")


class Decoded(NamedTuple):
    """A value of a text.

    Attributes:
        value: of which a number with more digits than a float keeps is a `Decimal`.
        end: where it ends in the text.
        repeated: a name that an object in it has twice; "" without one.
    """

    value: Any
    end: int
    repeated: str


def decode(text: str, begin: int = 0) -> Decoded:
    """Decode the value that begins at a place of a text.

    Long whole numbers stay as they are. NaN and Infinity, which some programs write, are numbers.

    Raises:
        ValueError: it is not JSON; a `json.JSONDecodeError` says where.
    """
    value, end = _QUICK.raw_decode(text, begin)
    if type(value) is dict and _is_simple(text, begin, end, value):
        return Decoded(value, end, "")
    repeated: list[str] = []

    def object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            repeated.append(next(name for name in names if names.count(name) > 1))
        return found

    decoder = json.JSONDecoder(object_pairs_hook=object_of, parse_float=number_of)
    value, end = decoder.raw_decode(text, begin)
    return Decoded(value, end, repeated[0] if repeated else "")


class NotJsonError(ValueError):
    """A part of a text is not JSON.

    Attributes:
        said: what the decoder says.
        place: where, in the text.
    """

    def __init__(self, said: str, place: int) -> None:
        super().__init__(said)
        self.said = said
        self.place = place


class Decoder:
    """Decodes values of a long text, one after the other, in a time that is in proportion to it.

    Args:
        text: the document.

    Example:
        >>> Decoder('[{"a": 1}]').decode(1)
        Decoded(value={'a': 1}, end=9, repeated='')
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._part = ""
        self._begin = 0  # of the part

    def decode(self, place: int) -> Decoded:
        """Decode the value that begins at a place, which is behind that of the last call.

        Raises:
            NotJsonError: it is not JSON.
        """
        if place >= self._begin + len(self._part):
            self._take(place, _PART)
        while True:
            whole = self._begin + len(self._part) == len(self._text)
            try:
                found = decode(self._part, place - self._begin)
            except json.JSONDecodeError as error:
                before_end = error.pos < len(self._part) - _LONGEST_MARK
                if whole or (before_end and not error.msg.startswith("Unterminated")):
                    raise NotJsonError(error.msg, self._begin + error.pos) from None
            except ValueError as error:  # a number of thousands of digits
                raise NotJsonError(str(error).partition(":")[0], place) from None
            else:
                if whole or found.end < len(self._part):
                    return found._replace(end=self._begin + found.end)
            self._take(place, _PART if place > self._begin else 4 * len(self._part))

    def _take(self, place: int, size: int) -> None:
        self._part, self._begin = self._text[place : place + size], place


def is_simple(line: bytes, value: dict[str, Any]) -> bool:
    """Return whether a decoded object has each name of its text, and each digit, as far as that is
    quick to see: it is the whole of a line, has no list or object in it, and no blank stands
    between a name and its colon."""
    names = line.count(b'":')
    return (
        names == len(value)
        and (names == line.count(b":") or not any(blank in line for blank in _BLANKS))
        and (b"[" not in line or _NESTED.isdisjoint(map(type, value.values())))
        and _LONG.search(line) is None
    )


def _is_simple(text: str, begin: int, end: int, value: dict[str, Any]) -> bool:
    """Return the same as `is_simple`, of a part of a text."""
    names = text.count('":', begin, end)
    return (
        names == len(value)
        and (
            names == text.count(":", begin, end)
            or all(text.find(blank, begin, end) < 0 for blank in _BLANKS_IN_TEXT)
        )
        and (text.find("[", begin, end) < 0 or _NESTED.isdisjoint(map(type, value.values())))
        and _LONG_IN_TEXT.search(text, begin, end) is None
    )


def of_repeated(name: str) -> str:
    """Return the reason why an object is unreadable that has a name twice."""
    return (
        f"It has {name_to_show(name)!r} twice, and one value would be lost: leave out or rename "
        "one."
    )


def bad_json(error: ValueError, text: str) -> str:
    """Return the reason why a text is not JSON, with what to do where the cause is a known one."""
    if not isinstance(error, json.JSONDecodeError):
        return f"Bad JSON: {error}."
    return not_json(NotJsonError(error.msg, error.pos), text, error.lineno, error.colno)


def not_json(error: NotJsonError, text: str, line: int, column: int) -> str:
    """Return the same of an error in a document, with its line and its column there, from 1."""
    there = f"line {line}, " if line > 1 else ""
    return f"Bad JSON: {_cause(text, error.place) or error.said} at {there}column {column}."


def _cause(text: str, place: int) -> str:
    there = text[place : place + 2]
    before = text[:place].rstrip()[-1:] if place < 2**16 else text[place - 64 : place].strip()[-1:]
    word = _WORD.match(text, place)
    if there.startswith(_COMMENT):
        return "a comment, which JSON has not (remove it)"
    if there[:1] in {"}", "]"} and before == ",":
        return "a comma before the closing bracket (remove it)"
    if there[:1] == "," and _next(text, place + 1) in {"}", "]"}:
        return "a comma before the closing bracket (remove it)"
    if there[:1] == "'":
        return 'single quotes, where JSON has double ones (write it with json.dumps, or ")'
    if there[:1] in {"\u201c", "\u201d", "\u201e"}:
        return 'quotes of a text processor (write ")'
    if word and before in {"{", ","} and _next(text, word.end()) == ":":
        return f'the name {word[0][:30]} without quotes (put it in ")'
    if word and word[0] in _OF_PYTHON:
        return f"{word[0]}, which JSON writes {_OF_PYTHON[word[0]]} (write it with json.dumps)"
    return ""


def _next(text: str, place: int) -> str:
    """Return the first character from a place on that is not blank; "" if there is none."""
    blank = _BLANK.match(text, place)
    end = blank.end() if blank else place
    return text[end : end + 1]
