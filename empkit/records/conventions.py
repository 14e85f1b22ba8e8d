"""How a column writes numbers and dates: what all its values together can mean in one way only.

52.000, 1.250.000   --> a point between thousands, so a comma before decimals
4/2/2021, 12/31/2021 --> the month first
"""

from __future__ import annotations

import datetime
import re

_PAIRS = {".": ",", ",": "."}
_GROUPED = re.compile(r"[-+]?\d{1,3}(?:([.,])\d{3})(?:\1\d{3})+(?:[.,]\d+)?", re.ASCII)
"""Two groups of thousands or more: what stands between them is no decimal mark."""
_BOTH = re.compile(r"[-+]?\d{1,3}(?:[.,]\d{3})+([.,])\d+", re.ASCII)
"""Thousands and decimals: the last mark is the decimal one, if it is another."""
_ONE = re.compile(r"[-+]?\d+([.,])(\d+)", re.ASCII)
_AMBIGUOUS = re.compile(r"[-+]?[1-9]\d{0,2}\.\d{3}", re.ASCII)
_DATE = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})", re.ASCII)


class Conventions:
    """What is known of a file's columns, from the values that it was shown.

    Example:
        >>> of = Conventions()
        >>> for text in ("52.000", "1.250.000"):
        ...     of.see_number(text)
        >>> of.number("52.000")
        '52000'
    """

    def __init__(self) -> None:
        self._decimal: set[str] = set()
        self._day_first: set[bool] = set()

    def see_number(self, text: str) -> None:
        """Learn from one value of a column of numbers."""
        if grouped := _GROUPED.fullmatch(text):
            self._decimal.add(_PAIRS[grouped[1]])
        elif (both := _BOTH.fullmatch(text)) and text.count(both[1]) == 1:
            self._decimal.add(both[1])
        elif (one := _ONE.fullmatch(text)) and len(one[2]) != 3:
            self._decimal.add(one[1])

    def see_date(self, text: str) -> None:
        """Learn from one value of a column of dates."""
        if found := _DATE.fullmatch(text):
            first, mark, second = int(found[1]), found[2], int(found[3])
            if mark == "." or first > 12:
                self._day_first.add(True)
            elif second > 12:
                self._day_first.add(False)

    def number(self, text: str) -> str | None:
        """Return a number as Python reads it, if the column writes it with a decimal comma; else
        the text.

        Returns:
            None if it may be one number or a thousand times that, and no other value tells.
        """
        if self._decimal == {","}:
            return text.replace(".", "").replace(",", ".")
        if self._decimal != {"."} and _AMBIGUOUS.fullmatch(text):
            return None
        return text

    def date(self, text: str) -> str | None:
        """Return a date like 31.12.2021 or 12/31/2021 in ISO 8601; None if it is none, or its
        column does not tell whether the day comes first."""
        found = _DATE.fullmatch(text)
        if found is None or len(self._day_first) != 1:
            return None
        day, month = int(found[1]), int(found[3])
        if self._day_first == {False}:
            day, month = month, day
        try:
            return datetime.date(int(found[4]), month, day).isoformat()
        except ValueError:
            return None
