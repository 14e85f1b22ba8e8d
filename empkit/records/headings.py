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
    "employee_id": "identifier matricule matricula matricola legajo kennung nif",
    "first_name": (
        "name_first first_names forenames vorname vornamen prenom prenoms nombre nombres "
        "primer_nombre nome nomes primeiro_nome nome_proprio voornaam"
    ),
    "last_name": (
        "name_last last_names surnames nachname familienname zuname nom nom_de_famille "
        "nom_de_naissance nom_d_usage apellido apellidos primer_apellido apellido_paterno "
        "sobrenome apelido apelidos ultimo_nome cognome achternaam"
    ),
    "email": (
        "work_email business_email adresse_email adresse_mail courriel correo correo_electronico "
        "email_adresse mailadresse endereco_de_email"
    ),
    "department": (
        "abteilung bereich fachbereich departement service departamento setor reparto afdeling"
    ),
    "position": (
        "business_title stelle stellenbezeichnung funktion poste intitule_du_poste fonction puesto "
        "puesto_de_trabajo cargo funcao funzione mansione functie"
    ),
    "salary": (
        "pay_rate gehalt jahresgehalt bruttogehalt jahresbrutto lohn bruttolohn jahreslohn "
        "salaire salaire_annuel salaire_base "
        "remuneration remuneration_annuelle salario salario_anual salario_base sueldo sueldo_anual "
        "remuneracion remuneracao vencimento stipendio retribuzione ral salaris ctc"
    ),
    "hire_date": (
        "original_hire_date entry_date date_of_entry eintrittsdatum einstellungsdatum eintritt "
        "eintritt_am eingetreten_am einstellung beschaftigt_seit "
        "dienstbeginn date_d_embauche date_embauche date_d_entree date_entree date_d_arrivee "
        "fecha_de_contratacion fecha_contratacion fecha_de_ingreso fecha_ingreso fecha_de_alta "
        "fecha_alta fecha_de_incorporacion data_de_admissao data_admissao data_de_contratacao "
        "data_de_ingresso data_assunzione data_di_assunzione datum_in_dienst in_dienst doj"
    ),
}
"""Names in German, French, Spanish, Portuguese and Italian, and rarer English ones."""

_PERSON = (
    "employee|emp|empl|staff|worker|associate|personnel|personal|pers|person|user|payroll|"
    "mitarbeiter|ma|empleado|trabajador|funcionario|colaborador|employe|salarie|agent|dipendente|"
    "personeels|medewerker|matricule|matricula"
)
_NUMBER = "id|no|num|number|nr|nro|nummer|numero|n|code|codigo|cod|key|identifier|kennung"
_ID = re.compile(rf"(?:{_PERSON})(?:{_NUMBER})|(?:{_NUMBER})(?:d|de|du|do|del|della)?(?:{_PERSON})")
"""How an id may be called: a word for a person and one for a number, in either order."""

_DECORATION = re.compile(
    r"\A(?:(?:employee|emp|worker|staff|associate|legal|official|current|annual|total)[\W_]+|"
    r"(?:legal\s+)?name\s*[-:]\s*)|"
    r"[\W_]+(?:brut|brute|bruto|bruta|gross|lordo|annuel|annuelle|anual|amount|"
    r"usd|eur|gbp|chf|cad|aud|inr|brl|mxn|pln|sek|nok|dkk)\Z",
    re.IGNORECASE,
)
"""Words that say no more than that the column is about the employee, or how an amount is meant."""

_WITHIN_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")
"""Where a word of EmployeeFirstName ends."""

_FULL_NAMES = (
    "full_name employee_name complete_name display_name payroll_name name_full nom_complet "
    "nombre_completo nome_completo vor_und_nachname vor_und_zuname name"
)

_ALONE_WHOLE = {"nom", "nombre", "nombres", "nome"}
"""Names that stand for the whole name where the other of the two names has no column."""

_SALUTATIONS = {"title", "anrede", "civilite", "tratamiento"}
"""What stands before a name, if it is called so and does: Ms, Dr. It is no position."""

_FRENCH_ONLY = "service"
"""A department in French, and years of service in English."""

_FRENCH = frozenset(
    ("matricule", "prenom", "prenoms", "nom", "poste", "fonction", "salaire", "remuneration",
     "salarie", "embauche", "courriel")
)  # fmt: skip
"""Words of French headings, of which one is enough."""

_NAMES = ("first_name", "last_name")

_MOST_WORDS = 6
"""How many words a heading of both names has at most."""

_RARE = 100
"""The rank of a heading that is understood by its words only."""

CHOSEN = -1
"""The rank of a column that the user chose."""

_REMARK = re.compile(r"\([^)]*\)|\[[^]]*\]")
"""What a heading adds to its name: a unit, a currency."""

_WHICH_NAME = re.compile(
    r"(?P<what>.*\bname)\s*[(\[](?P<which>(?:first|given|last|family|[\s,;/&+]|and)+)[)\]]\s*",
    re.IGNORECASE,
)
"""A heading that says in brackets which name it is, or in which order two are."""

_ALL_IN_BRACKETS = re.compile(r"(?:\w+\s?)?\[([^][]+)\]")
"""A heading as SQL Server writes it, and DAX: [Employee ID], Employees[Employee ID]."""

_BETWEEN_NAMES = re.compile(r"\s*(?:[,/&+]|\b(?:and|und|et|y|e)\b|\s)\s*", re.IGNORECASE)


