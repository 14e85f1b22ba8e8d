"""How deep JSON may be nested, counted before a parser meets it."""

from __future__ import annotations

import re

MAX_DEPTH = 100
"""How deep an extra may be nested, in levels; a file's JSON that goes deeper is not parsed. Each
parser has a limit of its own (pydantic's is 200, that of the standard library depends on Python's
version and on the stack of the caller), so the depth is counted before one is asked."""

_TO_BRACKET = re.compile(r'[^][{}"]*+(?:"(?:[^"\\\n]|\\.)*+"[^][{}"]*+)*+([][{}])')
"""All up to the next bracket that is not in a string, and the bracket."""

_BEFORE_INNER = {"{": ":", "[": "[,"}
"""What stands before an inner list or object, by the bracket that it is in."""


def _too_deep(text: str, start: int = 0) -> bool:
    """Whether the JSON value at `start` is nested deeper than a record with its extras may be.

    Of text that is not JSON it looks only at what a parser reads before it stops.
    """
    around: list[str] = []
    while (bracket := _TO_BRACKET.match(text, start)) is not None:
        if bracket[1] in "[{":
            place = bracket.start(1)
            before = text[start:place].rstrip(" \t\r\n")[-1:] or text[start - 1 : start]
            if around and before not in _BEFORE_INNER[around[-1]]:
                return False
            around.append(bracket[1])
        elif around:
            around.pop()
        if not around:
            return False
        if len(around) > MAX_DEPTH + 1:  # the record is a level itself
            return True
        start = bracket.end()
    return False
