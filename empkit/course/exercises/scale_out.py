"""The exercises of notebook 08.

Each checker takes an answer and returns None when it is right, or a sentence that says what is
missing.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Any

import numpy as np

from empkit.course.elsewhere import ElsewhereError, results_elsewhere
from empkit.course.exercises.answers import Check, Missing, of_kind, whole
from empkit.course.exercises.functions import call, cannot_take, in_words
from empkit.course.exercises.measured import not_all_stored, of_runs, strikes, too_few
from empkit.faults.broker import LeaderMove
from empkit.faults.server import ServerCrash
from empkit.results.runs import Runs

RECORDS = 300


@of_kind
def idle_consumers(answer: Any) -> Missing:
    """08.1: how many of ten consumers have nothing to do with eight partitions."""
    idle = whole(answer)
    if idle == 2:
        return None
    if idle == 8:
        return "That many have a partition; how many have none?"
    return "A partition belongs to one member of the group at a time: how many can have one?"


COUNTS = (8, 5, 16)
"""How many partitions the keys are spread over."""
KEYS_OF_A_KIND = 400
MOST_OF_MEAN = 2.0
"""How many times the mean the fullest partition may have."""
ASKED_ELSEWHERE = ASKED_AGAIN = 50


@cache
def _keys() -> dict[str, list[str]]:
    """Return keys of several kinds, with what they are in words."""
    random = np.random.default_rng(19)
    letters = list("abcdefghijklmnopqrstuvwxyz-0123456789é")
    lengths = random.integers(1, 24, KEYS_OF_A_KIND)
    return {
        "E0 to E399": [f"E{number}" for number in range(KEYS_OF_A_KIND)],
        "of a run": [f"df6fea-E{number:06}" for number in range(KEYS_OF_A_KIND)],
        "that are not shown here": ["".join(random.choice(letters, size)) for size in lengths],
    }


@of_kind
def stable_partition(answer: Any) -> Missing:
    """08.2: a function from a key and a number of partitions to the key's partition."""
    if missing := cannot_take(answer, ("E0", 8)):
        return missing
    some = [(key, count) for keys in _keys().values() for count in COUNTS
            for key in keys[:: KEYS_OF_A_KIND // ASKED_ELSEWHERE]]  # fmt: skip
    # in another order, and before it has been asked here: it may remember what it was asked
    backwards = some[::-1]
    try:
        elsewhere = dict(zip(backwards, results_elsewhere(answer, backwards), strict=True))
    except ElsewhereError as error:
        elsewhere, failure = {}, f"It was to be asked in a second Python process, but {error}."
    for words, keys in _keys().items():
        for count in COUNTS:
            found = _partitions(answer, keys, count)
            if isinstance(found, str):
                return found
            if missing := _badly_spread(found, words, count):
                return missing
    if not elsewhere:
        return failure
    for (key, count), there in elsewhere.items():
        here = whole(call(answer, (key, count)).value)
        if here != there:
            return (
                f"A second Python process sends {key!r} to partition {there} of {count}, this one "
                f"to {here}: two producers would not agree. What the function uses is another in "
                "each process, as hash() of a text is, or depends on what was asked before."
            )
    return None


def _partitions(answer: Any, keys: list[str], count: int) -> list[int] | str:
    """Return the partition of each key, or what is wrong with one."""
    found = []
    for key in keys:
        outcome = call(answer, (key, count))
        if outcome.error is not None:
            return f"Given the key {key!r} and {count} partitions, it {in_words(outcome)}"
        partition = whole(outcome.value)
        if not 0 <= partition < count:
            return (
                f"Of {count} partitions the numbers are 0 to {count - 1}, and the count is an "
                f"argument; it sends {key!r} to {partition}."
            )
        found.append(partition)
    for key, first in zip(keys[ASKED_AGAIN::-1], found[ASKED_AGAIN::-1], strict=True):
        again = call(answer, (key, count))
        if again.error is not None or whole(again.value) != first:
            return "The same key must go to the same partition, each time."
    return found


def _badly_spread(partitions: list[int], words: str, count: int) -> Missing:
    fullest = max(Counter(partitions).values())
    mean = len(partitions) / count
    if fullest <= MOST_OF_MEAN * mean and len(set(partitions)) == count:
        return None
    return (
        f"It spreads the keys badly: of {len(partitions)} keys {words}, one of {count} partitions "
        f"gets {fullest}, and {count - len(set(partitions))} get none."
    )


@of_runs
def through_two_faults(runs: Runs) -> Missing:
    """The challenge of 08: a server crash and a leader move in one run, nothing lost."""
    if runs.protocols != ["kafka"]:
        return "The run is to go over Kafka alone."
    if missing := too_few(runs, RECORDS):
        return missing
    for fault in (ServerCrash, LeaderMove):
        if not all(strikes(info, fault.name) for info in runs.runs):
            return f"A fault is missing, or did not strike: {fault.name}."
    return not_all_stored(runs)


CHECKS: dict[str, Check] = {
    "08.1": idle_consumers,
    "08.2": stable_partition,
    "08.challenge": through_two_faults,
}
"""The checkers by the number of their exercise."""
