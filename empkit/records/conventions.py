"""How a column writes numbers and dates: what all its values together can mean in one way only.

52.000, 1.250.000   --> a point between thousands, so a comma before decimals
4/2/2021, 12/31/2021 --> the month first
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from functools import lru_cache

BETWEEN_THOUSANDS = " '\u00a0\u2009\u202f\u2019"
"""What may stand between thousands beside the mark that is not the decimal one: blanks, narrow or
not to be broken, and apostrophes, straight or not."""

_MARKS = (".", ",")
_WITH_POINT = re.compile(r"\d+\.\d{1,2}", re.ASCII)
"""A number that is one with a decimal point only, as most are written."""
_FRACTION = r"(?:{mark}\d*)?(?:e[-+]?\d+)?"
_DATE = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})(?:[T ].*)?", re.ASCII)
_TIME = (
    r"\s*\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?(?:\s?[AaPp]\.?[Mm]\.?)?"
    r"(?:\s?(?:Z|UTC|GMT|[-+]\d\d:?\d\d))?"
)
_WITH_TIME = re.compile(rf"(.*\S)(?:T|\s){_TIME}", re.ASCII)
_WITH_ZONE = re.compile(r"(\d{4}-\d\d-\d\d)(?:Z|[-+]\d\d:\d\d)", re.ASCII)
"""A date with its zone, as XML Schema has it."""
_YEAR_FIRST = re.compile(r"(\d{4})([./-])(\d{1,2})\2(\d{1,2})", re.ASCII)
_COMPACT = re.compile(r"((?:19|20)\d\d)(\d\d)(\d\d)", re.ASCII)
"""20211231: no date of this form has its year at the end, as no month is 19 or 20."""

_WITH_MONTH = ("%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d-%B-%Y")
"""Forms of a date with the month's English name."""

