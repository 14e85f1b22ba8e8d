"""The exercises of notebook 03.

Each function takes an answer and returns None when it is right, or a sentence that says what is
missing.
"""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from empkit.course.exercises.answers import Check, Missing, of_function

ACKS = {"debug line": "0", "click": "1", "order": "all"}
PARTITIONS_TO_REACH = 4
CHANGES = 100


def whose_ack(answer: Any) -> Missing:
    """03.1: the acks for three kinds of record."""
    if not isinstance(answer, dict) or set(answer) != set(ACKS):
        return f"Give a dictionary with the keys {', '.join(map(repr, ACKS))}."
    if not set(map(str, answer.values())) <= {"0", "1", "all"}:
        return "acks is '0', '1' or 'all'."
    right = sum(str(answer[kind]) == acks for kind, acks in ACKS.items())
    return None if right == len(ACKS) else f"{right} of {len(ACKS)} are right."


@of_function
def sums_the_lag(answer: Any) -> Missing:
    """03.2: a function from ends and committed offsets to the lag."""
    simple = answer({0: 10, 1: 7}, {0: 4, 1: 7})
    if simple != 6:
        return f"Ends of 10 and 7 and offsets of 4 and 7 are a lag of 6; it says {simple}."
    if answer({0: 10, 1: 7}, {0: 10}) != 7:
        return "In a partition without a committed offset every record is still to be read."
    return None


@of_function
def counts_acked_and_not_stored(answer: Any) -> Missing:
    """03.3: a function from timings and a moment to the records on their way to the store."""
    stamps = {"acked_ns": [10, 20, 30, None, 15, 90], "stored_ns": [50, 25, 60, 28, None, 95]}
    timings = pd.DataFrame({name: pd.array(values, "Int64") for name, values in stamps.items()})
    count = int(answer(timings, 40))
    if count == 3:
        return None
    if int(answer(timings.dropna(), 40)) == count == 2:
        return "One record was acked and has no stamp of the store at all: it is on its way, too."
    return f"At the moment 40 three records of six are acked and not stored; it says {count}."


def keeps_the_order(log: pd.DataFrame) -> Missing:
    """The challenge of 03: spread over partitions, and each employee's changes in order."""
    changes = log.assign(change=[json.loads(value) for value in log["value"]])
    changes["employee"] = [change["employee_id"] for change in changes["change"]]
    changes["number"] = [int(change["position"]) for change in changes["change"]]
    if len(changes) != CHANGES:
        return f"{CHANGES} changes are wanted; the log got {len(changes)}."
    if (changes.groupby("employee")["partition"].nunique() > 1).any():
        return "The changes of one employee lie in several partitions: no reader sees their order."
    if (
        not changes.groupby("employee")["number"]
        .apply(lambda numbers: numbers.is_monotonic_increasing)
        .all()
    ):
        return "The changes of one employee are not in their order."
    used = changes["partition"].nunique()
    if used < PARTITIONS_TO_REACH:
        return f"In order, but only {used} partition(s) used: the work cannot be shared."
    return None


CHECKS: dict[str, Check] = {
    "03.1": whose_ack,
    "03.2": sums_the_lag,
    "03.3": counts_acked_and_not_stored,
    "03.challenge": keeps_the_order,
}
"""The checkers by the number of their exercise."""
