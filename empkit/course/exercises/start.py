"""The exercises of notebook 00.

Each checker takes an answer and returns None when it is right, or a sentence that says what is
missing.
"""

from __future__ import annotations

import statistics
from functools import cache
from typing import Any

import pandas as pd

from empkit.course.exercises.answers import Check, Missing, as_set, of_kind
from empkit.course.exercises.functions import NOTHING, Case, Mistake, held_against
from empkit.course.exercises.measured import of_runs
from empkit.course.exercises.tables import MS, Recipe, of_timings, small, stamps_of
from empkit.results.runs import Runs

RECORDS = 20
UNFIT = 5


@of_kind
def acked_is_stored(answer: Any) -> Missing:
    """00.1: the protocols whose ack says that the record is in the database."""
    given = as_set(answer, '{"http"}')
    if given - {"http", "websocket", "kafka"}:
        return "The names are those of lab.protocols."
    if "kafka" in given:
        return "One of these acks comes from somebody who knows nothing of the database."
    return None if given == {"http", "websocket"} else "There is one more: who stores, and answers?"


def _until_stored_ms(timings: pd.DataFrame) -> Any:
    took = [stored - sent for sent, stored in stamps_of(timings, "sent_ns", "stored_ns")]
    return statistics.median(took) / MS if took else NOTHING


@cache
def _runs() -> tuple[Case, ...]:
    shown = small(
        sent_ns=[0, 4 * MS, 5 * MS],
        received_ns=[MS, 5 * MS, 6 * MS],
        stored_ns=[2 * MS, 9 * MS, 6_500_000],
        acked_ns=[3 * MS, 9_500_000, 6_700_000],
    )
    return of_timings(
        Recipe("kafka", unstored=0.2, unacked=0.3, shuffled=True, tied=0.3),
        Case("three records that took 2, 5 and 1.5 ms", (shown,)),
    )


def _from(timings: pd.DataFrame, first: str, last: str) -> Any:
    return timings[f"{last}_ns"] - timings[f"{first}_ns"]


until_stored_ms = held_against(
    _until_stored_ms,
    _runs,
    [
        Mistake(
            lambda timings: _from(timings, "sent", "stored").median(),
            "Right, but in milliseconds: the stamps are in nanoseconds.",
        ),
        Mistake(
            lambda timings: _from(timings, "sent", "stored").median() / 1e9,
            "Right, but in milliseconds: these are seconds.",
        ),
        Mistake(
            lambda timings: _from(timings, "sent", "stored").median() / 1e3,
            "Right, but in milliseconds: these are microseconds.",
        ),
        Mistake(
            lambda timings: (timings["stored_ns"].median() - timings["sent_ns"].median()) / 1e6,
            "A median of differences is wanted; this is a difference of medians.",
        ),
        Mistake(
            lambda timings: timings["stored_ns"].median() - timings["sent_ns"].median(),
            "A median of differences is wanted, in milliseconds; this is a difference of medians.",
        ),
        Mistake(
            lambda timings: _from(timings, "sent", "stored").mean() / 1e6,
            "A median is wanted; this is a mean.",
        ),
        Mistake(
            lambda timings: _from(timings, "intended", "stored").median() / 1e6,
            "It is to count from when a record was sent, not from when that was intended.",
        ),
        Mistake(
            lambda timings: _from(timings, "received", "stored").median() / 1e6,
            "It is to count from when a record was sent, not from when it was received.",
        ),
        Mistake(
            lambda timings: _from(timings, "sent", "acked").median() / 1e6,
            "It is to count until a record is stored, not until its sender is told something.",
        ),
        Mistake(
            lambda timings: _from(timings.dropna(), "sent", "stored").median() / 1e6,
            "A record that was stored counts, also when its sender got no ack.",
        ),
    ],
)
"""00.2: a function from timings to the median of the time from sent to stored."""


@of_runs
def some_unfit(runs: Runs) -> Missing:
    """The challenge of 00: the same invalid records, refused over HTTP and dead-lettered."""
    verdicts = runs.verdicts()
    for protocol, wanted in (("http", "refused"), ("kafka", "dead_lettered")):
        if protocol not in verdicts.index:
            return f"A run over {protocol} is wanted, too."
        row = verdicts.loc[protocol]
        if row["offered"] != RECORDS:
            return f"{RECORDS} records are wanted over each protocol; these are {row['offered']}."
        if row[wanted] != UNFIT:
            return f"Over {protocol} {row[wanted]} are {wanted}; {UNFIT} are wanted."
        if row["stored"] != RECORDS - UNFIT:
            return f"Over {protocol} the rest is not stored."
    return None


CHECKS: dict[str, Check] = {
    "00.1": acked_is_stored,
    "00.2": until_stored_ms,
    "00.challenge": some_unfit,
}
"""The checkers by the number of their exercise."""
