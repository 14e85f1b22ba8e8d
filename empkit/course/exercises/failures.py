"""The exercises of notebook 06.

Each checker takes an answer and returns None when it is right, or a sentence that says what is
missing.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import pandas as pd

from empkit.course.exercises.answers import Check, Missing, as_set, kind, of_kind
from empkit.course.exercises.functions import NOTHING, Case, Mistake, held_against
from empkit.course.exercises.measured import (
    DEFAULTS,
    longest_wait_s,
    not_all_stored,
    not_once,
    of_runs,
    too_few,
    too_short,
)
from empkit.course.exercises.tables import Recipe, of_timings, small, stamps_of
from empkit.experiment.guarantees import Guarantees
from empkit.experiment.workload import Workload
from empkit.faults.broker import BrokerErrors, LostAcks, RetentionOverrun
from empkit.faults.timeline import At
from empkit.proxy import Partition
from empkit.results.runs import Runs
from empkit.rig.control import LabError

if TYPE_CHECKING:
    from empkit.lab import Lab

RECORDS = 240
SILENCE_S = 4.0
LAST_DUE_S = 1.2
"""When the last record of the notebook's workload is due."""
SHORTEST_S = 0.05
"""How long a fault lasts at least, so that records are sent meanwhile: here ten."""
TRIED_S = 1.0
"""How long a fault lasts at most when it is tried on a lab."""
S = 1_000_000_000


@of_kind
def who_tries_again(answer: Any) -> Missing:
    """06.1: the protocols whose senders had to try again when the server crashed."""
    given = as_set(answer, "{'http', 'kafka'}")
    unknown = given - {"http", "websocket", "kafka"}
    if unknown:
        return f"{sorted(map(str, unknown))} are not protocols of this lab."
    if "kafka" in given:
        return "One of these talks to a part that did not crash."
    if given != {"http", "websocket"}:
        return "A protocol is missing: look at the column attempts_max of crash.recovery()."
    return None


def _longest_gap(timings: pd.DataFrame) -> Any:
    moments = sorted(stored for (stored,) in stamps_of(timings, "stored_ns"))
    gaps = [later - first for first, later in itertools.pairwise(moments)]
    return max(gaps) / S if gaps else NOTHING


@cache
def _runs() -> tuple[Case, ...]:
    tidy = small(stored_ns=[1 * S, 3 * S])
    untidy = small(stored_ns=[9 * S, None, 1 * S, 2_500_000_000, None])
    return of_timings(
        Recipe(gap_ms=200.0, unstored=0.3, unacked=0.3, shuffled=True, tied=0.3),
        Case("two records stored 2 s apart", (tidy,)),
        Case("records out of order, of which two have no stamp", (untidy,)),
    )


def _stored(timings: pd.DataFrame) -> Any:
    return timings["stored_ns"].dropna().sort_values()


longest_gap = held_against(
    _longest_gap,
    _runs,
    [
        Mistake(
            lambda timings: _stored(timings).diff().max(),
            "The stamps are in nanoseconds, the answer is wanted in seconds.",
        ),
        Mistake(
            lambda timings: timings["stored_ns"].diff().max(),
            "Records may lie out of order; and the stamps are in nanoseconds, the answer is wanted "
            "in seconds.",
        ),
        Mistake(
            lambda timings: _stored(timings).diff().max() / 1e6,
            "These are milliseconds, the answer is wanted in seconds.",
        ),
        Mistake(
            lambda timings: timings["stored_ns"].diff().max() / 1e9,
            "Records may lie out of order, and some have no stamp at all: between what and what is "
            "a gap then?",
        ),
        Mistake(
            lambda timings: timings["stored_ns"].dropna().diff().max() / 1e9,
            "Records may lie in another order than that in which they were stored.",
        ),
        Mistake(
            lambda timings: timings["stored_ns"].diff().abs().max() / 1e9,
            "Records may lie in another order than that in which they were stored.",
        ),
        Mistake(
            lambda timings: (_stored(timings).max() - _stored(timings).min()) / 1e9,
            "This is the time from the first to the last; others were stored between them.",
        ),
        Mistake(
            lambda timings: _stored(timings).diff().mean() / 1e9,
            "The longest time is wanted; this is the mean.",
        ),
        Mistake(
            lambda timings: _stored(timings).diff().median() / 1e9,
            "The longest time is wanted; this is the median.",
        ),
        Mistake(
            lambda timings: timings["acked_ns"].dropna().sort_values().diff().max() / 1e9,
            "Between two *stored* records: these are the acks.",
        ),
        Mistake(
            lambda timings: (timings["stored_ns"] - timings["sent_ns"]).max() / 1e9,
            "This is how long one record took; the time between two stored records is wanted.",
        ),
        Mistake(
            lambda timings: _stored(timings.dropna()).diff().max() / 1e9,
            "A record that was stored counts, also when its sender got no ack.",
        ),
    ],
)
"""06.2: a function from timings to the longest time without a stored record, in seconds."""


