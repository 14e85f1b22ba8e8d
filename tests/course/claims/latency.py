"""The claims of notebook 04, and what makes them false."""

import copy

import numpy as np
import pandas as pd

from empkit.results import apart, paired, percentile_interval
from empkit.results.runs import Runs
from tests.course.claims import Change, Claim, Names
from tests.course.claims.changes import (
    Replayed,
    later,
    named,
    with_info,
    with_timings,
    with_verdict,
)


def symmetric(names: Names) -> None:
    """Half of the sample, mirrored at the median."""
    took_ms = np.sort(names["took_ms"])
    half = took_ms[len(took_ms) // 2 :]
    names["took_ms"] = np.concatenate([2 * half[0] - half, half])
    names["p50"], names["p99"] = np.percentile(names["took_ms"], [50, 99])
    names["run"] = with_info(names["run"], valid=True, not_valid={})


def longer(runs: Runs) -> Runs:
    """The runs with their first fifty records once more."""
    changed = copy.copy(runs)
    changed.timings = pd.concat([runs.timings.head(50), runs.timings], ignore_index=True)
    return changed


def doubled(runs: Runs) -> Runs:
    changed = copy.copy(runs)
    changed.timings = pd.concat([runs.timings, runs.timings], ignore_index=True)
    return changed


def intervals(change):
    """A change of how an interval is computed."""
    return named(
        percentile_interval=lambda n: (
            lambda samples, level: change(*percentile_interval(samples, level), samples)
        )
    )


def narrow(low, high, samples):
    return low * 1.3, high / 1.3


def bounded(low, high, samples):
    return low, min(high, float(np.max(samples)))


def open_above(low, high, samples):
    return low, np.inf


def p_values(change):
    """A change of the p value of a paired comparison."""
    return named(paired=lambda n: lambda a, b: _with_p(paired(a, b), change))


def _with_p(found, change):
    return found._replace(p=change(found.p))


def all_alike(names: Names) -> None:
    """Each round is the first."""
    same = names["same"]

    def change(timings: pd.DataFrame) -> None:
        for stamp in ("intended_ns", "acked_ns"):
            first = timings.loc[timings["round"] == 1, stamp].to_numpy()
            for number in timings["round"].unique():
                timings.loc[timings["round"] == number, stamp] = first

    names["lab"] = Replayed(names["lab"], with_timings(same, change))


def nothing_planted(names: Names) -> None:
    names["far"] = names["near"]
    names["slower"] = apart(names["far"].to_numpy(), names["near"].to_numpy())


def side_by_side(change):
    """A change of the three protocols' runs."""

    def make(names: Names) -> None:
        names["lab"] = Replayed(names["lab"], change(names["runs"]))

    return make


CLAIMS = [
    Claim(
        "cell-08",
        "other than one in a hundred of the 600 is slower than the p99",
        [Change("the p99 is the p50", named(p99=lambda n: n["p50"]))],
    ),
    Claim(
        "cell-08",
        "the slow ones are no further from the median than the fast ones",
        [Change("the slower half, and its mirror image as the faster one", symmetric)],
    ),
    Claim(
        "cell-15",
        "the first record took less than twice as long as the others",
        [Change("all took the same", named(fastest=lambda n: np.ones(21) * n["usual"] / 2))],
    ),
    Claim(
        "cell-15",
        "opening the client took less than the first record after it",
        [
            Change(
                "the two have changed places",
                named(fastest=lambda n: n["fastest"][[1, 0, *range(2, 21)]]),
            )
        ],
    ),
    Claim(
        "cell-17",
        "the timings hold the records of the warm-up, too",
        [Change("fifty more are in them", named(run=lambda n: longer(n["run"])))],
    ),
    Claim(
        "cell-17",
        "the verdicts count the records of the warm-up, too",
        [Change("fifty more were offered", named(run=lambda n: longer(n["run"])))],
    ),
    Claim(
        "cell-22",
        "the interval of the p99 misses the truth too often",
        [Change("intervals begin 30 % higher", intervals(narrow), start="cell-21")],
    ),
    Claim(
        "cell-22",
        "a hundred samples bound the p99 from above",
        [Change("the largest sample is the end", intervals(bounded), start="cell-21")],
    ),
    Claim(
        "cell-22",
        "a hundred samples do not bound the median",
        [Change("no interval has an upper end", intervals(open_above))],
    ),
    Claim(
        "cell-22",
        "the interval of the median misses the truth too often",
        [Change("intervals are 30 % narrower on both sides", intervals(narrow))],
    ),
    Claim(
        "cell-22",
        "the p99 gets an upper end from another number of samples on",
        [
            Change("the largest sample is the end", intervals(bounded)),
            Change(
                "the interval is one of 90 %",
                named(
                    percentile_interval=lambda n: (
                        lambda samples, level: percentile_interval(samples, level, confidence=0.9)
                    )
                ),
            ),
        ],
    ),
    Claim(
        "cell-27",
        "a p99.9 needs more records, or fewer",
        [
            Change(
                "a percentile is given for any number of records",
                named(percentiles=lambda n: lambda values, levels: dict.fromkeys(levels, 1.0)),
                start="cell-26",
            )
        ],
    ),
    Claim(
        "cell-27",
        "600 records were enough for a p99.9",
        [Change("there are 1,200 records", named(run=lambda n: doubled(n["run"])))],
    ),
    Claim(
        "cell-32",
        "two of the six runs have the same median",
        [Change("each round took as long as the first", all_alike, start="cell-31")],
    ),
    Claim(
        "cell-33d",
        "one heap gives no more false alarms than pairs of rounds",
        [Change("intervals have no upper end", intervals(open_above), start="cell-33c")],
    ),
    Claim(
        "cell-33d",
        "pairs of rounds give too many false alarms",
        [Change("p is a third of what it is", p_values(lambda p: p / 3), start="cell-33c")],
    ),
    Claim(
        "f4facab6",
        "one pair has a p value",
        [Change("where nothing can be said p is 0.04", p_values(lambda p: 0.04))],
    ),
    Claim(
        "f4facab6",
        "two pairs have a p value",
        [Change("where nothing can be said p is 0.04", p_values(lambda p: 0.04))],
    ),
    Claim(
        "cell-34d",
        "pairs of rounds miss the difference too often",
        [Change("the pairs are forgotten", named(paired=lambda n: apart), start="cell-34c")],
    ),
    Claim(
        "cell-34d",
        "without pairs the difference is found, too",
        [Change("they are compared in pairs", named(apart=lambda n: paired), start="cell-34c")],
    ),
    Claim(
        "cell-34i",
        "hardly a report shows a difference that is none",
        [Change("p is ten times as large", p_values(lambda p: 10 * p), start="cell-34h")],
    ),
    Claim(
        "cell-34i",
        "also with the correction too many reports show a difference that is none",
        [Change("p is a fifth of what it is", p_values(lambda p: p / 5), start="cell-34h")],
    ),
    Claim(
        "cell-34n",
        "the slower network was not found",
        [Change("both runs went over the fast one", nothing_planted)],
    ),
    Claim(
        "cell-34n",
        "an ack took less than the 4 ms that were planted",
        [Change("each took 4 ms less", named(far=lambda n: n["far"] - n["far"].min() + 3.9))],
    ),
    Claim(
        "cell-37",
        "an ack came before its record was stored, not over Kafka",
        [
            Change(
                f"{protocol} stores a second later",
                side_by_side(
                    lambda runs, protocol=protocol: later(runs, "stored_ns", 1_000, protocol)
                ),
                start="cell-36",
            )
            for protocol in ("http", "websocket")
        ],
    ),
    Claim(
        "cell-37",
        "fewer than half of Kafka's acks came before the record was stored",
        [
            Change(
                "Kafka's acks come a minute later",
                side_by_side(lambda runs: later(runs, "acked_ns", 60_000, "kafka")),
                start="cell-36",
            )
        ],
    ),
    Claim(
        "cell-37",
        "a record is not stored",
        [Change("one failed", side_by_side(lambda runs: with_verdict(runs, "failed")), "cell-36")],
    ),
]
