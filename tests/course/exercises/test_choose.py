"""The answers to the exercises of notebook 09."""

import numpy as np
import pandas as pd

from empkit.course import Needs
from empkit.course.advice import Advice, in_words
from tests.course.exercises.judged import accepted, refused
from tests.course.exercises.runs import struck
from tests.made_up_runs import made_up, together


def advice(**met):
    frame = pd.DataFrame.from_dict(met, orient="index", columns=["http", "websocket", "kafka"])
    return Advice(frame, frame)


def the_pair_shown():
    away, stored = in_words("send_while_server_away"), in_words("know_stored")
    return advice(**{away: ONLY_KAFKA, stored: BUT_KAFKA})


ONLY_KAFKA, BUT_KAFKA = [False, False, True], [True, True, False]
ALL, NONE = [True] * 3, [False] * 3


def share(timings):
    both = timings.dropna(subset=["acked_ns", "stored_ns"])
    return (both["acked_ns"] < both["stored_ns"]).mean()


def row_by_row(timings):
    first, count = 0, 0
    for row in timings.itertuples():
        if pd.notna(row.acked_ns) and pd.notna(row.stored_ns):
            count += 1
            first += row.acked_ns < row.stored_ns
    return first / count


def by_difference(timings):
    return ((timings["stored_ns"] - timings["acked_ns"]).dropna() > 0).mean()


def of_all(timings):
    return (timings["acked_ns"] < timings["stored_ns"]).sum() / len(timings)


def of_column(timings, name):
    return (timings["acked_ns"] < timings["stored_ns"]).sum() / timings[name].notna().sum()


def slow(runs):
    runs.timings["stored_ns"] += 10_000_000_000
    return runs


def late_ack(runs):
    runs.timings["acked_ns"] += 2_000_000_000
    return runs


RIGHT = {
    "09.1": [
        advice(away=ONLY_KAFKA), advice(away=ONLY_KAFKA, fast=ALL),
        advice(fast=[False, True, True], away=[True, False, True]),
    ],
    "09.2": [
        advice(away=ONLY_KAFKA, known=BUT_KAFKA), advice(known=BUT_KAFKA, away=ONLY_KAFKA),
        advice(fast=[False, True, False], alone=[True, False, True]),
    ],
    "09.3": [
        share, row_by_row, by_difference, lambda timings: round(share(timings), 2),
        lambda timings: np.float64(share(timings[timings["outcome"] == "acked"])),
        lambda timings: (timings["acked_ns"] < timings["stored_ns"]).mean(),
    ],
    "09.challenge": [
        made_up("websocket"), [made_up("http", count=600)],
        together(made_up("http"), made_up("websocket")),
    ],
}  # fmt: skip

WRONG = {
    "09.1": [
        ("kafka", "Give what advise(...) returns; this is a str"),
        (Needs(send_while_server_away=True), "this is a Needs"),
        ({"kafka"}, "this is a set"),
        (advice(), "No need is stated"),
        (advice(told=BUT_KAFKA), "Kafka does not"),
        (advice(none=NONE), "Kafka does not"),
        (advice(fast=[True, False, True]), "These meet them, too: http."),
        (advice(fast=ALL), "too: http, websocket."),
    ],
    "09.2": [
        (3, "Give what advise(...) returns"),
        (Needs(be_told=True, no_broker=True), "Give what advise(...) returns"),
        (advice(), "these are 0"),
        (advice(told=BUT_KAFKA), "these are 1"),
        (advice(told=BUT_KAFKA, away=ONLY_KAFKA, fast=ALL), "these are 3"),
        (advice(told=BUT_KAFKA, none=NONE), "by itself"),
        (advice(told=BUT_KAFKA, known=BUT_KAFKA), "Both are met by: http, websocket."),
        (the_pair_shown(), "pair from above"),
    ],
    "09.3": [
        (lambda timings: 100 * share(timings), "from 0 to 1"),
        (lambda timings: (timings["acked_ns"] < timings["stored_ns"]).sum(), "this is a number"),
        (of_all, "both stamps"),
        (lambda timings: of_column(timings, "stored_ns"), "some were stored and never acked"),
        (lambda timings: of_column(timings, "acked_ns"), "some were acked and never stored"),
        (
            lambda timings: (timings["acked_ns"] > timings["stored_ns"]).mean(),
            "stored first",
        ),
        (
            lambda timings: (timings["acked_ns"] <= timings["stored_ns"]).mean(),
            "the ack did not come first",
        ),
        (
            lambda timings: 1 - share(timings),
            "one has no ack and one no stamp of the store, it says",
        ),
        (lambda timings: 0.5, "one no stamp of the store, it says 0.5"),
        (lambda timings: timings["acked_ns"] < timings["stored_ns"], "this is a Series"),
        (lambda timings: 1 / 0, "ZeroDivisionError"),
        (0.5, "without calling it"),
    ],
    "09.challenge": [
        (made_up(verdict={3: "failed"}), "Not every record"),
        (made_up(verdict={3: "lost"}), "A promise was broken"),
        (made_up("kafka"), "no sender is told"),
        (together(made_up("http"), made_up("kafka")), "no sender is told"),
        (slow(made_up()), "Fewer than 300"),
        (struck("http", closed=True), "In a closed loop the system sets the pace"),
        (made_up(count=20), "too few"),
        (late_ack(made_up()), "above 1000 ms"),
        (made_up().summary(), "this is a DataFrame"),
    ],
}


test_a_right_answer_is_accepted = accepted(RIGHT)
test_a_wrong_answer_hears_what_is_missing = refused(WRONG)
