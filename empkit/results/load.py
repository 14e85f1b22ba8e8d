"""The load of a comparison: in words, whether latencies may be compared at it, and the rate at
which it is equal for all.

    closed loop, several in flight   as fast as each goes: gives the throughput; each latency is at
                                     a load of its own
    closed loop, one in flight       the unloaded round trip: latencies can be compared
    open loop                        the same offered rate for each: latencies can be compared
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from empkit.results.measured import Measured

UNEQUAL = "each latency is at a load of its own"
"""What must be said of latencies in a closed loop with several records in flight."""


class Load(NamedTuple):
    """The load of runs that were carried out together.

    Attributes:
        rate: open loop: the offered rate, in records per second; None in a closed loop.
        in_flight: closed loop: how many records are in flight at any time; None in an open loop,
            or when a folder of results does not say.
        poisson: open loop: whether the gaps are those of a Poisson process.
    """

    rate: float | None = None
    in_flight: int | None = None
    poisson: bool = False

    @property
    def name(self) -> str:
        """A short name, such as for a folder: `open` or `closed`."""
        return "closed" if self.rate is None else "open"

    @property
    def equal(self) -> bool:
        """Whether the load is the same for every protocol, so that latencies can be compared."""
        return self.rate is not None or self.in_flight == 1

    def __str__(self) -> str:
        if self.rate is not None:
            arrivals = ", Poisson arrivals" if self.poisson else ""
            return f"at {self.rate:,g} records/s for each (open loop{arrivals})"
        if self.in_flight == 1:
            return "one record in flight (the unloaded round trip)"
        of = "" if self.in_flight is None else f", {self.in_flight} in flight"
        return f"as fast as each goes (closed loop{of})"


def load_of(runs: Measured) -> Load:
    """Return the load of runs that were carried out together."""
    workload = runs.runs[0].workload if runs.runs else {}
    rate, in_flight = workload.get("rate"), workload.get("in_flight")
    return Load(
        None if rate is None else float(rate),
        None if in_flight is None else int(in_flight),
        workload.get("arrivals") == "poisson",
    )


def unequal_load(runs: Measured) -> str:
    """Return why latencies of these runs were not measured at an equal load; empty if they were."""
    if not load_of(runs).equal:
        return UNEQUAL
    if waited := held_back(runs):
        words = ", ".join(f"{count:,} over {name}" for name, count in waited.items())
        return f"records waited for their turn ({words}), so the load was not equal"
    return ""


def held_back(runs: Measured) -> dict[str, int]:
    """Return, for each protocol that did not take the offered rate, how many records waited."""
    counts: dict[str, int] = {}
    for run in runs.runs:
        if run.held_back:
            counts[run.protocol] = counts.get(run.protocol, 0) + run.held_back
    return counts


def equal_rate(*crossed: Measured) -> float:
    """Return an offered rate that every protocol keeps up with: half the throughput of the slowest,
    rounded down to 1, 2 or 5 times a power of ten.

    At half of its throughput a system still has room, so that latencies are those of the protocol
    and not of a queue that grows.

    Args:
        crossed: results of closed loops.

    Raises:
        ValueError: one of them stored nothing.
    """
    slowest = min(float(rate) for runs in crossed for rate in runs.summary()["records_per_s"])
    if not slowest > 0:
        raise ValueError("One of the protocols stored no record, so there is no rate for all.")
    power = 10.0 ** math.floor(math.log10(slowest / 2))
    return float(max(step * power for step in (1, 2, 5) if step * power <= slowest / 2))
