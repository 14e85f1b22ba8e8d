"""Converts one value of a field: text, numbers and dates, as files and data frames write them."""

from __future__ import annotations

import datetime
import math
import re
import unicodedata
from collections.abc import Callable
from decimal import Context, Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, NoReturn

from empkit.records.conventions import BadValueError, Conventions
from empkit.records.employee import FIELDS, LARGEST, SMALLEST

_DATE = re.compile(r"\d{4}-\d\d-\d\d([T ].*)?", re.ASCII)

_PLAIN_NUMBER = re.compile(r"[-+]?[\d.,]+", re.ASCII)

_CODE = r"(?:[A-Z]{3}|[Rr]s\.?|[Kk]r\.?|R|z\u0142|K\u010d|Fr\.)"
"""The code of a currency, or what some write for theirs."""

_CURRENCY = re.compile(rf"{_CODE}\s*(?=[-+\d.,])|(?<=[\d.,])\s*{_CODE}$", re.ASCII)

_NO_CENTS = re.compile(r"([.,])(?:-{1,2}|\u2013|\u2014)$")
"""What stands in place of cents that are none, as in 52.000,-"""

_NO_PAISE = re.compile(r"(?<=\d)/-$")
"""The same in India, as in 52,000/-"""

_DOLLARS = re.compile(r"\b(?:US|CA|C|AU|A|NZ|HK|SG|S|NT|MX)\s?(?=\$)")
"""Whose dollars they are."""

_SIGN_BEHIND = re.compile(r"(?<=\d)\s?-$")
"""The sign of a negative amount as SAP writes it, as in 48.500,50-"""

_SAME_CURRENCY = {
    "EUR": "\u20ac", "USD": "$", "US$": "$", "GBP": "\xa3", "INR": "\u20b9", "RS": "\u20b9",
}  # fmt: skip

NEVER_TEXT = frozenset({r"\N", "<NA>", "#N/A"})
"""Texts that stand for no value, and are none in any field."""

NO_TEXT = NEVER_TEXT | frozenset(
    {"NULL", "Null", "null", "(null)", "NA", "N/A", "n/a", "n.a.", "None", "none", "NaN", "nan"}
    | {"-", "--", "\u2013", "\u2014"}
)
"""Texts that stand for no value where the field may be left out; a name may be each of them."""

NO_ID = NO_TEXT - {"NA", "None", "none"}
"""Texts that are no id; the others could be somebody's initials, or a name."""

LONGEST_NO_TEXT = max(map(len, NO_TEXT))

_NO_VALUE = {"na", "n/a", "null", "none", "-", "--", r"\n", "n.a.", "<na>", "(null)"} | {
    "\u2013",
    "\u2014",
    "nat",
}
"""Texts that programs write for a missing number or date; in a name each could be the value."""

_OPTIONAL_TEXT = frozenset({"email", "department", "position"})

_NOT_FINITE = {"nan", "inf", "+inf", "-inf", "infinity", "+infinity", "-infinity"}

_ALWAYS_KEPT = 16
"""A number with fewer characters has no more digits than a float keeps."""

_PLAIN = {str, int, bool, list, dict, type(None)}


class NoValue:
    """What a cell of a spreadsheet has in place of a value.

    Args:
        what: an error, or a formula that was not calculated.
    """

    def __init__(self, what: str) -> None:
        self.what = what

    def __repr__(self) -> str:
        return self.what


def shown(value: object) -> str:
    """Return a value, its beginning or its type, for a message."""
    if isinstance(value, list | dict):
        return f"a {type(value).__name__}"
    text = str(value) if isinstance(value, Decimal) else repr(value)
    if isinstance(value, str):
        text = repr(value[:30])
    return text if len(text) <= 40 else text[:37] + "..."


def plain(value: Any) -> Any:
    """Return a value of pandas, numpy or datetime as a type of JSON; None for a missing value.

    Raises:
        BadValueError: it is a number that is none (NaN, Infinity).
    """
    if type(value) in _PLAIN:
        return value
    if type(value) is NoValue:
        raise BadValueError("no value: mend it in its program, and save it")
    if isinstance(value, float | Decimal) and not math.isfinite(value):
        raise _not_finite()
    if type(value) is Decimal:
        return of_decimal(value)
    if str(value) in {"NaT", "<NA>"}:
        return None
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return value.item() if getattr(value, "ndim", None) == 0 else value


def number_of(text: str) -> float | Decimal:
    """Return a number that is written with a fraction or an exponent: a float if it keeps the
    digits, else exactly.

    Raises:
        ValueError: it is not a number.
    """
    value = float(text)
    if len(text) < _ALWAYS_KEPT or not math.isfinite(value):
        return value
    try:
        exact = Decimal(text)
    except InvalidOperation:
        raise ValueError("a number whose exponent is too large") from None
    return value if _keeps(value, exact) else exact


