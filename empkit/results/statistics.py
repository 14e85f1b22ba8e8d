"""Percentiles of latencies, and their confidence intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]
Places = np.ndarray[Any, np.dtype[np.int64]]
Rounds = np.ndarray[Any, Any]

RESAMPLES = 1_000


def least_samples(level: float) -> int:
    """Return how many samples a percentile needs before it is printed.

    Beyond a percentile, on its nearer side, at least one sample must be expected: p50 needs 2, p90
    10, p99 100 and p99.9 1,000. With fewer samples the percentile is the largest sample under
    another name, and depends more on chance than on the system. This is a minimum: the interval
    tells how far the number can be trusted.
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


def bootstrap(
    values: Floats,
    level: float,
    rounds: Rounds | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Floats:
    """Return the bootstrap distribution of a percentile.

    The k-th smallest of n values drawn with replacement is one of the sorted values, at a position
    whose distribution is known (Efron 1979, "Bootstrap Methods", section 3, for the median): the
    k-th smallest of n uniform numbers, which is Beta(k, n - k + 1) distributed, times n. So
    positions are drawn instead of whole samples, which takes as long for a million values as for a
    hundred.

    Values of one round are correlated. With several rounds, the rounds are therefore drawn first,
    with replacement, and then values from the drawn rounds (a cluster bootstrap: Davison and
    Hinkley 1997, section 3.8). Few rounds give a wide interval, and rightly so: of three rounds,
    one in nine resamples draws the same round three times.

    Args:
        values: samples, at least one.
        level: between 0 and 100.
        rounds: the round of each sample.
        seed: for the resampling.
        resamples: how many percentiles to return.

    Raises:
        ValueError: there is no sample.
    """
    if not len(values):
        raise ValueError("An interval needs at least one sample; there is none.")
    random = np.random.default_rng(seed)
    order = np.argsort(values, kind="stable")
    ordered, labels = values[order], None if rounds is None else rounds[order]
    members = (
        [np.arange(len(values))]
        if labels is None
        else [np.flatnonzero(labels == label) for label in np.unique(labels)]
    )
    drawn = random.multinomial(len(members), [1 / len(members)] * len(members), resamples)
    sizes = drawn @ np.array([len(positions) for positions in members])
    # a percentile lies between two neighbours of the resample, as numpy.percentile has it
    place = level / 100 * (sizes - 1)
    below = place.astype(np.int64)
    lower = random.beta(below + 1, sizes - below)
    upper = lower + (1 - lower) * random.beta(1, np.maximum(1, sizes - below - 1))
    near, far = (
        ordered[_positions(members, drawn, np.minimum(sizes - 1, (u * sizes).astype(np.int64)))]
        for u in (lower, upper)  # uniform numbers
    )
    estimates: Floats = np.minimum(far, near + (place - below) * (far - near))
    return estimates


def _positions(members: Sequence[Places], drawn: Places, ranks: Places) -> Places:
    """Return the position of each rank in the sorted values, with round r `drawn[:, r]` times.

    Args:
        members: for each round, the positions of its values among all sorted values.
        drawn: one row per resample: how often each round was drawn.
        ranks: one per resample, from 0.
    """
    low = np.zeros(len(ranks), dtype=np.int64)
    high = np.full(len(ranks), sum(len(positions) for positions in members) - 1)
    while (low < high).any():
        middle = (low + high) // 2
        counts = [np.searchsorted(positions, middle, side="right") for positions in members]
        enough = (drawn * np.stack(counts, axis=1)).sum(axis=1) > ranks
        low, high = np.where(enough, low, middle + 1), np.where(enough, middle, high)
    return low


def bootstrap_interval(
    values: Floats,
    level: float,
    confidence: float = 0.95,
    rounds: Rounds | None = None,
    seed: int = 0,
) -> tuple[float, float]:
    """Return the confidence interval of a percentile (percentile bootstrap).

    No resample has a value above the largest sample, so the interval of a percentile near an end
    is too narrow while samples are few. For exponential samples, the 95 % interval of p50 holds the
    true value 95 times in 100 from 20 samples on, and that of p90 94 times from 500 on; that of p99
    only 62 times with 100 samples and 92 times with 1,000 (tried with 1,000 repetitions each).

    Args:
        values: samples, at least one.
        level: between 0 and 100.
        confidence: between 0 and 1.
        rounds: the round of each sample; see `bootstrap`.
        seed: for the resampling.

    Raises:
        ValueError: there is no sample.
    """
    outside = (1 - confidence) / 2 * 100
    low, high = np.percentile(bootstrap(values, level, rounds, seed), [outside, 100 - outside])
    return float(low), float(high)


def difference(
    a: Floats,
    b: Floats,
    level: float = 50,
    confidence: float = 0.95,
    rounds: tuple[Rounds, Rounds] | None = None,
) -> tuple[float, float]:
    """Return the confidence interval of a percentile of `a` minus that of `b`.

    An interval that holds 0 means that no difference was shown.

    Args:
        a: samples.
        b: samples, of the same unit.
        level: between 0 and 100.
        confidence: between 0 and 1.
        rounds: the round of each sample of `a` and of `b`; see `bootstrap`.

    Raises:
        ValueError: one of them is empty.
    """
    of_a = bootstrap(a, level, rounds[0] if rounds else None, seed=1)
    of_b = bootstrap(b, level, rounds[1] if rounds else None, seed=2)
    outside = (1 - confidence) / 2 * 100
    low, high = np.percentile(of_a - of_b, [outside, 100 - outside])
    return float(low), float(high)


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
