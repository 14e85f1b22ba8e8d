"""Reads rows from a JSON document or from JSON Lines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from pydantic_core import from_json

from empkit.records.decoder import (
    Decoder,
    NotJsonError,
    bad_json,
    decode,
    is_simple,
    not_json,
    of_repeated,
)
from empkit.records.depth import MAX_DEPTH, too_deep
from empkit.records.nested import EMPLOYEE, Nested
from empkit.records.rows import MAX_LINE_BYTES, Row, batches, too_long, unreadable

OPEN, BROKEN, WHOLE = range(3)  # states of a line, see `json_state`

_TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*"|[{}\[\],]')
"""A string, a bracket, or a comma."""

_PAIRS = {"}": "{", "]": "["}

_BETWEEN = re.compile(r"\}\s*,\s*")
"""The end of an object in a list; inside a string it shows that a quote is missing."""

_NEXT_OBJECT = re.compile(r"(?:,\s*|\n[ \t\r]*)(?=\{)")
"""What stands before an object where the brackets do not tell: a comma, or the begin of a line."""

_FIRST_OF_JSON = re.compile(
    rb"""\s*[\[{]\s*(?:[\[{"'\]}/\#,]|\Z|(?:-?[\d.]+(?:e[-+]?\d+)?|[tT]rue|[fF]alse|null|None|NaN"""
    rb"""|-?Infinity|undefined)\s*(?:[,\]}]|\Z)|(?<=\{)\w+\s*:|(?<=\{\s)\w+\s*:)"""
)
"""How JSON begins, also such as is a little wrong: brackets, and a string, a name, a number."""

_OBJECT = re.compile(rb"""\{\s*["']""")

_NEXT_VALUE = re.compile(r"\s*(?=[\[{])")
"""What stands before another list or object."""

_BLANK_TO_END = re.compile(r"[\s}\]]*\Z")

_COMMENT = re.compile(r"(?://|#)[^\n]*|/\*.*?\*/", re.DOTALL)

_DECODER = json.JSONDecoder()
"""Keeps long numbers as they are. NaN and Infinity, which some programs write, are numbers here."""


def may_be_json(line: bytes) -> bool:
    """Return whether a first line that begins with a bracket may be JSON, and is no title of CSV
    such as [CONFIDENTIAL]."""
    return (_FIRST_OF_JSON.match(line) or _OBJECT.search(line)) is not None


def json_state(line: bytes) -> int:
    """Return whether a line is a whole JSON value, is invalid, or may continue on the next line."""
    if len(line) > MAX_LINE_BYTES:
        return BROKEN
    text = line.decode(errors="replace").strip().removesuffix(",")
    if too_deep(text):
        return BROKEN
    try:
        _DECODER.decode(text)
    except json.JSONDecodeError as error:
        return OPEN if error.pos >= len(text) else BROKEN
    except ValueError:
        return BROKEN
    return WHOLE


def is_by_line(sample: Sequence[bytes]) -> bool:
    """Return whether each line of a text that begins with a bracket is a value of its own.

    Args:
        sample: the first lines that are not blank.
    """
    if len(sample) < 2:
        return False
    first = sample[0].lstrip()
    state = json_state(first)
    if first.startswith(b"["):
        return state == WHOLE or (state == BROKEN and first[1:2] != b"{")
    # no single line of an object that spans several lines is a whole object, but for the elements
    # of a list in it
    below = [*sample[2:], b""]
    whole = any(
        line.startswith(b"{")
        and (state != OPEN or not (line.rstrip().endswith(b",") or after.lstrip()[:1] == b"]"))
        and json_state(line) == WHOLE
        for line, after in zip(sample[1:], below, strict=False)
    )
    return (state != OPEN or whole) and not _has_one_of_lines(sample)


def _has_one_of_lines(sample: Sequence[bytes]) -> bool:
    """Return whether an object begins in a line that has its bracket only, and ends below."""
    for number, line in enumerate(sample):
        if line.strip() == b"{":
            text = b"\n".join(sample[number:]).decode(errors="replace").lstrip()
            try:
                if not too_deep(text):
                    decode(text)
                    return True
            except ValueError:
                pass
    return False


def json_lines(data: bytes, nested: Nested) -> Iterator[Row]:
    """Yield the rows of each line that is not blank."""
    number = 0
    kinds = nested.kinds
    for _, part in batches(data):
        for line in part.split(b"\n"):
            number += 1
            try:
                # too few brackets to be nested too deep; what this parser refuses, the other reads
                if len(line) <= MAX_LINE_BYTES and line.count(b"{") + line.count(b"[") <= MAX_DEPTH:
                    value = from_json(line.rstrip().removesuffix(b","))
                    if type(value) is dict and is_simple(line, value):
                        names = tuple(value)
                        if kinds.get(names) == EMPLOYEE:
                            yield number, names, list(value.values())
                        else:
                            yield from nested.rows(number, value)
                        continue
            except ValueError:
                pass
            if line.strip():
                yield from _json_line(number, line, nested)


def _json_line(number: int, line: bytes, nested: Nested) -> Iterator[Row]:
    if len(line) > MAX_LINE_BYTES:
        yield unreadable(number, too_long(line))
        return
    text = ""
    try:
        text = line.decode().rstrip().removesuffix(",")  # some programs end each line with one
        if too_deep(text):
            yield unreadable(number, _TOO_DEEP)
            return
        begin = len(text) - len(text.lstrip())
        value, end, repeated = decode(text, begin)
        if text[end:].strip():
            raise json.JSONDecodeError("Extra data", text, end)
    except UnicodeDecodeError as error:
        yield unreadable(
            number,
            f"Bytes that are not UTF-8, at byte {error.start + 1}: say the file's encoding with "
            "--encoding.",
        )
    except ValueError as error:
        yield unreadable(number, bad_json(error, text))
    else:
        if repeated:
            yield unreadable(number, of_repeated(repeated))
        else:
            yield from nested.rows(number, value)


_NOT_CLOSED = "The list is not closed: the file may be incomplete."
_CONTINUES = "The file continues after the end of the list; the rest was not read."

OF_THE_LIST = (_NOT_CLOSED, _CONTINUES)
"""Reasons that are of a list, and of none of its elements."""

_TOO_DEEP = f"Nested too deep: at most {MAX_DEPTH} levels are accepted."


def json_document(text: str, begins: Sequence[int], nested: Nested) -> Iterator[Row]:
    """Yield the objects of lists, or objects one after the other.

    After a value that is not JSON, reading continues with the next one (`_after`).

    Args:
        text: the document, in which escapes stand for bytes that are not UTF-8.
        begins: where the lists begin; the only value of a document without any.
        nested: finds the employees in its values.
    """
    line = 1
    for place, begin in enumerate(begins):
        line += text.count("\n", begins[place - 1] if place else 0, begin)
        yield from _elements(text, begin, line, nested, wrapped=nested.is_whole)


def _elements(
    text: str, position: int, line: int, nested: Nested, *, wrapped: bool
) -> Iterator[Row]:
    """Yield the rows of a list, or of the values from a place on.

    Args:
        text: the document.
        position: where the list begins.
        line: in which that is.
        nested: see `json_document`.
        wrapped: whether what follows the list is known.
    """
    is_list = text[position] == "["
    decoder = Decoder(text)
    counted = position
    line_begin = text.rfind("\n", 0, position) + 1
    position += is_list
    while True:
        while position < len(text) and text[position] in " \t\r\n,":
            position += 1
        line += text.count("\n", counted, position)
        line_begin = max(line_begin, text.rfind("\n", counted, position) + 1)
        counted = position
        if position == len(text):
            if is_list:
                yield unreadable(line, _NOT_CLOSED)
            return
        if is_list and text[position] == "]":
            if wrapped or _BLANK_TO_END.match(text, position + 1):
                return
            following = _NEXT_VALUE.match(text, position + 1)
            if following is None:
                yield unreadable(line, _CONTINUES)
                return
            position = following.end()  # several lists, one after the other
            is_list = text[position] == "["
            position += is_list
            continue
        if too_deep(text, position):
            yield unreadable(line, _TOO_DEEP)
            position = _after(text, position, position)
            continue
        try:
            value, position, repeated = decoder.decode(position)
        except NotJsonError as error:
            column = error.place - max(line_begin, text.rfind("\n", position, error.place) + 1) + 1
            error_line = line + text.count("\n", position, error.place)
            yield unreadable(line, not_json(error, text, error_line, column))
            position = _after(text, position, error.place)
        else:
            if repeated:
                yield unreadable(line, of_repeated(repeated))
            elif type(value) is dict and nested.is_plain(value):
                yield line, tuple(value), list(value.values())
            else:
                yield from nested.rows(line, value)


def _after(text: str, begin: int, failed: int) -> int:
    """Return where reading goes on after a value that is not JSON; every later row is then met.

    Its brackets tell where it ends. If they do not, because a quote or a bracket is missing, it is
    the next place at which an object of a list may begin; without one the length of the text.

    Args:
        text: the document.
        begin: where the value begins.
        failed: where it is no longer JSON; until there its strings and brackets are whole.
    """
    if comment := _COMMENT.match(text, failed):
        if failed == begin:
            return comment.end()
        failed = comment.end()
    if text[failed : failed + 1] == "{" and text[begin:failed].rstrip().endswith(","):
        return failed  # the value before it was not closed
    opened: list[str] = []
    comma = 0  # where the last one ends
    for token in _TOKEN.finditer(text, begin):
        mark = token[0]
        if mark[0] == '"':
            between = _BETWEEN.search(mark) if token.start() >= failed else None
            if between:
                return token.start() + between.end()
        elif mark in "{[":
            if opened[-1:] == ["{"] and comma and not text[comma : token.start()].strip():
                return token.start()  # in an object a name stands here: it was not closed
            opened.append(mark)
        elif not opened:
            return max(token.start() + (mark == "}"), begin + 1)
        elif mark != "," and opened.pop() != _PAIRS[mark]:
            break
        elif mark == ",":
            comma = token.end()
        elif not opened:
            return token.end()
    following = _NEXT_OBJECT.search(text, max(failed - 1, begin + 1))
    return following.end() if following else len(text)
