"""The exercises of notebook 04.

Each checker takes an answer and returns None when it is right, or a sentence that says what is
missing.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np

from empkit.course.exercises.answers import Check, Missing, WrongKindError, as_set, kind, of_kind
from empkit.course.exercises.functions import Case, Mistake, equal, held_against
from empkit.course.exercises.measured import not_all_stored, of_runs
from empkit.course.exercises.tables import RANDOM_TABLES
from empkit.results.runs import Runs, latencies_ms
from empkit.results.statistics import percentiles

RECORDS_OF_A_PAGE = 20
ROUNDS = 3


@cache
def _probabilities() -> tuple[Case, ...]:
    random = np.random.default_rng(19)
    shown = (0.5, 0.0, 1.0, 0.01)
    # small ones, where mistakes differ
    others = [round(float(p), 6) for p in random.beta(0.6, 6.0, RANDOM_TABLES)]
    return tuple(Case(f"p = {p:g}", (p,)) for p in (*shown, *others))


def _one_of_twenty(p: float) -> float:
    slow, none_so_far = 0.0, 1.0
    for _ in range(RECORDS_OF_A_PAGE):  # this one is the first that is slow
        slow += none_so_far * p
        none_so_far *= 1 - p
    return slow


at_least_one = held_against(
    _one_of_twenty,
    _probabilities,
    [
        Mistake(
            lambda p: 20 * p,
            "For p = 0.5 it says 10, which is no probability: a page with two slow records counts "
            "once.",
        ),
        Mistake(
            lambda p: min(1.0, 20 * p),
            "A page with two slow records counts once: probabilities of events that can happen "
            "together do not add up.",
        ),
        Mistake(lambda p: p**20, "This is the probability that all twenty are slow."),
        Mistake(lambda p: (1 - p) ** 20, "This is the probability that all twenty are quick."),
        Mistake(
            lambda p: 1 - p**20,
            "This is the probability that not all are slow: turn the question round in another "
            "way.",
        ),
        Mistake(
            lambda p: 20 * p * (1 - p) ** 19,
            "This is the probability of exactly one slow record.",
        ),
        Mistake(lambda p: p, "This is the probability that one record is slow; there are twenty."),
        Mistake(lambda p: 100 * (1 - (1 - p) ** 20), "A probability is from 0 to 1."),
    ],
)
"""04.1: the probability that one of twenty is slow."""

ANSWERS = ("http", "websocket", "not shown")


@cache
def _intervals() -> tuple[Case, ...]:
    random = np.random.default_rng(19)
    shown = [
        (0.8, 1.3), (1.1, 1.3), (0.7, 0.9), (math.nan, math.nan), (1.0, 1.2), (0.8, 1.0),
        (0.9, 1.01), (0.99, 1.5), (0.0, 0.5), (0.0, 3.0), (2.0, math.inf), (1.0, 1.0),
    ]  # fmt: skip
    middles = np.exp(random.normal(0.0, 0.2, RANDOM_TABLES))
    halves = np.exp(random.gamma(1.5, 0.1, RANDOM_TABLES))
    others = [(middle / half, middle * half) for middle, half in zip(middles, halves, strict=True)]
    ends = [(float(low), float(high)) for low, high in (*shown, *others)]
    return tuple(Case(f"an interval from {low:.3g} to {high:.3g}", (low, high))
                 for low, high in ends)  # fmt: skip


def _which(low: float, high: float) -> str:
    if math.isnan(low) or low <= 1 <= high:
        return "not shown"
    return "websocket" if low > 1 else "http"  # the ratio is that of the times


def _verdict(value: Any) -> str:
    if not isinstance(value, str):
        raise WrongKindError(f"A text is wanted; this is {kind(value)}")
    if value not in ANSWERS:
        raise WrongKindError(f"{value!r} is not one of {', '.join(map(repr, ANSWERS))}.")
    return value


def _about(one: float, low: float, high: float) -> str:
    return "websocket" if low > one else "http" if high < one else "not shown"


says_what_is_shown = held_against(
    _which,
    _intervals,
    [
        Mistake(
            lambda low, high: {"http": "websocket", "websocket": "http"}.get(
                verdict := _which(low, high), verdict
            ),
            "HTTP / WebSocket is above 1 when HTTP takes longer.",
        ),
        Mistake(
            lambda low, high: _about(0.0, low, high),
            "Two equal times have a ratio of 1, not of 0: a difference of 0 would be another kind "
            "of interval.",
        ),
        Mistake(
            lambda low, high: "http" if (low + high) / 2 < 1 else "websocket",
            "An interval that holds 1 shows no difference, wherever its middle is.",
        ),
        Mistake(
            lambda low, high: "http" if low < 1 else "websocket",
            "An interval that holds 1 shows no difference.",
        ),
        Mistake(
            lambda low, high: "websocket" if low > 1 else "http",
            "An interval that holds 1 shows no difference, and neither do ends that are missing.",
        ),
        Mistake(
            lambda low, high: "websocket" if low > 1 else "not shown" if high >= 1 else "http",
            "Where both ends are missing (NaN), as from one round, nothing is shown: a comparison "
            "with NaN is false.",
        ),
        Mistake(
            lambda low, high: "websocket" if low >= 1 else "http" if high <= 1 else "not shown",
            "An interval that ends at 1 holds it.",
        ),
        Mistake(
            lambda low, high: _which(low, high) if low else "not shown",
            "An end of 0 is a number: only NaN says that it is missing.",
        ),
        Mistake(lambda low, high: "not shown", "An interval that does not hold 1 shows something."),
    ],
    _verdict,
    alike=equal,
)
"""04.2: a function from the interval of a ratio to a verdict."""


@of_kind
def what_follows(answer: Any) -> Missing:
    """04.3: which sentences follow from the run."""
    given = {str(letter).casefold() for letter in as_set(answer, "{'a', 'b'}")}
    if not given <= set("abcd"):
        return "Give a set of letters from a to d, such as {'a', 'b'}."
    if "a" in given:
        return "An ack over Kafka and an ack over HTTP do not mean the same."
    if "c" in given:
        return "One of these is about a load that was not measured."
    if given == {"b", "d"}:
        return None
    return "One more follows." if given else "Two of them follow."


@of_runs
def prints_a_p999(runs: Runs) -> Missing:
    """The challenge of 04: a p99.9 over HTTP in each of several rounds, and nothing lost."""
    if "http" not in runs.protocols:
        return "The run is to go over HTTP."
    over_http = runs.of("http")
    if missing := not_all_stored(over_http):
        return missing
    found = latencies_ms(over_http.timings, "ack").groupby("round")["ms"]
    p999 = [percentiles(values.to_numpy(), [99.9])[99.9] for _, values in found]
    printed = sum(not math.isnan(value) for value in p999)
    if not printed:
        return f"There are too few records in a round, {len(over_http.timings) // len(p999)}."
    if printed < ROUNDS:
        return (
            f"There is a p99.9 in {printed} round{'s' if printed > 1 else ''}: without {ROUNDS} it "
            "has no interval, and nobody knows what the next one would be."
        )
    return None


CHECKS: dict[str, Check] = {
    "04.1": at_least_one,
    "04.2": says_what_is_shown,
    "04.3": what_follows,
    "04.challenge": prints_a_p999,
}
"""The checkers by the number of their exercise."""
