"""The exercises of notebook 06.

Each function takes an answer and returns None when it is right, or a sentence that says what is
missing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from empkit.course.exercises.answers import Check, Missing, as_set, of_function, reached, too_few
from empkit.faults.broker import RetentionOverrun
from empkit.faults.network import Network
from empkit.faults.timeline import At
from empkit.proxy import Partition
from empkit.results.runs import Runs

RECORDS = 240


def who_tries_again(answer: Any) -> Missing:
    """06.1: the protocols whose senders had to try again when the server crashed."""
    given = as_set(answer)
    if given is None:
        return "Give a set of protocols, such as {'http', 'kafka'}."
    unknown = given - {"http", "websocket", "kafka"}
    if unknown:
        return f"{sorted(map(str, unknown))} are not protocols of this lab."
    if "kafka" in given:
        return "One of these talks to a part that did not crash."
    if given != {"http", "websocket"}:
        return "A protocol is missing: look at the column attempts_max of crash.recovery()."
    return None


@of_function
def longest_gap(answer: Any) -> Missing:
    """06.2: a function from timings to the longest time without a stored record, in seconds."""
    stamps = pd.array([9_000_000_000, None, 1_000_000_000, 2_500_000_000, None], dtype="Int64")
    tidy = pd.DataFrame({"stored_ns": pd.array([1_000_000_000, 3_000_000_000], dtype="Int64")})
    simple, untidy = float(answer(tidy)), float(answer(pd.DataFrame({"stored_ns": stamps})))
    if np.isclose(simple, 2e9):
        return "The stamps are in nanoseconds, the answer is wanted in seconds."
    if not np.isclose(simple, 2.0):
        return f"Of two records stored 2 s apart it says {simple:g}."
    if not np.isclose(untidy, 6.5):
        return "Records may lie out of order, and some have no stamp at all."
    return None


def only_kafka_waits(answer: Any) -> Missing:
    """06.3: a fault that only Kafka's senders feel."""
    if not isinstance(answer, At):
        return "Give one fault with its times: At(0.4, ..., until=0.9)."
    if answer.until is None:
        return "The fault never ends: give it an `until`."
    if answer.fault.part != "broker":
        return f"HTTP's and WebSocket's senders feel it, too: it breaks the {answer.fault.part}."
    if isinstance(answer.fault, RetentionOverrun):
        return "HTTP's and WebSocket's senders feel it, too: it stops the server for a while."
    return None


def through_the_partition(runs: Runs) -> Missing:
    """The challenge of 06: all stored over HTTP, none sent twice, through a network partition."""
    if runs.protocols != ["http"]:
        return "The run is to go over HTTP."
    if missing := too_few(runs, RECORDS):
        return missing
    partition = str(Network(Partition()))
    if not any(fault.label == partition for info in runs.runs for fault in info.faults):
        return "In this run the network was not partitioned."
    return reached(runs, attempts=1)


CHECKS: dict[str, Check] = {
    "06.1": who_tries_again,
    "06.2": longest_gap,
    "06.3": only_kafka_waits,
    "06.challenge": through_the_partition,
}
