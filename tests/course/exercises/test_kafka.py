"""The answers to the exercises of notebook 03."""

import json
from collections import Counter

import numpy as np
import pandas as pd

from tests.course.exercises.judged import accepted, refused

ACKS = {"debug line": "0", "click": "1", "order": "all"}


def total_lag(ends, committed):
    return sum(end - committed.get(partition, 0) for partition, end in ends.items())


def as_series(ends, committed):
    return pd.Series(ends, dtype=int).sub(pd.Series(committed, dtype=int), fill_value=0).sum()


def in_place(ends, committed):
    for partition in committed:
        ends[partition] -= committed[partition]
    return np.int64(sum(ends.values()))


def only_committed(ends, committed):
    return sum(ends[partition] - done for partition, done in committed.items())


def side_by_side(ends, committed):
    return sum(end - done for end, done in zip(ends.values(), committed.values(), strict=False))


def on_their_way(timings, moment):
    stored = (timings["stored_ns"] <= moment).fillna(False)
    return ((timings["acked_ns"] <= moment) & ~stored).sum()


def by_strictly_less(timings, moment):
    acked = timings[timings["acked_ns"] < moment]
    return len(acked) - (acked["stored_ns"] < moment).sum()


def row_by_row(timings, moment):
    count = 0
    for row in timings.itertuples():
        if row.outcome == "acked" and row.acked_ns <= moment:
            count += bool(pd.isna(row.stored_ns) or row.stored_ns > moment)
    return count


def by_numpy(timings, moment):
    far = 2**62
    acked, stored = (
        timings[name].to_numpy("int64", na_value=far) for name in ("acked_ns", "stored_ns")
    )
    return np.count_nonzero((acked <= moment) & (stored > moment))


def without_acks(timings, moment):
    return (timings["stored_ns"] > moment).sum()


def sent_only(timings, moment):
    return ((timings["sent_ns"] <= moment) & (timings["stored_ns"] > moment)).sum()


def forgets_missing(timings, moment):
    return ((timings["acked_ns"] <= moment) & (timings["stored_ns"] > moment)).sum()


def the_others(timings, moment):
    acked = (timings["acked_ns"] <= moment).fillna(False)
    return ((timings["stored_ns"] <= moment) & ~acked).sum()


def of_whole_columns(timings, moment):
    return (timings.acked_ns <= moment) and not (timings.stored_ns <= moment)


