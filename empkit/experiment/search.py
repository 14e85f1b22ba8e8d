"""The search for the highest offered rate that a system keeps up with.

The rate is doubled until it is too high, then the gap is halved (in ratio) until it is narrow: the
search of the OpenMessaging Benchmark, with a limit on the latency in place of the backlog
(https://openmessaging.cloud/docs/benchmarks/). In an open loop the two are equivalent: a system
that is offered more than it handles has a growing queue, and thus a growing response time.
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from empkit.experiment.workload import Workload
from empkit.results.runs import Runs

if TYPE_CHECKING:
    from empkit.results.info import RunInfo

LOWEST_RATE = 10.0
LEAST_RECORDS = 200
"""The fewest records in one step, so that its p99 rests on enough of them."""
LEAST_SHARE = 0.95
"""The share of the offered rate that must be stored: with less the queue grew, and the p99 only
reflects the duration of the step."""
GAVE_OUT = {
    "generator": "the load generator gave out, and not the system",
    "machine": "others used the machine, so that the system is not to blame",
}
"""The sentence for a cause other than the system."""


@dataclass(frozen=True)
class RateSearch:
    """What a search found.

    Attributes:
        protocol: which was tried.
        limit_ms: the p99 that was allowed.
        steps: one row a step, in order: rate (offered, records/s), stored_per_s, p50_ms and p99_ms
            (from when a record was due until it was stored), kept_up, why (not), and
            gave_out: what did not keep up, the `system`, the load `generator` or the `machine`.
        environment: the machine and the versions that were measured.
    """

    protocol: str
    limit_ms: float
    steps: pd.DataFrame
    environment: Mapping[str, Any] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """The highest rate that was kept up with, in records per second; NaN when none was."""
        rates = self.steps.loc[self.steps["kept_up"], "rate"]
        return float(rates.max()) if len(rates) else math.nan

    @property
    def gave_out(self) -> str:
        """What did not keep up at the next higher rate that was tried, in words, if it was not the
        system; the system may then keep up with more. Empty if it was the system, or nothing."""
        higher = self.steps[~self.steps["kept_up"].astype(bool)]
        if not math.isnan(self.rate):
            higher = higher[higher["rate"] > self.rate]
        if higher.empty or "gave_out" not in higher:
            return ""
        first = higher.sort_values("rate").iloc[0]
        words = GAVE_OUT.get(str(first["gave_out"]), "")
        return words and f"at {first['rate']:,.0f} records/s {words}"

    def __repr__(self) -> str:
        return f"<RateSearch: {self._said()}>"

    def _repr_html_(self) -> str:
        whole, exact = "{:,.0f}".format, "{:,.2f}".format
        forms = {"rate": whole, "stored_per_s": whole, "p50_ms": exact, "p99_ms": exact}
        with pd.option_context("display.max_colwidth", None):  # the reasons are sentences
            table = self.steps.to_html(border=0, index=False, na_rep="-", formatters=forms)
        return f"<p><b>RateSearch</b>: {html.escape(self._said())}</p>\n{table}"

    def _said(self) -> str:
        """Return the result in words."""
        result = "keeps up with none"
        if not math.isnan(self.rate):
            result = f"keeps up with {self.rate:,.0f} records/s"
        tried = f"{len(self.steps)} step{'s' if len(self.steps) != 1 else ''}"
        said = f"{self.protocol}, {tried}: {result}, p99 at most {self.limit_ms:g} ms"
        return f"{said}; {self.gave_out}" if self.gave_out else said


def find_rate(
    run: Callable[[Workload], Runs],
    protocol: str,
    p99_ms: float,
    first: float,
    highest: float,
    seconds: float,
    precision: float,
    on_step: Callable[[str], None],
) -> RateSearch:
    """Search for the highest rate; see `Lab.find_rate`.

    Args:
        run: sends a workload over the protocol.
        protocol: its name.
        p99_ms, first, highest, seconds, precision, on_step: see `Lab.find_rate`.

    Raises:
        ValueError: a number makes no sense.
        KeyboardInterrupt: interrupted.
    """
    if not (p99_ms > 0 and 0 < precision < 1 and seconds > 0):
        raise ValueError("p99_ms, seconds and precision must be above 0, precision below 1.")
    if not LOWEST_RATE <= first <= highest:
        raise ValueError(f"first is {first:g}; expected {LOWEST_RATE:g} to {highest:g} records/s.")
    rows: list[dict[str, object]] = []
    environment: dict[str, Any] = {}

    def keeps_up(rate: float) -> bool:
        count = max(LEAST_RECORDS, int(rate * seconds))
        workload = Workload(records=count, rate=rate, seed=len(rows))
        runs = run(workload)
        if runs.interrupted:  # an interrupted step has no verdict
            raise KeyboardInterrupt
        row = _judged(runs, rate, p99_ms)
        rows.append(row)
        environment.update(runs.environment)
        verdict = "kept up" if row["kept_up"] else f"not kept up: {row['why']}"
        on_step(f"{rate:,.0f} records/s: p99 {row['p99_ms']:.1f} ms, {verdict}")
        return bool(row["kept_up"])

    low, high = 0.0, first
    while high <= highest and keeps_up(high):
        low, high = high, 2 * high
    while low == 0 and high / 2 >= LOWEST_RATE:
        high /= 2
        if keeps_up(high):
            low, high = high, 2 * high
    while 0 < low < high / (1 + precision) and high <= highest:
        middle = math.sqrt(low * high)
        if keeps_up(middle):
            low = middle
        else:
            high = middle
    return RateSearch(protocol, p99_ms, pd.DataFrame(rows), environment)


def _judged(runs: Runs, rate: float, limit_ms: float) -> dict[str, object]:
    """Return the row of one step.

    A rate that was kept up with counts also when generator or machine were not what they should be:
    they can only have made it slower. At a rate that was not, they are named.
    """
    summary, info = runs.summary().iloc[0], runs.runs[0]
    p99_ms = float(summary["stored_p99_ms"])
    stored = runs.timings["verdict"].eq("stored").all()
    why = ""
    if not stored:
        why = "not every record was stored"
    elif float(summary["records_per_s"]) < LEAST_SHARE * rate:
        why = f"only {summary['records_per_s']:,.0f} a second were stored"
    elif np.isnan(p99_ms) or p99_ms > limit_ms:
        why = f"the p99 is above {limit_ms:g} ms"
    gave_out = _gave_out(info, p99_ms, limit_ms) if why else ""
    if gave_out in info.not_valid:
        why = f"{why}. {' '.join(info.not_valid.values())}"
    return {
        "rate": rate,
        "stored_per_s": float(summary["records_per_s"]),
        "p50_ms": float(summary["stored_p50_ms"]),
        "p99_ms": p99_ms,
        "kept_up": not why,
        "why": why,
        "gave_out": gave_out,
    }


def _gave_out(info: RunInfo, p99_ms: float, limit_ms: float) -> str:
    """Return what did not keep up: `system`, `generator` or `machine`.

    A system that takes longer than the limit also without the generator's lateness is too slow.
    """
    late_ms = info.sending_late_p99_ms or 0.0
    if "generator" in info.not_valid and not p99_ms - late_ms > limit_ms:
        return "generator"
    return "machine" if "machine" in info.not_valid else "system"
