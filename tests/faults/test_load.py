"""Faults of the load: an overload."""

import pytest

from empkit import Workload
from empkit.faults import Overload
from empkit.faults.base import Offer
from tests.faulted import counts, run


@pytest.mark.slow
def test_an_overload_is_a_time_of_a_higher_rate(lab):
    overload = Overload(times=4, from_s=0.5, until_s=1.0)
    runs = run(lab, "websocket", overload, workload=Workload(records=800, rate=300, warm_up=20))
    seconds = (runs.timings["intended_ns"] - runs.runs[0].start_ns) / 1e9
    assert ((seconds > 0.5) & (seconds <= 1.0)).sum() == pytest.approx(600, abs=2)
    assert counts(runs) == {"offered": 800, "stored": 800}


@pytest.mark.parametrize(
    ("overloads", "counts"),
    [
        ([Overload(times=4, from_s=1.0, until_s=2.0)], [100, 400, 100, 100]),
        ([Overload(3, 1.0, 2.0), Overload(2, 3.0, 4.0)], [100, 300, 100, 200]),
    ],
    ids=["one", "two"],
)
def test_an_overload_is_in_the_schedule(overloads, counts):
    offer = Offer(iter(()), seed=0, rate=100.0)
    for overload in overloads:
        overload.change(offer)
    due = Workload(rate=offer.rate, surges=tuple(offer.surges)).schedule_ns(sum(counts)) / 1e9
    found = [int(((due > begin) & (due <= begin + 1)).sum()) for begin in range(4)]
    assert found == pytest.approx(counts, abs=1)
