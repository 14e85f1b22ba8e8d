"""Generates sample records."""

from __future__ import annotations

import datetime
import random
import unicodedata
from collections.abc import Iterator
from typing import Any

_GIVEN_NAMES, _FAMILY_NAMES = map(
    str.split,
    (
        "Aiko Alba Amara Anders Asha Bruno Carmen Chidi Clara Daniel Elif Emeka Fatima Femi "
        "Gita Grace Hana Hugo Ines Ivan Jasmin Jorge José Kamala Kenji Lena Liam Lucía "
        "Malik Marta Mei Milan Nadia Noah Olga Omar Priya Quentin Rahel Renée Sakura Samir "
        "Sofia Søren Tariq Thandi Uma Viktor Wanda Xenia Yusuf Zoë",
        "Abara Almeida Andersson Bakker Banerjee Bauer Castillo Chen Costa Dahl Demir "
        "Diallo Eriksen Farouk Ferrari Fischer García Gupta Haddad Hansen Horvat Ivanova "
        "Jansen Kaya Khan Kimura Kowalski Larsen Laurent Lindqvist Mbeki Meyer Moreau "
        "Müller Nakamura Ndiaye Novak Núñez Okafor Oliveira Patel Petrov Quispe Rossi Sato "
        "Silva Tanaka Usman Varga Weber Yilmaz Zhang",
    ),
)

_JOBS = {
    "Engineering": {"Software Engineer": 78, "Test Engineer": 66, "Engineering Manager": 112},
    "Operations": {"Technician": 46, "Dispatcher": 41, "Operations Manager": 83},
    "Sales": {"Sales Representative": 52, "Account Manager": 64, "Sales Director": 118},
    "Finance": {"Accountant": 57, "Controller": 79, "Payroll Clerk": 43},
    "Human Resources": {"Recruiter": 51, "HR Partner": 62},
    "Research": {"Research Scientist": 88, "Laboratory Assistant": 44},
    "Customer Service": {"Service Agent": 38, "Team Lead": 55},
}
"""Departments, their positions, and a typical yearly salary in thousands."""

_FIRST_DAY = datetime.date(1995, 1, 1)

_DAYS = (datetime.date(2025, 12, 31) - _FIRST_DAY).days


def sample_records(count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Return generated employees: random names, email addresses at example.com.

    Args:
        count: number of employees; a smaller count returns the first of a larger one.
        seed: the same seed returns the same employees.

    Example:
        >>> [record["employee_id"] for record in sample_records(2)]
        ['E000001', 'E000002']
    """
    return list(make_up_records(count, seed))


def make_up_records(count: int, seed: int = 0) -> Iterator[dict[str, Any]]:
    """Yield the records of `sample_records` one by one: a list of a million would take 500 MB."""
    chance = random.Random(seed)  # noqa: S311 - employees, not secrets
    for number in range(1, count + 1):
        yield _made_up(number, chance)


def _made_up(number: int, chance: random.Random) -> dict[str, Any]:
    first, last = chance.choice(_GIVEN_NAMES), chance.choice(_FAMILY_NAMES)
    department = chance.choice(tuple(_JOBS))
    position, middle = chance.choice(tuple(_JOBS[department].items()))
    hired = _FIRST_DAY + datetime.timedelta(days=chance.randrange(_DAYS + 1))
    return {
        "employee_id": f"E{number:06d}",
        "first_name": first,
        "last_name": last,
        "email": f"{_ascii(first)}.{_ascii(last)}{number}@example.com",
        "department": department,
        "position": position,
        "salary": round(middle * chance.uniform(750, 1350) / 50) * 50.0,
        "hire_date": hired.isoformat(),
    }


def _ascii(name: str) -> str:
    """Return a name for an email address: without diacritics, in lower case."""
    plain = unicodedata.normalize("NFKD", name.replace("ø", "o"))
    return plain.encode("ascii", "ignore").decode().lower()
