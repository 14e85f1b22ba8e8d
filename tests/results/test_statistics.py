"""Percentiles, their intervals and Student's t, against numpy, tables and known truths."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.intervals import LEAST_COVERED, Cell, covered_within, slack
from empkit.results.statistics import (
    incomplete_beta,
    least_samples,
    percentile_interval,
    percentiles,
    student_p,
    student_quantile,
    with_expected_interval,
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
    assert [least_samples(level) for level in (0, 1, 10, 100)] == [1, 100, 10, 1]
    assert list(percentiles(np.arange(100.0))) == [50, 90, 99]


# Published tables: Student (1908) and any textbook's appendix; two-sided, by degrees of freedom.
STUDENT = {
    0.90: {1: 6.314, 2: 2.920, 4: 2.132, 9: 1.833, 30: 1.697},
    0.95: {1: 12.706, 2: 4.303, 4: 2.776, 9: 2.262, 30: 2.042, 120: 1.980},
    0.99: {1: 63.657, 2: 9.925, 4: 4.604, 9: 3.250, 30: 2.750},
    0.999: {1: 636.619, 2: 31.599, 4: 8.610, 9: 4.781, 30: 3.646},
}


@pytest.mark.parametrize("confidence", STUDENT)
def test_students_t_is_that_of_the_published_tables(confidence):
    for freedom, value in STUDENT[confidence].items():
        assert student_quantile(confidence, freedom) == pytest.approx(value, abs=6e-4)
        assert student_p(value, freedom) == pytest.approx(1 - confidence, rel=2e-3)


@given(st.floats(0, 1e6), st.floats(0.5, 1e4))
def test_students_t_is_a_probability_that_falls_with_t(t, freedom):
    p = student_p(t, freedom)
    assert 0 <= p <= 1
    assert student_p(t + 1, freedom) <= p
    assert student_p(-t, freedom) == p


@given(st.integers(1, 60), st.integers(0, 60), st.floats(0, 1))
def test_the_incomplete_beta_function_sums_up_the_binomial_distribution(n, k, share):
    """P(at least k of n) = I(k, n - k + 1), the sum done exactly by hand."""
    k = min(k, n)
    exactly = sum(math.comb(n, i) * share**i * (1 - share) ** (n - i) for i in range(k, n + 1))
    found = incomplete_beta(share, k, n - k + 1) if k else 1.0
    assert found == pytest.approx(exactly, abs=1e-9)


@given(st.floats(1e-3, 1, exclude_max=True), st.floats(0.01, 5_000))
def test_the_incomplete_beta_function_is_exact_where_it_is_a_power(x, a):
    """I_x(a, 1) = x ** a, and the other end by symmetry."""
    assert incomplete_beta(x, a, 1) == pytest.approx(x**a, rel=1e-9, abs=1e-300)
    assert 1 - incomplete_beta(1 - x, 1, a) == pytest.approx(x**a, abs=1e-12)
    assert incomplete_beta(0.5, a, a) == pytest.approx(0.5, abs=1e-9)
    assert [incomplete_beta(end, a, 2) for end in (-1, 0, 1, 2)] == [0, 0, 1, 1]


@given(st.floats(0.01, 0.9999))
def test_students_t_of_one_and_two_degrees_of_freedom_is_that_of_its_closed_form(confidence):
    assert student_quantile(confidence, 1) == pytest.approx(math.tan(math.pi * confidence / 2))
    closed = confidence * math.sqrt(2 / (1 - confidence**2))
    assert student_quantile(confidence, 2) == pytest.approx(closed, rel=1e-9)


@given(samples, st.sampled_from([50, 90, 99]))
def test_the_interval_of_a_percentile_ends_at_samples_or_nowhere(values, level):
    low, high = percentile_interval(values, level)
    if len(values) >= least_samples(level):
        assert low <= np.percentile(values, level) <= high
    assert low in values or low == -np.inf
    assert high in values or high == np.inf


def test_an_end_for_which_there_are_too_few_samples_is_infinite():
    """0.99 ** 367 is above 2.5 %, 0.99 ** 368 is not; of a p50, 0.5 ** 5 is, and 0.5 ** 6 not."""
    values = np.arange(1_000.0)
    assert percentile_interval(values[:367], 99)[1] == np.inf
    assert percentile_interval(values[:368], 99)[1] == 367
    assert percentile_interval(values[:5], 50) == (-np.inf, np.inf)
    assert percentile_interval(values[:6], 50) == (0, 5)


def test_the_ends_of_an_interval_are_as_near_as_the_binomial_distribution_allows():
    """Of the ranks that leave at most half of the rest on each side, those next to the middle."""
    cases = [
        (10, 0.95, 0.5), (20, 0.95, 0.5), (50, 0.9, 0.5), (99, 0.95, 0.9), (100, 0.5, 0.5),
        (500, 0.99, 0.9), (1, 0.95, 0.5),
    ]  # fmt: skip
    for count, confidence, share in cases:
        below = np.cumsum(
            [math.comb(count, k) * share**k * (1 - share) ** (count - k) for k in range(count)]
        )  # at place k: the probability that at most k samples are below the percentile
        outside = (1 - confidence) / 2
        low = max((k + 1 for k in range(count) if below[k] <= outside), default=0)
        high = min((k + 1 for k in range(count) if below[k] >= 1 - outside), default=count + 1)
        shuffled = np.random.default_rng(3).permutation(np.arange(1.0, count + 1))
        wanted = (low or -np.inf, high if high <= count else np.inf)
        assert percentile_interval(shuffled, 100 * share, confidence) == wanted


@pytest.mark.parametrize("level", [50, 99])
@pytest.mark.parametrize("records", [100, 500])
def test_a_95_percent_interval_of_a_percentile_holds_the_truth(level, records):
    cell, random = Cell("heavy tail", 0.0, 1, records, level), np.random.default_rng(7)
    least = LEAST_COVERED - slack(LEAST_COVERED, 1_000)
    assert covered_within(cell, 1_000, random) >= least


def test_there_is_no_interval_of_nothing():
    with pytest.raises(
        ValueError, match=r"^An interval needs at least one sample; there is none\.$"
    ):
        percentile_interval(np.array([]), 50)


@pytest.mark.parametrize(("records", "below"), [(100, 0.10), (500, 0.03), (1_000, 0.01)])
def test_the_p99_of_few_records_lies_below_that_of_many_as_the_documentation_says(records, below):
    samples = np.random.default_rng(0).exponential(size=(4_000, records))
    found = np.exp(np.log(np.percentile(samples, 99, axis=1)).mean())
    assert 1 - found / np.log(100) == pytest.approx(below, abs=0.006)


def test_a_sender_that_waited_gets_the_samples_that_it_omitted():
    """One that should send every 2 ms and was held up for 9 would have had others of 7, 5 and 3."""
    found = with_expected_interval(np.array([1.0, 9.0, 2.0, 3.9, 4.0]), 2.0)
    assert found.tolist() == [1, 9, 2, 3.9, 4, 7, 5, 3, 2]
    assert with_expected_interval(np.array([0.5]), 0.5).tolist() == [0.5]


@pytest.mark.parametrize("interval", [0, -1.5])
def test_an_interval_that_is_none_corrects_nothing(interval):
    with pytest.raises(
        ValueError, match=rf"^The interval is {interval:g}; expected more than 0\.$"
    ):
        with_expected_interval(np.array([1.0]), interval)
