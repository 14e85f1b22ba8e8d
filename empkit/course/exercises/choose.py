"""The exercises of notebook 09.

Each checker takes an answer and returns None when it is right, or a sentence that says what is
missing.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import pandas as pd

from empkit.course.advice import Advice, in_words
from empkit.course.exercises.answers import Check, Missing, kind
from empkit.course.exercises.functions import NOTHING, Case, Mistake, held_against
from empkit.course.exercises.measured import not_all_stored, of_runs
from empkit.course.exercises.tables import Recipe, of_timings, small, stamps_of
from empkit.results.runs import Runs


def only_kafka_fits(answer: Any) -> Missing:
    """09.1: needs that Kafka alone meets."""
    if not isinstance(answer, Advice):
        return f"Give what advise(...) returns; this is {kind(answer)}"
    if answer.met.empty:
        return "No need is stated."
    if "kafka" not in answer.recommended:
        return "Kafka does not meet these needs."
    others = [name for name in answer.recommended if name != "kafka"]
    return f"These meet them, too: {', '.join(others)}." if others else None


SHOWN = {in_words("send_while_server_away"), in_words("know_stored")}
"""The pair of needs that the notebook shows."""


def nothing_fits(answer: Any) -> Missing:
    """09.2: two needs that no protocol meets together."""
    if not isinstance(answer, Advice):
        return f"Give what advise(...) returns; this is {kind(answer)}"
    if len(answer.met) != 2:
        return f"Exactly two needs are wanted; these are {len(answer.met)}."
    if not answer.met.any(axis=1).all():
        return "Each need by itself should be met by some protocol."
    if answer.recommended:
        return f"Both are met by: {', '.join(answer.recommended)}."
    if set(answer.met.index) == SHOWN:
        return "That is the pair from above: find another."
    return None


def _share_acked_first(timings: pd.DataFrame) -> Any:
    first = [acked < stored for acked, stored in stamps_of(timings, "acked_ns", "stored_ns")]
    return sum(first) / len(first) if first else NOTHING


@cache
def _runs() -> tuple[Case, ...]:
    two = small(acked_ns=[5, 1], stored_ns=[3, 2])
    five = small(acked_ns=[5, 1, 9, None, 4], stored_ns=[3, 2, None, 4, 8])
    tie = small(acked_ns=[5, 7, 9, 1], stored_ns=[5, 7, 10, 0])
    return of_timings(
        Recipe("kafka", unstored=0.3, unacked=0.3, shuffled=True, tied=0.2),
        Case("two records, one acked before it was stored", (two,)),
        Case("five records, of which one has no ack and one no stamp of the store", (five,)),
        Case("four records, of which two have the same stamp for both", (tie,)),
    )


def _first(timings: pd.DataFrame) -> Any:
    return (timings["acked_ns"] < timings["stored_ns"]).fillna(False)


def _both(timings: pd.DataFrame) -> pd.DataFrame:
    return timings.dropna(subset=["acked_ns", "stored_ns"])


share_acked_first = held_against(
    _share_acked_first,
    _runs,
    [
        Mistake(
            lambda timings: 100 * _first(_both(timings)).mean(), "A share is wanted, from 0 to 1."
        ),
        Mistake(lambda timings: _first(timings).sum(), "A share is wanted; this is a number."),
        Mistake(
            lambda timings: _first(timings).sum() / len(timings),
            "Only records that have both stamps can be counted.",
        ),
        Mistake(
            lambda timings: _first(timings).sum() / timings["stored_ns"].notna().sum(),
            "Only records that have both stamps can be counted: some were stored and never acked.",
        ),
        Mistake(
            lambda timings: _first(timings).sum() / timings["acked_ns"].notna().sum(),
            "Only records that have both stamps can be counted: some were acked and never stored.",
        ),
        Mistake(
            lambda timings: (_both(timings)["acked_ns"] > _both(timings)["stored_ns"]).mean(),
            "This is the share of those that were stored first.",
        ),
        Mistake(
            lambda timings: (_both(timings)["acked_ns"] <= _both(timings)["stored_ns"]).mean(),
            "Where both stamps are the same, the ack did not come first.",
        ),
    ],
)
"""09.3: a function from timings to the share of stored records that were acked before."""


RATE_TO_REACH = 300.0
P99_TO_REACH_MS = 1_000.0


@of_runs
def fast_enough(runs: Runs) -> Missing:
    """The challenge of 09: `RATE_TO_REACH` records offered and stored per second, acked in time."""
    summary = runs.summary()
    if "kafka" in runs.protocols or any(info.through_kafka for info in runs.runs):
        return "Over Kafka no sender is told of a refusal: choose a protocol that tells."
    if missing := not_all_stored(runs):
        return missing
    if any(info.workload.get("rate") is None for info in runs.runs):
        return (
            "In a closed loop the system sets the pace: give the workload the rate at which the "
            "records are to be offered."
        )
    if not (summary["records_per_s"] >= RATE_TO_REACH).all():
        return f"Fewer than {RATE_TO_REACH:g} records per second are stored."
    if not (summary["ack_p99_ms"] <= P99_TO_REACH_MS).all():
        return f"The p99 of the ack is above {P99_TO_REACH_MS:g} ms, or there are too few records."
    return None


CHECKS: dict[str, Check] = {
    "09.1": only_kafka_fits,
    "09.2": nothing_fits,
    "09.3": share_acked_first,
    "09.challenge": fast_enough,
}
"""The checkers by the number of their exercise."""