_SHORT_YEAR = ("%d-%b-%y", "%d %b %y", "%d. %b %y")
_SERIAL = re.compile(r"[2-5]\d{4}(?:\.\d+)?", re.ASCII)
_EPOCH = re.compile(r"\d{9,10}(?:\d{3})?(?:\.\d+)?|/Date\(-?\d+(?:[-+]\d{4})?\)/", re.ASCII)
_OTHER_MONTH = re.compile(r"\d{1,4}\W+(?:de )?[^\W\d_]{3,}\W+(?:de )?\d{2,4}")


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
        self._settled: dict[str, tuple[str, int]] = {}
        self._unsettled: set[str] = set()
        self._currencies: dict[str, None] = {}
        self._day_first: dict[str, dict[bool, tuple[str, int]]] = {}
        self._read_by_others: dict[str, tuple[str, str]] = {}
        self._counts: dict[str, int] = {}

    def see_number(self, text: str, line: int = 0) -> None:
        """Learn from one value of a column of numbers, without its currency.

        Args:
            text: the value.
            line: of the file, where it stands.
        """
        if text.isdecimal():
            return
        if _WITH_POINT.fullmatch(text):
            if "." not in self._settled:
                self._settled["."] = text, line
            return
        by_point, by_comma = (_number(text, mark) for mark in _MARKS)
        if by_point == by_comma:
            return
        if by_point is None:
            self._settled.setdefault(",", (text, line))
        elif by_comma is None:
            self._settled.setdefault(".", (text, line))
        else:
            self._unsettled.add("." if "." in text else ",")

    def see_currency(self, currency: str) -> None:
        """Learn of the currency of one value of a column of numbers."""
        self._currencies[currency] = None

    def see_date(self, text: str, line: int = 0) -> None:
        """Learn from one value of a column of dates, in a line of a file."""
        if found := _DATE.fullmatch(text):
            learned = self._day_first.setdefault(found[2], {})
            if len(learned) == 2:
                return
            day_first, month_first = _in_both_orders(found)
            if day_first is None and month_first is not None:
                learned.setdefault(False, (text, line))
            elif month_first is None and day_first is not None:
                learned.setdefault(True, (text, line))

    def remarks(self, columns: Mapping[str, str]) -> list[str]:
        """Return sentences on what was read as it is because of another value of its column.

        Args:
            columns: field -> the name of its column.
        """
        sentences = []
        if len(self._currencies) > 1:
            names = ", ".join(self._currencies)
            sentences.append(
                f"{columns.get('salary', 'salary')!r} has amounts in several currencies ({names}): "
                "they are sent as plain numbers."
            )
        for field, example in self._read_by_others.items():
            (text, meant), count = example, self._counts[field]
            number = field == "salary"
            ((way, (other, line)),) = (
                self._settled.items() if number else self._day_first[_mark(text)].items()
            )
            what = f"{_WAYS[way]}, as {other!r}" + (f" in line {line}" if line else "")
            sentences.append(
                f"{columns.get(field, field)!r} has {what} shows: {text!r} is {meant} "
                f"({count:,} value{'s' * (count != 1)} read in this way)."
            )
        return sentences

    def _by_others(self, field: str, text: str, meant: str) -> None:
        self._counts[field] = self._counts.get(field, 0) + 1
        self._read_by_others.setdefault(field, (text, meant))

    def plain_number(self, text: str) -> float | None:
        """Return what `number` would, and faster, for most; None where it has to be asked."""
        if (text.isdecimal() and text.isascii()) or (
            self._decimal != "," and self._settled.keys() != {","} and _WITH_POINT.fullmatch(text)
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
        if by_point is None:
            if by_comma is None or not self._settled:  # where no column was seen
                raise BadValueError("not a number in an unambiguous form: write it like 52000.50")
            return by_comma
        if by_comma is None or by_point == by_comma:
            return by_point
        value = by_comma if self._settled.keys() == {","} else by_point
        several = len(self._currencies) > 1
        if len(self._settled) == 1 and not several:
            self._by_others("salary", text, f"{value:.10g}")
            return value
        # 52,000 is 52000 to most, unless the comma is known to stand before decimals
        thousands = "." not in text and self.between_cells != ";"
        if thousands and not self._settled and self._unsettled <= {","} and not several:
            return value
        why = "no other value of the column tells"
        if several:
            why = f"the column has several currencies ({', '.join(self._currencies)})"
        elif self._settled:
            both = " and ".join(repr(each) for each, _ in self._settled.values())
            why = f"other values of the column contradict each other ({both})"
        raise BadValueError(
            f"not a number in one way only: it may be {by_point:.10g} or {by_comma:.10g}, and "
            f'{why}; say it with --decimal "." or --decimal ","',
            cause="unsettled",
        )

    def date(self, text: str) -> str:
        """Return a date in ISO 8601.

        Raises:
            BadValueError: it is none, or its column does not tell whether the day comes first.
        """
        if self._date_format is not None:
            read = _formed(text, self._date_format) or _in_one_way(text)
            if read is None:
                raise BadValueError(
                    f"not a date of the form that --date-format says, {self._date_format}"
                )
            return read.isoformat()
        if (found := _DATE.fullmatch(text)) and found[2] in self._day_first:
            day_first, month_first = _in_both_orders(found)
            learned = self._day_first[found[2]]
            ways = set(learned) or ({True} if found[2] == "." else set())
            if len(ways) == 1:
                value = day_first if ways == {True} else month_first
                usual = found[2] == "." and ways == {True}
                told = learned and not usual and None not in {day_first, month_first}
                if value is not None and told and day_first != month_first:
                    self._by_others("hire_date", text, value.isoformat())
            elif ways or day_first != month_first:
                raise BadValueError(
                    _unsettled(found, day_first, month_first, learned), cause="unsettled"
                )
            else:
                value = day_first
            if value is not None:
                return value.isoformat()
            raise BadValueError(_no_date(text))
        plain = _without_time(text)
        if (day := _year_first(plain)) is not None:
            return day.isoformat()
        if plain[-4:].isdecimal() or plain[-2:].isdecimal():
            forms = _WITH_MONTH if plain[-4:].isdecimal() else _SHORT_YEAR
            for form in forms:
                if (day := _formed(plain, form)) is not None:
                    return day.isoformat()
        raise BadValueError(_no_date(text))


_WAYS: dict[str | bool, str] = {
    ",": "a decimal comma", ".": "a decimal point", True: "the day first", False: "the month first",
}  # fmt: skip


def _mark(date: str) -> str:
    found = _DATE.fullmatch(date)
    return found[2] if found else ""


def _formed(text: str, form: str) -> datetime.date | None:
    """Return the date that a text is in a form, a time behind it left out; None if it is none."""
    texts = [text]
    if with_time := _WITH_TIME.fullmatch(text):
        texts.append(with_time[1])
    for each in texts:
        try:
            read = datetime.datetime.strptime(each, form).date()
        except ValueError:
            continue
        if "%y" in form and read.year > datetime.date.today().year + 1:
            read = read.replace(year=read.year - 100)  # strptime takes 68 for 2068
        return read
    return None


def _without_time(text: str) -> str:
    """Return a date without the time, or the zone, behind it."""
    if found := _WITH_TIME.fullmatch(text) or _WITH_ZONE.fullmatch(text):
        return found[1]
    return text


def _year_first(text: str) -> datetime.date | None:
    """Return the date that a text is with its year first; None if it is none."""
    if found := _YEAR_FIRST.fullmatch(text):
        return _date(int(found[1]), int(found[3]), int(found[4]))
    if found := _COMPACT.fullmatch(text):
        return _date(*map(int, found.groups()))
    return None


def _in_one_way(text: str) -> datetime.date | None:
    """Return the date that a text can be in one way only, whatever its column has; else None."""
    if (found := _DATE.fullmatch(text)) is None:
        return _year_first(_without_time(text))
    ways = {day for day in _in_both_orders(found) if day is not None}
    return ways.pop() if len(ways) == 1 else None


def _no_date(text: str) -> str:
    """Return why a text is no date, and what helps."""
    if _SERIAL.fullmatch(text):
        return (
            "not a date: it looks like a spreadsheet's number of a day; give the column the form "
            "of a date there, and save it again"
        )
    if _EPOCH.fullmatch(text):
        return (
            "not a date: it looks like seconds or milliseconds since 1970; write it like 2024-05-31"
        )
    if _OTHER_MONTH.fullmatch(text):
        return (
            "not a date: the names of months are read in English only, by --date-format as well; "
            "write it like 2024-05-31"
        )
    return (
        "not a date: write it like 2024-05-31, or say its form with --date-format, such as %d.%m.%y"
    )


def _unsettled(
    found: re.Match[str],
    day_first: datetime.date | None,
    month_first: datetime.date | None,
    learned: Mapping[bool, tuple[str, int]],
) -> str:
    both = [str(day) for day in (day_first, month_first) if day is not None]
    mark = found[2]
    ways = " or ".join(f"--date-format %{a}{mark}%{b}{mark}%Y" for a, b in ("dm", "md"))
    if learned:
        others = " and ".join(repr(each) for each, _ in learned.values())
        why = f"other values of the column contradict each other ({others})"
    else:
        why = f"it may be {' or '.join(both)}, and no other value of the column tells"
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
