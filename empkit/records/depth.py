"""The limit of JSON's nesting depth, checked before the text is parsed."""

from __future__ import annotations

import re

MAX_DEPTH = 100
"""The maximum nesting depth of an extra, in levels; deeper JSON of a file is not parsed. Each
parser has its own limit (pydantic's is 200, that of the standard library depends on Python's
version and on the caller's stack), so the depth is checked before parsing."""

_TO_BRACKET = re.compile(r'[^][{}"]*+(?:"(?:[^"\\\n]|\\.)*+"[^][{}"]*+)*+([][{}])')
"""Everything up to the next bracket that is not in a string, and that bracket."""

_BEFORE_INNER = {"{": ":", "[": "[,"}
"""The characters that may precede an inner list or object, by the enclosing bracket."""


def too_deep(text: str, start: int = 0) -> bool:
    """Return whether the JSON value at `start` is nested deeper than a record may be.

    In text that is not JSON, it examines only what a parser reads before its error.
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
        if len(around) > MAX_DEPTH + 1:  # the record itself is one level
            return True
        start = bracket.end()
    return False
