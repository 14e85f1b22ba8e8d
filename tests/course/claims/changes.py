"""Changed copies of what a notebook has measured: the runs themselves stay as they are."""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pandas as pd

from empkit.results.runs import Runs
from tests.course.claims import Names


def named(**values: Callable[[Names], Any]) -> Callable[[Names], None]:
    """A change that gives names new values, one after another, each computed from the names."""

    def make(names: Names) -> None:
        for name, value in values.items():
            names[name] = value(names)

    return make


def with_timings(runs: Runs, change: Callable[[pd.DataFrame], object]) -> Runs:
    """The runs with timings that `change` has changed in place."""
    changed = copy.copy(runs)
    changed.timings = runs.timings.copy()
    change(changed.timings)
    return changed


def with_info(runs: Runs, protocol: str = "", **fields: Any) -> Runs:
    """The runs with other values in the description of each, or of those over one protocol."""
    changed = copy.copy(runs)
    changed.runs = [
        replace(info, **fields) if protocol in {"", info.protocol} else info for info in runs.runs
    ]
    return changed


def stored_twice(runs: Runs) -> Runs:
    """The runs as if the audit had found a record that is stored twice."""
    return with_info(runs, broken=["1 stored more than once: E1"])


def all_stored(runs: Runs) -> Runs:
    """The runs with the verdict `stored` on each record."""

    def change(timings: pd.DataFrame) -> None:
        timings["verdict"] = "stored"

    return with_timings(runs, change)


def with_attempts(runs: Runs, protocol: str, count: int) -> Runs:
    """The runs with another number of attempts of each record of a protocol."""

    def change(timings: pd.DataFrame) -> None:
        timings.loc[timings["protocol"] == protocol, "attempts"] = count

    return with_timings(runs, change)


def with_verdict(runs: Runs, verdict: str, protocol: str = "") -> Runs:
    """The runs with another verdict on one record: the last of all, or of one protocol."""

    def change(timings: pd.DataFrame) -> None:
        own = timings if not protocol else timings[timings["protocol"] == protocol]
        timings.loc[own.index[-1], "verdict"] = verdict

    return with_timings(runs, change)


def later(runs: Runs, stamp: str, ms: float, protocol: str = "") -> Runs:
    """The runs with a stamp that many milliseconds later, over one protocol or all."""

    def change(timings: pd.DataFrame) -> None:
        own = timings["protocol"].eq(protocol) if protocol else timings["protocol"].notna()
        timings.loc[own, stamp] += int(ms * 1e6)

    return with_timings(runs, change)


def one_of(name: str, place: int, change: Callable[[Runs], Runs]) -> Callable[[Names], None]:
    """A change of one of several runs that a name has."""
    return named(
        **{
            name: lambda n: [
                change(runs) if number == place else runs for number, runs in enumerate(n[name])
            ]
        }
    )


def answering(value: Any) -> Callable[..., Awaitable[Any]]:
    """A coroutine function that returns a value, whatever it is called with."""

    async def answer(*_: object, **__: object) -> Any:
        return value

    return answer


class Replayed:
    """A lab that measures nothing: each run, comparison and so on returns the next of `results`.

    All else is that of the lab.
    """

    def __init__(self, lab: Any, *results: Any) -> None:
        self._lab = lab
        self._results = iter(results)

    def _next(self, *_: object, **__: object) -> Any:
        return next(self._results)

    run = compare = cross = find_rate = _next

    def __getattr__(self, name: str) -> Any:
        return getattr(self._lab, name)


def measured_again(name: str, change: Callable[[Runs], Runs]) -> Callable[[Names], None]:
    """A change of what the lab measures next: that which a name has, changed."""
    return named(lab=lambda n: Replayed(n["lab"], change(n[name])))