def appended(partition_of, backwards=False, number_of=lambda n: n // 10):
    """Ten changes to each of ten employees, as the topic would hold them."""
    values = [{"employee_id": f"C{n % 10}", "position": number_of(n)} for n in range(100)]
    log = pd.DataFrame(
        {
            "partition": [partition_of(n) for n in range(100)], "offset": range(100),
            "key": [f"C{n % 10}" for n in range(100)], "value": [json.dumps(v) for v in values],
        }
    )  # fmt: skip
    return log.iloc[::-1] if backwards else log


RIGHT = {
    "03.1": [
        ACKS, {**ACKS, "debug line": 0, "click": 1}, {**ACKS, "order": -1}, pd.Series(ACKS),
        {**ACKS, "click": np.int64(1)},
    ],
    "03.2": [
        total_lag, as_series, in_place, lambda ends, done: float(total_lag(ends, done)),
        lambda ends, done: sum((Counter(ends) - Counter(done)).values()),
        lambda ends, done: sum(ends.values()) - sum(done.values()),
    ],
    "03.3": [
        on_their_way, by_strictly_less, row_by_row, by_numpy,
        lambda timings, moment: on_their_way(timings.sort_values("seq"), moment),
    ],
    "03.challenge": [
        appended(lambda n: n % 10 % 4), appended(lambda n: n % 10),
        appended(lambda n: n % 10 % 8).drop(columns=["offset", "key"]),
    ],
}  # fmt: skip

WRONG = {
    "03.1": [
        ({}, "with the keys 'debug line', 'click', 'order'"),
        (["0", "1", "all"], "with the keys"),
        ({**ACKS, "click": "2"}, "'2' is not a choice here; there is '0' or '1' or 'all'"),
        ({**ACKS, "order": "1"}, "2 of 3 are right. An order must not get lost"),
        ({**ACKS, "click": "0"}, "only when a broker fails"),
        ({**ACKS, "debug line": "1"}, "may a debug line slow anything down?"),
        ({"debug line": "all", "click": "all", "order": "all"}, "1 of 3"),
        ({**ACKS, "order": None}, "'None' is not a choice"),
        ({**ACKS, "order": ["all"]}, "is not a choice"),
    ],
    "03.2": [
        (lambda ends, done: sum(ends.values()) - len(done), "it says 15."),
        (lambda ends, done: sum(ends.values()), "some of them have been read"),
        (only_committed, "every record is still to be read"),
        (lambda ends, done: max(e - done.get(p, 0) for p, e in ends.items()), "the largest lag"),
        (lambda ends, done: total_lag(ends, done) / len(ends), "the mean of the lags"),
        (lambda ends, done: -total_lag(ends, done), "not negative"),
        (side_by_side, "belongs to its partition"),
        (lambda ends, done: sum(ends[p] - done[p] for p in ends), "it raised KeyError: 1"),
        (lambda ends, done: [e - done.get(p, 0) for p, e in ends.items()], "this is a list"),
        (lambda ends, done: {p: e - done.get(p, 0) for p, e in ends.items()}, "this is a dict"),
        (lambda ends, done: total_lag(ends, done) + 0.5, "A whole number is wanted; this is 6.5"),
        (lambda ends, done: True, "A whole number is wanted; this is a bool"),
        (lambda ends, done: sum(done.values()), "it says 11."),
        (lambda ends: 6, "called with 2 arguments"),
    ],
    "03.3": [
        (lambda timings, moment: (timings["acked_ns"] < moment).sum(), "stored by then"),
        (without_acks, "only if its sender has been acked"),
        (
            lambda timings, moment: len(timings) - (timings["stored_ns"] <= moment).sum(),
            "only if its sender has been acked",
        ),
        (sent_only, "sent is not acked yet"),
        (forgets_missing, "no stamp of the store is on its way, too"),
        (lambda timings, moment: on_their_way(timings.dropna(), moment), "is on its way, too"),
        (lambda timings, moment: on_their_way(timings, moment) / len(timings), "whole number"),
        (
            lambda timings, moment: (timings["acked_ns"] < timings["stored_ns"]).sum(),
            "what do the stamps say about this one?",
        ),
        (the_others, "the others are wanted"),
        (of_whole_columns, "it raised ValueError"),
        (lambda timings, moment: timings[timings["acked_ns"] <= moment], "this is a DataFrame"),
        (lambda timings, moment: 3, "random records, and a moment, it says 3."),
        (
            lambda timings, moment: sum(
                row.acked_ns <= moment < row.stored_ns for row in timings.itertuples()
            ),
            "boolean value of NA is ambiguous",
        ),
    ],
    "03.challenge": [
        (appended(lambda n: n % 8), "several partitions"),
        (appended(lambda n: 0), "only 1 partition"),
        (appended(lambda n: n % 10 % 3), "only 3 partition"),
        (appended(lambda n: n % 10 % 4, backwards=True), "not in their order"),
        (appended(lambda n: 0).head(50), "the log got 50"),
        (appended(lambda n: n % 10, number_of=lambda n: 1), "some are not here"),
        (appended(lambda n: n % 10, number_of=lambda n: "x"), "not the changes of the list"),
        (appended(lambda n: n % 10)["value"], "this is a Series"),
        (appended(lambda n: n % 10)[["key", "value"]], "the table that `append` returns"),
    ],
}


test_a_right_answer_is_accepted = accepted(RIGHT)
test_a_wrong_answer_hears_what_is_missing = refused(WRONG)
