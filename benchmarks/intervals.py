"""How often the kit's comparisons err, and what they find, by simulation, for tables in
RESULTS.md: `python -m benchmarks.intervals --write`.

Two protocols are measured in rounds. A round takes a factor longer or shorter as a whole (its pace,
log-normal: a busier machine), and within it times are random. Where both are equal, a difference
that is shown is a false alarm; where one takes longer, a difference that is not shown was missed.
"""

from __future__ import annotations

import argparse
import itertools
import math
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from empkit.results.comparison import Comparison, apart, between_rounds, holm, paired
from empkit.results.statistics import Floats, percentile_interval

RESULTS = Path(__file__).with_name("RESULTS.md")
BEGIN, END = "<!-- intervals: begin -->", "<!-- intervals: end -->"

PACES = (0.0, 0.1, 0.2, 0.3)
ROUNDS = (3, 5, 10)
RECORDS = (100, 500, 2_000)
LEVELS = (50.0, 99.0)
FACTORS = (1.2, 1.5)
MOST_ALARMS, LEAST_COVERED = 0.06, 0.94
ALPHA = 0.05

Inverse = Callable[[Floats], Floats]
SHAPES: dict[str, Inverse] = {
    "exponential": lambda share: -np.log1p(-share),
    "heavy tail": lambda share: (1 - share) ** -0.4,  # Pareto, shape 2.5
}
"""Times within a round, by their distribution: the time that a share of records does not exceed."""

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
            f"{self.shape}, pace {self.pace:.0%}, {self.rounds} rounds of {self.records:,} "
            f"records, p{self.level:g}"
        )


def cells() -> Iterator[Cell]:
    """Return every case."""
    return itertools.starmap(Cell, itertools.product(SHAPES, PACES, ROUNDS, RECORDS, LEVELS))


