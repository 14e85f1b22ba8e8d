"""The order of the stamps of each record.

sent <= received <= stored
sent <= acked
stored <= acked      where an ack promises that the record is stored: not through Kafka
"""

from __future__ import annotations

import math
import time
from typing import Any, NamedTuple

import numpy as np

Stamps = np.ndarray[Any, np.dtype[np.int64]]
"""Nanoseconds of one clock, one per record; 0 for a missing stamp."""

RESOLUTION_NS = max(1, math.ceil(time.get_clock_info("monotonic").resolution * 1e9))
"""The maximum difference of two readings of the clock at the same moment."""


class Violation(NamedTuple):
    """Records whose stamps are in the wrong order.

    Attributes:
        words: the rule that is broken, for a sentence.
        seqs: the records that break it.
        worst_ns: the largest difference.
    """

    words: str
    seqs: list[int]
    worst_ns: int


def violations(
    sent: Stamps,
    received: Stamps,
    stored: Stamps,
    acked: Stamps,
    *,
    ack_means_stored: np.ndarray[Any, np.dtype[np.bool_]] | bool,
    resolution_ns: int = RESOLUTION_NS,
) -> list[Violation]:
    """Return every rule that is broken, with the records that break it.

    Args:
        sent, received, stored, acked: the stamps of each record.
        ack_means_stored: for each record, whether its ack promises that it is stored.
        resolution_ns: of the clock; two stamps that are no further apart have no order.
    """
    rules = (
        ("received before they were sent", sent, received, True),
        ("stored before they were received", received, stored, True),
        ("stored before they were sent", sent, stored, True),
        ("acked before they were sent", sent, acked, True),
        ("acked before they were stored", stored, acked, ack_means_stored),
    )
    broken = []
    for words, first, second, promised in rules:
        wrong = (first != 0) & (second != 0) & (first - second > resolution_ns) & promised
        seqs = np.flatnonzero(wrong)
        if len(seqs):
            broken.append(Violation(words, seqs.tolist(), int((first - second)[seqs].max())))
    return broken
