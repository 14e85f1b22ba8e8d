"""The exercises and challenges of the course's second half: what is still missing in an answer.

Each function takes what the reader has made and returns None when it is right, or one sentence that
says what is missing and leaves the finding to the reader. `empkit.exercises.check` calls them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from empkit.dead_letters import DeadLetter
from empkit.experiment.guarantees import Guarantees, may_lose
from empkit.faults import At
from empkit.records import Employee
from empkit.settings import Settings

if TYPE_CHECKING:
    from empkit.experiment.results import Runs

Missing = str | None


def _as_set(answer: Any) -> set[Any] | None:
    """The answer as a set, or None when it is no collection of words."""
    if isinstance(answer, str) or not isinstance(answer, Collection):
        return None
    return set(answer)


def who_tries_again(answer: Any) -> Missing:
    """06.1: the protocols whose senders had to try again when the server crashed."""
    given = _as_set(answer)
    if given is None:
        return "Give a set of protocols, such as {'http', 'kafka'}."
    unknown = given - {"http", "websocket", "kafka"}
    if unknown:
        return f"{sorted(map(str, unknown))} are no protocols of this lab."
    if "kafka" in given:
        return "One of these talks to a part that did not crash."
    if given != {"http", "websocket"}:
        return "A protocol is missing: look at the column attempts_max of crash.recovery()."
    return None


def longest_gap(answer: Any) -> Missing:
    """06.2: a function from timings to the longest time without a stored record, in seconds."""
    if not callable(answer):
        return "Give the function itself, without calling it."
    stamps = pd.array([9_000_000_000, None, 1_000_000_000, 2_500_000_000, None], dtype="Int64")
    tidy = pd.DataFrame({"stored_ns": pd.array([1_000_000_000, 3_000_000_000], dtype="Int64")})
    try:
        simple, found = float(answer(tidy)), float(answer(pd.DataFrame({"stored_ns": stamps})))
    except Exception as error:  # noqa: BLE001 - the reader is told
        return f"It raised {type(error).__name__}: {error}."
    if np.isclose(simple, 2e9):
        return "The stamps are in nanoseconds, the answer is wanted in seconds."
    if not np.isclose(simple, 2.0):
        return f"Of two records stored 2 s apart it says {simple:g}."
    if not np.isclose(found, 6.5):
        return "Records may lie out of order, and some have no stamp at all."
    return None


def only_kafka_waits(answer: Any) -> Missing:
    """06.3: a fault that only Kafka's senders feel."""
    if not isinstance(answer, At):
        return "Give one fault with its moments: At(0.4, ..., until=0.9)."
    if answer.until is None:
        return "It never ends: give it an `until`."
    if answer.fault.part != "broker":
        return f"All three protocols need the part that it breaks, or its way: {answer.fault.part}."
    return None


def through_the_partition(runs: Runs) -> Missing:
    """The challenge of 06: everything stored, nothing sent twice, while nothing got through."""
    return _reached(runs, attempts=1)


def _reached(runs: Runs, attempts: int | None = None) -> Missing:
    """What is missing until every record is stored, with so many attempts a record."""
    timings = runs.timings
    if not any(info.faults for info in runs.runs):
        return "This run has no fault."
    if runs.broken:
        return "A promise was broken."
    if (timings["verdict"] != "stored").any():
        return "Not every record is acked and stored."
    if attempts is not None and timings["attempts"].max() > attempts:
        return "Everything is stored, but some records were sent more than once."
    return None


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
        return f"{sorted(map(str, unknown))} is no promise; there are three in the table above."
    right = sum(answer[choice] == promise for choice, promise in PROMISES.items())
    return None if right == len(PROMISES) else f"{right} of {len(PROMISES)} are right."


def mends(answer: Any) -> Missing:
    """07.2: a function from a dead letter to the bytes of a record that can be stored."""
    if not callable(answer):
        return "Give the function itself, without calling it."
    record = {"employee_id": "E7", "first_name": "Ada", "department": "Engines"}
    letter = DeadLetter("t", 0, 0, "last_name: Field required", b"E7", json.dumps(record).encode())
    try:
        mended = answer(letter)
    except Exception as error:  # noqa: BLE001 - the reader is told
        return f"It raised {type(error).__name__}: {error}."
    if not isinstance(mended, bytes):
        return f"A record travels as bytes; yours is {type(mended).__name__}."
    try:
        Employee.model_validate_json(mended)
        kept = json.loads(mended)
    except ValueError:
        return "What it returns is still refused: read the letter's reason."
    if any(kept.get(name) != value for name, value in record.items()):
        return "It can be stored, but something that was in the letter is no longer in it."
    return None


def fitting_guarantees(answer: Any) -> Missing:
    """07.3: guarantees for a sensor that must never wait, and for a payment."""
    if not isinstance(answer, dict) or set(answer) != {"sensor", "payment"}:
        return "Give {'sensor': Guarantees(...), 'payment': Guarantees(...)}."
    if not all(isinstance(each, Guarantees) for each in answer.values()):
        return "Both must be Guarantees."
    if answer["sensor"].acks != "0":
        return "The sensor still waits for an ack."
    if may_lose(answer["payment"].applied(Settings())):
        return "The payment can still be lost."
    return None


def log_without_copies(runs: Runs) -> Missing:
    """The challenge of 07: late acks, and yet each record in the log once."""
    missing = _reached(runs)
    if missing is not None:
        return missing
    if any(info.appended != info.offered for info in runs.runs):
        return "Everything is stored once, but the log holds some records twice."
    return None


CHECKS: dict[str, Callable[[Any], Missing]] = {
    "06.1": who_tries_again,
    "06.2": longest_gap,
    "06.3": only_kafka_waits,
    "06.challenge": through_the_partition,
    "07.1": which_promise,
    "07.2": mends,
    "07.3": fitting_guarantees,
    "07.challenge": log_without_copies,
}
"""By the number that a notebook calls them."""
