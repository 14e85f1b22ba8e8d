"""The interval of a number between rounds, the comparison of two protocols, and which protocol may
be called first: all from one value per round, since the records of a round are no independent
samples.

    value of each round --> logarithms --> Student's t --> interval and p --> Holm --> a ranking, or
                                                                               why there is none

Latencies are positive and vary by factors, hence the logarithms: means of them are geometric means,
differences are ratios. `python -m benchmarks.intervals` shows by simulation how often two equal
protocols are called different, and how often a true difference is found.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from empkit.results.load import unequal_load
from empkit.results.statistics import Floats, student_p, student_quantile

if TYPE_CHECKING:
    import pandas as pd

    from empkit.results.measured import Measured

ALPHA = 0.05
"""The chance of a false alarm, over all claims of one title."""
CONFIDENCE = 1 - ALPHA
LEAST_ROUNDS = 3
"""With fewer rounds there is no interval between rounds, and no ranking."""
_SMALLEST = 1e-6  # one nanosecond in milliseconds: a value of 0 has no logarithm
_NAN = float("nan")


class Interval(NamedTuple):
    """A number over several rounds.

    Attributes:
        value: the geometric mean of the rounds; of one round, its value.
        low: the lower end: of the 95 % interval from three rounds on, of two rounds the smaller
            value, of one round missing (NaN).
        high: the upper end.
    """

    value: float
    low: float
    high: float


class Comparison(NamedTuple):
    """Two sides compared, A and B.

    Attributes:
        ratio: A's geometric mean divided by B's.
        low: the lower end of the 95 % interval of the ratio; NaN of fewer than three rounds.
        high: the upper end. An interval that holds 1 shows no difference.
        p: how likely equal sides differ as much by chance, or more; NaN of fewer than three rounds.
        rounds: how many rounds of either side, or pairs of rounds, were compared.
    """

    ratio: float
    low: float
    high: float
    p: float
    rounds: int


class Ranking(NamedTuple):
    """The best of several protocols, or stages, against each of the others.

    Attributes:
        best: the one with the best value.
        p: the largest of the comparisons with the others, since "first" claims them all (an
            intersection-union test: Berger 1982); NaN when there is no ranking.
        each: the p of each of the others.
        reason: why there is no ranking, in words; empty when there is one.
    """

    best: str
    p: float
    each: dict[str, float]
    reason: str = ""

    def alike(self, claims: int = 1) -> list[str]:
        """Return the best and those from which it does not differ.

        Args:
            claims: how many claims are made together.
        """
        return [self.best, *(name for name, p in self.each.items() if not p <= ALPHA / claims)]


def between_rounds(values: Floats) -> Interval:
    """Return the geometric mean of one value per round, with its 95 % interval between rounds.

    Student's t on the logarithms. It holds the value that many more rounds *of as many records*
    would have. A percentile of few records lies below that of many: the p99 of 100 records by 10 %
    (exponential times), of 500 by 3 %, of 2,000 by less than 1 %.

    Args:
        values: one per round; NaN where a round has none.
    """
    logs = _logs(values[~np.isnan(values)])
    if not len(logs):
        return Interval(_NAN, _NAN, _NAN)
    ends = (logs.min(), logs.max()) if len(logs) == 2 else (_NAN, _NAN)
    if len(logs) >= LEAST_ROUNDS:
        ends = _around(logs.mean(), logs.std(ddof=1) / math.sqrt(len(logs)), len(logs) - 1)
    value, low, high = (float(np.exp(log)) for log in (logs.mean(), *ends))
    return Interval(value if logs.max() > math.log(_SMALLEST) else 0.0, low, high)


def paired(a: Floats, b: Floats) -> Comparison:
    """Compare two sides that were measured in the same rounds, by the ratio in each round.

    Student's t on the logarithms of the ratios: what makes a whole round slower for both sides
    cancels out.

    Args:
        a: one value per round; NaN where a round has none.
        b: the same for the other side, in the same order of rounds.
    """
    both = ~(np.isnan(a) | np.isnan(b))
    logs = _logs(a[both]) - _logs(b[both])
    if len(logs) < LEAST_ROUNDS:
        return _too_few(logs, np.zeros(1), len(logs))
    error = logs.std(ddof=1) / math.sqrt(len(logs))
    return _compared(logs.mean(), error, len(logs) - 1, len(logs))


def apart(a: Floats, b: Floats) -> Comparison:
    """Compare two sides whose rounds are no pairs, such as those of results measured apart.

    Welch's t-test on the logarithms, which lets the two vary differently.

    Args:
        a: one value per round; NaN where a round has none.
        b: the same for the other side.
    """
    of_a, of_b = _logs(a[~np.isnan(a)]), _logs(b[~np.isnan(b)])
    rounds = min(len(of_a), len(of_b))
    if rounds < LEAST_ROUNDS:
        return _too_few(of_a, of_b, rounds)
    squares = [logs.var(ddof=1) / len(logs) for logs in (of_a, of_b)]
    freedom = float(rounds - 1)
    if sum(squares) > 0:  # Welch and Satterthwaite
        freedom = sum(squares) ** 2 / sum(
            square**2 / (len(logs) - 1) for square, logs in zip(squares, (of_a, of_b), strict=True)
        )
    return _compared(of_a.mean() - of_b.mean(), math.sqrt(sum(squares)), freedom, rounds)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p values corrected for making several claims at once (Holm 1979).

    With these, the chance that *any* of the claims is false stays at the level that one is held
    against.

    Args:
        p_values: one per claim; NaN for a claim that is not made, which counts for nothing.
    """
    made = sorted((p, place) for place, p in enumerate(p_values) if not math.isnan(p))
    corrected, largest = [_NAN] * len(p_values), 0.0
    for rank, (p, place) in enumerate(made):
        largest = max(largest, min(1.0, (len(made) - rank) * p))
        corrected[place] = largest
    return corrected


