"""Comparisons from the values per round: against published tables, by simulation, and in words."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import intervals
from benchmarks.intervals import Cell
from empkit.results.comparison import (
    Ranking,
    apart,
    between_rounds,
    claimed,
    holm,
    of_interval,
    paired,
    ranked,
    ranked_latencies,
    ranking,
    valid_rounds,
    why_no_intervals,
    why_no_ranking,
)
from tests.made_up_runs import made_up, together

REPEATS = 1_500
BOUND = intervals.MOST_ALARMS + intervals.slack(intervals.MOST_ALARMS, REPEATS)
CELLS = [
    Cell("exponential", 0.0, 3, 100, 99),
    Cell("exponential", 0.2, 3, 500, 50),
    Cell("exponential", 0.3, 10, 2_000, 99),
    Cell("heavy tail", 0.0, 5, 100, 99),
    Cell("heavy tail", 0.1, 10, 100, 50),
    Cell("heavy tail", 0.3, 3, 2_000, 50),
]

several = st.lists(st.floats(1e-3, 1e5), min_size=3, max_size=8).map(np.array)


def random_of(cell):
    return np.random.default_rng(CELLS.index(cell))


@pytest.mark.slow
@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
def test_equal_protocols_are_seldom_called_different(cell):
    """At most 6 % and three standard errors; beside it, the interval between rounds covers."""
    random = random_of(cell)
    assert intervals.shown(cell, REPEATS, random, pace="of its own") <= BOUND
    assert intervals.shown(cell, REPEATS, random, pace="shared") <= BOUND
    assert intervals.shown(cell, REPEATS, random, pace="of its own", compare=apart) <= BOUND
    least = intervals.LEAST_COVERED
    assert intervals.covered(cell, REPEATS, random) >= least - intervals.slack(least, REPEATS)


def test_a_title_seldom_names_one_of_three_equal_protocols_the_first():
    cell = CELLS[1]
    assert intervals.winners(cell, REPEATS, random_of(cell)) <= BOUND


def test_the_simulation_finds_a_comparison_that_takes_records_for_rounds():
    """Every record taken for a round, at a pace of 20 %: the check above must refuse it."""

    def pooled(a, b):
        random = np.random.default_rng(1)
        return apart(
            *(np.concatenate([x * random.exponential(size=200) for x in y]) for y in (a, b))
        )

    cell = Cell("exponential", 0.2, 3, 500, 50)
    alarms = intervals.shown(cell, 200, random_of(CELLS[1]), pace="of its own", compare=pooled)
    assert alarms > 2 * BOUND


def test_pairs_find_what_rounds_apart_do_not_where_the_machine_is_slower_for_both():
    cell, random = Cell("exponential", 0.3, 5, 500, 50), np.random.default_rng(2)
    power = [
        intervals.shown(cell, 300, random, pace="shared", factor=1.2, compare=compare)
        for compare in (paired, apart)
    ]
    assert power[0] > 0.6 > 0.3 > power[1]


def test_a_percentile_drawn_by_its_neighbours_is_that_of_a_whole_sample():
    cell, random = Cell("exponential", 0.0, 1, 150, 99), np.random.default_rng(4)
    in_full = np.percentile(random.exponential(size=(20_000, 150)), 99, axis=1)
    drawn = intervals.percentiles_of(cell, 20_000, random)
    shares = np.linspace(1, 99, 25)
    assert np.percentile(drawn, shares) == pytest.approx(np.percentile(in_full, shares), rel=0.03)


def test_the_paired_interval_is_that_of_the_textbook():
    """Ratios 2, 4 and 8: mean ln 4, standard deviation ln 2, t of 2 degrees of freedom 4.303."""
    found = paired(np.array([2.0, 8.0, 40.0]), np.array([1.0, 2.0, 5.0]))
    half = 4.3027 * math.log(2) / math.sqrt(3)
    assert found.ratio == pytest.approx(4)
    assert found.low == pytest.approx(4 / math.exp(half), rel=1e-4)
    assert found.high == pytest.approx(4 * math.exp(half), rel=1e-4)
    assert found.p == pytest.approx(0.0742, abs=1e-4)  # t = 2 sqrt(3): 1 - t / sqrt(t * t + 2)


def test_rounds_apart_are_compared_as_by_welch():
    """The degrees of freedom of Welch and Satterthwaite: 4.4 / 3 for these variances."""
    a, b = np.exp([0.0, 1.0, 2.0]), np.exp([4.0, 4.1, 4.2, 4.3])
    of_a, of_b = 1 / 3, (0.05 / 3) / 4
    freedom = (of_a + of_b) ** 2 / (of_a**2 / 2 + of_b**2 / 3)
    found = apart(a, b)
    assert found.ratio == pytest.approx(math.exp(-3.15))
    assert found.rounds == 3
    assert 2 < freedom < 2.1
    narrow, wide = 4.15, 4.3027  # between t of 3 and of 2 degrees of freedom, close to 2
    half = (math.log(found.high) - math.log(found.low)) / 2 / math.sqrt(of_a + of_b)
    assert narrow < half < wide
    alike = apart(np.exp([0.0, 1.0, 2.0, 3.0]), np.exp([7.0, 5.0, 6.0, 8.0]))
    assert math.log(alike.high) + 5 == pytest.approx(2.4469 * math.sqrt(5 / 6), rel=1e-4)  # of 6


@given(several, st.floats(0.01, 100))
def test_an_interval_holds_1_where_p_is_above_5_percent_and_the_sides_can_be_exchanged(a, factor):
    b = factor * a[::-1]
    for compare in (paired, apart):
        one, other = compare(a, b), compare(b, a)
        assert one.ratio == pytest.approx(1 / other.ratio)
        assert one.p == pytest.approx(other.p, abs=1e-9)
        if abs(one.p - 0.05) > 1e-6:
            assert (one.low <= 1 <= one.high) == (one.p > 0.05)


@given(several)
def test_the_interval_between_rounds_holds_their_geometric_mean_and_scales(values):
    value, low, high = between_rounds(values)
    assert low <= value * (1 + 1e-9)
    assert value <= high * (1 + 1e-9)
    assert between_rounds(1_000 * values) == pytest.approx(
        (1_000 * value, 1_000 * low, 1_000 * high)
    )


def test_few_rounds_have_a_range_or_nothing():
    assert between_rounds(np.array([2.0, 8.0])) == pytest.approx((4, 2, 8))
    assert between_rounds(np.array([3.0])) == pytest.approx((3, np.nan, np.nan), nan_ok=True)
    assert np.isnan(between_rounds(np.array([np.nan]))).all()
    assert between_rounds(np.zeros(1)).value == 0
    two = np.array([1.0, 2.0, np.nan])
    assert math.isnan(paired(two, two).p)
    assert math.isnan(apart(two, np.arange(1.0, 9.0)).p)
    assert paired(two, 2 * two).ratio == pytest.approx(0.5)


def test_rounds_that_are_missing_are_left_out_of_the_pairs():
    a, b = np.array([1.0, np.nan, 2.0, 3.0, 9.0]), np.array([2.0, 5.0, 5.0, 6.0, np.nan])
    assert paired(a, b) == paired(a[[0, 2, 3]], b[[0, 2, 3]])
    assert apart(a, b) == apart(a[[0, 2, 3, 4]], b[:4])


def test_holms_correction_is_that_of_the_textbook():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, math.nan, 0.9]) == pytest.approx([1, math.nan, 1], nan_ok=True)
    assert claimed([Ranking("a", p, {}) for p in (0.02, 0.04)]) == [True, True]
    assert claimed([Ranking("a", p, {}) for p in (0.03, 0.04)]) == [False, False]


def rounds_of(*medians, invalid=()):
    """Rounds of HTTP and Kafka, Kafka's acks after so many times HTTP's."""
    runs = []
    for number, factor in enumerate(medians, 1):
        for protocol in ("http", "kafka"):
            run = made_up(protocol, number=number, seed=number)
            took = 1_000_000 * number * (factor if protocol == "kafka" else 1)
            run.timings["acked_ns"] = run.timings["intended_ns"] + int(took)
            run.runs[0].valid = (protocol, number) not in invalid
            runs.append(run)
    return together(*runs)


def test_the_first_is_ranked_by_the_valid_rounds_alone():
    runs = rounds_of(2, 2.1, 1.9, 0.01, invalid=[("http", 4)])
    of_acks = ranked(runs, runs.per_round("ack"), ["http", "kafka"])
    assert (of_acks.best, of_acks.reason) == ("http", "")
    assert claimed([of_acks]) == [True]
    runs.runs[-2].valid = True  # with the fourth round, in which Kafka was a hundred times faster
    assert claimed([ranked(runs, runs.per_round("ack"), ["http", "kafka"])]) == [False]


def test_the_order_of_the_values_shown_is_not_turned_round_by_the_pairs():
    runs = rounds_of(2, 2.1, 1.9)
    assert claimed([ranked(runs, runs.per_round("ack"), ["kafka", "http"])]) == [False]


@pytest.mark.parametrize(
    ("invalid", "reason"),
    [
        ([], ""),
        ([("http", 1)], ""),
        ([("http", 1), ("kafka", 2), ("http", 3)], "2 of 5 rounds are valid: no ranking"),
        ([("http", number) for number in range(1, 5)], "1 of 5 rounds is valid: no ranking"),
        ([("http", n) for n in range(1, 6)], "none of 5 rounds is valid: no ranking"),
    ],
)
def test_too_few_valid_pairs_of_rounds_allow_no_ranking_and_it_says_why(invalid, reason):
    runs = rounds_of(2, 2, 2, 2, 2, invalid=invalid)
    found = ranked(runs, runs.per_round("ack"), ["http", "kafka"])
    assert found.reason == why_no_intervals(runs) == reason
    assert math.isnan(found.p) == bool(reason)


def test_rounds_of_too_few_records_allow_no_ranking():
    runs = together(
        *(made_up(name, 50, number) for name in ("http", "kafka") for number in (1, 2, 3))
    )
    found = ranked(runs, runs.per_round("ack", 99), ["http", "kafka"])
    assert found.reason == "none of 3 rounds has enough records: no ranking"


def test_one_round_or_two_say_how_many_would_do():
    words = "one round: no ranking; 3 or more rounds would allow one"
    assert why_no_ranking(1, 1) == words
    assert why_no_ranking(2, 2).startswith("2 rounds: no ranking; 3 or more")
    assert why_no_intervals(made_up()) == words.replace("no ranking", "no interval between rounds")


def test_an_interval_has_the_name_of_the_valid_rounds_that_it_comes_from():
    named = [of_interval(*counts) for counts in ((1, 1), (2, 2), (0, 1), (2, 5), (0, 5), (3, 5))]
    two = "range of 2 rounds"
    assert named == ["one round", two, "one round", two, "no valid round", "95 %"]


def test_the_best_is_alike_those_from_which_it_does_not_differ_however_many_claims_are_made():
    found = Ranking("a", 0.2, {"b": 0.01, "c": 0.03, "d": 0.2, "e": math.nan})
    assert found.alike() == ["a", "d", "e"]
    assert found.alike(2) == ["a", "c", "d", "e"]
    assert Ranking("a", 0.05, {"b": 0.05}).alike() == ["a"]
    assert claimed([Ranking("a", 0.05, {}), Ranking("a", math.nan, {})]) == [True, False]


def values(**columns):
    return pd.DataFrame({name: np.array(each, float) for name, each in columns.items()})


def test_the_first_of_several_is_compared_with_each_of_the_others():
    table = values(a=[1, 2, 3, 4], b=[2, 4.2, 5.8, 8], c=[1.1, 1.9, 3.2, 4.1])
    found = ranking(table, ["a", "b", "c"], [(4, 4), (4, 4)])
    assert found.each == {
        "b": paired(table["a"].to_numpy(), table["b"].to_numpy()).p,
        "c": paired(table["a"].to_numpy(), table["c"].to_numpy()).p,
    }
    assert (found.best, found.p, found.reason) == ("a", found.each["c"], "")
    assert found.each["b"] < 0.001 < 0.05 < found.each["c"]
    most = ranking(table, ["b", "a", "c"], [(4, 4)], most=True)
    assert most.each["a"] == pytest.approx(found.each["b"])
    assert ranking(table, ["b", "a"], [(4, 4)]).each == {"a": 1.0}
    assert ranking(table, ["a", "b"], [(4, 4)], most=True).each == {"b": 1.0}


@pytest.mark.parametrize(
    ("b", "reason"),
    [
        ([2, 4, math.nan, math.nan], "2 of 4 rounds have enough records: no ranking"),
        ([2, math.nan, math.nan, math.nan], "1 of 4 rounds has enough records: no ranking"),
        ([math.nan] * 4, "none of 4 rounds has enough records: no ranking"),
    ],
)
def test_rounds_with_enough_records_are_counted_where_they_are_too_few(b, reason):
    table = values(a=[1, 2, 3, 4], b=b, c=[2, 4, 6, 8.1])
    found = ranking(table, ["a", "b", "c"], [(4, 4)])
    assert (found.best, found.reason) == ("a", reason)
    assert np.isnan([found.p, found.each["b"], found.each["c"]]).all()
    assert ranking(table, ["a", "b"], [(4, 4), (2, 4)]).reason == (
        "2 of 4 rounds are valid: no ranking"
    )


def test_latencies_of_unequal_loads_are_not_ranked_and_throughput_is():
    runs = rounds_of(2, 2.1, 1.9)
    order = ["http", "kafka"]
    assert claimed([ranked_latencies(runs, runs.per_round("ack"), order)]) == [True]
    for info in runs.runs:
        info.workload = {"rate": None, "in_flight": 8}
    found = ranked_latencies(runs, runs.per_round("ack"), order)
    assert found.reason == "each latency is at a load of its own: no ranking"
    assert (found.best, list(found.each)) == ("http", ["kafka"])
    assert np.isnan([found.p, found.each["kafka"]]).all()
    assert claimed([ranked(runs, runs.per_round("ack"), order)]) == [True]
    upside_down = ranked(runs, runs.per_round("ack"), order[::-1], most=True)
    assert (upside_down.best, claimed([upside_down])) == ("kafka", [True])


def test_equal_rounds_differ_by_nothing_and_others_that_do_not_vary_by_all():
    same, other = np.array([2.0, 2, 2]), np.array([1.0, 1, 1])
    for compare in (paired, apart):
        assert compare(same, same) == (1, 1, 1, 1, 3)
        assert compare(same, other) == pytest.approx((2, 2, 2, 0, 3))


@pytest.mark.filterwarnings("error")  # such as of the mean of nothing
def test_sides_of_too_few_rounds_have_a_ratio_and_no_interval():
    one, two = np.array([1.0, 4.0]), np.array([2.0, 3.0, 4.5])
    for found, ratio, rounds in [
        (paired(one, 2 * one), 0.5, 2), (apart(one, two), 2 / 3, 2), (apart(two, one), 1.5, 2),
        (apart(two, one[:0]), math.nan, 0), (paired(one[:0], one[:0]), math.nan, 0),
    ]:  # fmt: skip
        assert found == pytest.approx((ratio, *[math.nan] * 3, rounds), nan_ok=True)


def test_three_pairs_of_rounds_are_enough_and_a_time_of_nothing_counts_as_a_nanosecond():
    assert paired(np.array([1.0, 2, 3]), np.array([1.0, 3, 2])).rounds == 3
    assert between_rounds(np.array([0.0, 1e-6])) == pytest.approx((0, 1e-6, 1e-6))
    assert paired(np.zeros(3), np.full(3, 1e-6)).ratio == 1
    assert between_rounds(np.array([0.0, 4e-6])).value == pytest.approx(2e-6)


def test_a_round_counts_as_valid_where_all_protocols_are_and_only_where_all_were_run():
    runs = rounds_of(2, 2, 2, 2, invalid=[("http", 1), ("kafka", 1), ("kafka", 3)])
    runs.runs.pop()  # Kafka's fourth round
    assert valid_rounds(runs, ["http", "kafka"]) == (1, 3)
    assert valid_rounds(runs, ["http"]) == (3, 4)
    assert valid_rounds(runs, ["kafka"]) == (1, 3)


@pytest.mark.parametrize(
    ("valid", "rounds", "words"),
    [
        (0, 1, "one round: no ranking; 3 or more rounds would allow one"),
        (1, 1, "one round: no ranking; 3 or more rounds would allow one"),
        (0, 0, "0 rounds: no ranking; 3 or more rounds would allow one"),
        (2, 2, "2 rounds: no ranking; 3 or more rounds would allow one"),
        (0, 3, "none of 3 rounds is valid: no ranking"),
        (1, 3, "1 of 3 rounds is valid: no ranking"),
        (2, 3, "2 of 3 rounds are valid: no ranking"),
        (3, 3, ""),
    ],
)
def test_too_few_rounds_say_why_they_allow_no_ranking_and_how_many_would(valid, rounds, words):
    assert why_no_ranking(valid, rounds) == words


def test_one_round_says_that_it_has_no_interval_and_how_many_would():
    assert why_no_intervals(made_up()) == (
        "one round: no interval between rounds; 3 or more rounds would allow one"
    )


def test_of_three_protocols_each_pair_needs_valid_rounds():
    runs = together(
        *(
            made_up(name, 9, number)
            for number in (1, 2, 3)
            for name in ("http", "kafka", "websocket")
        )
    )
    assert why_no_intervals(runs) == ""
    runs.of("kafka").runs[1].valid = False
    assert why_no_intervals(runs) == "2 of 3 rounds are valid: no ranking"
    alone = runs.of("kafka")
    assert why_no_intervals(alone) == "2 of 3 rounds are valid: no interval between rounds"
    assert why_no_intervals(runs.of("http")) == ""


def test_holms_correction_never_falls_with_p_and_is_at_most_1():
    assert holm([0.02, 0.03, 0.03, 0.9]) == pytest.approx([0.08, 0.09, 0.09, 0.9])
    assert holm([0.4, 0.8]) == pytest.approx([0.8, 0.8])
    assert holm([0.6, 0.9]) == [1, 1]
    assert holm([]) == []