@dataclass(frozen=True)
class _Lab:
    """The lab of the notebook, as faults ask about it (`empkit.faults.base.Plan`)."""

    protocols = ("http", "websocket", "kafka")
    kafka = True
    broker: str = "embedded"
    brokers: int = 1
    consumers: int = 1
    server = None
    database = None
    open_loop = True


AT_ONCE = (BrokerErrors, LostAcks)
"""The faults of the broker that need no end: they strike the next requests."""

FELT_BY_OTHERS = {
    "server": "HTTP's and WebSocket's senders feel it, too: it breaks the server.",
    "database": "HTTP's and WebSocket's senders feel it, too: they wait until a record is stored.",
    "network": "HTTP's and WebSocket's senders feel it, too: it is between them and the server.",
    "client": "It breaks the senders themselves, of every protocol.",
    "load": "It changes what all senders are to send, whatever the protocol.",
}


def only_kafka_waits(answer: Any, lab: Lab | None = None) -> Missing:
    """06.3: a fault that only Kafka's senders feel; it is tried on the lab, if one is given."""
    if isinstance(answer, list | tuple) and len(answer) == 1:
        (answer,) = answer
    if not isinstance(answer, At):
        return f"Give one fault with its times: At(0.4, ..., until=0.9); this is {kind(answer)}"
    fault = answer.fault
    if reason := fault.hindrance(_Lab() if lab is None else _of(lab)):
        return f"It cannot strike in this lab: {reason.partition(';')[0]}."
    if fault.part in FELT_BY_OTHERS:
        return FELT_BY_OTHERS[fault.part]
    if isinstance(fault, RetentionOverrun):
        return "HTTP's and WebSocket's senders feel it, too: it stops the server for a while."
    if answer.at_s >= LAST_DUE_S:
        return f"After {LAST_DUE_S:g} s every record has been sent: let it begin before."
    if not isinstance(fault, AT_ONCE):
        if answer.until is None:
            return "The fault never ends: give it an `until`."
        if answer.until - answer.at_s < SHORTEST_S:
            return f"It lasts less than {SHORTEST_S:g} s: hardly a record is sent meanwhile."
    return None if lab is None else _tried(answer, lab)


def _of(lab: Lab) -> _Lab:
    addresses = (lab.bootstrap_servers or "").split(",")
    return _Lab(lab.broker_name or "none", len(addresses), 1 + len(lab.consumers))


def _tried(event: At, lab: Lab) -> Missing:
    """Return what comes of a short run over Kafka with the fault, if it is not what is wanted."""
    workload = Workload(records=RECORDS, rate=RECORDS / LAST_DUE_S, warm_up=20)
    soon = Guarantees(attempt_timeout_s=1.0, deadline_s=3.0)  # whatever the fault, it ends soon
    if event.until is not None:
        event = replace(event, until=min(event.until, event.at_s + TRIED_S))
    try:
        (runs,) = lab.cross(["kafka"], workload, [soon], faults=[event], progress=lambda *_: None)
    except LabError as error:
        return f"It was tried, and cannot strike in this lab: {error}"
    (span,) = runs.runs[0].faults
    if span.struck == 0 or span.missed:
        return "It was tried, and struck nothing: is anything sent while it lasts?"
    return None


@of_runs
def through_the_partition(runs: Runs) -> Missing:
    """The challenge of 06: all stored over HTTP, none sent twice, through a long partition."""
    if runs.protocols != ["http"]:
        return "The run is to go over HTTP alone."
    if missing := too_few(runs, RECORDS):
        return missing
    if missing := too_short(runs, Partition.kind, SILENCE_S, "the network's partition"):
        return missing
    if missing := not_all_stored(runs) or not_once(runs):
        return missing
    if longest_wait_s(runs) <= DEFAULTS.attempt_timeout_s:
        return "Everything is stored, but no record had to wait: was any sent while it was silent?"
    return None


TRIED = {"06.3": only_kafka_waits}
"""The checkers that try an answer on a lab, by the number of their exercise."""

CHECKS: dict[str, Check] = {
    "06.1": who_tries_again,
    "06.2": longest_gap,
    "06.3": only_kafka_waits,
    "06.challenge": through_the_partition,
}
"""The checkers by the number of their exercise."""
