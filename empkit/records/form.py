"""Converts a row of any source into a record: names of fields, numbers, dates."""

from __future__ import annotations

import datetime
import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple, NoReturn

from pydantic import ValidationError

from empkit.records.conventions import Conventions
from empkit.records.employee import (
    FIELDS,
    LARGEST,
    REQUIRED,
    SMALLEST,
    Employee,
    RecordError,
    encode_record,
    name_to_show,
    validation_reason,
)

SPELLINGS = {
    "employee_id": (
        "employee_id employee_no employee_number employee_num employee_nr emp_id emp_no "
        "emp_number emp_num empl_id personnel_id personnel_no personnel_number staff_id staff_no "
        "staff_number worker_id id"
    ),
    "first_name": "first_name given_name given_names forename fname f_name first given",
    "last_name": "last_name family_name surname lname l_name last family",
    "email": "email email_address mail mail_address email_addr",
    "department": "department department_name dept dept_name division",
    "position": "position position_name position_title job_title job title role designation",
    "salary": "salary annual_salary yearly_salary base_salary salaries wage wages pay base_pay",
    "hire_date": (
        "hire_date date_hired date_of_hire hired_date hired_on hired hiring_date start_date "
        "started_on date_started join_date joining_date date_joined joined_on joined"
    ),
}
"""Names of each field, the least ambiguous first. Case, accents and all but letters and digits are
ignored, and what stands in brackets."""

_OTHER_LANGUAGES = {
    "employee_id": (
        "user_id identifier person_id personalnummer personal_nr pers_nr mitarbeiternummer "
        "mitarbeiter_nr mitarbeiter_id matricule numero_employe id_employe numero_empleado "
        "id_empleado codigo_empleado legajo matricula numero_funcionario id_funcionario"
    ),
    "first_name": "name_first vorname prenom nombre nombres nome primeiro_nome",
    "last_name": (
        "name_last nachname familienname zuname nom nom_de_famille apellido apellidos sobrenome "
        "apelido ultimo_nome"
    ),
    "email": "adresse_email courriel correo correo_electronico email_adresse",
    "department": "abteilung bereich departement service departamento setor",
    "position": "stelle funktion poste fonction puesto cargo funcao",
    "salary": "gehalt jahresgehalt salaire salaire_annuel salario sueldo salario_anual",
    "hire_date": (
        "eintrittsdatum einstellungsdatum eintritt date_d_embauche date_embauche date_d_entree "
        "fecha_de_contratacion fecha_contratacion fecha_de_ingreso fecha_ingreso data_de_admissao "
        "data_admissao data_de_contratacao"
    ),
}
"""Names in German, French, Spanish and Portuguese, and rarer English ones."""

FULL_NAME = "full_name"
"""What a column with the whole name stands for; it is split where the two names have none."""

_FULL_NAMES = (
    "full_name employee_name complete_name name_full nom_complet nombre_completo nome_completo "
    "vor_und_nachname name"
)

_REMARK = re.compile(r"\([^)]*\)|\[[^]]*\]")
"""What a heading adds to its name: a unit, a currency."""

_NUMBER = re.compile(
    r"[-+]?(\d+|\d{1,3}(,\d{3})+|\d{1,3}([ \u00a0\u202f']\d{3})+)?(\.\d*)?(e[-+]?\d+)?",
    re.ASCII | re.IGNORECASE,
)

_DATE = re.compile(r"\d{4}-\d\d-\d\d([T ].*)?", re.ASCII)

_NO_VALUE = {"na", "n/a", "nan", "null", "none", "-", r"\n"}
"""Texts that programs write for a missing number or date; in a name each could be the value."""

Convert = Callable[[str, Any, Conventions], Any]
"""Converts the value of a field, which is not blank."""

_PLAIN = {str, int, bool, list, dict, type(None)}


def _squeeze(name: str) -> str:
    plain = unicodedata.normalize("NFKD", _REMARK.sub("", name)).casefold()
    return "".join(filter(str.isalnum, plain))


