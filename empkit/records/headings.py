"""Which column of a file is which field of an employee: decided once for its headings."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from empkit.records.employee import FIELDS, RecordError, name_to_show
from empkit.records.reading import FULL_NAME, nearest
from empkit.records.values import shown

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

_FULL_NAMES = (
    "full_name employee_name complete_name name_full nom_complet nombre_completo nome_completo name"
)

_ALONE_WHOLE = {"nom", "nombre", "nombres", "nome"}
"""Names that stand for the whole name where the other of the two names has no column."""

_NAMES = ("first_name", "last_name")

CHOSEN = -1
"""The rank of a column that the user chose."""

_REMARK = re.compile(r"\([^)]*\)|\[[^]]*\]")
"""What a heading adds to its name: a unit, a currency."""

_BETWEEN_NAMES = re.compile(r"\s*(?:[,/&+]|\b(?:and|und|et|y|e)\b|\s)\s*", re.IGNORECASE)


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
    if name in FIELDS:
        return name, 0
    found = _MEANINGS.get(_squeeze(name))
    if found is None and _both_names(name):
        return FULL_NAME, 0
    return found or (None, 0)


def _both_names(heading: str) -> list[str]:
    """Return first_name and last_name in the order of a heading such as `Last name, First name`;
    nothing for any other."""
    words = [word for word in _BETWEEN_NAMES.split(_REMARK.sub("", heading)) if word]
    for place in range(1, len(words)):
        parts = ("".join(words[:place]), "".join(words[place:]))
        found = [_MEANINGS.get(_squeeze(part), ("", 0))[0] for part in parts]
        # in "Name, Vorname" the whole name's word is the other of the two
        pair = {"first_name", "last_name"}
        if FULL_NAME in found and (other := pair & set(found)):
            missing = (pair - other).pop()
            found = [missing if field == FULL_NAME else field for field in found]
        if set(found) == pair:
            return found
    return []


class Plan(NamedTuple):
    """Which column is read as which field, and which are kept.

    Attributes:
        columns: the names of all columns.
        fields: field -> the place of its column, in the order of `FIELDS`.
        kept: place -> the name under which the column is kept.
        whole: the place of the column with the whole name that is split, None without one.
        last_first: whether its heading says that the last name comes first.
    """

    columns: tuple[str, ...]
    fields: dict[str, int]
    kept: dict[int, str]
    whole: int | None
    last_first: bool


def plan_of(names: Iterable[str], chosen: Mapping[str, str | None]) -> Plan:
    """Return the plan for a file's columns.

    If two columns stand for one field, the less ambiguous name is used.

    Args:
        names: of the columns.
        chosen: field -> column, where the user said it; None if it is not among these.

    Raises:
        RecordError: a name is no text.
    """
    columns = tuple(names)
    by_column = {column: field for field, column in chosen.items() if column is not None}
    found: dict[str, tuple[int, int]] = {}
    for place, column in enumerate(columns):
        field, rank = (by_column[column], CHOSEN) if column in by_column else meaning(column)
        if field is not None and (rank == CHOSEN or field not in chosen):
            found[field] = min(found.get(field, (rank, place)), (rank, place))
    _settle_names(found, columns)
    whole = found.pop(FULL_NAME)[1] if FULL_NAME in found else None
    fields = {field: found[field][1] for field in FIELDS if field in found}
    used = {*fields.values(), whole}
    kept: dict[int, str] = {}
    for place, column in enumerate(columns):
        if place not in used:
            name = column
            while name in FIELDS or (name != column and name in columns):
                name = f"column_{name}"  # the user chose another column for this field
            kept[place] = name
    last_first = whole is not None and _both_names(columns[whole])[:1] == ["last_name"]
    return Plan(columns, fields, kept, whole, last_first)


def _settle_names(found: dict[str, tuple[int, int]], columns: tuple[str, ...]) -> None:
    """Decide what a column with the whole name stands for beside columns of the two names."""
    named = [field for field in _NAMES if field in found]
    if FULL_NAME in found and found[FULL_NAME][0] == CHOSEN:
        for field in named:
            if found[field][0] != CHOSEN:
                del found[field]
    elif FULL_NAME in found and len(named) == 1:
        # `Name, Vorname` and `Name, Surname`: the other of the two
        (missing,) = {*_NAMES} - {*named}
        found[missing] = found.pop(FULL_NAME)
    elif FULL_NAME in found and named:
        del found[FULL_NAME]
    elif len(named) == 1:
        rank, place = found[named[0]]
        if rank != CHOSEN and _squeeze(columns[place]) in _ALONE_WHOLE:
            found[FULL_NAME] = found.pop(named[0])


def fields_of(of: Plan) -> set[str]:
    """Return the fields that a plan finds; a whole name stands for both names."""
    return {*of.fields, *(() if of.whole is None else _NAMES)}


def named_fields(columns: Iterable[str], chosen: Mapping[str, str] | None = None) -> set[str]:
    """Return the fields for which there are columns; a whole name stands for both names."""
    return fields_of(plan_of(columns, chosen or {}))


def column_of(heading: str, columns: Sequence[str], *, by_number: bool = False) -> str | None:
    """Return the column that a user means by a heading, None if there is none or several.

    Args:
        heading: as the user wrote it; case and all but letters and digits may differ.
        columns: the headings of the file.
        by_number: whether it may also be a column's number, from 1.
    """
    if heading in columns:
        return heading
    alike = [column for column in columns if _squeeze(column) == _squeeze(heading) != ""]
    if len(alike) == 1:
        return alike[0]
    number = heading.strip()
    if by_number and number.isdecimal() and 1 <= int(number) <= len(columns):
        return columns[int(number) - 1]
    return None


def no_column(field: str, heading: str, columns: Sequence[str], name: str) -> RecordError:
    """Return the error that the user named a column that a file does not have."""
    there = ", ".join(map(name_to_show, columns[:12])) or "none"
    return RecordError(
        f"{name} has no column {heading!r} for --column {field}={heading}"
        f"{nearest(heading, columns)}. Its columns are {there}."
    )
