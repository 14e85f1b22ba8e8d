"""Converts a row of any source into a record, or into the reasons why it is none."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple

from pydantic import ValidationError

from empkit.records.conventions import BadValueError, Conventions
from empkit.records.employee import (
    FIELDS,
    INVALID_DATA,
    REQUIRED,
    Employee,
    RecordError,
    encode_record,
    flaws,
    name_to_show,
)
from empkit.records.headings import SPELLINGS, Plan, column_of, meaning, no_column, plan_of
from empkit.records.reading import FULL_NAME, Reading
from empkit.records.values import (
    LONGEST_NO_TEXT,
    NEVER_TEXT,
    NO_ID,
    NO_TEXT,
    TEXT_FIELDS,
    convert,
    currency_of,
    in_iso,
    missing,
    plain,
    shown,
    without_currency,
)

_MOST_REASONS = 8
"""How many reasons a row is given at most."""

_NAMES = ("first_name", "last_name")

_NONE = {
    **dict.fromkeys(TEXT_FIELDS, NO_TEXT),
    **dict.fromkeys(_NAMES, NEVER_TEXT),
    "employee_id": NO_ID,
}
"""The texts that are no value of a field of text."""


_GENERATION = re.compile(r"(?:,\s*|\s)(jr\.?|sr\.?|ii|iii|iv)$", re.IGNORECASE)
"""What belongs to a last name and stands at the end of a whole one."""

_REMARK_BEHIND = re.compile(r"\s*(?:\([^)]*\)|\[[^]]*\])$")
"""What is said of a person behind the whole name."""

_DEGREE_BEHIND = re.compile(
    r"(?<=\S\s)\S+\s+(Ph\.?\s?D\.?|PHD|MBA|M\.D\.|M\.Sc\.|B\.Sc\.|CPA|Esq\.?)$"
)
"""A title behind two names or more, without a comma."""

_TITLE_BEHIND = re.compile(
    r",\s*(?:ph\.?\s?d|d\.?\s?phil|m\.?d|mba|m\.?sc|b\.?sc|m\.?a|b\.?a|dr|prof|esq|cpa|rn)\.?$",
    re.IGNORECASE,
)
"""A title behind the whole name, and a comma."""


class Bad(NamedTuple):
    """A value that cannot be used.

    Attributes:
        field: of the record.
        column: of the row.
        value: as the row has it.
        reason: what it is, after "is" or alone.
        sentence: the reason as a sentence, if it costs the row.
        cause: see `BadValueError`.
    """

    field: str
    column: str
    value: Any
    reason: str
    sentence: str
    cause: str


@dataclass
class Split:
    """How many whole names were split in one way, and the first of them."""

    count: int
    whole: str
    first: str
    last: str


class Formed(NamedTuple):
    """What a row became.

    Attributes:
        record: None if the row is none.
        payload: the record as the JSON that is sent.
        reasons: why the row is no record, as sentences.
        dropped: the values that were left out of the record.
    """

    record: dict[str, Any] | None
    payload: bytes
    reasons: Sequence[str]
    dropped: Sequence[Bad]


def format_employee_record(row: Mapping[str, Any]) -> dict[str, Any]:
    """Convert a row of a file or a data frame to an employee record.

    Other names of the fields are accepted (see `SPELLINGS`). If two columns stand for one field,
    the column with a value and the less ambiguous name is used; the other is kept under its own
    name, like every unknown column. Blanks around a value are removed, an optional field without a
    value is left out. The result is a valid employee, and formatting it again changes nothing.

    Args:
        row: a value for each column: text, or numbers and dates of JSON, pandas or numpy.

    Returns:
        The record: its fields in the order of `FIELDS`, then the extras; a salutation that stood
        before a name stands before the first name.

    Raises:
        RecordError: the id or a name is missing, or a value is not of its field's type.

    Example:
        >>> format_employee_record({"ID": 7, "Surname": "Byron", "Forename": " Ada "})
        {'employee_id': '7', 'first_name': 'Ada', 'last_name': 'Byron'}
    """
    with_value = {name: value for name, value in row.items() if not _left_out(name, value)}
    form = Form(Reading(strict_values=True), there=row)
    formed = form.formed(tuple(with_value), list(with_value.values()))
    assert formed is not None
    if formed.record is None:
        raise RecordError(" ".join(formed.reasons))
    return formed.record


def _left_out(name: str, value: Any) -> bool:
    """Return whether a cell has no value, so that another column of its field may have it; the id
    is never taken from another column."""
    field = meaning(name)[0]
    if field in {None, FULL_NAME}:
        return value is not None and missing("", value)
    return field != "employee_id" and missing(field or "", value)


_validated = Employee.__pydantic_validator__.validate_json
"""Checks a payload as `Employee.model_validate_json` does, without its options."""


class Form:
    """Converts the rows of one file, or of one call, to records.

    What the names of the columns mean is decided once for all rows that have the same.

    Args:
        reading: what the user says of the file.
        there: the names of all columns of a row that is of no file.
        learned: whether all rows were shown to `learn`, or none is to be.

    Attributes:
        renamed: column of the file -> field that it was read as, where the names differ.
        kept: columns that are no fields of an employee; they are sent as extras.
        conventions: how numbers and dates are written.
        splits: column and way -> whole names that were split.
        blanks: column -> texts that stand for no value there, and how many rows have each.
        unseen: field -> heading of a column that the user named and no row had yet.
    """

    MOST = 1_000
    """How many different lists of columns are remembered; each row of JSON may have its own."""

    def __init__(
        self, reading: Reading, there: Mapping[str, Any] | None = None, *, learned: bool = True
    ) -> None:
        self.renamed: dict[str, str] = {}
        self.kept: dict[str, None] = {}
        self.conventions = Conventions(reading.decimal, reading.date_format)
        self.splits: dict[tuple[str, str], Split] = {}
        self.blanks: dict[str, dict[str, int]] = {}
        self.unseen = dict(reading.columns)
        self._reading = reading
        self._there = there
        self._learned = learned
        self._quick = {
            "salary": self.conventions.plain_number,
            "hire_date": in_iso if self.conventions.in_iso else _not_quick,
        }
        self._plans: dict[tuple[str, ...], tuple[Plan, dict[str, str]]] = {}
        self._last: tuple[tuple[str, ...], tuple[Plan, dict[str, str]]] | None = None
        self._id_column: str | None = None

    def learn(self, names: tuple[str, ...], values: Sequence[Any], line: int = 0) -> None:
        """See how the numbers and dates of a row are written, which begins in a line of a file."""
        fields = self._plan(names)[0].fields
        if (
            "salary" in fields
            and isinstance(text := values[fields["salary"]], str)
            and not text.isdecimal()  # which tells nothing
        ):
            amount = without_currency(text)
            if amount is not text and (currency := currency_of(text)):
                self.conventions.see_currency(currency)
            self.conventions.see_number(amount, line)
        if "hire_date" in fields and isinstance(text := values[fields["hire_date"]], str):
            self.conventions.see_date(text.strip(), line)

    def remarks(self) -> list[str]:
        """Return sentences on what values of a column were read as, because of another value of
        it, and on texts that were taken for no value."""
        columns: dict[str, str] = {}
        for plan, _ in self._plans.values():
            for field, place in plan.fields.items():
                columns.setdefault(field, plan.columns[place])
        sentences = self.conventions.remarks(columns)
        for column, texts in self.blanks.items():
            count = sum(texts.values())
            sentences.append(
                f"{shown(column)} has no value where it has {' or '.join(map(shown, [*texts][:3]))}"
                f" ({count:,} row{'s' * (count != 1)})."
            )
        return sentences

    def formed(self, names: tuple[str, ...], values: Sequence[Any]) -> Formed | None:
        """Return the record of a row, or why it is none; None if a value of it means what the
        others of its column say, and they were not shown to `learn`.

        Args:
            names: of the columns.
            values: one for each column.

        Raises:
            RecordError: the name of a column is no text.
        """
        plan, new = self._plan(names)
        record: dict[str, Any] = {}
        bad: list[Bad] = []
        for field, place in plan.fields.items():
            value = values[place]
            if type(value) is str:
                if (none := _NONE.get(field)) is not None:
                    if value := value.strip():
                        # most texts are longer than those of none, and not looked up
                        if len(value) <= LONGEST_NO_TEXT and value in none:
                            self._note_blank(names[place], value)
                        else:
                            record[field] = value
                    continue
                if (quick := self._quick[field](value)) is not None:
                    record[field] = quick
                    continue
                if not self._learned and not missing(field, value):
                    return None
            try:
                value = convert(field, values[place], self.conventions)
            except BadValueError as error:
                if not (error.cause and field in REQUIRED):  # NaN
                    bad.append(_bad(field, names[place], values[place], error))
            else:
                if value is not None:
                    record[field] = value
        if plan.whole is not None:
            record |= self._split(plan, plan.whole, values[plan.whole])
            record = {field: record[field] for field in FIELDS if field in record}
        for place, name in plan.kept.items():
            value = values[place]
            if meaning(name)[0] is not None and _left_out(name, value):
                continue  # of a field for which there is another column
            if type(value) is not str:
                try:
                    value = plain(value)
                except BadValueError as error:
                    bad.append(_bad(name, names[place], value, error))
                    continue
            record[name] = value
        for place in plan.salutations:
            record = _before_first_name(record, plan.kept[place])
        try:
            payload = encode_record(record)
            _validated(payload)
        except (RecordError, ValidationError):
            bad += _unfit(record, plan, of_file=self._there is None)
        else:
            if not bad and plan.columns[plan.fields["employee_id"]] == self._id_column:
                if new:
                    self._note(plan, new, record)
                return Formed(record, payload, (), ())
        return self._judged(plan, new, values, record, bad)

    def _note_blank(self, column: str, text: str) -> None:
        texts = self.blanks.setdefault(column, {})
        texts[text] = texts.get(text, 0) + 1

    def _judged(
        self,
        plan: Plan,
        new: dict[str, str],
        values: Sequence[Any],
        record: dict[str, Any],
        bad: list[Bad],
    ) -> Formed:
        """Return what a row becomes of which something is missing or bad."""
        told = {each.field for each in bad}
        absent = [field for field in REQUIRED if field not in record and field not in told]
        reasons = _missing(absent, plan, values, self._there)
        if reasons or self._reading.strict_values or not told.isdisjoint(REQUIRED):
            reasons += [each.sentence for each in bad]
        if "employee_id" in record:
            id_column = plan.columns[plan.fields["employee_id"]]
            if self._id_column is not None and id_column != self._id_column:
                reasons.append(
                    f"The id is in {shown(id_column)} here, and in {shown(self._id_column)} above: "
                    "give all rows the same column, or say which with --column employee_id=HEADING."
                )
        if len(reasons) > _MOST_REASONS:
            reasons[_MOST_REASONS:] = [f"And {len(reasons) - _MOST_REASONS} more."]
        if reasons:
            return Formed(None, b"", reasons, ())
        self._id_column = id_column
        self._note(plan, new, record)
        return Formed(record, encode_record(record), (), bad)

    def _split(self, plan: Plan, place: int, value: Any) -> dict[str, str]:
        """Return first and last name of a whole name; nothing if it is not two words or more."""
        text = " ".join(value.split()) if isinstance(value, str) else ""
        whole, titles = text, ""
        while remark := _REMARK_BEHIND.search(text):
            text, titles = text[: remark.start()], ", without remarks in brackets"
        while "," in text and (title := _TITLE_BEHIND.search(text)):
            text, titles = text[: title.start()].strip(), f"{titles}, without titles behind a comma"
        while degree := _DEGREE_BEHIND.search(text):
            text, titles = text[: degree.start(1)].strip(), f"{titles}, without titles behind it"
        generation = _GENERATION.search(text)
        if generation:
            text = text[: generation.start()].strip()
        last, comma, first = map(str.strip, text.partition(","))
        way = "at the comma, behind which the first name stands"
        if not comma and plan.last_first:
            last, _, first = text.partition(" ")
            way = "at the first blank, the last name first as its heading says"
        elif not comma:
            first, _, last = text.rpartition(" ")
            way = "at the last blank"
        if not (first and last):
            return {}
        if generation:
            last = f"{last} {generation[1]}"
        way += titles
        split = self.splits.setdefault((plan.columns[place], way), Split(0, whole, first, last))
        split.count += 1
        return {"first_name": first, "last_name": last}

    def check_seen(self, name: str) -> None:
        """Refuse a file of which no row has a column that the user named.

        Raises:
            RecordError: there is one; the message has the columns that there are.
        """
        for field, heading in self.unseen.items():
            raise no_column(field, heading, [*dict.fromkeys(chain(*self._plans))], name)

    def _plan(self, names: tuple[str, ...]) -> tuple[Plan, dict[str, str]]:
        """Return what columns mean, and those of another name which had no value yet."""
        if self._last is not None and names is self._last[0]:  # as in each row of a table
            return self._last[1]
        found = self._plans.get(names)
        if found is None:
            if len(self._plans) >= self.MOST:
                self._plans.clear()
            given = self._reading.columns
            chosen = {field: column_of(heading, names) for field, heading in given.items()}
            made = plan_of(names, chosen)
            for field in [field for field in self.unseen if chosen[field] is not None]:
                del self.unseen[field]
            found = self._plans[names] = made, _other_names(made)
        self._last = names, found
        return found

    def _note(self, plan: Plan, new: dict[str, str], record: dict[str, Any]) -> None:
        """Note what columns were read as, for each the first time that it had a value."""
        for name in [name for name in new if name in record]:
            column = new.pop(name)
            if name in FIELDS:
                whole = plan.whole is not None and plan.columns[plan.whole] == column
                self.renamed[column] = "first_name and last_name" if whole else name
            else:
                self.kept[name] = None


def _not_quick(_: str) -> None:
    """Return the value of a text that is quick to read: none is."""


def _before_first_name(record: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a record with a salutation where it stood, so that it is read as one again."""
    ordered: dict[str, Any] = {}
    for key, value in record.items():
        if key == "first_name" and name in record:
            ordered[name] = record[name]
        if key != name:
            ordered[key] = value
    return ordered


