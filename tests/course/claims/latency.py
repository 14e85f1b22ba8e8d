"""The claims of notebook 04, and what makes them false."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from empkit.results.runs import Runs
from tests.course.claims import Change, Claim, Names
from tests.course.claims.changes import (
    Replayed,
    later,
    measured_again,
    named,
    with_timings,
    with_verdict,
)


class Instead:
    """A module of which some names are others; all else is that of the module."""

    def __init__(self, module: Any, **names: Any) -> None:
        self._module = module
        self.__dict__.update(names)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


def run_with(change: Any) -> Any:
    """A change of the first run: `change` changes the timings."""
    return measured_again("run", lambda runs: with_timings(runs, change))


def took(timings: pd.DataFrame) -> np.ndarray[Any, Any]:
    return (timings["acked_ns"] - timings["intended_ns"]).to_numpy(float)


def as_fast_as_the_median(timings: pd.DataFrame) -> None:
    timings["acked_ns"] = timings["intended_ns"] + int(np.median(took(timings)))


def symmetric(timings: pd.DataFrame) -> None:
    """Mirror the faster half at the median: the slower half is as far from it."""
    took_ns = took(timings)
    order, half = np.argsort(took_ns), len(took_ns) // 2
    took_ns[order[-half:]] = (2 * np.median(took_ns) - took_ns[order[:half]])[::-1]
    timings["acked_ns"] = timings["intended_ns"] + took_ns.astype("int64")


def alike(runs: Runs) -> Runs:
    """Each round takes as long as the first one, record by record."""

    def change(timings: pd.DataFrame) -> None:
        first = took(timings[timings["round"] == 1]).astype("int64")
        for _, own in timings.groupby("round"):
            timings.loc[own.index, "acked_ns"] = own["intended_ns"] + first

    return with_timings(runs, change)


def counted_twice(runs: Runs) -> Runs:
    changed = with_timings(runs, lambda _: None)
    changed.timings = pd.concat([runs.timings, runs.timings], ignore_index=True)
    return changed


def first_records(runs: Runs, count: int) -> Runs:
    changed = with_timings(runs, lambda _: None)
    changed.timings = runs.timings.head(count)
    return changed


def without_warm_up(names: Names) -> Instead:
    """What the database holds of a run that sent no warm-up."""

    def read(*question: object) -> pd.DataFrame:
        held = pd.read_sql(*question)
        return held[~held["employee_id"].str.contains("~")]

    return Instead(pd, read_sql=read)


def as_warm_up(names: Names) -> Runs:
    """The last record that is counted has the id of one of the warm-up."""

    def change(timings: pd.DataFrame) -> None:
        timings.loc[timings.index[-1], "employee_id"] = f"{names['run'].runs[0].run_id}~0"

    return with_timings(names["run"], change)


def less_sure(names: Names) -> Any:
    """Intervals of a confidence of 80 %, which are narrower."""
    interval = names["percentile_interval"]
    return lambda values, level: interval(values, level, 0.8)


def up_to_the_slowest(names: Names) -> Any:
    """Intervals that end at the slowest sample at the latest."""
    interval = names["percentile_interval"]

    def bounded(values: Any, level: float) -> tuple[float, float]:
        low, high = interval(values, level)
        return low, min(high, max(values, default=math.inf))

    return bounded


def of_five(names: Names) -> Any:
    """Intervals from the first five samples only."""
    interval = names["percentile_interval"]
    return lambda values, level: interval(values[:5], level)


def of_any_number(values: Any, levels: Any) -> dict[float, float]:
    """Percentiles of however few samples."""
    return {level: float(np.percentile(values, level)) for level in levels}


def alike_rounds(names: Names) -> Instead:
    """Random numbers without chance in the pace of a round."""

    def generator(seed: int) -> SimpleNamespace:
        random = np.random.default_rng(seed)
        return SimpleNamespace(
            normal=lambda mean, _, size: np.full(size, float(mean)), exponential=random.exponential
        )

    return Instead(np, random=SimpleNamespace(default_rng=generator))


def of_two_rounds(names: Names) -> Any:
    """What the first two of the rounds show, if Student's t were the normal distribution."""

    def compare(a: Any, b: Any) -> SimpleNamespace:
        logs = np.log(a / b)[:2]
        statistic = abs(logs.mean()) / (logs.std(ddof=1) / math.sqrt(len(logs)))
        return SimpleNamespace(p=math.erfc(statistic / math.sqrt(2)))

    return compare


