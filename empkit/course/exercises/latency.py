"""The exercises of notebook 04.

Each function takes an answer and returns None when it is right, or a sentence that says what is
missing.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from empkit.course.exercises.answers import Check, Missing, as_set, of_function
from empkit.results.runs import Runs


@of_function
def at_least_one(answer: Any) -> Missing:
    """04.1: the probability that one of twenty is slow."""
    if not 0 <= float(answer(0.5)) <= 1:
        return f"For p = 0.5 it says {float(answer(0.5)):g}, which is no probability."
    if not (np.isclose(answer(0.0), 0) and np.isclose(answer(1.0), 1)):
        return "If no request is ever slow, no page is; if every request is, every page is."
    if not np.isclose(answer(0.01), 1 - 0.99**20):
        return "Turn the question round: what is the probability that all twenty are quick?"
    return None


@of_function
def says_what_is_shown(answer: Any) -> Missing:
    """04.2: a function from the interval of a ratio to a verdict."""
    if answer(0.8, 1.3) != "not shown":
        return "An interval that holds 1 shows no difference."
    if answer(1.1, 1.3) != "websocket" or answer(0.7, 0.9) != "http":
        return "HTTP / WebSocket is above 1 when HTTP takes longer."
    if answer(math.nan, math.nan) != "not shown":
        return "Where both ends are missing (NaN), as from one round, nothing is shown."
    return None


def what_follows(answer: Any) -> Missing:
    """04.3: which sentences follow from the run."""
    given = as_set(answer)
    if given is None or not given <= set("abcd"):
        return "Give a set of letters, such as {'a', 'b'}."
    if "a" in given:
        return "An ack over Kafka and an ack over HTTP do not mean the same."
    if "c" in given:
        return "One of these is about a load that was not measured."
    return None if given == {"b", "d"} else "One more follows."


def prints_a_p999(runs: Runs) -> Missing:
    """The challenge of 04: a p99.9 over HTTP, and nothing lost."""
    if "http" not in runs.protocols:
        return "The run is to go over HTTP."
    if (runs.timings["verdict"] != "stored").any():
        return "Not every record is acked and stored."
    if runs.summary()["ack_p99.9_ms"].isna().any():
        return "There are too few records: the kit prints no p99.9."
    return None


CHECKS: dict[str, Check] = {
    "04.1": at_least_one,
    "04.2": says_what_is_shown,
    "04.3": what_follows,
    "04.challenge": prints_a_p999,
}
"""The checkers by the number of their exercise."""
