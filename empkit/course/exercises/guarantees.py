"""The exercises of notebook 07.

Each function takes an answer and returns None when it is right, or a sentence that says what is
missing.
"""

from __future__ import annotations

import json
from typing import Any

from empkit.course.exercises.answers import Check, Missing, of_function, reached, too_few
from empkit.experiment.guarantees import Guarantees, may_lose
from empkit.faults.broker import LostAcks
from empkit.kafka.dead_letters import DeadLetter
from empkit.records.employee import Employee
from empkit.results.runs import Runs
from empkit.settings import Settings

PROMISES = {
    "acks=0": "at most once",
    "commit before the store": "at most once",
    "retries": "at least once",
    "retries and a primary key": "effectively once",
}


def which_promise(answer: Any) -> Missing:
    """07.1: the promise of each choice."""
    if not isinstance(answer, dict) or set(answer) != set(PROMISES):
        return f"Give a dictionary with the keys {', '.join(map(repr, PROMISES))}."
    unknown = set(answer.values()) - set(PROMISES.values())
    if unknown:
        return f"{sorted(map(str, unknown))} is not a promise; there are three in the table above."
    right = sum(answer[choice] == promise for choice, promise in PROMISES.items())
    return None if right == len(PROMISES) else f"{right} of {len(PROMISES)} are right."


@of_function
def mends(answer: Any) -> Missing:
    """07.2: a function from a dead letter to the bytes of a record that can be stored."""
    record = {"employee_id": "E7", "first_name": "Ada", "department": "Engines"}
    letter = DeadLetter("t", 0, 0, "last_name: Field required", b"E7", json.dumps(record).encode())
    mended = answer(letter)
    if not isinstance(mended, bytes):
        return f"A record travels as bytes; yours is {type(mended).__name__}."
    try:
        Employee.model_validate_json(mended)
        values = json.loads(mended)
    except ValueError:
        return "What it returns is still refused: read the letter's reason."
    if any(values.get(name) != value for name, value in record.items()):
        return "It can be stored, but something that was in the letter is no longer in it."
    if values["last_name"] != "unknown":
        return "It can be stored, but nobody sees that its last name is not known."
    return None


def fitting_guarantees(answer: Any) -> Missing:
    """07.3: guarantees for a sensor that must never wait, and for a payment."""
    if not isinstance(answer, dict) or set(answer) != {"sensor", "payment"}:
        return "Give {'sensor': Guarantees(...), 'payment': Guarantees(...)}."
    if not all(isinstance(value, Guarantees) for value in answer.values()):
        return "Both must be Guarantees."
    if answer["sensor"].acks != "0":
        return "The sensor still waits for an ack."
    payment = answer["payment"].applied(Settings())
    if may_lose(payment):
        return "The payment can still be lost."
    if payment.retries == 0 or payment.deadline_s < Settings().deadline_s:
        return "The payment is not lost unseen, but its sender gives up early."
    return None


LATE = str(LostAcks(count=3, ms=900))
RECORDS = 240


def log_without_copies(runs: Runs) -> Missing:
    """The challenge of 07: acks are late, but the log has each record once."""
    if runs.protocols != ["kafka"]:
        return "The run is to go over Kafka."
    if missing := too_few(runs, RECORDS):
        return missing
    if any(LATE not in {fault.label for fault in info.faults} for info in runs.runs):
        return "The broker is to hold three acks back for 0.9 s: faults=late."
    missing = reached(runs)
    if missing is not None:
        return missing
    if any(info.appended != info.offered for info in runs.runs):
        return "Everything is stored once, but the log holds some records twice."
    return None


CHECKS: dict[str, Check] = {
    "07.1": which_promise,
    "07.2": mends,
    "07.3": fitting_guarantees,
    "07.challenge": log_without_copies,
}
