"""Whether a row has the content of the record that was sent: decided from the sent bytes and the
stored row, by code that shares nothing with the server.

    bytes --read--> record ------+
                                 +--> same content, or other
    row or record in an answer --+

The declared fields are those of the published JSON Schema (`employee.schema.json`). Every other
member of the record belongs to the column `extra`, as JSON text. The rules:

- Text is the same when every character is; nothing is stripped.
- A salary is an IEEE 754 double: the column must hold exactly the double nearest to the number.
- A hire date is its ten characters; a zero time of day after them does not change the date.
- null in a declared field is NULL in its column; null in an extra is a value.
- Extras are compared as parsed JSON: numbers by their exact value, a boolean is not a number, the
  order of members does not matter.

This module imports the standard library only; a test checks that.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

SCHEMA_FILE = Path(__file__).parent.parent / "employee.schema.json"
"""The published JSON Schema of an employee record."""
SCHEMA: dict[str, Any] = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
DECLARED = tuple(SCHEMA["properties"])
"""The declared fields of a record, in the order of the schema."""
_TEXTS = tuple(name for name in DECLARED if name not in {"salary", "hire_date"})
_DECLARED = frozenset(DECLARED)

# pydantic accepts a date followed by a zero time of day, in these forms; it reads microseconds and
# drops further digits
_DATE = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[Tt _]00:00(?::00(?:[.,](?:0{1,6}|0{6}[0-9]+))?)?"
    r"(?:[Zz]|[-+\u2212][0-9]{2}:?[0-9]{2})?)?"
)


def read(data: bytes) -> dict[str, Any] | None:
    """Parse a record with the JSON parser of the standard library.

    Args:
        data: JSON in UTF-8, as it was sent.

    Returns:
        The members of the object; None when the bytes are not JSON, or not an object.
    """
    try:
        record = json.loads(data.decode(), parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _refuse(word: str) -> NoReturn:
    """Refuse NaN and the infinities, which are JavaScript and not JSON."""
    raise ValueError(f"{word} is not JSON.")


def is_row_of(row: Mapping[str, Any], sent: Mapping[str, Any] | None) -> bool:
    """Return whether a row of the table has the content of a record.

    Args:
        row: the columns by name, as the database returns them.
        sent: the sent bytes as parsed by `read`.
    """
    if sent is None or not _declared_agree(sent, row):
        return False
    extras = {name: value for name, value in sent.items() if name not in _DECLARED}
    stored = row.get("extra")
    if stored is None:
        return not extras
    if not extras or not isinstance(stored, str):
        return False
    try:
        return equal(extras, json.loads(stored))
    except (ValueError, RecursionError):
        return False


def is_told_as(answered: Mapping[str, Any], sent: Mapping[str, Any] | None) -> bool:
    """Return whether a record in a server's answer has the content of the record that was sent.

    Args:
        answered: the record in the server's JSON; a field without a value may be missing.
        sent: the sent bytes as parsed by `read`.
    """
    if sent is None or not _declared_agree(sent, answered):
        return False
    extras, stored = (
        {name: value for name, value in record.items() if name not in _DECLARED}
        for record in (sent, answered)
    )
    return equal(extras, stored)


def _declared_agree(sent: Mapping[str, Any], held: Mapping[str, Any]) -> bool:
    for name in _TEXTS:
        value = sent.get(name)
        if value != held.get(name) or not (value is None or type(value) is str):
            return False
    return _same_salary(sent.get("salary"), held.get("salary")) and _same_date(
        sent.get("hire_date"), held.get("hire_date")
    )


def _same_salary(sent: Any, held: Any) -> bool:
    if sent is None or held is None:
        return sent is held
    if type(sent) not in (int, float) or type(held) not in (int, float):
        return False
    try:
        return float(sent) == float(held)
    except OverflowError:
        return False


def _same_date(sent: Any, held: Any) -> bool:
    if sent is None or held is None:
        return sent is held
    match = _DATE.fullmatch(sent) if type(sent) is str else None
    return match is not None and match[1] == held


def equal(one: Any, other: Any) -> bool:
    """Return whether two parsed JSON values are the same; iterative, so that any nesting works."""
    pairs = [(one, other)]
    while pairs:
        left, right = pairs.pop()
        kind = type(left)
        if kind is dict:
            if type(right) is not dict or left.keys() != right.keys():
                return False
            pairs += [(value, right[name]) for name, value in left.items()]
        elif kind is list:
            if type(right) is not list or len(left) != len(right):
                return False
            pairs += zip(left, right, strict=True)
        elif kind is int or kind is float:
            # Python compares an int with a float exactly
            if type(right) not in (int, float) or left != right:
                return False
        elif type(right) is not kind or left != right:
            return False
    return True


MAX_DEPTH = 100
"""The maximum nesting of an extra, in levels."""
_SMALLEST, _LARGEST = -(2**63), 2**64 - 1
_SURROGATE = re.compile("[\ud800-\udfff]")


def within_limits(record: Mapping[str, Any]) -> bool:
    """Return whether a record keeps the rules that a JSON Schema cannot express.

    They are in the schema's description: the nesting of extras, integers of at most 64 bits, finite
    doubles, and text that is valid Unicode.
    """
    if not all(_is_text(record[name]) for name in _TEXTS if type(record.get(name)) is str):
        return False
    extras = {name: value for name, value in record.items() if name not in _DECLARED}
    if not all(_is_text(name) for name in extras):
        return False
    level = list(extras.values())
    for _ in range(MAX_DEPTH + 1):
        deeper: list[Any] = []
        for value in level:
            if type(value) is str:
                if not _is_text(value):
                    return False
            elif type(value) is int:
                if not _SMALLEST <= value <= _LARGEST:
                    return False
            elif type(value) is float:
                if not math.isfinite(value):
                    return False
            elif type(value) is dict:
                deeper += [*value, *value.values()]
            elif type(value) is list:
                deeper += value
        if not deeper:
            return True
        level = deeper
    return False


def _is_text(text: str) -> bool:
    return text.isascii() or _SURROGATE.search(text) is None
