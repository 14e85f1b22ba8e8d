"""Faults of the broker: what it must not lose it does not lose."""

import pytest

from empkit import At, Lab
from empkit.faults import (
    BrokerDown,
    BrokerErrors,
    BrokerPause,
    BrokerSlow,
    LeaderMove,
    LostAcks,
    RetentionOverrun,
)
from tests.faulted import counts, run


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "until"),
    [
        (BrokerDown(), 0.9), (BrokerPause(), 0.9), (BrokerSlow(ms=50), 0.9),
        (BrokerErrors(count=3), None), (LostAcks(count=2), None),
    ],
)  # fmt: skip
def test_what_happens_to_the_broker_loses_and_doubles_nothing(embedded, fault, until):
    runs = run(embedded, "kafka", At(0.4, fault, until=until))
    assert counts(runs) == {"offered": 500, "stored": 500}


def test_a_log_that_drops_what_was_not_read_loses_it_and_only_that(lab):
    runs = run(lab, "kafka", At(0.4, RetentionOverrun(), until=0.8))
    found = counts(runs)
    assert found.pop("offered") == 500
    assert set(found) == {"stored", "lost"}
    (span,) = runs.runs[0].faults
    lost = runs.timings[runs.timings["verdict"] == "lost"]
    assert (lost["intended_ns"] > span.start_ns - 200_000_000).all()
    assert (lost["intended_ns"] < span.end_ns).all()
    assert not runs.broken
    assert [f"{len(lost)} lost: " in sentence for sentence in runs.findings] == [True]
    assert runs.findings[0].endswith("; allowed by retention-overrun")


@pytest.mark.slow
def test_leaders_that_move_among_three_brokers_lose_nothing():
    with Lab("embedded", brokers=3) as lab:
        runs = run(lab, "kafka", At(0.3, LeaderMove(to=2)), At(0.7, LeaderMove(to=3)))
        assert counts(runs) == {"offered": 500, "stored": 500}
