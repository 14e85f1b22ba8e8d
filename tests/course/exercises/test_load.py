"""The answers to the exercises of notebook 05."""

import numpy as np
import pandas as pd

from tests.course.exercises.judged import accepted, refused
from tests.course.exercises.runs import PAUSE, late, missed, struck

LOOPS = {"visitors": "open", "copy": "closed", "clerks": "closed", "sensors": "open"}


def in_flight(rate, ms):
    return rate * ms / 1_000


def kept_up(steps, limit):
    too_slow = steps.loc[steps["p99_ms"] > limit, "rate"].min()
    good = steps[(steps["p99_ms"] <= limit) & ~(steps["rate"] > too_slow)]
    return good["rate"].max()


def from_below(steps, limit):
    best = None
    for _, step in steps.sort_values("rate").iterrows():
        if step["p99_ms"] > limit:
            break
        best = step["rate"]
    return best


def sorts_its_argument(steps, limit):
    steps.sort_values("rate", inplace=True, ignore_index=True)
    good = (steps["p99_ms"] <= limit).cummin()
    return steps["rate"][good].iloc[-1]


def by_prefix(steps, limit):
    good = (r for r in steps["rate"] if (steps[steps["rate"] <= r]["p99_ms"] <= limit).all())
    return max(good, default=float("nan"))


def within(steps, limit):
    return steps[steps["p99_ms"] <= limit]


def first_too_slow(steps, limit):
    return steps.loc[steps["p99_ms"] > limit, "rate"].min()


def below_the_limit(steps, limit):
    return kept_up(steps, limit - 1e-9)


def by_median(steps, limit):
    return kept_up(steps.assign(p99_ms=steps["p50_ms"]), limit)


def by_column_of_the_kit(steps, limit):
    return within(steps[steps["kept_up"]], limit)["rate"].max()


def stalled(protocol="websocket", count=500, **changes):
    """A run through the pause, in which a tenth of the acks is late."""
    return late(struck(protocol, PAUSE, count=count, **changes), 400, share=0.1)


LONG = ("server-pause", "server", 50, 3_000)
SHORT = ("server-pause", "server", 50, 51)
AFTERWARDS = ("server-pause", "server", 900, 1_500)

RIGHT = {
    "05.1": [
        in_flight, lambda rate, ms: rate * (ms / 1e3),
        lambda rate, ms: np.float64(ms) * rate / 1000,
        lambda rate, ms: round(rate / 1_000 * ms, 2),
        lambda rate, ms: rate / (1_000 / ms) if ms else 0,
    ],
    "05.2": [LOOPS, pd.Series(LOOPS), dict(reversed(LOOPS.items()))],
    "05.3": [
        kept_up, from_below, sorts_its_argument, by_prefix,
        lambda steps, limit: round(kept_up(steps, limit)),
    ],
    "05.challenge": [
        stalled(), [stalled(count=900)],
        late(struck("websocket", LONG, count=500), 2_000, share=0.5),
    ],
}  # fmt: skip

WRONG = {
    "05.1": [
        (lambda rate, ms: rate * ms, "the time is in milliseconds"),
        (lambda rate, ms: rate / ms, "not the fewer"),
        (lambda rate, ms: rate / 20, "does not depend on the time"),
        (lambda rate, ms: rate / (ms / 1_000), "not the fewer"),
        (lambda rate, ms: ms / rate, "it says 0.25"),
        (lambda rate, ms: rate * ms // 1_000, "need not be a whole number"),
        (lambda rate, ms: rate * ms / 1e6, "not a millionth"),
        (lambda rate, ms: 10, "200 records per second of 5 ms each, it says 10."),
        (lambda rate, ms: round(rate * ms / 1_000), "3 records per second of 500 ms each, it says"),
        (lambda rate, ms: [in_flight(rate, ms)], "A number is wanted; this is a list"),
        (lambda rate, ms: None, "is `return` missing"),
        (lambda rate: rate, "called with 2 arguments"),
    ],
    "05.2": [
        ({}, "with the keys"),
        (["open", "closed", "closed", "open"], "with the keys"),
        ({**LOOPS, "clerks": "open"}, "3 of 4 are right. Who waits for an answer"),
        ({**LOOPS, "visitors": "closed"}, "wait at the door"),
        ({**LOOPS, "copy": "open"}, "read the next record before"),
        ({**LOOPS, "sensors": "closed"}, "wait for an answer before it reports"),
        ({**LOOPS, "sensors": "Open"}, "'Open' is not a choice here; there is 'closed' or 'open'"),
        (dict.fromkeys(LOOPS, "open"), "2 of 4"),
        ({**LOOPS, "doctor": "open"}, "with the keys"),
    ],
    "05.3": [
        (lambda steps, limit: steps["rate"].max(), "may have been too slow"),
        (lambda steps, limit: within(steps, limit)["rate"].max(), "went well by chance"),
        (lambda steps, limit: steps.loc[steps["kept_up"], "rate"].max(), "about the limit of that"),
        (by_column_of_the_kit, "went well by chance"),
        (lambda steps, limit: within(steps, limit)["rate"].iloc[-1], "in which they were tried"),
        (below_the_limit, "exactly the limit is within it"),
        (by_median, "looks at the p50"),
        (lambda steps, limit: within(steps, limit)["p99_ms"].max(), "it says 9."),
        (first_too_slow, "This rate was too slow"),
        (lambda steps, limit: within(steps, limit)["stored_per_s"].max(), "what was stored"),
        (lambda steps, limit: 200, "100, 200 and 400 records/s, of which 200 was too slow"),
        (lambda steps, limit: steps["p99"].max(), "raised KeyError: 'p99'"),
        (within, "this is a DataFrame"),
        (400, "without calling it"),
    ],
    "05.challenge": [
        (stalled(closed=True), "no sender sent anything while the server stood"),
        (struck("websocket", PAUSE, count=500, closed=True), "it does not show the stall"),
        (struck("websocket", PAUSE, count=500), "does not show the stall"),
        (stalled(protocol="http"), "over WebSocket alone"),
        (late(struck("websocket", count=500), 400), "did not strike"),
        (missed(stalled()), "did not strike"),
        (late(struck("websocket", SHORT, count=500), 400), "lasted 0.001 s; it is to"),
        (stalled(verdict={3: "failed"}), "Not every record"),
        (late(struck("websocket", PAUSE, count=90), 400), "90 records are too few for a p99"),
        (late(struck("websocket", AFTERWARDS, count=500), 400), "No record was due while"),
    ],
}


test_a_right_answer_is_accepted = accepted(RIGHT)
test_a_wrong_answer_hears_what_is_missing = refused(WRONG)
