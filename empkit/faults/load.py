"""Faults of the load."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from empkit.faults.base import Evidence, Offer, Plan, WholeRunFault


@dataclass(frozen=True)
class Overload(WholeRunFault):
    """For a time, records are offered `times` times as fast; open loop only.

    Args:
        times: the offered rate, as a multiple of the workload's.
        from_s: when it begins, in seconds after the start.
        until_s: when it ends.

    Example:
        >>> str(Overload(times=2.0, from_s=1.0, until_s=3.0))
        'overload:times=2.0,from_s=1.0,until_s=3.0'
    """

    name = "overload"
    part = "load"
    takes_away = True
    unit = "records due while it lasted"
    lasts_s = ("from_s", "until_s")
    times: float = 3.0
    from_s: float = 2.0
    until_s: float = 12.0

    def hindrance(self, plan: Plan) -> str:
        """Require an offered rate."""
        return "" if plan.open_loop else "it multiplies an offered rate; give --rate"

    def change(self, offer: Offer) -> Sequence[int]:
        """Multiply the rate for a time."""
        if offer.rate is None:
            raise ValueError("An overload multiplies an offered rate: give the workload a rate.")
        offer.surges.append((self.from_s, self.until_s, self.times))
        return ()

    def count(self, evidence: Evidence, places: Sequence[int]) -> int | None:
        """Count the records that the schedule has while it lasts."""
        start_ns = evidence.info.start_ns
        begin, end = (start_ns + int(moment_s * 1e9) for moment_s in (self.from_s, self.until_s))
        return int(evidence.timings("intended_ns")["intended_ns"].between(begin, end).sum())
