"""How a column writes numbers and dates: what all its values together can mean in one way only.

52.000, 1.250.000   --> a point between thousands, so a comma before decimals
4/2/2021, 12/31/2021 --> the month first
"""

from __future__ import annotations

import datetime
import re
from functools import lru_cache

BETWEEN_THOUSANDS = " '\u00a0\u2009\u202f\u2019"
"""What may stand between thousands beside the mark that is not the decimal one: blanks, narrow or
not to be broken, and apostrophes, straight or not."""

_MARKS = (".", ",")
_WITH_POINT = re.compile(r"\d+\.\d{1,2}", re.ASCII)
"""A number that is one with a decimal point only, as most are written."""
_FRACTION = r"(?:{mark}\d*)?(?:e[-+]?\d+)?"
_DATE = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})(?:[T ].*)?", re.ASCII)
_YEAR_FIRST = re.compile(r"(\d{4})([./])(\d{1,2})\2(\d{1,2})(?:[T ].*)?", re.ASCII)
_COMPACT = re.compile(r"((?:19|20)\d\d)(\d\d)(\d\d)", re.ASCII)
"""20211231: no date of this form has its year at the end, as no month is 19 or 20."""

_WITH_MONTH = ("%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d-%B-%Y")
"""Forms of a date with the month's English name."""


class BadValueError(ValueError):
    """A value of a column cannot be used.

    Attributes:
        cause: what its column has, if that and not this value is the cause, which is then
            reported once: `unsettled` or `not finite`; else "".
    """

    def __init__(self, reason: str, cause: str = "") -> None:
        super().__init__(reason)
        self.cause = cause


def _pattern(mark: str) -> re.Pattern[str]:
    other = "," if mark == "." else "."
    groups = "|".join(
        rf"\d{{1,3}}(?:{re.escape(between)}\d{{3}})+" for between in (other, *BETWEEN_THOUSANDS)
    )
    # the second is how India writes 12,34,567
    whole = rf"\d+|(?!0{re.escape(other)}){groups}|\d{{1,2}}(?:,\d\d)+,\d{{3}}"
    if mark == ",":
        whole = whole.removesuffix(r"|\d{1,2}(?:,\d\d)+,\d{3}")
    fraction = _FRACTION.format(mark=re.escape(mark))
    return re.compile(rf"[-+]?(?:{whole})?{fraction}", re.ASCII | re.IGNORECASE)


_PATTERNS = {mark: _pattern(mark) for mark in _MARKS}


@lru_cache(maxsize=4096)
def _number(text: str, mark: str) -> float | None:
    """Return the number that a text means if `mark` is the decimal mark; None if it is none."""
    if _PATTERNS[mark].fullmatch(text) is None:
        return None
    plain = re.sub(rf"[{BETWEEN_THOUSANDS}{',' if mark == '.' else '.'}]", "", text)
    try:
        return float(plain.replace(",", "."))
    except ValueError:  # a sign or a mark alone
        return None