def _squeeze(name: str) -> str:
    name = "".join(each for each in _REMARK.sub("", name) if unicodedata.category(each) != "No")
    plain = unicodedata.normalize("NFKD", name).casefold()
    return "".join(filter(str.isalnum, plain))


def _in_order(name: str) -> str:
    """Return a heading with what it has in brackets in its place: Name (First) as First Name."""
    found = _WHICH_NAME.fullmatch(name)
    return f"{found['which']} {found['what']}" if found else name


def _known(name: str) -> tuple[str | None, int]:
    """Return what a heading means, without words that only decorate it if need be."""
    name = _in_order(name)
    squeezed = _squeeze(name)
    if found := _MEANINGS.get(squeezed):
        return found
    if _ID.fullmatch(squeezed) or ("#" in name and _ID.fullmatch(squeezed + "no")):
        return "employee_id", _RARE
    if within := _ALL_IN_BRACKETS.fullmatch(name.strip()):
        field, rank = _known(within[1])
        if field is not None:
            return field, rank
    words = _WITHIN_WORD.sub(" ", name.strip())
    plain = _DECORATION.sub("", words)
    if plain != words:
        field, rank = _known(plain)
        return (field, _RARE + rank) if field != "employee_id" else (None, 0)
    return None, 0


_MEANINGS = {
    _squeeze(spelling): (field, rank)
    for field, spellings in [
        (FULL_NAME, _FULL_NAMES),
        *((field, f"{SPELLINGS[field]} {more}") for field, more in _OTHER_LANGUAGES.items()),
    ]
    for rank, spelling in enumerate(spellings.split(), start=1)
}


HEADING_WORDS = frozenset(
    between.join(spelling.split("_"))
    for spellings in (*SPELLINGS.values(), *_OTHER_LANGUAGES.values(), _FULL_NAMES)
    for spelling in spellings.split()
    for between in ("_", " ", "", "-")
)
"""Headings as most are written, in small letters: a row with none of them is no header."""


@lru_cache(maxsize=4096)
def meaning(name: object) -> tuple[str | None, int]:
    """Return the field that a column's name stands for, and its rank: 0 is the exact name."""
    if not isinstance(name, str):
        raise RecordError(f"A column is named {shown(name)}: give it a name that is text.")
    if name in FIELDS:
        return name, 0
    found = _known(name)
    return (FULL_NAME, 0) if found[0] is None and _both_names(name) else found


def _both_names(heading: str) -> list[str]:
    """Return first_name and last_name in the order of a heading such as `Last name, First name`;
    nothing for any other."""
    words = [word for word in _BETWEEN_NAMES.split(_REMARK.sub("", _in_order(heading))) if word]
    for place in range(1, len(words) if len(words) <= _MOST_WORDS else 0):
        parts = (" ".join(words[:place]), " ".join(words[place:]))
        found = [_known(part)[0] for part in parts]
        # in "Name, Vorname" the whole name's word is the other of the two
        pair = {"first_name", "last_name"}
        if FULL_NAME in found and (other := pair & set(found)):
            missing = (pair - other).pop()
            found = [missing if field == FULL_NAME else field for field in found]
        if set(found) == pair:
            return [field for field in found if field]
    return []


class Plan(NamedTuple):
    """Which column is read as which field, and which are kept.

    Attributes:
        columns: the names of all columns.
        fields: field -> the place of its column, in the order of `FIELDS`.
        kept: place -> the name under which the column is kept.
        whole: the place of the column with the whole name that is split, None without one.
        last_first: whether its heading says that the last name comes first.
        salutations: the places, among the kept, of what stands before a name.
    """

    columns: tuple[str, ...]
    fields: dict[str, int]
    kept: dict[int, str]
    whole: int | None
    last_first: bool
    salutations: tuple[int, ...] = ()


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
    salutations: list[int] = []
    for place, column in enumerate(columns):
        field, rank = (by_column[column], CHOSEN) if column in by_column else meaning(column)
        if rank != CHOSEN and _squeeze(column) in _SALUTATIONS and _before_name(columns, place):
            salutations.append(place)
            continue
        if rank != CHOSEN and _squeeze(column) == _FRENCH_ONLY and not _in_french(columns):
            continue
        if field is None and _squeeze(column) == "sn" and "givenname" in map(_squeeze, columns):
            field, rank = "last_name", _RARE  # of LDAP; alone it may be a serial number
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
    return Plan(columns, fields, kept, whole, last_first, tuple(salutations))


def _in_french(columns: tuple[str, ...]) -> bool:
    words = {word for column in columns for word in _words(column)}
    return not words.isdisjoint(_FRENCH)


def _words(column: str) -> list[str]:
    return [_squeeze(column), *map(_squeeze, re.split(r"[\W_]+", column))]


def _before_name(columns: tuple[str, ...], place: int) -> bool:
    """Return whether the column after this one has a name."""
    following = columns[place + 1 : place + 2]
    return bool(following) and meaning(following[0])[0] in {*_NAMES, FULL_NAME}


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
    near = nearest(heading, columns)
    if heading.strip().lstrip("-").isdecimal():
        near = f" (the numbers of columns are 1 to {len(columns)})"
    return RecordError(
        f"{name} has no column {heading!r} for --column {field}={heading}{near}. Its columns are "
        f"{there}."
    )