def _keeps(value: float, exact: Decimal) -> bool:
    """Return whether a float, written with as many digits as a number has, is that number."""
    if exact == Decimal(repr(value)):
        return True
    digits = Context(prec=max(1, len(exact.as_tuple().digits)))
    return digits.plus(Decimal(value)) == exact


def of_decimal(value: Decimal) -> int | float | Decimal:
    """Return a number of a database as one of JSON, if that keeps its digits."""
    if not value.is_finite():
        return value
    if value == value.to_integral_value():
        return int(value)
    number = float(value)
    return number if _keeps(number, value) else value


def _not_finite() -> BadValueError:
    return BadValueError("no finite number, and so no value", cause="not finite")


def missing(field: str, value: Any) -> bool:
    """Return whether a cell of a data frame has no value, which there is written as NaN, too."""
    try:
        value = plain(value)
        return value is None or (bool(field) and _is_blank(field, value))
    except BadValueError:
        return True


def _is_blank(field: str, value: Any) -> bool:
    """Return whether a value is none.

    Raises:
        BadValueError: it is the text of a number that is none.
    """
    if isinstance(value, str):
        text = value.strip()
        if text and field in {"salary", "hire_date"}:
            text = text.casefold()
            if text in _NOT_FINITE:
                raise _not_finite()
            return text in _NO_VALUE
        return not text or (field in _OPTIONAL_TEXT and text in NO_TEXT)
    return value is None


def _refuse(wanted: str) -> NoReturn:
    raise BadValueError(f"not {wanted}")


def _to_text(value: Any, _: Conventions) -> str:
    if isinstance(value, str):
        return value.strip()
    # pandas converts a column of integers to floats if one of them is missing
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    if type(value) is int and SMALLEST <= value <= LARGEST:
        return str(value)
    _refuse("text, nor a whole number that can be converted to text")


def without_currency(text: str) -> str:
    """Return an amount without its currency."""
    text = text.strip()
    if text.isdecimal() or _PLAIN_NUMBER.fullmatch(text):
        return text
    text = _DOLLARS.sub("", text)
    text = "".join(each for each in text if unicodedata.category(each) != "Sc").strip()
    text = _NO_PAISE.sub("", _NO_CENTS.sub(r"\g<1>00", _CURRENCY.sub("", text)).strip())
    behind = _SIGN_BEHIND.search(text)
    return f"-{text[: behind.start()]}" if behind else text


def currency_of(text: str) -> str:
    """Return the currency of an amount, "" without one: its sign, or its code."""
    text = text.strip()
    dollars = _DOLLARS.search(text)
    sign = next((each for each in text if unicodedata.category(each) == "Sc"), "")
    if sign:
        found = (dollars[0].strip() if dollars else "") + sign
    else:
        code = _CURRENCY.search(text)
        found = code[0].strip(" .").upper() if code else ""
    return _SAME_CURRENCY.get(found, found)


def _to_salary(value: Any, conventions: Conventions) -> float:
    wanted = "a number in an unambiguous form: write it like 52000.50"
    if isinstance(value, str):
        return conventions.number(without_currency(value))
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        _refuse(wanted)
    try:
        return float(value)
    except (ValueError, OverflowError):
        _refuse(wanted)


def _to_date(value: Any, conventions: Conventions) -> str:
    if type(value) is not str and type(value) is not int:
        _refuse("a date: write it like 2024-05-31")
    text = str(value).strip()  # 20240531 is a number in JSON
    return (conventions.in_iso and in_iso(text)) or conventions.date(text)


@lru_cache(maxsize=2**14)
def in_iso(text: str) -> str | None:
    """Return the day of a date in ISO 8601; None if it is none. A file has the same ones often."""
    if _DATE.fullmatch(text) is None:
        return None
    try:
        return datetime.datetime.fromisoformat(text).date().isoformat()
    except ValueError:
        return None


_CONVERT: dict[str, Callable[[Any, Conventions], Any]] = {
    **dict.fromkeys(FIELDS, _to_text),
    "salary": _to_salary,
    "hire_date": _to_date,
}


TEXT_FIELDS = frozenset(FIELDS) - {"salary", "hire_date"}
"""Their text is taken as it is, without blanks around it."""


def convert(field: str, value: Any, conventions: Conventions) -> Any:
    """Return the value of a field, None where there is none.

    Raises:
        BadValueError: the value cannot be one of this field.
    """
    if field == "hire_date" and isinstance(value, datetime.date) and str(value) != "NaT":
        return value.isoformat()[:10]
    value = plain(value)
    return None if _is_blank(field, value) else _CONVERT[field](value, conventions)
