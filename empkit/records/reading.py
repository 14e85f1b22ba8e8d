"""How a file is to be read: what the user says, where it cannot be seen or was seen wrongly."""

from __future__ import annotations

import codecs
import datetime
import difflib
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from empkit.records.employee import FIELDS, RecordError

FULL_NAME = "full_name"
"""What a column with the whole name stands for; it is split into first and last name."""

_NAMED_DELIMITERS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "bar": "|"}
_SOME_DAY = datetime.datetime(2003, 4, 25)


@dataclass(frozen=True)
class Reading:
    """How a file is to be read; what is not given is detected.

    Args:
        columns: field -> the heading of its column, or the column's number from 1 where no heading
            is called so. The field may also be `full_name`. What is named here goes before what
            the headings mean.
        encoding: of the text, as Python names it, such as cp1252 or utf-16.
        delimiter: the character between the cells of CSV, or `tab`. A file with one is CSV.
        date_format: of hire_date, as for `datetime.strptime`, such as %d.%m.%Y.
        decimal: the decimal mark of salary, a point or a comma.
        strict_values: whether a value that cannot be used costs its record, in place of being
            dropped where its field may be left out.

    Raises:
        RecordError: one of these cannot be.
        TypeError: one is of another type.

    Example:
        >>> Reading(delimiter="tab", decimal=",").given()
        {'delimiter': '\\t', 'decimal': ','}
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    encoding: str | None = None
    delimiter: str | None = None
    date_format: str | None = None
    decimal: str | None = None
    strict_values: bool = False
    sheet: str | None = None

    def __post_init__(self) -> None:
        _check_types(self)
        _check_columns(self.columns)
        if self.delimiter is not None:
            one = _NAMED_DELIMITERS.get(self.delimiter.lower(), self.delimiter)
            if len(one) != 1 or one in '"\r\n\0' or one.isalnum():
                raise RecordError(
                    f"--delimiter {self.delimiter!r} cannot stand between cells: give one "
                    "character, such as ; or , or tab."
                )
            object.__setattr__(self, "delimiter", one)
        if self.encoding is not None:
            _check_encoding(self.encoding)
        if self.date_format is not None:
            _check_date_format(self.date_format)
        if self.decimal not in {None, ".", ","}:
            raise RecordError(
                f'--decimal {self.decimal!r} is no decimal mark: give "." for 52000.50 or "," for '
                "52000,50."
            )

    def given(self) -> dict[str, Any]:
        """Return the options that were given, to read the file in the same way again."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: value for name, value in values.items() if value not in (None, False, {})}


def _check_types(reading: Reading) -> None:
    columns = reading.columns
    if not isinstance(columns, Mapping) or not all(
        isinstance(each, str) for each in (*columns, *columns.values())
    ):
        raise TypeError(
            f"columns={columns!r} does not say which columns are which fields: give a dict of "
            'texts, such as {"employee_id": "Staff No"}.'
        )
    for name in ("encoding", "delimiter", "date_format", "decimal", "sheet"):
        value = getattr(reading, name)
        if value is not None and not isinstance(value, str):
            raise TypeError(f"{name}={value!r} is no text: write it in quotes.")


def _check_columns(columns: Mapping[str, str]) -> None:
    for name in columns:
        if name not in (*FIELDS, FULL_NAME):
            raise RecordError(
                f"--column {name}=...: an employee has no field {name!r}{nearest(name, FIELDS)}. "
                f"The fields are {', '.join(FIELDS)}; {FULL_NAME} is split into the two names."
            )
    taken: dict[str, str] = {}
    for name, heading in columns.items():
        if not heading.strip():
            raise RecordError(f"--column {name}= names no column: give its heading or its number.")
        if heading in taken:
            raise RecordError(
                f"--column names {heading!r} for {taken[heading]} and for {name}: a column can be "
                f"one of them. A column with the whole name is --column {FULL_NAME}={heading!r}."
            )
        taken[heading] = name


def _check_encoding(encoding: str) -> None:
    try:
        text = codecs.lookup(encoding)._is_text_encoding
    except (LookupError, ValueError):
        text = False
    if not text:
        raise RecordError(
            f"--encoding {encoding!r} is no encoding that Python knows: give one such as utf-8, "
            "cp1252 (Windows), utf-16 or mac-roman."
        )


def _check_date_format(form: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a year is missing; it is said below
        try:
            whole = datetime.datetime.strptime(_SOME_DAY.strftime(form), form)
        except ValueError:
            whole = None
    if whole is None or whole.date() != _SOME_DAY.date():
        raise RecordError(
            f"--date-format {form!r} does not say where day, month and year stand: write it like "
            "%d.%m.%Y for 31.12.2021, or %m/%d/%y for 12/31/21."
        )


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean ...?` with the known name that is nearest, or nothing."""
    by_lower = {each.lower(): each for each in known}
    found = difflib.get_close_matches(name.lower(), by_lower, 1, 0.5)
    return f" (did you mean {by_lower[found[0]]!r}?)" if found else ""
