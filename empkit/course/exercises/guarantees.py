"""The exercises of notebook 07.

Each checker takes an answer and returns None when it is right, or a sentence that says what is
missing.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np

from empkit.course.exercises.answers import Check, Missing, WrongKindError, choices, kind
from empkit.course.exercises.functions import Case, Mistake, held_against
from empkit.course.exercises.measured import (
    ALIKE,
    DEFAULTS,
    longest_wait_s,
    not_all_stored,
    of_runs,
    strikes,
    too_few,
)
from empkit.course.exercises.tables import RANDOM_TABLES
from empkit.experiment.guarantees import Guarantees, may_lose
from empkit.faults.broker import LostAcks
from empkit.kafka.dead_letters import DeadLetter
from empkit.records.employee import Employee
from empkit.results.runs import Runs

PROMISES = {
    "acks=0": "at most once",
    "commit before the store": "at most once",
    "retries": "at least once",
    "retries and a primary key": "effectively once",
}


def which_promise(answer: Any) -> Missing:
    """07.1: the promise of each choice."""
    reasons = {
        "acks=0": "With acks=0 the sender never learns that the broker refused a record.",
        "commit before the store": "A crash between the commit and the store: who reads it again?",
        "retries": "A record whose ack was lost is sent again: how many copies are there?",
        "retries and a primary key": "What does a primary key do with the second copy?",
    }
    return choices(answer, PROMISES, reasons)


@cache
def _letters() -> tuple[Case, ...]:
    random = np.random.default_rng(19)
    firsts = ["Ada", "Zoë", "Null", 'The "Duke"', "a\\b", "D'Arcy", "unknown"]
    extras: dict[str, Any] = {
        "email": "ada@example.org", "department": "Engines", "position": "first of 2",
        "badge": 7, "share": 0.5, "skills": ["poetry", "algebra"], "home": {"city": "London"},
        "left": False, "mentor": None,
    }  # fmt: skip
    cases = []
    for number in range(RANDOM_TABLES):
        chosen = random.permutation(list(extras))[: int(random.integers(0, len(extras)))]
        record = {
            "employee_id": f"E{number + 7}",
            "first_name": firsts[number % len(firsts)],
            **{str(name): extras[name] for name in chosen},
        }
        space: Any = ((",", ":"), None)[number % 2]
        names = list(record) if number < RANDOM_TABLES / 2 else random.permutation(list(record))
        value = json.dumps({str(name): record[name] for name in names}, separators=space)
        letter = DeadLetter(
            "employees", number % 8, number, "Invalid employee data: last_name: Field required",
            str(record["employee_id"]).encode(), value.encode(), "invalid",
        )  # fmt: skip
        cases.append(Case(f"a letter with the value {value}", (letter,)))
    return tuple(cases)


def _mended(letter: DeadLetter) -> dict[str, Any]:
    return {"last_name": "unknown", **json.loads(letter.value or b"")}


def _record(mended: Any) -> dict[str, Any]:
    """Return the record that was mended, without what an empty field stands for."""
    if isinstance(mended, bytearray | memoryview):
        mended = bytes(mended)
    if not isinstance(mended, bytes):
        raise WrongKindError(f"A record travels as bytes; this is {kind(mended)}")
    try:
        Employee.model_validate_json(mended)
    except ValueError:
        raise WrongKindError("It is still refused: read the letter's reason.") from None
    record: dict[str, Any] = json.loads(mended)
    return record


def _same(got: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Whether two records are the same; a field that is missing is as good as null."""
    return all(got.get(name) == wanted.get(name) for name in got.keys() | wanted.keys())


def _dumped(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


mends = held_against(
    _mended,
    _letters,
    [
        Mistake(
            lambda letter: _dumped(**{**_mended(letter), "last_name": "Unknown"}),
            'It can be stored, but the name is to be "unknown", written exactly like this.',
        ),
        Mistake(
            lambda letter: _dumped(
                **{**_mended(letter), "last_name": _mended(letter)["first_name"]}
            ),
            "It can be stored, but nobody sees that its last name is not known.",
        ),
        Mistake(
            lambda letter: _dumped(
                **{
                    name: value
                    for name, value in _mended(letter).items()
                    if name in {"employee_id", "first_name", "last_name"}
                }
            ),
            "It can be stored, but something that was in the letter is no longer in it.",
        ),
        Mistake(
            lambda letter: _dumped(
                **{
                    name: value
                    for name, value in _mended(letter).items()
                    if name in Employee.model_fields
                }
            ),
            "It can be stored, but a field that the kit does not know is no longer in it.",
        ),
        Mistake(
            lambda letter: _dumped(**{name: str(each) for name, each in _mended(letter).items()}),
            "It can be stored, but what was a number, a list or null has become text.",
        ),
    ],
    _record,
    _same,
)
"""07.2: a function from a dead letter to the bytes of a record that can be stored."""


def fitting_guarantees(answer: Any) -> Missing:
    """07.3: guarantees for a sensor that must never wait, and for a payment."""
    if not isinstance(answer, dict) or set(answer) != {"sensor", "payment"}:
        return "Give {'sensor': Guarantees(...), 'payment': Guarantees(...)}."
    if not all(isinstance(value, Guarantees) for value in answer.values()):
        return "Both must be Guarantees."
    sensor, payment = (answer[name].applied(DEFAULTS) for name in ("sensor", "payment"))
    if sensor.kafka_acks != "0":
        return "The sensor still waits for an ack."
    if may_lose(payment):
        return "The payment can still be lost."
    if payment.retries == 0 or payment.deadline_s < DEFAULTS.deadline_s:
        return "The payment is not lost unseen, but its sender gives up early."
    return None


RECORDS = 240
HELD_S = 4.0


@of_runs
def log_without_copies(runs: Runs) -> Missing:
    """The challenge of 07: an ack is later than a sender waits by default, but the log has each
    record once."""
    if runs.protocols != ["kafka"]:
        return "The run is to go over Kafka alone."
    if missing := too_few(runs, RECORDS):
        return missing
    if not all(strikes(info, LostAcks.name) for info in runs.runs):
        return f"In this run the broker held no ack back; it is to hold one for {HELD_S:g} s."
    if missing := not_all_stored(runs):
        return missing
    copies = sum((info.appended or 0) - info.offered for info in runs.runs)
    if copies > 0:
        return f"Everything is stored once, but the log holds copies: {copies} more than were sent."
    if (waited := longest_wait_s(runs)) < ALIKE * HELD_S:
        return f"No copy, but no ack was late: the latest came after {waited:.2g} s."
    return None


CHECKS: dict[str, Check] = {
    "07.1": which_promise,
    "07.2": mends,
    "07.3": fitting_guarantees,
    "07.challenge": log_without_copies,
}
"""The checkers by the number of their exercise."""
