"""The load of a comparison, and the rate that is equal for all."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empkit.results.load import Load, equal_rate, held_back, load_of, unequal_load
from tests.made_up_runs import made_up, together


class Stored:
    """Runs of which only the throughput counts."""

    def __init__(self, *rates):
        self._rates = rates

    def summary(self):
        return {"records_per_s": self._rates}


@given(st.lists(st.floats(0.01, 1e6), min_size=1, max_size=4))
def test_the_equal_rate_is_the_largest_of_1_2_and_5_that_is_at_most_half_of_the_slowest(rates):
    rate = equal_rate(Stored(*rates))
    power = 10.0 ** math.floor(math.log10(rate * 1.000001))
    step = round(rate / power, 6)
    assert step in (1, 2, 5)
    assert rate <= min(rates) / 2
    larger = {1: 2, 2: 5, 5: 10}[step] * power
    assert larger > min(rates) / 2 * (1 - 1e-9)


def test_half_of_the_slowest_may_be_the_equal_rate_itself():
    assert [equal_rate(Stored(rate, 9_000.0)) for rate in (2.0, 40.0, 1_000.0)] == [1, 20, 500]


def test_where_one_of_them_stored_nothing_there_is_no_equal_rate():
    with pytest.raises(
        ValueError, match=r"^One of the protocols stored no record, so there is no rate for all\.$"
    ):
        equal_rate(Stored(100.0), Stored(0.0))


@pytest.mark.parametrize(
    ("workload", "load", "equal", "words"),
    [
        ({"rate": 500.0, "in_flight": None, "arrivals": "poisson"}, Load(500.0, None, True), True,
         "at 500 records/s for each (open loop, Poisson arrivals)"),
        ({"rate": None, "in_flight": 1}, Load(None, 1), True,
         "one record in flight (the unloaded round trip)"),
        ({"rate": None, "in_flight": 8}, Load(None, 8), False,
         "as fast as each goes (closed loop, 8 in flight)"),
        ({}, Load(), False, "as fast as each goes (closed loop)"),
    ],
)  # fmt: skip
def test_a_load_says_what_it_is_and_whether_latencies_may_be_compared(workload, load, equal, words):
    runs = made_up()
    runs.runs[0].workload = workload
    found = load_of(runs)
    assert (found, found.equal, str(found)) == (load, equal, words)


def test_a_load_has_a_short_name_and_large_rates_are_easy_to_read():
    assert (Load(500.0).name, Load(None, 8).name, Load().name) == ("open", "closed", "closed")
    assert str(Load(12_500.0)) == "at 12,500 records/s for each (open loop)"


def test_latencies_are_not_of_an_equal_load_where_each_goes_at_its_own_or_records_waited():
    runs = together(made_up("http"), made_up("kafka"), made_up("kafka", number=2))
    assert (unequal_load(runs), held_back(runs)) == ("", {})
    runs.runs[0].held_back, runs.runs[1].held_back, runs.runs[2].held_back = 1_200, 3, 4
    assert held_back(runs) == {"http": 1_200, "kafka": 7}
    assert unequal_load(runs) == (
        "records waited for their turn (1,200 over http, 7 over kafka), so the load was not equal"
    )
    runs.runs[0].workload = {"rate": None, "in_flight": 8}
    assert unequal_load(runs) == "each latency is at a load of its own"


def test_runs_of_which_there_are_none_have_no_load():
    runs = made_up()
    runs.runs = []
    assert load_of(runs) == Load()