_MEANINGS = {
    _squeeze(spelling): (field, rank)
    for field, spellings in [
        (FULL_NAME, _FULL_NAMES),
        *((field, f"{SPELLINGS[field]} {more}") for field, more in _OTHER_LANGUAGES.items()),
    ]
    for rank, spelling in enumerate(spellings.split(), start=1)
}


@lru_cache(maxsize=4096)
def meaning(name: object) -> tuple[str | None, int]:
    """Return the field that a column's name stands for, and its rank: 0 is the exact name."""
    if not isinstance(name, str):
        raise RecordError(f"A column is named {shown(name)}: give it a name that is text.")
    return (name, 0) if name in FIELDS else _MEANINGS.get(_squeeze(name), (None, 0))


def format_employee_record(row: Mapping[str, Any]) -> dict[str, Any]:
    """Convert a row of a file or a data frame to an employee record.

    Other names of the fields are accepted (see `SPELLINGS`). If two columns stand for one field,
    the column with a value and the less ambiguous name is used; the other is kept under its own
    name, like every unknown column. Blanks around a value are removed, an optional field without a
    value is left out. The result is a valid employee, and formatting it again changes nothing.

    Args:
        row: a value for each column: text, or numbers and dates of JSON, pandas or numpy.

    Returns:
        The record: its fields in the order of `FIELDS`, then the extras.

    Raises:
        RecordError: the id or a name is missing, or a value is not of its field's type.

    Example:
        >>> format_employee_record({"ID": 7, "Surname": "Byron", "Forename": " Ada "})
        {'employee_id': '7', 'first_name': 'Ada', 'last_name': 'Byron'}
    """
    return Form().record(tuple(row), list(row.values()))


def named_fields(columns: Iterable[object]) -> set[str | None]:
    """Return the fields for which there are columns; a whole name stands for both names."""
    named = {meaning(column)[0] for column in columns}
    return named | {"first_name", "last_name"} if FULL_NAME in named else named


class _Columns(NamedTuple):
    """What the columns of a row stand for.

    Attributes:
        fields: for each field with columns, in the order of `FIELDS`: its name, how its value is
            converted, and its columns, the least ambiguous first.
        full: the columns with a whole name.
        others: the columns that are kept under their own names.
        id_column: the name of the one with the id.
        renamed: columns of another name than their field, of which none had a value yet.
        kept: columns that are no field, or not the only one of a field, and had no value yet.
    """

    fields: list[tuple[str, Convert, list[tuple[int, str]]]]
    full: list[tuple[int, str]]
    others: list[tuple[int, str]]
    id_column: str | None
    renamed: set[str]
    kept: set[str]


