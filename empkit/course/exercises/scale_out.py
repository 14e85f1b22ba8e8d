"""The exercises of notebook 08.

Each function takes an answer and returns None when it is right, or a sentence that says what is
missing.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from empkit.course.exercises.answers import Check, Missing, of_function, reached, too_few
from empkit.faults.broker import LeaderMove
from empkit.faults.server import ServerCrash
from empkit.results.runs import Runs

RECORDS = 300


def idle_consumers(answer: Any) -> Missing:
    """08.1: how many of ten consumers have nothing to do with eight partitions."""
    if not isinstance(answer, int):
        return "Give a whole number."
    if answer == 2:
        return None
    return "A partition belongs to one member of the group at a time: how many can have one?"


@of_function
def stable_partition(answer: Any) -> Missing:
    """08.2: a function from a key and a number of partitions to the key's partition."""
    keys = [f"E{number}" for number in range(400)]
    first, again, of_five = ([answer(key, count) for key in keys] for count in (8, 8, 5))
    for count, partitions in ((8, first), (5, of_five)):
        if any(not isinstance(number, int) or not 0 <= number < count for number in partitions):
            last = count - 1
            return f"Of {count} partitions the numbers are 0 to {last}: the count is an argument."
    if first != again:
        return "The same key must go to the same partition, each time."
    if "hash" in getattr(getattr(answer, "__code__", None), "co_names", ()):
        return "hash() of a text is another in each process: two producers would not agree."
    counts = pd.Series(first).value_counts()
    if len(counts) < 8 or counts.max() > 100:
        return "It spreads the keys badly: one partition gets far more than the others."
    return None


def through_two_faults(runs: Runs) -> Missing:
    """The challenge of 08: a server crash and a leader move in one run, nothing lost."""
    if runs.protocols != ["kafka"]:
        return "The run is to go over Kafka alone."
    if missing := too_few(runs, RECORDS):
        return missing
    labels = [fault.label for info in runs.runs for fault in info.faults]
    for fault in (ServerCrash, LeaderMove):
        if not any(label.startswith(fault.name) for label in labels):
            return f"A fault is missing: {fault.name}."
    return reached(runs)


CHECKS: dict[str, Check] = {
    "08.1": idle_consumers,
    "08.2": stable_partition,
    "08.challenge": through_two_faults,
}
