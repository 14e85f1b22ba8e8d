"""The exercises of notebook 09.

Each function takes an answer and returns None when it is right, or a sentence that says what is
missing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from empkit.course.advice import Advice, in_words
from empkit.course.exercises.answers import Check, Missing, of_function
from empkit.results.runs import Runs


def only_kafka_fits(answer: Any) -> Missing:
    """09.1: needs that Kafka alone meets."""
    if not isinstance(answer, Advice):
        return "Give what advise(...) returns."
    if "kafka" not in answer.recommended:
        return "Kafka does not meet these needs."
    others = [name for name in answer.recommended if name != "kafka"]
    return f"These meet them, too: {', '.join(others)}." if others else None


SHOWN = {in_words("send_while_server_away"), in_words("know_stored")}
"""The pair of needs that the notebook shows."""


def nothing_fits(answer: Any) -> Missing:
    """09.2: two needs that no protocol meets together."""
    if not isinstance(answer, Advice):
        return "Give what advise(...) returns."
    if len(answer.met) != 2:
        return f"Exactly two needs are wanted; these are {len(answer.met)}."
    if not answer.met.any(axis=1).all():
        return "Each need by itself should be met by some protocol."
    if answer.recommended:
        return f"Both are met by: {', '.join(answer.recommended)}."
    if set(answer.met.index) == SHOWN:
        return "That is the pair from above: find another."
    return None


@of_function
def share_acked_first(answer: Any) -> Missing:
    """09.3: a function from timings to the share of stored records that were acked before."""
    stamps = {"acked_ns": [5, 1, 9, None, 4], "stored_ns": [3, 2, None, 4, 8]}
    timings = pd.DataFrame({name: pd.array(values, "Int64") for name, values in stamps.items()})
    plain = float(answer(timings.iloc[:2]))
    share = float(answer(timings))
    if np.isclose(plain, 50) or np.isclose(share, 200 / 3):
        return "A share is wanted, from 0 to 1."
    if not np.isclose(plain, 0.5):
        return f"Of two records, one acked before it was stored, it says {plain:g}."
    if not np.isclose(share, 2 / 3):
        return "Only records that have both stamps can be counted."
    return None


RATE_TO_REACH = 300.0
P99_TO_REACH_MS = 1_000.0


def fast_enough(runs: Runs) -> Missing:
    """The challenge of 09: `RATE_TO_REACH` records stored per second, acked in time, none lost."""
    summary = runs.summary()
    if "kafka" in runs.protocols or any(info.through_kafka for info in runs.runs):
        return "Over Kafka no sender is told of a refusal: choose a protocol that tells."
    if runs.broken or (runs.timings["verdict"] != "stored").any():
        return "Not every record is acked and stored."
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