class Conventions:
    """What is known of a file's columns, from the values that it was shown.

    Args:
        decimal: the decimal mark, where the user said it.
        date_format: of the dates, where the user said it.

    Example:
        >>> of = Conventions()
        >>> for text in ("52.000", "1.250.000"):
        ...     of.see_number(text)
        >>> of.number("52.000")
        52000.0
    """

    def __init__(self, decimal: str | None = None, date_format: str | None = None) -> None:
        self.between_cells = ""
        """The delimiter of the file's cells; a semicolon says that a comma may be decimal."""
        self._decimal = decimal
        self._date_format = date_format
        self.in_iso = date_format is None
        """Whether a date may stand as ISO 8601 has it."""
        self._settled: set[str] = set()
        self._unsettled: set[str] = set()
        self._day_first: dict[str, set[bool]] = {}

    def see_number(self, text: str) -> None:
        """Learn from one value of a column of numbers, without its currency."""
        if text.isdecimal():
            return
        if _WITH_POINT.fullmatch(text):
            self._settled.add(".")
            return
        by_point, by_comma = (_number(text, mark) for mark in _MARKS)
        if by_point == by_comma:
            return
        if by_point is None:
            self._settled.add(",")
        elif by_comma is None:
            self._settled.add(".")
        else:
            self._unsettled.add("." if "." in text else ",")

    def see_date(self, text: str) -> None:
        """Learn from one value of a column of dates."""
        if found := _DATE.fullmatch(text):
            learned = self._day_first.setdefault(found[2], set())
            day_first, month_first = _in_both_orders(found)
            if day_first is None and month_first is not None:
                learned.add(False)
            elif month_first is None and day_first is not None:
                learned.add(True)

    def plain_number(self, text: str) -> float | None:
        """Return what `number` would, and faster, for most; None where it has to be asked."""
        if (text.isdecimal() and text.isascii()) or (
            self._decimal != "," and self._settled != {","} and _WITH_POINT.fullmatch(text)
        ):
            return float(text)
        return None

    def number(self, text: str) -> float:
        """Return what a number without its currency means.

        Raises:
            BadValueError: it is none, or it may be two and no value of its column tells which.
        """
        if self._decimal is not None:
            value = _number(text, self._decimal)
            if value is None:
                raise BadValueError(
                    f"not a number with the decimal mark {self._decimal!r}, which --decimal says"
                )
            return value
        by_point, by_comma = (_number(text, mark) for mark in _MARKS)
        value = by_comma if self._settled == {","} else by_point
        if value is None:
            raise BadValueError("not a number in an unambiguous form: write it like 52000.50")
        if by_point == by_comma or by_comma is None or len(self._settled) == 1:
            return value
        # 52,000 is 52000 to most, unless the comma is known to stand before decimals
        thousands = "." not in text and self.between_cells != ";"
        if thousands and not self._settled and self._unsettled <= {","}:
            return value
        raise BadValueError(
            f"not a number in one way only: it may be {by_point:.10g} or {by_comma:.10g}, and no "
            'other value of the column tells; say it with --decimal "." or --decimal ","',
            cause="unsettled",
        )

    def date(self, text: str) -> str:
        """Return a date in ISO 8601.

        Raises:
            BadValueError: it is none, or its column does not tell whether the day comes first.
        """
        if self._date_format is not None:
            try:
                read = datetime.datetime.strptime(text, self._date_format).date()
            except ValueError:
                raise BadValueError(
                    f"not a date of the form that --date-format says, {self._date_format}"
                ) from None
            if "%y" in self._date_format and read.year > datetime.date.today().year + 1:
                read = read.replace(year=read.year - 100)  # strptime takes 68 for 2068
            return read.isoformat()
        if (found := _DATE.fullmatch(text)) and found[2] in self._day_first:
            day_first, month_first = _in_both_orders(found)
            learned = self._day_first[found[2]] or ({True} if found[2] == "." else set())
            if len(learned) == 1:
                value = day_first if learned == {True} else month_first
            elif learned or day_first != month_first:
                raise BadValueError(_unsettled(found, day_first, month_first), cause="unsettled")
            else:
                value = day_first
            if value is not None:
                return value.isoformat()
        elif (
            (found := _YEAR_FIRST.fullmatch(text))
            and (day := _date(int(found[1]), int(found[3]), int(found[4])))
        ) or ((found := _COMPACT.fullmatch(text)) and (day := _date(*map(int, found.groups())))):
            return day.isoformat()
        elif text[-4:].isdecimal():
            for form in _WITH_MONTH:
                try:
                    return datetime.datetime.strptime(text, form).date().isoformat()
                except ValueError:
                    continue
        raise BadValueError(
            "not a date: write it like 2024-05-31, or say its form with --date-format, such as "
            "%d.%m.%y"
        )


def _unsettled(
    found: re.Match[str], day_first: datetime.date | None, month_first: datetime.date | None
) -> str:
    both = [str(day) for day in (day_first, month_first) if day is not None]
    mark = found[2]
    ways = " or ".join(f"--date-format %{a}{mark}%{b}{mark}%Y" for a, b in ("dm", "md"))
    why = (
        f"it may be {' or '.join(both)}, and no other value of the column tells"
        if len(both) == 2
        else "other values of the column have day and month the other way round"
    )
    return f"not a date in one way only: {why}; say it with {ways}"


def _in_both_orders(found: re.Match[str]) -> tuple[datetime.date | None, datetime.date | None]:
    """Return what a date means with the day first, and with the month first."""
    first, second, year = int(found[1]), int(found[3]), int(found[4])
    return _date(year, second, first), _date(year, first, second)


def _date(year: int, month: int, day: int) -> datetime.date | None:
    try:
        return datetime.date(year, month, day)
    except ValueError:
        return None
