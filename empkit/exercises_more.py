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

from empkit.advice import Advice
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


def only_kafka_fits(answer: Any) -> Missing:
    """09.1: needs that Kafka alone meets."""
    if not isinstance(answer, Advice):
        return "Give what advise(...) returns."
    if "kafka" not in answer.recommended:
        return "Kafka does not meet these needs."
    others = [name for name in answer.recommended if name != "kafka"]
    return f"These meet them, too: {', '.join(others)}." if others else None


def nothing_fits(answer: Any) -> Missing:
    """09.2: two needs that no protocol meets both of."""
    if not isinstance(answer, Advice):
        return "Give what advise(...) returns."
    if len(answer.met) != 2:
        return f"Exactly two needs are wanted; these are {len(answer.met)}."
    if not answer.met.any(axis=1).all():
        return "Each need by itself should be met by some protocol."
    if answer.recommended:
        return f"Both are met by: {', '.join(answer.recommended)}."
    return None


def share_acked_first(answer: Any) -> Missing:
    """09.3: a function from timings to the share of stored records that were acked before."""
    if not callable(answer):
        return "Give the function itself, without calling it."
    stamps = {"acked_ns": [5, 1, 9, None, 4], "stored_ns": [3, 2, None, 4, 8]}
    timings = pd.DataFrame({name: pd.array(each, "Int64") for name, each in stamps.items()})
    try:
        plain = float(answer(timings.iloc[:2]))
        found = float(answer(timings))
    except Exception as error:  # noqa: BLE001 - the reader is told
        return f"It raised {type(error).__name__}: {error}."
    if np.isclose(plain, 50) or np.isclose(found, 200 / 3):
        return "A share is wanted, from 0 to 1."
    if not np.isclose(plain, 0.5):
        return f"Of two records, one acked before it was stored, it says {plain:g}."
    if not np.isclose(found, 2 / 3):
        return "Only records that have both stamps can be counted."
    return None


def idle_consumers(answer: Any) -> Missing:
    """08.1: how many of ten consumers have nothing to do with eight partitions."""
    if not isinstance(answer, int):
        return "Give a whole number."
    if answer == 2:
        return None
    return "A partition belongs to one member of the group at a time: how many can have one?"


def stable_partition(answer: Any) -> Missing:
    """08.2: a function from a key and a number of partitions to the key's partition."""
    if not callable(answer):
        return "Give the function itself, without calling it."
    keys = [f"E{number}" for number in range(400)]
    try:
        first, again = ([answer(key, 8) for key in keys] for _ in range(2))
    except Exception as error:  # noqa: BLE001 - the reader is told
        return f"It raised {type(error).__name__}: {error}."
    if any(not isinstance(each, int) or not 0 <= each < 8 for each in first):
        return "Of 8 partitions the numbers are 0 to 7."
    if first != again:
        return "The same key must go to the same partition, each time."
    if "hash" in getattr(getattr(answer, "__code__", None), "co_names", ()):
        return "hash() of a text is another in each process: two producers would not agree."
    counts = pd.Series(first).value_counts()
    if len(counts) < 8 or counts.max() > 100:
        return "It spreads the keys badly: one partition gets far more than the others."
    return None


def through_two_faults(runs: Runs) -> Missing:
    """The challenge of 08: a consumer crash and a leader move in one run, nothing lost."""
    parts = {fault.part for info in runs.runs for fault in info.faults}
    if not {"server", "broker"} <= parts:
        return "Not both faults struck: the crash of the consumer and a move of the leaders."
    return _reached(runs)


RATE_TO_REACH = 300.0
P99_TO_REACH_MS = 1_000.0


def fast_enough(runs: Runs) -> Missing:
    """The challenge of 09: so many records stored per second, acked in time, none lost."""
    summary = runs.summary()
    if runs.broken or (runs.timings["verdict"] != "stored").any():
        return "Not every record is acked and stored."
    if not (summary["records_per_s"] >= RATE_TO_REACH).all():
        return f"Fewer than {RATE_TO_REACH:g} records per second are stored."
    if not (summary["ack_p99_ms"] <= P99_TO_REACH_MS).all():
        return f"The p99 of the ack is above {P99_TO_REACH_MS:g} ms, or there are too few records."
    return None


def _own(runs: Runs) -> list[str]:
    return [protocol for protocol in runs.protocols if ":" in protocol]


def own_is_honest(runs: Runs) -> Missing:
    """10.1: a protocol of one's own that was compared with one of the kit's, and lied not once."""
    own = _own(runs)
    if not own:
        return "No protocol in this run is your own: name it 'module:Class'."
    if len(runs.protocols) == len(own):
        return "There is nothing to compare it with: add one of the kit's."
    return "A promise was broken." if runs.broken else None


def own_records(runs: Runs) -> Missing:
    """10.2: a run with the reader's own records."""
    sources = {info.workload.get("source") for info in runs.runs}
    if "made up" in sources:
        return "These records were made up by the kit: give the workload your own, or a file."
    return None if (runs.timings["verdict"] == "stored").all() else "Some were not stored."


def own_under_fault(runs: Runs) -> Missing:
    """The challenge of 10: a protocol of one's own through a server crash."""
    return own_is_honest(runs) or _reached(runs)


CHECKS: dict[str, Callable[[Any], Missing]] = {
    "06.1": who_tries_again,
    "06.2": longest_gap,
    "06.3": only_kafka_waits,
    "06.challenge": through_the_partition,
    "07.1": which_promise,
    "07.2": mends,
    "07.3": fitting_guarantees,
    "07.challenge": log_without_copies,
    "08.1": idle_consumers,
    "08.2": stable_partition,
    "08.challenge": through_two_faults,
    "09.1": only_kafka_fits,
    "09.2": nothing_fits,
    "09.3": share_acked_first,
    "09.challenge": fast_enough,
    "10.1": own_is_honest,
    "10.2": own_records,
    "10.challenge": own_under_fault,
}
"""By the number that a notebook calls them."""