class Form:
    """Converts the rows of one file, or of one call, to records.

    What the names of the columns mean is looked up once for all rows that have the same.

    Attributes:
        renamed: column of the file -> field that it was read as, where the names differ.
        kept: columns that are no fields of an employee; they are sent as extras.
    """

    MOST = 1_000
    """How many different lists of columns are remembered; each row of JSON may have its own."""

    def __init__(self) -> None:
        self.renamed: dict[str, str] = {}
        self.kept: dict[str, None] = {}
        self._conventions = Conventions()
        self._known: dict[tuple[str, ...], _Columns] = {}
        self._id_column: str | None = None

    def learn(self, names: tuple[str, ...], values: Sequence[Any]) -> None:
        """Show the numbers and dates of a row, as they are written, to the conventions."""
        for field, _, places in self._columns(names).fields[-2:]:
            if field == "salary":
                for place, _ in places:
                    if isinstance(text := values[place], str):
                        self._conventions.see_number(_without_currency(text))
            elif field == "hire_date":
                for place, _ in places:
                    if isinstance(text := values[place], str):
                        self._conventions.see_date(text.strip())

    def record(self, names: tuple[str, ...], values: Sequence[Any]) -> dict[str, Any]:
        """Return the record of a row; see `encoded`."""
        return self._read(names, values)[0]

    def encoded(self, names: tuple[str, ...], values: Sequence[Any]) -> bytes:
        """Return the record of a row as the JSON that is sent.

        Args:
            names: of the columns.
            values: one for each column.

        Raises:
            RecordError: the row is no record, or has its id in another column than those before.
        """
        return self._read(names, values)[1]

    def _read(self, names: tuple[str, ...], values: Sequence[Any]) -> tuple[dict[str, Any], bytes]:
        columns = self._columns(names)
        record: dict[str, Any] = {}
        chosen: dict[str, str] = {}  # column -> field
        more: dict[str, Any] = {}  # further values of a field
        for field, convert, places in columns.fields:
            for place, name in places:
                value = values[place]
                if convert is _to_text and type(value) is str:
                    value = value.strip()
                    if not value:
                        continue
                else:
                    value = value if type(value) in _PLAIN else _plain(value)
                    if _is_blank(field, value):
                        continue
                if field in record:
                    more[name] = values[place] if type(values[place]) in _PLAIN else value
                else:
                    record[field] = convert(field, value, self._conventions)
                    chosen[name] = field
        extras: dict[str, Any] = {}
        for place, name in columns.others:
            value = values[place]
            if type(value) in _PLAIN or (value := _plain(value)) is not None:
                extras[name] = value
        if columns.full:
            record = _with_names(record, columns.full, values, chosen, extras)
        _require(record, names)
        record |= extras | more
        payload = encode_record(record)
        try:
            Employee.model_validate_json(payload)
        except ValidationError as error:
            raise RecordError(validation_reason(error)[1] + ".") from None
        self._note(columns, chosen, record)
        return record, payload

    def _note(self, columns: _Columns, chosen: dict[str, str], record: dict[str, Any]) -> None:
        """Note what the columns were read as, for each the first time that it had a value."""
        if columns.id_column != self._id_column:
            if self._id_column is not None:
                raise RecordError(
                    f"The id is in {shown(columns.id_column)} here, and in "
                    f"{shown(self._id_column)} above: give all rows the same column."
                )
            self._id_column = columns.id_column
        if columns.renamed:
            for name in columns.renamed & chosen.keys():
                self.renamed[name] = chosen[name]
                columns.renamed.discard(name)
        if columns.kept:
            for name in columns.kept & record.keys():
                self.kept[name] = None
                columns.kept.discard(name)

    def _columns(self, names: tuple[str, ...]) -> _Columns:
        """Return what columns mean."""
        columns = self._known.get(names)
        if columns is None:
            if len(self._known) >= self.MOST:
                self._known.clear()
            columns = self._known[names] = self._looked_up(names)
        return columns

    def _looked_up(self, names: tuple[str, ...]) -> _Columns:
        full: list[tuple[int, str]] = []
        others: list[tuple[int, str]] = []
        known: dict[str, list[tuple[int, int, str]]] = {field: [] for field in FIELDS}
        for place, name in enumerate(names):
            field, rank = meaning(name)
            if field is None:
                others.append((place, name))
            elif field == FULL_NAME:
                full.append((place, name))
            else:
                known[field].append((rank, place, name))
        for ranked in known.values():
            ranked.sort(key=lambda column: column[0])
        # never from another column, even if this row has no id
        others += [(place, name) for _, place, name in known["employee_id"][1:]]
        del known["employee_id"][1:]
        fields = {
            field: [(place, name) for _, place, name in ranked]
            for field, ranked in known.items()
            if ranked
        }
        renamed = {name for places in [*fields.values(), full] for _, name in places}
        several = [places for places in fields.values() if len(places) > 1]
        kept = {name for places in [*several, full, others] for _, name in places}
        return _Columns(
            [(field, _CONVERT[field], places) for field, places in fields.items()],
            full,
            sorted(others),
            fields["employee_id"][0][1] if "employee_id" in fields else None,
            renamed.difference(FIELDS, self.renamed),
            kept.difference(FIELDS, self.kept),
        )


def _with_names(
    record: dict[str, Any],
    full: list[tuple[int, str]],
    values: Sequence[Any],
    chosen: dict[str, str],
    extras: dict[str, Any],
) -> dict[str, Any]:
    """Return the record with the names of a column that has the whole name."""
    found: tuple[str, str] | None = None
    for place, name in full:
        value = values[place] if type(values[place]) in _PLAIN else _plain(values[place])
        if isinstance(value, str) and found is None:
            found = name, value
        elif value is not None or values[place] is None:
            extras[name] = value
    if found is not None:
        _split_full_name(found, record, chosen, extras)
    return {name: record[name] for name in FIELDS if name in record}


