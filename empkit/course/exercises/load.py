"""The exercises of notebook 05.

Each checker takes an answer and returns None when it is right, or a sentence that says what is
missing.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from empkit.course.exercises.answers import Check, Missing, choices
from empkit.course.exercises.functions import NOTHING, Case, Mistake, held_against, within
from empkit.course.exercises.measured import not_all_stored, of_runs, strikes, too_short
from empkit.course.exercises.tables import RANDOM_TABLES
from empkit.faults.server import ServerPause
from empkit.results.runs import Runs, latencies_ms
from empkit.results.statistics import percentiles

LOOPS = {"visitors": "open", "copy": "closed", "clerks": "closed", "sensors": "open"}
P99_TO_SHOW_MS = 250.0
STALL_S = 0.5


@cache
def _loads() -> tuple[Case, ...]:
    random = np.random.default_rng(19)
    rates = np.exp(random.uniform(0, 9, RANDOM_TABLES)).round(1).tolist()
    times = np.exp(random.uniform(-1, 7, RANDOM_TABLES)).round(2).tolist()
    shown = [(200.0, 50.0), (200.0, 5.0), (3.0, 500.0), (1_000.0, 0.0), (100, 10)]
    return tuple(
        Case(f"{rate:g} records per second of {ms:g} ms each", (rate, ms))
        for rate, ms in (*shown, *zip(rates, times, strict=True))
    )


def _in_flight(rate: float, ms: float) -> float:
    return ms * 1e-3 * rate


littles_law = held_against(
    _in_flight,
    _loads,
    [
        Mistake(lambda rate, ms: rate * ms, "The rate is per second, the time is in milliseconds."),
        Mistake(
            lambda rate, ms: rate / 20,
            "The longer each takes, the more are in flight: this does not depend on the time.",
        ),
        Mistake(
            lambda rate, ms: 1_000 * rate / ms,
            "The longer each takes, the more are in flight, not the fewer.",
        ),
        Mistake(
            lambda rate, ms: rate / ms,
            "The longer each takes, the more are in flight, not the fewer.",
        ),
        Mistake(
            lambda rate, ms: rate * ms // 1_000,
            "It is a mean, which need not be a whole number: of 3 records per second of 500 ms "
            "each 1.5 are in flight.",
        ),
        Mistake(
            lambda rate, ms: rate * ms / 1_000_000,
            "A millisecond is a thousandth of a second, not a millionth.",
        ),
    ],
)
"""05.1: records in flight from a rate and a time in ms."""


def which_loop(answer: Any) -> Missing:
    """05.2: closed or open."""
    reasons = {
        "visitors": "Does one visitor wait at the door until another has been served?",
        "copy": "Does the program read the next record before the previous one is copied?",
        "clerks": "Who waits for an answer before the next record?",
        "sensors": "Does a sensor wait for an answer before it reports again?",
    }
    return choices(answer, LOOPS, reasons)


def _steps(rates: list[float], p99s: list[float]) -> pd.DataFrame:
    """Return a table like `search.steps`; its own limit was 250 ms."""
    kept = [p99 <= 250.0 for p99 in p99s]
    shares = [0.99 if p99 <= 20.0 else 0.6 for p99 in p99s]
    return pd.DataFrame(
        {
            "rate": rates,
            "stored_per_s": [rate * share for rate, share in zip(rates, shares, strict=True)],
            "p50_ms": [p99 / 3 for p99 in p99s],
            "p99_ms": p99s,
            "kept_up": kept,
            "why": ["" if each else "the p99 is above 250 ms" for each in kept],
            "gave_out": ["" if each else "system" for each in kept],
        }
    )


@cache
def _searches() -> tuple[Case, ...]:
    random = np.random.default_rng(19)
    plain = _steps([100.0, 200.0, 400.0], [5.0, 9.0, 90.0])
    cases = [
        Case("100, 200 and 400 records/s, of which the last was too slow", (plain, 10.0)),
        Case(
            "100, 400 and 200 records/s, in this order, of which 400 was too slow",
            (_steps([100.0, 400.0, 200.0], [5.0, 90.0, 9.0]), 10.0),
        ),
        Case(
            "100, 200 and 400 records/s, of which 200 was too slow and 400 was not",
            (_steps([100.0, 200.0, 400.0], [5.0, 90.0, 9.0]), 10.0),
        ),
        Case("three rates, of which none was too slow", (plain, 1_000.0)),
        Case("a p99 that is exactly the limit", (plain, 9.0)),
        Case(
            "a p99 that is exactly the limit, at the lower of two rates that were kept up with",
            (_steps([100.0, 200.0], [9.0, 8.0]), 9.0),
        ),
        Case("three rates that were all too slow", (plain, 1.0)),
        Case("one rate", (_steps([500.0], [20.0]), 100)),
    ]
    for _ in range(RANDOM_TABLES):
        count = int(random.integers(2, 14))
        rates = (500 * 2 ** random.permutation(np.linspace(-3, 4, 40))[:count]).round(3)
        typical = 3 + (rates / 700) ** 2
        p99s = (typical * np.exp(random.normal(0, 0.9, count))).round(3)
        limit = float(np.quantile(p99s, random.uniform(0.2, 1.0)).round(3))
        words = f"{count} steps that are not shown here"
        cases.append(Case(words, (_steps(rates.tolist(), p99s.tolist()), limit)))
    return tuple(cases)


def _kept_up(steps: pd.DataFrame, limit: float) -> Any:
    best = NOTHING
    for rate, p99 in sorted(zip(steps["rate"], steps["p99_ms"], strict=True)):
        if p99 > limit:
            return best
        best = rate
    return best


def _good(steps: pd.DataFrame, limit: float) -> pd.DataFrame:
    return steps[steps["p99_ms"] <= limit]


highest_rate = held_against(
    _kept_up,
    _searches,
    [
        Mistake(
            lambda steps, limit: _good(steps, limit)["rate"].max(),
            "A higher rate that went well by chance does not help where a lower one did not.",
        ),
        Mistake(
            lambda steps, limit: steps["rate"].max(), "The highest rate may have been too slow."
        ),
        Mistake(
            lambda steps, limit: steps.loc[steps["kept_up"], "rate"].max(),
            "The column kept_up is about the limit of that search, not about the given one.",
        ),
        Mistake(
            lambda steps, limit: _good(steps, limit)["rate"].iloc[-1],
            "The steps are in the order in which they were tried, not in that of their rates.",
        ),
        Mistake(
            lambda steps, limit: _kept_up(steps.assign(p99_ms=steps["p99_ms"] + 1e-9), limit),
            "A p99 of exactly the limit is within it.",
        ),
        Mistake(
            lambda steps, limit: _kept_up(steps.assign(p99_ms=steps["p50_ms"]), limit),
            "The p99 is to be within the limit; this looks at the p50.",
        ),
        Mistake(
            lambda steps, limit: steps.loc[_good(steps, limit)["rate"].idxmax(), "p99_ms"],
            "This is a p99; a rate is wanted.",
        ),
        Mistake(
            lambda steps, limit: steps.loc[steps["p99_ms"] > limit, "rate"].min(),
            "This rate was too slow; the highest below it is wanted.",
        ),
        Mistake(
            lambda steps, limit: steps.loc[_good(steps, limit)["p99_ms"].idxmax(), "rate"],
            "The rate with the highest p99 within the limit need not be the highest rate.",
        ),
        Mistake(
            lambda steps, limit: steps.loc[_good(steps, limit).index, "stored_per_s"].max(),
            "The rate that was offered is wanted, not what was stored.",
        ),
    ],
    alike=within(1.0),
)
"""05.3: a function from the steps of a search and a limit to the highest rate."""


@of_runs
def shows_the_stall(runs: Runs) -> Missing:
    """The challenge of 05: over WebSocket, in an open loop, a stall that shows in the p99."""
    if runs.protocols != ["websocket"]:
        return "It is to be measured over WebSocket alone."
    if missing := too_short(runs, ServerPause.name, STALL_S, "the pause of the server"):
        return missing
    if missing := not_all_stored(runs):
        return missing
    for info in runs.runs:
        rows = runs.of(info.protocol, info.round).timings
        p99 = percentiles(latencies_ms(rows, "ack")["ms"].to_numpy(), [99])[99]
        if np.isnan(p99):
            return f"{len(rows)} records are too few for a p99."
        if not p99 >= P99_TO_SHOW_MS:
            return f"The p99 is {p99:.3g} ms: it does not show the stall."
        if info.workload.get("rate") is None:
            return (
                "The p99 is high, but in a closed loop no sender sent anything while the server "
                "stood: how many records it struck was chosen by the one who measured."
            )
        due = [
            rows["intended_ns"].between(fault.start_ns, fault.end_ns or info.end_ns).any()
            for fault in strikes(info, ServerPause.name)
        ]
        if not any(due):
            return "No record was due while the server stood: this p99 shows something else."
    return None


CHECKS: dict[str, Check] = {
    "05.1": littles_law,
    "05.2": which_loop,
    "05.3": highest_rate,
    "05.challenge": shows_the_stall,
}
"""The checkers by the number of their exercise."""