def claimed(rankings: Sequence[Ranking]) -> list[bool]:
    """Return for each ranking whether its best may be called the first, all claims together."""
    return [p <= ALPHA for p in holm([ranking.p for ranking in rankings])]


def ranking(
    values: pd.DataFrame,
    order: Sequence[str],
    counts: Sequence[tuple[int, int]],
    *,
    most: bool = False,
) -> Ranking:
    """Compare the best with each of the others, in pairs of the same round.

    Args:
        values: one row per round, one column for each; NaN where a round is not valid.
        order: the names of two columns or more, the best first.
        counts: of each pair, or of all alike: how many rounds are valid, and how many there are.
        most: whether the largest value is the best; else the smallest is.
    """
    best, *others = order
    compared = {
        other: paired(values[best].to_numpy(float), values[other].to_numpy(float))
        for other in others
    }
    reason = next((words for count in counts if (words := why_no_ranking(*count))), "")
    fewest = min(comparison.rounds for comparison in compared.values())
    if not reason and fewest < LEAST_ROUNDS:
        reason = f"{fewest or 'none'} of {len(values)} rounds {_have(fewest)} enough records"
        reason += ": no ranking"
    if reason:
        return Ranking(best, _NAN, dict.fromkeys(others, _NAN), reason)
    each = {
        other: comparison.p if (comparison.ratio > 1) == most else 1.0
        for other, comparison in compared.items()
    }
    return Ranking(best, max(each.values()), each)


def ranked(
    runs: Measured, values: pd.DataFrame, order: Sequence[str], *, most: bool = False
) -> Ranking:
    """Compare the best protocol with each of the others, by the rounds in which both are valid.

    Args:
        runs: what was measured.
        values, order, most: see `ranking`; the columns are protocols.
    """
    counts = [valid_rounds(runs, (order[0], other)) for other in order[1:]]
    return ranking(values, order, counts, most=most)


def ranked_latencies(runs: Measured, values: pd.DataFrame, order: Sequence[str]) -> Ranking:
    """Compare latencies as `ranked` does, if they were measured at an equal load.

    Args:
        runs: what was measured.
        values, order: see `ranking`; the columns are protocols.
    """
    unequal = unequal_load(runs)
    if unequal:
        return Ranking(order[0], _NAN, dict.fromkeys(order[1:], _NAN), f"{unequal}: no ranking")
    return ranked(runs, values, order)


def why_no_ranking(valid: int, rounds: int) -> str:
    """Return why that many rounds allow no ranking, in words; empty when they allow one."""
    if rounds < LEAST_ROUNDS:
        many = "one round" if rounds == 1 else f"{rounds} rounds"
        return f"{many}: no ranking; {LEAST_ROUNDS} or more rounds would allow one"
    if valid < LEAST_ROUNDS:
        return (
            f"{valid or 'none'} of {rounds} rounds {'are' if valid > 1 else 'is'} valid: no ranking"
        )
    return ""


def why_no_intervals(runs: Measured) -> str:
    """Return why the protocols cannot be ranked, or why the only one has no interval, in words;
    empty when they can, or it has one."""
    protocols = runs.protocols
    if len(protocols) == 1:
        valid, rounds = valid_rounds(runs, protocols)
        words = why_no_ranking(valid, rounds)
        return words.replace("no ranking", "no interval between rounds")
    counts = (valid_rounds(runs, pair) for pair in itertools.combinations(protocols, 2))
    return next((words for count in counts if (words := why_no_ranking(*count))), "")


def of_interval(valid: int, rounds: int) -> str:
    """Return which interval the numbers of a protocol have, for the summary's column."""
    if not valid and rounds >= LEAST_ROUNDS:
        return "no valid round"
    used = valid or rounds
    return {1: "one round", 2: "range of 2 rounds"}.get(
        used, f"{CONFIDENCE:.0%}".replace("%", " %")
    )


def _have(count: int) -> str:
    return "have" if count > 1 else "has"


def valid_rounds(runs: Measured, protocols: Sequence[str]) -> tuple[int, int]:
    """Return in how many rounds all of the protocols are valid, and in how many they were run."""
    rounds = {(run.protocol, run.round): run.valid for run in runs.runs}
    numbers = [
        number
        for number in {number for _, number in rounds}
        if all((protocol, number) in rounds for protocol in protocols)
    ]
    valid = sum(all(rounds[protocol, number] for protocol in protocols) for number in numbers)
    return valid, len(numbers)


def _logs(values: Floats) -> Floats:
    logs: Floats = np.log(np.maximum(values, _SMALLEST))
    return logs


def _around(centre: float, error: float, freedom: float) -> tuple[float, float]:
    half = student_quantile(CONFIDENCE, freedom) * error
    return centre - half, centre + half


def _compared(difference: float, error: float, freedom: float, rounds: int) -> Comparison:
    """Return the comparison from a mean difference of logarithms and its standard error."""
    low, high = _around(difference, error, freedom)
    p = student_p(difference / error, freedom) if error > 0 else float(difference == 0)
    return Comparison(math.exp(difference), math.exp(low), math.exp(high), p, rounds)


def _too_few(a: Floats, b: Floats, rounds: int) -> Comparison:
    ratio = float(np.exp(a.mean() - b.mean())) if len(a) and len(b) else _NAN
    return Comparison(ratio, _NAN, _NAN, _NAN, rounds)