def _split_full_name(
    full: tuple[str, str], fields: dict[str, Any], columns: dict[str, str], extras: dict[str, Any]
) -> None:
    """Take first and last name from a whole name, if the row has neither, else keep it."""
    column, text = full[0], " ".join(full[1].split())
    last, comma, first = map(str.strip, text.partition(","))
    if not comma:
        first, _, last = text.rpartition(" ")
    if "first_name" in fields or "last_name" in fields or not (first and last):
        extras[column] = full[1]
        return
    fields |= {"first_name": first, "last_name": last}
    columns[column] = "first_name and last_name"


def _require(fields: Mapping[str, Any], columns: tuple[str, ...]) -> None:
    for name in REQUIRED:
        if name not in fields:
            there = ", ".join(map(name_to_show, columns[:12])) or "none"
            raise RecordError(
                f"Missing {name}: give it a value in a column of that name, or one of "
                f"{', '.join(SPELLINGS[name].split()[1:4])} (columns found: {there})."
            )


def _plain(value: Any) -> Any:
    """Return a value of pandas, numpy or datetime as a type of JSON; None for a missing value, and
    for a number that is none (NaN, Infinity)."""
    if type(value) is float:
        return value if math.isfinite(value) else None
    if str(value) in {"nan", "inf", "-inf", "NaT", "<NA>"}:
        return None
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return value.item() if getattr(value, "ndim", None) == 0 else value


def _is_blank(field: str, value: Any) -> bool:
    if isinstance(value, str):
        text = value.strip()
        return not text or (field in {"salary", "hire_date"} and text.casefold() in _NO_VALUE)
    return value is None


def shown(value: object) -> str:
    """Return a value, its beginning or its type, for a message."""
    if isinstance(value, list | dict):
        return f"a {type(value).__name__}"
    text = ascii(value[:30] if isinstance(value, str) else value)
    return text if len(text) <= 40 else text[:37] + "..."


def _refuse(field: str, value: object, wanted: str) -> NoReturn:
    raise RecordError(f"{field}: {shown(value)} is not {wanted}.")


def _to_text(field: str, value: Any, _: Conventions) -> str:
    if isinstance(value, str):
        return value.strip()
    # pandas converts a column of integers to floats if one of them is missing
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    if type(value) is int and SMALLEST <= value <= LARGEST:
        return str(value)
    _refuse(field, value, "text, nor a whole number that can be converted to text")


def _without_currency(text: str) -> str:
    return text.strip().strip("$\u20ac\u00a3\u00a5").strip()


def _to_salary(field: str, value: Any, conventions: Conventions) -> float:
    wanted = "a number in an unambiguous form: write it like 52000.50"
    if isinstance(value, str):
        text = conventions.number(_without_currency(value))
        if text is None:
            _refuse(
                field, value,
                "a number in one way only, and no other value of its column tells what its point "
                "means: write it like 52000.50",
            )  # fmt: skip
        if _NUMBER.fullmatch(text) is None:
            _refuse(field, value, wanted)
        value = re.sub(r"[,\s']", "", text)
    elif isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        _refuse(field, value, wanted)
    try:
        return float(value)
    except (ValueError, OverflowError):
        _refuse(field, value, wanted)


def _to_date(field: str, value: Any, conventions: Conventions) -> str:
    if isinstance(value, str) and _DATE.fullmatch(value.strip()):
        try:
            return datetime.datetime.fromisoformat(value.strip()).date().isoformat()
        except ValueError:
            pass
    if isinstance(value, str) and (found := conventions.date(value.strip())):
        return found
    _refuse(field, value, "a date: write it like 2024-05-31")


_CONVERT: dict[str, Convert] = {
    **dict.fromkeys(FIELDS, _to_text),
    "salary": _to_salary,
    "hire_date": _to_date,
}
