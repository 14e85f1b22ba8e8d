"""Reads rows from a JSON document or from JSON Lines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from pydantic_core import from_json

from empkit.records.depth import MAX_DEPTH, too_deep
from empkit.records.employee import REQUIRED
from empkit.records.headings import named_fields
from empkit.records.rows import MAX_LINE_BYTES, Row, batches, too_long, unreadable
from empkit.records.values import shown

OPEN, BROKEN, WHOLE = range(3)  # states of a line, see `json_state`

_TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*"|[{}\[\],]')
"""A string, a bracket, or a comma."""

_PAIRS = {"}": "{", "]": "["}

_BETWEEN = re.compile(r"\}\s*,\s*")
"""The end of an object in a list; inside a string it shows that a quote is missing."""

_NEXT_OBJECT = re.compile(r"(?:,\s*|\n[ \t\r]*)(?=\{)")
"""What stands before an object where the brackets do not tell: a comma, or the begin of a line."""

_DECODER = json.JSONDecoder()
"""Keeps long numbers as they are. NaN and Infinity, which some programs write, are numbers here."""


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


def json_lines(data: bytes) -> Iterator[Row]:
    """Yield one row for each line that is not blank."""
    number = 0
    for _, part in batches(data):
        for line in part.split(b"\n"):
            number += 1
            try:
                # too few brackets to be nested too deep; what this parser refuses, the other reads
                if len(line) <= MAX_LINE_BYTES and line.count(b"{") + line.count(b"[") <= MAX_DEPTH:
                    value = from_json(line.rstrip().removesuffix(b","))
                    if type(value) is dict:
                        yield number, tuple(value), list(value.values())
                        continue
            except ValueError:
                pass
            if line.strip():
                yield _json_line(number, line)


def _json_line(number: int, line: bytes) -> Row:
    if len(line) > MAX_LINE_BYTES:
        return unreadable(number, too_long(line))
    try:
        text = line.decode().rstrip().removesuffix(",")  # some programs end each line with one
        if too_deep(text):
            return unreadable(number, _TOO_DEEP)
        return _json_object(number, _DECODER.decode(text))
    except UnicodeDecodeError as error:
        return unreadable(
            number,
            f"Bytes that are not UTF-8, at byte {error.start + 1}: say the file's encoding with "
            "--encoding.",
        )
    except ValueError as error:
        return unreadable(number, _bad_json(error))


def _json_object(line: int, value: Any) -> Row:
    if isinstance(value, dict):
        return line, tuple(value), list(value.values())
    return unreadable(line, f"Not a JSON object but {shown(value)}.")


_TOO_DEEP = f"Nested too deep: at most {MAX_DEPTH} levels are accepted."


def _bad_json(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        line = f"line {error.lineno}, " if error.lineno > 1 else ""
        return f"Bad JSON: {error.msg} at {line}column {error.colno}."
    return f"Bad JSON: {error}."


def json_document(data: bytes) -> Iterator[Row]:
    """Yield the objects of a list, or objects one after the other.

    After a value that is not JSON, reading continues with the next one (`_after`).
    """
    text = data.decode(errors="surrogateescape")  # the escapes are refused field by field
    position = _list_within(text)
    is_list = text[position] == "["
    wrapped = bool(text[:position].strip())
    position += is_list
    line, counted = 1, 0
    while True:
        while position < len(text) and text[position] in " \t\r\n,":
            position += 1
        line, counted = line + text.count("\n", counted, position), position
        if position == len(text):
            if is_list:
                yield unreadable(line, "The list is not closed: the file may be incomplete.")
            return
        if is_list and text[position] == "]":
            if not wrapped and text[position + 1 :].strip():
                yield unreadable(
                    line, "The file continues after the end of the list; the rest was not read."
                )
            return
        if too_deep(text, position):
            yield unreadable(line, _TOO_DEEP)
            position = _after(text, position, position)
            continue
        try:
            value, position = _DECODER.raw_decode(text, position)
        except json.JSONDecodeError as error:
            yield unreadable(line, _bad_json(error))
            position = _after(text, position, error.pos)
        else:
            yield _json_object(line, value)


def _after(text: str, begin: int, failed: int) -> int:
    """Return where reading goes on after a value that is not JSON; every later row is then met.

    Its brackets tell where it ends. If they do not, because a quote or a bracket is missing, it is
    the next place at which an object of a list may begin; without one the length of the text.

    Args:
        text: the document.
        begin: where the value begins.
        failed: where it is no longer JSON; until there its strings and brackets are whole.
    """
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


def _list_within(text: str) -> int:
    """Return where the records begin: at the list of objects within an object, such as
    `{"data": [...]}`, or at the beginning."""
    begin = len(text) - len(text.lstrip())
    if text[begin] != "{" or too_deep(text, begin):
        return begin
    try:
        value, end = _DECODER.raw_decode(text, begin)
    except ValueError:
        return begin
    path = _path_to_list(value)
    if not path or text[end:].strip():
        return begin
    position = begin
    for place, key in enumerate(path, start=1):
        # as programs write it, with escapes or without
        names = "|".join(
            re.escape(json.dumps(key, ensure_ascii=escaped)) for escaped in (True, False)
        )
        opened = r"\[" if place == len(path) else r"\{"
        found = re.compile(rf"(?:{names})\s*:\s*(?={opened})").search(text, position)
        if found is None:
            return begin
        position = found.end()
    return position


def _path_to_list(value: Any) -> list[str]:
    """Return the keys that lead to the longest list of objects; none if the object itself is a
    record, or has no such list."""
    fields = named_fields(value)
    if any(field in fields for field in REQUIRED):
        return []
    longest: list[str] = []
    size = 0
    for key, inner in value.items():
        if isinstance(inner, list) and inner and all(isinstance(each, dict) for each in inner):
            if len(inner) > size:
                longest, size = [key], len(inner)
        elif isinstance(inner, dict) and not size and (path := _path_to_list(inner)):
            longest = [key, *path]
    return longest
