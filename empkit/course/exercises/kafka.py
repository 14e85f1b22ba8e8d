"""The exercises of notebook 03.

Each checker takes an answer and returns None when it is right, or a sentence that says what is
missing.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from empkit.course.exercises.answers import Check, Missing, choices, kind, plain, whole
from empkit.course.exercises.functions import Case, Mistake, equal, held_against
from empkit.course.exercises.tables import RANDOM_TABLES, Recipe, runs_in_words, small

ACKS = {"debug line": "0", "click": "1", "order": "all"}
PARTITIONS_TO_REACH = 4
EMPLOYEES = 10
CHANGES_EACH = 10


def whose_ack(answer: Any) -> Missing:
    """03.1: the acks for three kinds of record."""
    if isinstance(answer, dict):  # Kafka's own name for `all` is -1
        answer = {key: "all" if str(plain(acks)) == "-1" else acks for key, acks in answer.items()}
    reasons = {
        "debug line": "Any ack is something to wait for; may a debug line slow anything down?",
        "click": "A click may get lost, but only when a broker fails.",
        "order": "An order must not get lost even when the broker that acked it fails.",
    }
    return choices(answer, ACKS, reasons)


@cache
def _offsets() -> tuple[Case, ...]:
    random = np.random.default_rng(19)
    cases = [
        Case("ends of 10 and 7, and offsets of 4 and 7", ({0: 10, 1: 7}, {0: 4, 1: 7})),
        Case("ends of 10 and 7, and no commit in partition 1", ({0: 10, 1: 7}, {0: 10})),
        Case("offsets in another order than the ends", ({0: 10, 1: 7}, {1: 6, 0: 2})),
        Case("a group that has committed nothing", ({0: 3, 5: 4}, {})),
        Case("a topic without partitions", ({}, {})),
    ]
    for _ in range(RANDOM_TABLES):
        partitions = random.permutation(20)[: int(random.integers(1, 12))].tolist()
        ends = {partition: int(random.integers(0, 500)) for partition in partitions}
        seen = [each for each in random.permutation(partitions).tolist() if random.random() < 0.7]
        committed = {partition: int(random.integers(0, ends[partition] + 1)) for partition in seen}
        cases.append(Case("ends and offsets that are not shown here", (ends, committed)))
    return tuple(cases)


def _total_lag(ends: dict[int, int], committed: dict[int, int]) -> int:
    total = 0
    for partition, end in ends.items():
        total += end
        if partition in committed:
            total -= committed[partition]
    return total


def _lags(ends: dict[int, int], committed: dict[int, int]) -> list[int]:
    return [end - committed.get(partition, 0) for partition, end in ends.items()]


sums_the_lag = held_against(
    _total_lag,
    _offsets,
    [
        Mistake(
            lambda ends, committed: sum(ends[each] - done for each, done in committed.items()),
            "In a partition without a committed offset every record is still to be read.",
        ),
        Mistake(
            lambda ends, committed: max(_lags(ends, committed)),
            "This is the largest lag of a partition; their sum is wanted.",
        ),
        Mistake(
            lambda ends, committed: sum(ends.values()),
            "This is how many records the log has; some of them have been read.",
        ),
        Mistake(
            lambda ends, committed: sum(_lags(ends, committed)) / len(ends),
            "This is the mean of the lags; their sum is wanted.",
        ),
        Mistake(
            lambda ends, committed: sum(
                end - done for end, done in zip(ends.values(), committed.values(), strict=False)
            ),
            "An offset belongs to its partition: the two dictionaries need not have the same "
            "partitions, nor the same order.",
        ),
        Mistake(
            lambda ends, committed: -sum(_lags(ends, committed)),
            "A lag is not negative: it is how far the group is behind the end.",
        ),
    ],
    whole,
    alike=equal,
)
"""03.2: a function from ends and committed offsets to the lag."""


@cache
def _moments() -> tuple[Case, ...]:
    random = np.random.default_rng(20)
    shown = small(
        sent_ns=[5, 6, 7, 8, 9, 80],
        acked_ns=[10, 20, 30, None, 15, 90],
        stored_ns=[50, 25, 60, 28, None, 95],
    )
    cases = [Case("the moment 40, at which three of six records are on their way", (shown, 40))]
    recipe = Recipe("kafka", gap_ms=2.0, unstored=0.3, unacked=0.3, shuffled=True, tied=0.2)
    for words, frame in runs_in_words(recipe):
        stamps = pd.concat([frame[name] for name in ("sent_ns", "acked_ns", "stored_ns")]).dropna()
        # between two stamps: which side a stamp of the moment itself is on is not asked
        moments = np.setdiff1d(stamps.to_numpy("int64") + 1, stamps.to_numpy("int64"))
        moment = int(random.choice(moments)) if len(moments) else 40
        cases.append(Case(f"{words}, and a moment", (frame, moment)))
    last = cases[-1].arguments[0]
    cases.append(Case("a moment after everything", (last, int(last["acked_ns"].max()) + 10**12)))
    return tuple(cases)


def _on_their_way(timings: pd.DataFrame, moment: int) -> int:
    count = 0
    for acked, stored in zip(timings["acked_ns"], timings["stored_ns"], strict=True):
        is_acked = acked is not pd.NA and acked <= moment
        is_stored = stored is not pd.NA and stored <= moment
        count += is_acked and not is_stored
    return count


def _by(timings: pd.DataFrame, stamp: str, moment: int) -> Any:
    return (timings[stamp] <= moment).fillna(False)


UNSTORED_COUNTS = "A record that was acked and has no stamp of the store is on its way, too."
UNACKED_COUNT_NOT = "A record that is not stored is on its way only if its sender has been acked."

counts_acked_and_not_stored = held_against(
    _on_their_way,
    _moments,
    [
        Mistake(
            lambda timings, moment: _by(timings, "acked_ns", moment).sum(),
            "Some of these are stored by then.",
        ),
        Mistake(lambda timings, moment: (timings["stored_ns"] > moment).sum(), UNACKED_COUNT_NOT),
        Mistake(
            lambda timings, moment: (~_by(timings, "stored_ns", moment)).sum(), UNACKED_COUNT_NOT
        ),
        Mistake(
            lambda timings, moment: (
                _by(timings, "sent_ns", moment) & ~_by(timings, "stored_ns", moment)
            ).sum(),
            "A record that was sent is not acked yet.",
        ),
        Mistake(
            lambda timings, moment: (
                _by(timings, "sent_ns", moment) & (timings["stored_ns"] > moment).fillna(False)
            ).sum(),
            "A record that was sent is not acked yet.",
        ),
        Mistake(
            lambda timings, moment: (
                _by(timings, "acked_ns", moment) & (timings["stored_ns"] > moment).fillna(False)
            ).sum(),
            UNSTORED_COUNTS,
        ),
        Mistake(lambda timings, moment: _on_their_way(timings.dropna(), moment), UNSTORED_COUNTS),
        Mistake(
            lambda timings, moment: _on_their_way(timings, moment) / len(timings),
            "How many is wanted, not what share.",
        ),
        Mistake(
            lambda timings, moment: (timings["acked_ns"] < timings["stored_ns"]).sum(),
            "At another moment these may be others: what do the stamps say about this one?",
        ),
        Mistake(
            lambda timings, moment: (
                _by(timings, "stored_ns", moment) & ~_by(timings, "acked_ns", moment)
            ).sum(),
            "These are stored and not acked; the others are wanted.",
        ),
    ],
    whole,
    alike=equal,
)
"""03.3: a function from timings and a moment to the records on their way to the store."""


def keeps_the_order(log: Any) -> Missing:
    """The challenge of 03: spread over partitions, and each employee's changes in order."""
    if not isinstance(log, pd.DataFrame) or not {"value", "partition"} <= set(log.columns):
        return f"Give the table that `append` returns; this is {kind(log)}"
    try:
        changes = [json.loads(value) for value in log["value"]]
        employees = [change["employee_id"] for change in changes]
        numbers = [int(change["position"]) for change in changes]
    except (ValueError, TypeError, KeyError):
        return (
            "Some of these are not the changes of the list: each has an employee_id and a number."
        )
    found = pd.DataFrame({"employee": employees, "number": numbers})
    found["partition"] = log["partition"].to_numpy()
    wanted = EMPLOYEES * CHANGES_EACH
    if len(found) != wanted:
        return f"{wanted} changes are wanted; the log got {len(found)}."
    of_each = found.groupby("employee")["number"].apply(list)
    if any(sorted(each) != list(range(CHANGES_EACH)) for each in of_each):
        return f"Each of {EMPLOYEES} employees has {CHANGES_EACH} changes; some are not here."
    if (found.groupby("employee")["partition"].nunique() > 1).any():
        return "The changes of one employee lie in several partitions: no reader sees their order."
    if any(each != sorted(each) for each in of_each):
        return "The changes of one employee are not in their order."
    used = found["partition"].nunique()
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
