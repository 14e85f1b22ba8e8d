"""The exercises of notebook 00.

Each function takes an answer and returns None when it is right, or a sentence that says what is
missing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from empkit.course.exercises.answers import Check, Missing, as_set, of_function
from empkit.results.runs import Runs

RECORDS = 20
UNFIT = 5


def acked_is_stored(answer: Any) -> Missing:
    """00.1: the protocols whose ack says that the record is in the database."""
    given = as_set(answer)
    if given is None:
        return 'Give a set of names, such as {"http"}.'
    if given - {"http", "websocket", "kafka"}:
        return "The names are those of lab.protocols."
    if "kafka" in given:
        return "One of these acks comes from somebody who knows nothing of the database."
    return None if given == {"http", "websocket"} else "There is one more: who stores, and answers?"


@of_function
def until_stored_ms(answer: Any) -> Missing:
    """00.2: a function from timings to the median of the time from sent to stored."""
    stamps = {
        "sent_ns": [0, 4_000_000, 5_000_000],
        "received_ns": [1_000_000, 5_000_000, 6_000_000],
        "stored_ns": [2_000_000, 9_000_000, 6_500_000],
        "acked_ns": [3_000_000, 9_500_000, 6_700_000],
    }
    timings = pd.DataFrame({name: pd.array(values) for name, values in stamps.items()})
    median = float(answer(timings))
    if np.isclose(median, 2):
        return None
    if np.isclose(median, 2_000_000) or np.isclose(median, 0.002):
        return "Right, but in milliseconds: the stamps are in nanoseconds."
    if np.isclose(median, 2.5) or np.isclose(median, 2_500_000):
        return "A median of differences is wanted; this is a difference of medians."
    return f"Of three records that took 2, 5 and 1.5 ms it says {median:g}."


def some_unfit(runs: Runs) -> Missing:
    """The challenge of 00: the same invalid records, refused over HTTP and dead-lettered."""
    verdicts = runs.verdicts()
    for protocol, wanted in (("http", "refused"), ("kafka", "dead_lettered")):
        if protocol not in verdicts.index:
            return f"A run over {protocol} is wanted, too."
        row = verdicts.loc[protocol]
        if row["offered"] != RECORDS:
            return f"{RECORDS} records are wanted over each protocol."
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
