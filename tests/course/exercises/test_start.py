"""The answers to the exercises of notebook 00."""

import statistics

import numpy as np
import pandas as pd

from tests.course.exercises.judged import accepted, refused
from tests.course.exercises.runs import interrupted
from tests.made_up_runs import made_up, together


def until_stored(timings):
    return (timings["stored_ns"] - timings["sent_ns"]).median() / 1e6


def in_a_loop(timings):
    took = []
    for _, row in timings.iterrows():
        if pd.notna(row["stored_ns"]):
            took.append((row["stored_ns"] - row["sent_ns"]) / 1e6)
    return statistics.median(took)


def changes_its_argument(timings):
    timings["took"] = timings.pop("stored_ns") - timings.pop("sent_ns")
    timings.dropna(subset=["took"], inplace=True)
    return timings["took"].median() / 1_000_000


def by_numpy(timings):
    took = (timings["stored_ns"] - timings["sent_ns"]).dropna().to_numpy(dtype=float) / 1e6
    return np.median(took)


def of_known_outcome(timings):
    acked = timings[timings["outcome"] == "acked"]
    return (acked["stored_ns"] - acked["sent_ns"]).median() / 1e6


def no_missing_one(timings):
    return np.median((timings["stored_ns"] - timings["sent_ns"]).to_numpy(float, na_value=0)) / 1e6


def prints(timings):
    print(until_stored(timings))


async def awaited(timings):
    return until_stored(timings)


def with_unfit(protocol, verdict, count=20, unfit=5, **verdicts):
    changed = dict.fromkeys(range(unfit), verdict) | verdicts.get("more", {})
    return made_up(protocol, count=count, verdict=changed)


def both_ways(**changes):
    dead = with_unfit("kafka", "dead_lettered", **changes)
    return together(with_unfit("http", "refused", count=changes.get("count", 20)), dead)


RIGHT = {
    "00.1": [
        {"http", "websocket"}, ["websocket", "http"], ("http", "websocket"),
        pd.Index(["http", "websocket"]), np.array(["http", "websocket"]),
        pd.Series(["http", "websocket"]),
    ],
    "00.2": [
        until_stored, in_a_loop, changes_its_argument, by_numpy,
        lambda timings: round(until_stored(timings), 2),
        lambda timings: timings.eval("stored_ns - sent_ns").quantile(0.5) / 10**6,
        lambda timings: pd.to_timedelta(timings["stored_ns"] - timings["sent_ns"]).median()
        / pd.Timedelta("1ms"),
        # another column that the real timings have
        lambda timings: until_stored(timings[timings["attempts"] > 0]),
    ],
    "00.challenge": [
        both_ways(), [both_ways()],
        together(with_unfit("kafka", "dead_lettered"), with_unfit("http", "refused")),
        together(both_ways(), made_up("websocket", count=3)),
    ],
}  # fmt: skip

WRONG = {
    "00.1": [
        ("http", "Give a set"),
        ({"http": True, "websocket": True}, "Give a set"),
        (None, "Give a set"),
        ({"HTTP"}, "lab.protocols"),
        ({"http", "websocket", "https"}, "lab.protocols"),
        ({"http", "kafka"}, "knows nothing of the database"),
        (["http", "websocket", "kafka"], "knows nothing of the database"),
        ({"http"}, "one more"),
        (set(), "one more"),
    ],
    "00.2": [
        (lambda timings: until_stored(timings) * 1e6, "in milliseconds: the stamps are in nano"),
        (lambda timings: until_stored(timings) / 1e3, "these are seconds"),
        (lambda timings: until_stored(timings) * 1e3, "these are microseconds"),
        (
            lambda timings: (timings["stored_ns"].median() - timings["sent_ns"].median()) / 1e6,
            "a difference of medians",
        ),
        (
            lambda timings: (timings["stored_ns"] - timings["sent_ns"]).mean() / 1e6,
            "this is a mean",
        ),
        (
            lambda timings: (timings["acked_ns"] - timings["sent_ns"]).median() / 1e6,
            "not until its sender is told",
        ),
        (
            lambda timings: (timings["stored_ns"] - timings["received_ns"]).median() / 1e6,
            "not from when it was received",
        ),
        (
            lambda timings: (timings["stored_ns"] - timings["intended_ns"]).median() / 1e6,
            "not from when that was intended",
        ),
        (lambda timings: until_stored(timings.dropna()), "also when its sender got no ack"),
        (of_known_outcome, "also when its sender got no ack"),
        (no_missing_one, "some were never stored and have no such stamp, it says"),
        (lambda timings: 7, "that took 2, 5 and 1.5 ms, it says 7."),
        (lambda timings: timings["stored"].median(), "raised KeyError: 'stored'."),
        (lambda timings: timings.loc[0, "stored_ns"] - math.inf, "Is `import math` missing"),  # noqa: F821
        (prints, "is `return` missing"),
        (awaited, "write `def`"),
        (lambda timings: f"{until_stored(timings):.1f} ms", "A number is wanted; this is a str"),
        (lambda timings: timings["stored_ns"] - timings["sent_ns"], "this is a Series"),
        (lambda: 2.0, "It is called with 1 argument; this one takes ()"),
        (2.0, "without calling it"),
    ],
    "00.challenge": [
        (with_unfit("http", "refused"), "over kafka is wanted"),
        (with_unfit("kafka", "dead_lettered"), "over http is wanted"),
        (both_ways(count=19), "20 records are wanted over each protocol; these are 19"),
        (both_ways(unfit=4), "4 are dead_lettered; 5 are wanted"),
        (together(made_up("http", count=20), made_up("kafka", count=20)), "0 are refused"),
        (
            together(
                with_unfit("http", "refused"),
                with_unfit("kafka", "dead_lettered", more={7: "failed"}),
            ),
            "the rest is not stored",
        ),
        (both_ways().verdicts(), "as `lab.run` and `lab.compare` return them; this is a DataFrame"),
        ([both_ways(), both_ways()], "These are 2 answers"),
        (interrupted(both_ways()), "Not all was measured"),
    ],
}


test_a_right_answer_is_accepted = accepted(RIGHT)
test_a_wrong_answer_hears_what_is_missing = refused(WRONG)
