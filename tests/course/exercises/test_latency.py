"""The answers to the exercises of notebook 04."""

import math
from functools import reduce

import numpy as np
import pandas as pd

from tests.course.exercises.judged import accepted, refused
from tests.course.exercises.runs import interrupted, rounds
from tests.made_up_runs import made_up, together


def slow_page(p):
    return 1 - (1 - p) ** 20


def binomial(p):
    return sum(math.comb(20, k) * p**k * (1 - p) ** (20 - k) for k in range(1, 21))


def which(low, high):
    if low > 1:
        return "websocket"
    return "http" if high < 1 else "not shown"


def by_log(low, high):
    if math.isnan(low):
        return "not shown"
    if low == 0:
        return "http" if high < 1 else "not shown"
    if math.log(low) * math.log(high) <= 0:
        return "not shown"
    return ["http", "websocket"][math.log(low) > 0]


def swapped(low, high):
    return {"http": "websocket", "websocket": "http"}.get(which(low, high), "not shown")


def at_zero(low, high):
    return "websocket" if low > 0 else "http" if high < 0 else "not shown"


def ends_included(low, high):
    return "websocket" if low >= 1 else "http" if high <= 1 else "not shown"


def forgets_nan(low, high):
    return "websocket" if low > 1 else "not shown" if high >= 1 else "http"


RIGHT = {
    "04.1": [
        slow_page, binomial, lambda p: np.round(1 - np.power(1 - p, 20), 3),
        lambda p: 1 - reduce(lambda none, _: none * (1 - p), range(20), 1),
        lambda p: round(slow_page(p), 2), lambda p: pd.Series([slow_page(p)])[0],
    ],
    "04.2": [
        which, by_log, lambda low, high: np.str_(which(low, high)),
        lambda low, high: "http" if high < 1 else "websocket" if low > 1 else "not shown",
        lambda low, high: "not shown" if not low > 1 and not high < 1 else which(low, high),
    ],
    "04.3": [{"b", "d"}, ["d", "b"], ("B", "D"), pd.Series(["b", "d"]), {"b": 1, "d": 2}.keys()],
    "04.challenge": [
        rounds(3, count=1_000), [rounds(4, count=1_500)],
        together(rounds(3, count=1_000), made_up("kafka")),
    ],
}  # fmt: skip

WRONG = {
    "04.1": [
        (lambda p: 20 * p, "For p = 0.5 it says 10, which is no probability"),
        (lambda p: min(1, 20 * p), "do not add up"),
        (lambda p: p**20, "all twenty are slow"),
        (lambda p: (1 - p) ** 20, "all twenty are quick"),
        (lambda p: 1 - p**20, "not all are slow"),
        (lambda p: 20 * p * (1 - p) ** 19, "exactly one slow"),
        (lambda p: p, "there are twenty"),
        (lambda p: 100 * slow_page(p), "from 0 to 1"),
        (lambda p: 1 - (1 - p) ** 19, "it says"),
        (lambda p: 0.3, "Given p = 0.5, it says 0.3."),
        (lambda p: round(slow_page(p)), "Given p = 0.01, it says 0."),
        (lambda p: f"{slow_page(p):.0%}", "this is a str"),
        (lambda p: math.comb(20, 1) / 0, "ZeroDivisionError"),
        (0.18, "without calling it"),
    ],
    "04.2": [
        (lambda low, high: "http" if low < high else "websocket", "from 0.8 to 1.3, it says"),
        (lambda low, high: "http" if low < 1 else "websocket", "shows no difference"),
        (swapped, "HTTP takes longer"),
        (at_zero, "a ratio of 1, not of 0"),
        (lambda low, high: "websocket" if low + high > 2 else "http", "it says 'websocket'"),
        (lambda low, high: "http" if low + high < 2 else "websocket", "wherever its middle is"),
        (lambda low, high: "websocket" if low > 1 else "http", "ends that are missing"),
        (forgets_nan, "a comparison with NaN is false"),
        (ends_included, "ends at 1 holds it"),
        (lambda low, high: which(low, high) if low and high else "not shown", "An end of 0"),
        (lambda low, high: "not shown", "shows something"),
        (lambda low, high: which(low, high).upper(), "'NOT SHOWN' is not one of 'http'"),
        (lambda low, high: which(low, high).replace("http", "HTTP"), "'HTTP' is not one of"),
        (lambda low, high: which(low, high) == "http", "A text is wanted; this is a bool"),
        (lambda interval: "not shown", "called with 2 arguments; this one takes (interval)"),
    ],
    "04.3": [
        ("b", "Give a set"),
        ("bd", "Give a set"),
        ({"e"}, "letters from a to d"),
        ({"a", "b"}, "do not mean the same"),
        ({"a", "c"}, "do not mean the same"),
        ({"b", "c", "d"}, "not measured"),
        ({"b"}, "One more"),
        ({"d"}, "One more"),
        (set(), "Two of them"),
    ],
    "04.challenge": [
        (made_up("http", count=900), "too few records in a round, 900"),
        (made_up("http", count=2_000), "There is a p99.9 in 1 round: without 3"),
        (rounds(2, count=1_000), "in 2 rounds: without 3"),
        (rounds(5, count=600), "too few records in a round, 600"),
        (made_up("kafka", count=1_000), "over HTTP"),
        (rounds(3, count=1_000, verdict={3: "failed"}), "Not every record"),
        (rounds(3, count=1_000, verdict={3: "lost"}), "A promise was broken"),
        (interrupted(rounds(3, count=1_000)), "Not all was measured"),
        (rounds(3, count=1_000).summary(), "this is a DataFrame"),
    ],
}


test_a_right_answer_is_accepted = accepted(RIGHT)
test_a_wrong_answer_hears_what_is_missing = refused(WRONG)
