"""How late the records of an open loop were sent, and whose lateness that is.

A record is sent late for one of two reasons. Either `Workload.MOST_IN_FLIGHT` records were in
flight, so that it had to wait for an answer: that is the system's lateness. Or the load generator
was busy, stopped or without a processor: that is the kit's own.
"""

from __future__ import annotations

from array import array
from typing import Any, NamedTuple

import numpy as np

from empkit.results.statistics import percentiles

Stamps = np.ndarray[Any, np.dtype[np.int64]]


class Lateness(NamedTuple):
    """The lateness of one run.

    Attributes:
        held_back: how many records were due while the most that may were in flight.
        p50_ms: the median lateness of the records that did not wait mainly for that, in ms; None
            of too few records.
        p99_ms: the 99th percentile.
    """

    held_back: int
    p50_ms: float | None
    p99_ms: float | None

    @classmethod
    def of(
        cls, intended_ns: Stamps, free_ns: Stamps, sent_ns: Stamps, full_ns: array[int]
    ) -> Lateness:
        """Return the lateness of a run.

        A record counts as the system's if it waited for a place in flight during more than half of
        its lateness: behind a generator that is late, a moment without a place excuses nothing.

        Args:
            intended_ns: when each record was due; 0 if it was never offered.
            free_ns: when each had a place in flight.
            sent_ns: when each was handed to the client.
            full_ns: begin and end of each wait for a place in flight, in order.
        """
        offered = intended_ns != 0
        intended, late = intended_ns[offered], (sent_ns - intended_ns)[offered]
        waited = _waited(free_ns[offered], full_ns) - _waited(intended, full_ns)
        own = late[waited <= late / 2]
        levels = percentiles(own / 1e6, (50, 99))
        p50, p99 = (None if np.isnan(value) else value for value in levels.values())
        return cls(int((waited > 0).sum()), p50, p99)


def _waited(moments_ns: Stamps, full_ns: array[int]) -> Stamps:
    """Return how long the generator had waited for a place in flight until each moment, in ns."""
    if not full_ns:
        return np.zeros(len(moments_ns), np.int64)
    edges = np.frombuffer(full_ns, np.int64)
    lengths = edges[1::2] - edges[::2]
    ends = np.cumsum(lengths)
    waited = np.empty(len(edges), np.int64)
    waited[::2], waited[1::2] = ends - lengths, ends
    # relative to the first edge: floating-point numbers would round the clock of a machine that
    # has been up for 104 days (2**53 ns)
    first = edges[0]
    found = np.interp(moments_ns - first, edges - first, waited)
    return np.asarray(np.rint(found), np.int64)