def of_records(names: Names) -> Any:
    """Each round counts as ten observations, as if its records did not depend on each other."""
    paired = names["paired"]

    def compare(a: Any, b: Any) -> Any:
        scatter = np.linspace(0.9, 1.1, 10)
        return paired(np.outer(a, scatter).ravel(), np.repeat(b, 10))

    return compare


def smaller_p(names: Names) -> Any:
    """Ten times as small a p value as the right one."""
    paired = names["paired"]
    return lambda a, b: paired(a, b)._replace(p=paired(a, b).p / 10)


def opening(share: float) -> Any:
    """The fastest times with another one for the opening of the client."""
    return lambda n: np.concatenate([[share * n["fastest"][1]], n["fastest"][1:]])


CLAIMS = [
    Claim(
        "cell-08",
        "not half of the records are faster than the p50",
        [
            Change(
                "each record takes as long as the median",
                run_with(as_fast_as_the_median),
                start="cell-06",
            ),
            Change(
                "the p25 is taken for the p50", named(p50=lambda n: np.percentile(n["took_ms"], 25))
            ),
        ],
    ),
    Claim(
        "cell-08",
        "not one record in a hundred is slower than the p99",
        [
            Change(
                "each record takes as long as the median",
                run_with(as_fast_as_the_median),
                start="cell-06",
            ),
            Change(
                "the p90 is taken for the p99", named(p99=lambda n: np.percentile(n["took_ms"], 90))
            ),
        ],
    ),
    Claim(
        "cell-08",
        "the p99 is about as far from the median as the p1, or nearer",
        [Change("the faster half is mirrored at the median", run_with(symmetric), start="cell-06")],
    ),
    Claim(
        "cell-15",
        "the first record took at most twice as long as the others",
        [
            Change(
                "opening the client takes no time, and the first record as long as the others",
                named(fastest=lambda n: np.array([0.0, *np.full(20, n["usual"])])),
            )
        ],
    ),
    Claim(
        "cell-15",
        "the first record took longer than opening the client",
        [
            Change(
                "opening takes half as long as the first record after it",
                named(fastest=opening(0.5)),
            )
        ],
    ),
    Claim(
        "cell-17",
        "the run stored no warm-up of 50 records and a probe",
        [Change("the run sent no warm-up", named(pd=without_warm_up))],
    ),
    Claim(
        "cell-17",
        "the run counted fewer records than were asked for, or more",
        [
            Change("599 are counted", named(run=lambda n: first_records(n["run"], 599))),
            Change("each is counted twice", named(run=lambda n: counted_twice(n["run"]))),
        ],
    ),
    Claim(
        "cell-17",
        "a record of the warm-up is counted",
        [Change("the last record that is counted is one of the warm-up", named(run=as_warm_up))],
    ),
    Claim(
        "cell-22",
        "the interval of the p99 misses the truth too often",
        [
            Change(
                "the intervals end at the slowest sample",
                named(percentile_interval=up_to_the_slowest),
                start="cell-21",
            )
        ],
    ),
    Claim(
        "cell-22",
        "100 samples are enough for an upper end of the p99",
        [
            Change(
                "the intervals end at the slowest sample",
                named(percentile_interval=up_to_the_slowest),
                start="cell-21",
            )
        ],
    ),
    Claim(
        "cell-22",
        "100 samples are not enough for an upper end of the median",
        [Change("only five of them are used", named(percentile_interval=of_five), start="cell-21")],
    ),
    Claim(
        "cell-22",
        "the interval of the median misses the truth too often",
        [Change("the confidence is 80 %", named(percentile_interval=less_sure), start="cell-21")],
    ),
    Claim(
        "cell-22",
        "the interval of the p99 has an upper end from another number of samples on",
        [Change("the confidence is 80 %", named(percentile_interval=less_sure))],
    ),
    Claim(
        "cell-27",
        "the p99.9 is printed from another number of records on",
        [
            Change(
                "percentiles of any number of records are printed",
                named(percentiles=lambda n: of_any_number),
                start="cell-26",
            )
        ],
    ),
    Claim(
        "cell-27",
        "600 records are not enough for a p99",
        [Change("the run has 60 records", named(run=lambda n: first_records(n["run"], 60)))],
    ),
    Claim(
        "cell-27",
        "600 records are enough for a p99.9",
        [Change("the run has 1,200 records", named(run=lambda n: counted_twice(n["run"])))],
    ),
    Claim(
        "cell-32",
        "the medians of the six runs are within a tenth of a per cent",
        [
            Change(
                "each run takes as long as the first, record by record",
                named(medians=lambda n: n["round_medians"](alike(n["same"]))),
            )
        ],
    ),
    Claim(
        "cell-33d",
        "one heap gives hardly more false alarms",
        [
            Change(
                "whole rounds are not slower or faster by chance",
                named(np=alike_rounds),
                start="cell-33c",
            )
        ],
    ),
    Claim(
        "cell-33d",
        "pairs of rounds give more false alarms than they may",
        [
            Change(
                "only two rounds are compared, as if two were many",
                named(paired=of_two_rounds),
                start="cell-33c",
            )
        ],
    ),
    Claim(
        "f4facab6",
        "one pair gives a p value",
        [Change("each pair counts as ten observations", named(paired=of_records))],
    ),
    Claim(
        "f4facab6",
        "two pairs give a p value",
        [
            Change("each pair counts as ten observations", named(paired=of_records)),
            Change("the normal distribution is used for Student's t", named(paired=of_two_rounds)),
        ],
    ),
    Claim(
        "f4facab6",
        "three pairs give no p value",
        [
            Change(
                "there were only four runs, which make two pairs",
                named(a=lambda n: n["a"][:2], b=lambda n: n["b"][:2]),
            )
        ],
    ),
    Claim(
        "cell-34d",
        "pairs of rounds show the difference too seldom",
        [Change("the pairs are forgotten", named(paired=lambda n: n["apart"]), start="cell-34c")],
    ),
    Claim(
        "cell-34d",
        "without pairs the difference is shown, too",
        [Change("there are pairs", named(apart=lambda n: n["paired"]), start="cell-34c")],
    ),
    Claim(
        "cell-34i",
        "ten comparisons err hardly more often than one",
        [
            Change(
                "only the first of the ten is looked at",
                named(min=lambda n: next),
                start="cell-34h",
            )
        ],
    ),
    Claim(
        "cell-34i",
        "the correction does not prevent it",
        [
            Change(
                "each p value is a tenth of the right one",
                named(paired=smaller_p),
                start="cell-34h",
            )
        ],
    ),
    Claim(
        "cell-34n",
        "no difference was shown",
        [
            Change(
                "the network takes no longer: both are measured alike",
                named(
                    lab=lambda n: Replayed(n["lab"], n["near"], n["near"]),
                    round_medians=lambda n: lambda measured: measured,
                ),
                start="cell-34m",
            )
        ],
    ),
    Claim(
        "cell-34n",
        "the median ack of a round came sooner than the network lets it",
        [
            Change(
                "in one of the rounds it takes 3 ms",
                named(far=lambda n: n["far"].where(n["far"] > n["far"].min(), 3.0)),
            )
        ],
    ),
    Claim(
        "cell-37",
        "an ack came before its record was stored, not over Kafka",
        [
            Change(
                f"{protocol} stores its records a second later",
                measured_again(
                    "runs", lambda runs, own=protocol: later(runs, "stored_ns", 1_000, own)
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
                "Kafka's acks come a second later",
                measured_again("runs", lambda runs: later(runs, "acked_ns", 1_000, "kafka")),
                start="cell-36",
            )
        ],
    ),
    Claim(
        "cell-37",
        "a record got another verdict than stored",
        [
            Change(
                "one record of Kafka's failed",
                named(runs=lambda n: with_verdict(n["runs"], "failed", "kafka")),
            )
        ],
    ),
]