def percentiles_of(cell: Cell, count: int, random: np.random.Generator) -> Floats:
    """Return that many percentiles of as many rounds at the same pace.

    The k-th smallest of n uniform numbers is Beta(k, n - k + 1) distributed, so that the two
    samples next to the percentile are drawn, and not all of them.
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
    """Return in which share of the experiments a title with two claims, of the p50 and the p99,
    names one of three equal protocols the first."""
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
    """Return in which share of the experiments the interval between rounds holds the truth: the
    value of endless rounds of as many records."""
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


def alarms(repeats: int, random: np.random.Generator) -> tuple[list[str], list[str]]:
    """Return the table of false alarms and coverage, and a sentence for each case that misses its
    bound; each entry is the worst of all shapes, records and percentiles."""
    lines = [
        "| pace | rounds | paired, a pace of its own | paired, pace shared | apart "
        "| a winner of three | interval between rounds |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    missed = []
    for pace, rounds in itertools.product(PACES, ROUNDS):
        worst = [0.0, 0.0, 0.0, 0.0, 1.0]
        for cell in (cell for cell in cells() if (cell.pace, cell.rounds) == (pace, rounds)):
            shares = [
                shown(cell, repeats, random, pace="of its own"),
                shown(cell, repeats, random, pace="shared"),
                shown(cell, repeats, random, pace="of its own", compare=apart),
                winners(cell, repeats, random) if cell.level == LEVELS[0] else 0.0,
                covered(cell, repeats, random),
            ]
            if max(shares[:4]) > MOST_ALARMS + slack(MOST_ALARMS, repeats):
                missed.append(f"{cell.name}: {max(shares[:4]):.1%} false alarms")
            if shares[4] < LEAST_COVERED - slack(LEAST_COVERED, repeats):
                missed.append(f"{cell.name}: the interval holds the truth in {shares[4]:.1%}")
            worst = [*map(max, worst[:4], shares[:4]), min(worst[4], shares[4])]
        lines.append(_line(f"{pace:.0%}", rounds, *(f"{share:.1%}" for share in worst)))
        print(lines[-1], flush=True)
    return lines, missed


def power(repeats: int, random: np.random.Generator) -> list[str]:
    """Return the table of how often a true difference is found, with 500 records a round."""
    columns = [f"{factor - 1:.0%}, p{level:g}" for factor in FACTORS for level in LEVELS]
    columns += ["20%, p50, pace shared", "the same, apart"]
    lines = [_line("pace", "rounds", *columns), "|" + " ---: |" * (len(columns) + 2)]
    for pace, rounds in itertools.product(PACES, ROUNDS):
        median, tail = (Cell("exponential", pace, rounds, 500, level) for level in LEVELS)
        shares = [
            shown(cell, repeats, random, pace="of its own", factor=factor)
            for factor in FACTORS
            for cell in (median, tail)
        ]
        shares += [
            shown(median, repeats, random, pace="shared", factor=1.2, compare=compare)
            for compare in (paired, apart)
        ]
        lines.append(_line(f"{pace:.0%}", rounds, *(f"{share:.0%}" for share in shares)))
        print(lines[-1], flush=True)
    return lines


def within(repeats: int, random: np.random.Generator) -> tuple[list[str], list[str]]:
    """Return the table of the interval of a percentile from the samples of one round, and what
    missed its bound."""
    lines = ["| records | p50 | p99 |", "| ---: | ---: | ---: |"]
    missed = []
    for records in RECORDS:
        shares = []
        for level in LEVELS:
            of_shapes = {
                shape: covered_within(Cell(shape, 0.0, 1, records, level), repeats, random)
                for shape in SHAPES
            }
            shares.append(min(of_shapes.values()))
            if shares[-1] < LEAST_COVERED - slack(LEAST_COVERED, repeats):
                missed.append(f"one round of {records:,} records, p{level:g}: {shares[-1]:.1%}")
        lines.append(_line(f"{records:,}", *(f"{share:.1%}" for share in shares)))
    return lines, missed


def _line(*entries: object) -> str:
    return "| " + " | ".join(str(entry).replace("%", " %") for entry in entries) + " |"


def section(repeats: int, seed: int) -> tuple[list[str], list[str]]:
    """Return the lines between the markers, and a sentence for each case that missed its bound."""
    random = np.random.default_rng(seed)
    of_alarms, missed = alarms(repeats, random)
    of_power = power(repeats, random)
    of_one, more = within(repeats, random)
    bound = f"{MOST_ALARMS + slack(MOST_ALARMS, repeats):.1%}".replace("%", " %")
    lines = [
        "## Intervals and comparisons",
        "",
        f"By `python -m benchmarks.intervals --write` on {datetime.now(UTC):%Y-%m-%d}: "
        f"{repeats:,} simulated experiments a case. The pace is the standard deviation of the "
        "factor by which a round is slower or faster as a whole.",
        "",
        "How often equal protocols are called different (5 % are meant; in every case at most 6 % "
        f"and three standard errors, {bound}), and how often the 95 % interval between rounds "
        f"holds the truth. Each entry is the worst of {len(SHAPES)} distributions "
        f"({', '.join(SHAPES)}), of {', '.join(f'{records:,}' for records in RECORDS)} records a "
        "round, and of p50 and p99. *A winner of three*: a title with two claims names one of "
        "three equal protocols the first.",
        "",
        *of_alarms,
        "",
        "How often a true difference is found, with 500 records a round. Where the pace of a round "
        "is the same for both, pairs of rounds find what rounds measured apart do not.",
        "",
        *of_power,
        "",
        "How often the interval of a percentile from the records of one round (ranks, binomial) "
        "holds its true value, where the records do not depend on each other.",
        "",
        *of_one,
        "",
        *(f"Missed its bound: {sentence}." for sentence in missed + more),
    ]
    return lines, missed + more


def put(text: str, lines: list[str]) -> str:
    """Return the text with the lines between the markers; at its end where it has no markers."""
    if BEGIN not in text:
        text = f"{text.rstrip()}\n\n{BEGIN}\n{END}\n"
    head, rest = text.split(BEGIN)
    _, tail = rest.split(END)
    return "\n".join([head + BEGIN, "", *lines, "", END + tail])


def main() -> None:
    """Simulate all cases, print the tables, and with `--write` put them into RESULTS.md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.intervals", description=__doc__)
    parser.add_argument("--repeats", type=int, default=2_000, help="experiments a case")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true", help=f"put the tables into {RESULTS.name}")
    parser.add_argument("--check", action="store_true", help="fail when a case misses its bound")
    options = parser.parse_args()
    lines, missed = section(options.repeats, options.seed)
    print("\n".join(lines))
    if options.write:
        RESULTS.write_text(put(RESULTS.read_text(), lines))
    if options.check and missed:
        sys.exit(1)


if __name__ == "__main__":
    main()
