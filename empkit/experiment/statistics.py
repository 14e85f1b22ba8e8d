"""Percentiles of latencies, and how far they can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]

RESAMPLES = 1_000


def least_samples(level: float) -> int:
    """How many samples a percentile needs before it is printed: one beyond it on its nearer side,
    so p50 needs 2, p99 100 and p99.9 1,000. The interval beside it tells how little that is."""
    beyond = min(level, 100 - level) / 100
    return max(1, round(1 / beyond)) if beyond else 1


def percentiles(values: Floats, levels: Sequence[float] = (50, 90, 99)) -> dict[float, float]:
    """Percentiles by linear interpolation (`numpy.percentile`); NaN where there are too few.

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
    rounds: np.ndarray[Any, Any] | None = None,
    seed: int = 0,
) -> Floats:
    """The bootstrap distribution of a percentile.

    Resampling n values with replacement and taking an order statistic is the same as drawing one
    of the sorted values at a rank whose probability follows a Beta distribution (Efron 1979,
    "Bootstrap Methods", section 3, for the median), so nothing needs to be resampled in full. With
    several rounds these are resampled first and their values together after that, since what one
    round measured hangs together (a cluster bootstrap: Davison and Hinkley 1997, section 3.8).

    Args:
        values: samples.
        level: between 0 and 100.
        rounds: the round of each sample.
        seed: for the resampling.

    Returns:
        1,000 percentiles.
    """
    random = np.random.default_rng(seed)
    numbers = np.unique(rounds) if rounds is not None else np.array([0])
    if rounds is None or len(numbers) < 2:
        return _order_statistics(np.sort(values), level, RESAMPLES, random)
    parts = [values[rounds == number] for number in numbers]
    estimates = np.empty(RESAMPLES)
    draws, counts = np.unique(
        np.sort(random.integers(len(parts), size=(RESAMPLES, len(parts))), axis=1),
        axis=0,
        return_counts=True,
    )
    done = 0
    for draw, count in zip(draws, counts, strict=True):
        together = np.sort(np.concatenate([parts[index] for index in draw]))
        estimates[done : done + count] = _order_statistics(together, level, count, random)
        done += count
    return estimates


def _order_statistics(
    ordered: Floats, level: float, count: int, random: np.random.Generator
) -> Floats:
    """Percentiles of `count` resamples of sorted values, without resampling them."""
    size = len(ordered)
    rank = min(size - 1, int(level / 100 * size))
    # the (rank+1)-th smallest of n uniform numbers is Beta(rank+1, n-rank) distributed
    uniform = random.beta(rank + 1, size - rank, count)
    found: Floats = ordered[np.minimum(size - 1, (uniform * size).astype(np.int64))]
    return found


def bootstrap_interval(
    values: Floats,
    level: float,
    confidence: float = 0.95,
    rounds: np.ndarray[Any, Any] | None = None,
    seed: int = 0,
) -> tuple[float, float]:
    """The interval in which a percentile lies, with the given confidence (percentile bootstrap).

    Args:
        values: samples, at least one.
        level: between 0 and 100.
        confidence: between 0 and 1.
        rounds: the round of each sample; see `bootstrap`.
        seed: for the resampling.

    Raises:
        ValueError: there is no sample.
    """
    if not len(values):
        raise ValueError("There is no interval of nothing; at least one sample is needed.")
    outside = (1 - confidence) / 2 * 100
    low, high = np.percentile(bootstrap(values, level, rounds, seed), [outside, 100 - outside])
    return float(low), float(high)


def difference(
    a: Floats,
    b: Floats,
    level: float = 50,
    confidence: float = 0.95,
    rounds: tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]] | None = None,
) -> tuple[float, float]:
    """The interval of how much larger a percentile of `a` is than that of `b`.

    An interval that holds 0 means that no difference was shown.
    """
    of_a = bootstrap(a, level, rounds[0] if rounds else None, seed=1)
    of_b = bootstrap(b, level, rounds[1] if rounds else None, seed=2)
    outside = (1 - confidence) / 2 * 100
    low, high = np.percentile(of_a - of_b, [outside, 100 - outside])
    return float(low), float(high)
