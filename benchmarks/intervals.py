"""How often the kit's comparisons err, and what they find, by simulation, for a table in RESULTS.md:
`python -m benchmarks.intervals --write`.

Two protocols are measured in rounds. A round takes a factor longer or shorter as a whole (its pace,
log-normal: a busier machine), and within it times are random. Where both are equal, a difference that
is shown is a false alarm; where one takes longer, a difference that is not shown was missed.
"""

from __future__ import annotations

import argparse
import itertools
import math
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from empkit.results.comparison import Comparison, apart, between_rounds, holm, paired
from empkit.results.statistics import Floats, percentile_interval

RESULTS = Path(__file__).with_name("RESULTS.md")
BEGIN, END = "<!-- intervals: begin -->", "<!-- intervals: end -->"

PACES = (0.0, 0.05, 0.1, 0.2, 0.3)
ROUNDS = (3, 4, 5, 7, 10)
RECORDS = (100, 500, 2_000)
LEVELS = (50.0, 99.0)
MOST_ALARMS, LEAST_COVERED = 0.06, 0.94
ALPHA = 0.05

Inverse = Callable[[Floats], Floats]
SHAPES: dict[str, Inverse] = {
    "exponential": lambda share: -np.log1p(-share),
    "heavy tail": lambda share: (1 - share) ** -0.4,  # Pareto, shape 2.5
}
"""The distributions of times within a round: the time that a share of the records does not exceed."""

Together = Literal["of its own", "shared"]


class Cell(NamedTuple):
    """One case of the simulation.

    Attributes:
        shape: the distribution of times within a round.
        pace: the standard deviation of the logarithm of a round's factor.
        rounds: how many of each protocol.
        records: how many a round.
        level: which percentile is compared.
    """

    shape: str
    pace: float
    rounds: int
    records: int
    level: float

    @property
    def name(self) -> str:
        """The case in words."""
        return (
            f"{self.shape}, pace {self.pace:.0%}, {self.rounds} rounds of {self.records:,} records, "
            f"p{self.level:g}"
        )


def cells() -> Iterator[Cell]:
    """Return every case."""
    return itertools.starmap(Cell, itertools.product(SHAPES, PACES, ROUNDS, RECORDS, LEVELS))


def percentiles_of(cell: Cell, count: int, random: np.random.Generator) -> Floats:
    """Return that many percentiles of as many rounds at the same pace.

    The k-th smallest of n uniform numbers is Beta(k, n - k + 1) distributed, so that the two samples
    next to the percentile are drawn, and not all of them.
    """
    place = cell.level / 100 * (cell.records - 1)
    below = int(place)
    lower = random.beta(below + 1, cell.records - below, count)
    upper = lower + (1 - lower) * random.beta(1, cell.records - below - 1, count)
    near, far = SHAPES[cell.shape](lower), SHAPES[cell.shape](upper)
    between: Floats = near + (place - below) * (far - near)
    return between


def protocols(
    cell: Cell, repeats: int, random: np.random.Generator, pace: Together, count: int = 2
) -> list[Floats]:
    """Return the percentiles of equal protocols: one row per repetition, one column per round.

    Args:
        cell: the case.
        repeats: how many experiments.
        random: where the numbers come from.
        pace: whether each protocol's rounds have a pace of their own, or a round's pace is the same
            for all, as when the whole machine is slower.
        count: how many protocols.
    """
    shape = (repeats, cell.rounds)
    shared = random.normal(0, cell.pace, shape)
    return [
        percentiles_of(cell, math.prod(shape), random).reshape(shape)
        * np.exp(shared if pace == "shared" else random.normal(0, cell.pace, shape))
        for _ in range(count)
    ]


def shown(
    cell: Cell, repeats: int, random: np.random.Generator, *, pace: Together, factor: float = 1.0,
    compare: Callable[[Floats, Floats], Comparison] = paired,
) -> float:  # fmt: skip
    """Return in which share of the experiments a difference is shown.

    Args:
        cell, repeats, random, pace: see `protocols`.
        factor: how many times as long one of the two takes; 1 makes each difference a false alarm.
        compare: the function that compares.
    """
    a, b = protocols(cell, repeats, random, pace)
    return float(np.mean([compare(factor * x, y).p <= ALPHA for x, y in zip(a, b, strict=True)]))


def winners(cell: Cell, repeats: int, random: np.random.Generator) -> float:
    """Return in which share of the experiments a title with two claims, of the p50 and the p99, names
    one of three equal protocols the first."""
    several = [
        protocols(cell._replace(level=level), repeats, random, "of its own", 3) for level in LEVELS
    ]
    named = 0
    for repeat in range(repeats):
        claims = []
        for values in several:
            first, *others = sorted((v[repeat] for v in values), key=lambda v: np.log(v).mean())
            claims.append(max(paired(first, other).p for other in others))
        named += min(holm(claims)) <= ALPHA
    return named / repeats


def covered(cell: Cell, repeats: int, random: np.random.Generator) -> float:
    """Return in which share of the experiments the interval between rounds holds the truth: the value
    of endless rounds of as many records."""
    truth = math.exp(np.log(percentiles_of(cell, 400_000, random)).mean())
    (values,) = protocols(cell, repeats, random, "of its own", 1)
    intervals = [between_rounds(row) for row in values]
    return float(np.mean([interval.low <= truth <= interval.high for interval in intervals]))


def covered_within(cell: Cell, repeats: int, random: np.random.Generator) -> float:
    """Return in which share of the samples the interval of one percentile holds its true value."""
    inverse = SHAPES[cell.shape]
    truth = float(inverse(np.array(cell.level / 100)))
    held = 0
    for _ in range(repeats):
        low, high = percentile_interval(inverse(random.random(cell.records)), cell.level)
        held += low <= truth <= high
    return held / repeats


def slack(share: float, repeats: int) -> float:
    """Return three standard errors of a share that was counted in so many repetitions."""
    return 3 * math.sqrt(share * (1 - share) / repeats)