def _other_names(plan: Plan) -> dict[str, str]:
    """Return the names of a record whose columns are called otherwise, or are no fields."""
    columns = {field: plan.columns[place] for field, place in plan.fields.items()}
    others = {field: column for field, column in columns.items() if column != field}
    if plan.whole is not None:
        others["first_name"] = plan.columns[plan.whole]
    return others | {name: plan.columns[place] for place, name in plan.kept.items()}


def _bad(field: str, column: str, value: Any, error: BadValueError) -> Bad:
    sentence = f"{name_to_show(field)}: {shown(value)} is {error}."
    return Bad(field, column, value, str(error), sentence, error.cause)


def _unfit(record: dict[str, Any], plan: Plan, *, of_file: bool) -> list[Bad]:
    """Take out of a record the values that cannot be stored, and return them."""
    places = {name: place for place, name in plan.kept.items()} | plan.fields
    found = []
    for name, found_flaw in flaws(record).items():
        flaw = found_flaw
        place = places.get(name, plan.whole)
        column = "" if place is None else plan.columns[place]
        if of_file and name == "salary" and "greater than or equal" in flaw:
            flaw = "a negative amount: write a pay of 0 or more"
        hint = "; if the file is in another encoding, say it with --encoding"
        reason = flaw + (hint if of_file and "UTF-8" in flaw else "")
        sentence = f"{INVALID_DATA}{name_to_show(name)}: {reason}."
        found.append(Bad(name, column, record.pop(name), reason, sentence, ""))
    return found


def _missing(
    absent: list[str], plan: Plan, values: Sequence[Any], there: Mapping[str, Any] | None
) -> list[str]:
    """Return a sentence for each field that has no value."""
    sentences = []
    for field in absent:
        whole = field in _NAMES and plan.whole is not None
        place = plan.whole if whole else plan.fields.get(field)
        text = "" if place is None else str(values[place] or "").strip()
        if whole and text:
            if field == _NAMES[0]:
                sentences.append(
                    f"first_name and last_name: {shown(text)} in the column "
                    f"{shown(plan.columns[place or 0])} is not two names."
                )
        elif place is not None:
            column = shown(plan.columns[place])
            sentences.append(f"Missing {field}: give it a value in the column {column}.")
        else:
            known = ", ".join(SPELLINGS[field].split()[1:4])
            names = ", ".join(map(name_to_show, [*(there or plan.columns)][:12])) or "none"
            option = "" if there is not None else f", or name it with --column {field}=HEADING"
            sentences.append(
                f"Missing {field}: give it a value in a column of that name, or one of {known}"
                f"{option} (columns found: {names})."
            )
    return sentences
