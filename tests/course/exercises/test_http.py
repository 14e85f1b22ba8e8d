"""The answers to the exercises of notebook 01."""

import numpy as np
import pandas as pd

from tests.course.exercises.judged import accepted, refused
from tests.course.exercises.runs import interrupted
from tests.made_up_runs import made_up, together

TABLE = {200: True, 201: True, 401: False, 409: False, 413: False, 422: False, 503: None}


def stored_in(transactions, **changes):
    """600 records, stored in that many transactions."""
    runs = made_up("http", **{"count": 600, **changes})
    first = runs.timings["stored_ns"].min()
    count = len(runs.timings)
    runs.timings["stored_ns"] = [first + n * transactions // count for n in range(count)]
    return runs


def certain(code):
    return None if code >= 500 else code in {200, 201}


def matched(code):
    match code // 100:
        case 2:
            return True
        case 4:
            return False


def shares(timings):
    inside = timings["stored_ns"] - timings["received_ns"]
    return 1 - inside / (timings["acked_ns"] - timings["sent_ns"])


def on_the_way(timings):
    return shares(timings).median()


def there_and_back(timings):
    there = timings["received_ns"] - timings["sent_ns"]
    back = timings["acked_ns"] - timings["stored_ns"]
    return ((there + back) / (timings["acked_ns"] - timings["sent_ns"])).median()


def by_apply(timings):
    def share(row):
        return 1 - (row["stored_ns"] - row["received_ns"]) / (row["acked_ns"] - row["sent_ns"])

    known = timings.dropna(subset=["sent_ns", "received_ns", "stored_ns", "acked_ns"])
    return np.median([share(row) for _, row in known.iterrows()])


def of_ratio(timings):
    inside = (timings["stored_ns"] - timings["received_ns"]).median()
    return 1 - inside / (timings["acked_ns"] - timings["sent_ns"]).median()


def of_total(timings):
    inside = (timings["stored_ns"] - timings["received_ns"]).sum()
    return 1 - inside / (timings["acked_ns"] - timings["sent_ns"]).sum()


def back_only(timings):
    whole = timings["acked_ns"] - timings["sent_ns"]
    return ((timings["acked_ns"] - timings["stored_ns"]) / whole).median()


def there_only(timings):
    whole = timings["acked_ns"] - timings["sent_ns"]
    return ((timings["received_ns"] - timings["sent_ns"]) / whole).median()


def since_intended(timings):
    inside = timings["stored_ns"] - timings["received_ns"]
    return (1 - inside / (timings["acked_ns"] - timings["intended_ns"])).median()


RIGHT = {
    "01.1": [{503}, [503], (503,), {np.int64(503)}, pd.Series([503]), np.array([503, 503])],
    "01.2": [
        certain, matched, TABLE.get, lambda code: np.bool_(code < 300) if code < 500 else None,
        lambda code: {2: True, 4: False}.get(code // 100),
    ],
    "01.3": [
        on_the_way, there_and_back, by_apply, lambda timings: round(on_the_way(timings), 2),
        lambda timings: on_the_way(timings[timings["protocol"] == "http"]),
        lambda timings: np.float32(shares(timings.query("verdict == 'stored'")).quantile(0.5)),
    ],
    "01.challenge": [
        stored_in(150), [stored_in(10)], stored_in(100, count=900),
        together(stored_in(100), stored_in(100, number=2)),
    ],
}  # fmt: skip

WRONG = {
    "01.1": [
        (503, "Give a set"),
        ("503", "Give a set"),
        ({"503"}, "codes are numbers"),
        ({503, 422}, "the record itself"),
        ({409, 503}, "the record itself"),
        ({503, 401}, "has to change"),
        ({503, 201}, "need not be sent"),
        ({503, 504}, "not a code of the table"),
        (set(), "could not, for the moment"),
    ],
    "01.2": [
        (lambda code: code < 500, "Given 401, it says True"),
        (lambda code: code < 300, "the server may have stored the record"),
        (lambda code: code in (200, 201), "the server may have stored the record"),
        (lambda code: TABLE.get(code, False), "503 is not the only code"),
        (lambda code: None if code == 503 else code < 300, "503 is not the only code"),
        (lambda code: True if code < 300 else None, "does say something"),
        (lambda code: None if code >= 500 else code in {200, 201, 409}, "Given 409, it says True"),
        (lambda code: None if code >= 500 else code == 201, "Given 200, it says False"),
        (lambda code: TABLE[code], "Given 500, it raised KeyError: 500"),
        (lambda code: 1 if code < 300 else 0, "True, False or None is wanted; this is an int"),
        (lambda code: str(certain(code)), "True, False or None is wanted; this is a str"),
        (certain(200), "without calling it"),
        (lambda code: 1 / 0, "ZeroDivisionError: division by zero."),
    ],
    "01.3": [
        (lambda timings: 100 * on_the_way(timings), "from 0 to 1"),
        (lambda timings: shares(timings).mean(), "this is their mean"),
        (of_ratio, "own share first"),
        (of_total, "own share first"),
        (lambda timings: 1 - on_the_way(timings), "share of the time in the server"),
        (lambda timings: (1 - shares(timings)).median(), "share of the time in the server"),
        (back_only, "the way back only"),
        (there_only, "the way to the server only"),
        (since_intended, "from when a record was sent"),
        (lambda timings: 0.7, "the shares 0.5, 0.8 and 0.2, it says 0.7."),
        (lambda timings: shares(timings).iloc[0], " random records, it says"),
        (shares, "this is a Series"),
        (lambda timings, moment: 0.5, "called with 1 argument; this one takes (timings, moment)"),
    ],
    "01.challenge": [
        (stored_in(600), "in 600 transactions"),
        (stored_in(151), "more than 150"),
        (together(stored_in(100), stored_in(200, number=2)), "in 200 transactions"),
        (made_up("kafka", count=600), "over HTTP alone"),
        (together(stored_in(10), made_up("websocket")), "over HTTP alone"),
        (stored_in(10, count=599), "600 records are wanted; these are 599"),
        (together(*(stored_in(9, count=200, number=n) for n in (1, 2, 3))), "these are 200"),
        (stored_in(10, verdict={3: "failed"}), "Not every record is acked and stored: 599 of 600"),
        (interrupted(stored_in(10)), "Not all was measured"),
        (stored_in(10).timings, "this is a DataFrame"),
    ],
}


test_a_right_answer_is_accepted = accepted(RIGHT)
test_a_wrong_answer_hears_what_is_missing = refused(WRONG)
