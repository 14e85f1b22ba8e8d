"""Percentiles of latencies, the interval of one, and the distribution of Student's t."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]
Places = np.ndarray[Any, np.dtype[np.int64]]


def least_samples(level: float) -> int:
    """Return how many samples a percentile needs before it is printed.

    Beyond a percentile, on its nearer side, at least one sample must be expected: p50 needs 2, p90
    10, p99 100 and p99.9 1,000. With fewer samples the percentile is the largest sample under
    another name, and depends more on chance than on the system. This is a minimum: the interval
    between rounds tells how far the number can be trusted.
    """
    beyond = min(level, 100 - level) / 100
    return max(1, round(1 / beyond)) if beyond else 1


def percentiles(values: Floats, levels: Sequence[float] = (50, 90, 99)) -> dict[float, float]:
    """Return percentiles by linear interpolation (`numpy.percentile`); NaN of too few samples.

    Args:
        values: samples, in any unit.
        levels: between 0 and 100.
    """
    return {
        level: float(np.percentile(values, level))
        if len(values) >= least_samples(level)
        else float("nan")
        for level in levels
    }


def percentile_interval(
    values: Floats, level: float, confidence: float = 0.95
) -> tuple[float, float]:
    """Return the interval of a percentile from samples that do not depend on each other.

    Its ends are two of the samples. How many samples lie below the true percentile is binomially
    distributed, whatever the distribution of the samples is, which decides their ranks (David and
    Nagaraja 2003, "Order Statistics", section 7.1). It holds the true value at least as often as
    `confidence` says. An end for which there are too few samples is infinite: the p50 needs 6
    samples for both ends, the p99 needs 368 for the upper one.

    The records of one round are correlated, and rounds differ from each other: this interval knows
    nothing of either, so protocols are never compared by it; see `empkit.results.comparison`.

    Args:
        values: samples, in any unit.
        level: between 0 and 100.
        confidence: between 0 and 1.

    Raises:
        ValueError: there is no sample.
    """
    if not len(values):
        raise ValueError("An interval needs at least one sample; there is none.")
    low, high = _ranks(len(values), level, confidence)
    ordered = np.concatenate([[-np.inf], np.sort(values), [np.inf]])
    return float(ordered[low]), float(ordered[high])


@lru_cache(maxsize=1_024)
def _ranks(n: int, level: float, confidence: float) -> tuple[int, int]:
    """Return the ranks of the ends, from 1 to `n`; 0 or `n` + 1 where no sample is far enough."""
    outside = (1 - confidence) / 2

    def at_most(k: int) -> float:
        """Return the probability that at most k samples lie below the percentile."""
        return incomplete_beta(1 - level / 100, n - k, k + 1) if 0 <= k < n else float(k >= n)

    low = bisect_right(range(n + 1), outside, key=lambda rank: at_most(rank - 1)) - 1
    high = bisect_left(range(1, n + 1), 1 - outside, key=lambda rank: at_most(rank - 1)) + 1
    return low, high


def incomplete_beta(x: float, a: float, b: float) -> float:
    """Return the regularised incomplete beta function I_x(a, b).

    The continued fraction of DLMF 8.17.22, evaluated by the method of Lentz; the distributions of
    Student's t and of the binomial follow from it. (SciPy has it, too, but would be by far the
    largest dependency, for this one function.)

    Args:
        x: between 0 and 1.
        a: above 0.
        b: above 0.
    """
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):  # where the fraction converges slowly
        return 1 - incomplete_beta(1 - x, b, a)
    front = math.exp(
        a * math.log(x) + b * math.log1p(-x) + math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    )
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1))
    fraction = d
    for m in range(1, 10_000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / (1 + term * d)
            c = 1 + term / c
            fraction *= c * d
        if abs(c * d - 1) < 1e-14:
            break
    return front * fraction / a


def student_p(t: float, freedom: float) -> float:
    """Return how likely Student's t is as far from 0 as `t`, or farther, on either side.

    Args:
        t: the statistic.
        freedom: the degrees of freedom, above 0; not always a whole number.
    """
    return incomplete_beta(freedom / (freedom + t * t), freedom / 2, 0.5)


@lru_cache(maxsize=1_024)
def student_quantile(confidence: float, freedom: float) -> float:
    """Return the value that Student's t does not exceed on either side, with a probability.

    Args:
        confidence: the probability, between 0 and 1.
        freedom: the degrees of freedom, above 0.
    """
    height = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2))
    height /= math.sqrt(freedom * math.pi)
    t = 0.0
    for _ in range(100):  # Newton's method; the tail is convex, so that it comes from one side
        density = height * (1 + t * t / freedom) ** (-(freedom + 1) / 2)
        step = (student_p(t, freedom) - (1 - confidence)) / (2 * density)
        t += step
        if step <= 1e-12 * t:
            break
    return t


def with_expected_interval(values: Floats, interval: float) -> Floats:
    """Correct the samples of a sender that waited for each answer for coordinated omission.

    A record that took longer than the interval kept the sender from sending others; each of those
    would have waited for one interval less than the one before. This is the correction of
    HdrHistogram (`recordValueWithExpectedInterval`,
    https://hdrhistogram.github.io/HdrHistogram/JavaDoc/), which rests on a guess of the interval:
    an open loop measures instead.

    Args:
        values: samples of a closed loop with one record in flight, in any unit.
        interval: between two records of a sender that does not wait; above 0, of the same unit.

    Returns:
        The samples, and those that the sender omitted.

    Raises:
        ValueError: the interval is not above 0.
    """
    if interval <= 0:
        raise ValueError(f"The interval is {interval:g}; expected more than 0.")
    missing = [value - interval * np.arange(1, np.floor(value / interval)) for value in values]
    return np.concatenate([values, *missing])
