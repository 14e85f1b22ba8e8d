"""Percentiles and their intervals, against numpy and against known distributions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from empkit.results.statistics import (
    bootstrap,
    bootstrap_interval,
    difference,
    least_samples,
    percentiles,
)

samples = st.lists(st.floats(0, 1e6), min_size=1, max_size=300).map(np.array)


@given(samples)
def test_percentiles_are_those_of_numpy_or_missing(values):
    for level, value in percentiles(values, (50, 90, 99, 99.9)).items():
        if len(values) < least_samples(level):
            assert np.isnan(value)
        else:
            assert value == np.percentile(values, level)


def test_a_percentile_needs_a_sample_beyond_it():
    assert [least_samples(level) for level in (50, 90, 99, 99.9)] == [2, 10, 100, 1_000]


@given(samples, st.sampled_from([50, 90, 99]))
def test_an_interval_lies_within_the_samples(values, level):
    low, high = bootstrap_interval(values, level)
    assert values.min() <= low <= high <= values.max()


def distance(a, b):
    """The largest difference of two samples' shares below any value (Kolmogorov and Smirnov)."""
    a, b = np.round(a, 9), np.round(b, 9)
    at = np.concatenate([a, b])
    shares = [np.searchsorted(np.sort(each), at, side="right") / len(each) for each in (a, b)]
    return np.abs(shares[0] - shares[1]).max()


@pytest.mark.parametrize("size", [1, 2, 7, 200])
@pytest.mark.parametrize("level", [0, 50, 90, 99, 100])
def test_drawing_places_is_the_same_as_resampling_everything(size, level):
    random = np.random.default_rng(11)
    values = random.exponential(1.0, size)
    in_full = np.percentile(random.choice(values, (10_000, size)), level, axis=1)
    assert distance(in_full, bootstrap(values, level, resamples=10_000)) < 0.03


def test_drawing_places_by_round_is_the_same_as_resampling_everything():
    random = np.random.default_rng(12)
    parts = [random.normal(mean, 0.3, size) for mean, size in ((1.0, 50), (1.5, 80), (2.0, 20))]
    in_full = []
    for _ in range(5_000):
        pool = np.concatenate([parts[index] for index in random.integers(3, size=3)])
        in_full.append(np.percentile(random.choice(pool, len(pool)), 90))
    rounds = np.repeat([3, 1, 2], [50, 80, 20])
    places = bootstrap(np.concatenate(parts), 90, rounds, resamples=5_000)
    assert distance(np.array(in_full), places) < 0.04


@pytest.mark.parametrize("level", [50, 90])
def test_a_95_percent_interval_holds_the_truth_about_95_times_in_100(level):
    random = np.random.default_rng(7)
    truth = -np.log(1 - level / 100)  # of the exponential distribution
    held = 0
    for trial in range(300):
        low, high = bootstrap_interval(random.exponential(1.0, 400), level, seed=trial)
        held += low <= truth <= high
    assert 0.90 <= held / 300 <= 0.99


def test_rounds_that_differ_widen_the_interval():
    random = np.random.default_rng(1)
    values = np.concatenate([random.normal(mean, 0.1, 500) for mean in (1.0, 2.0, 3.0)])
    rounds = np.repeat([1, 2, 3], 500)
    alone = bootstrap_interval(values, 50)
    by_round = bootstrap_interval(values, 50, rounds=rounds)
    assert by_round[1] - by_round[0] > 3 * (alone[1] - alone[0])


def test_a_difference_is_shown_only_where_there_is_one():
    random = np.random.default_rng(3)
    a, b, c = (random.normal(mean, 1.0, 2_000) for mean in (10.0, 10.0, 11.0))
    low, high = difference(a, b)
    assert low < 0 < high
    low, high = difference(c, a)
    assert 0.8 < low < high < 1.2
    assert difference(a, c)[1] < 0


def test_there_is_no_interval_of_nothing():
    some, none = np.array([1.0]), np.array([])
    with pytest.raises(ValueError, match="at least one sample"):
        bootstrap_interval(none, 50)
    with pytest.raises(ValueError, match="at least one sample"):
        difference(some, none)
