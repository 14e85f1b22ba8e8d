"""Faults of the broker: what it must not lose it does not lose."""

import asyncio
import math
import socket
import time

import psutil
import pytest

from empkit import At, Guarantees, Lab
from empkit.faults import (
    BrokerDown,
    BrokerErrors,
    BrokerPause,
    BrokerSlow,
    LeaderKill,
    LeaderMove,
    LostAcks,
    RetentionOverrun,
    Scene,
)
from empkit.kafka.topics import log_ends
from tests.conftest import wait_until
from tests.faulted import counts, run


def accepts(lab):
    """Whether the broker takes connections."""
    host, _, port = lab.bootstrap_servers.rpartition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def stopped(lab):
    """Whether the broker's process is stopped where it is."""
    return psutil.Process(lab.broker._child.pid).status() == psutil.STATUS_STOPPED


def is_slow(lab):
    """Whether the answers of the broker take as long as was asked for."""
    begun = time.monotonic()
    asyncio.run(log_ends(lab.settings, lab.topic))
    return time.monotonic() - begun > 0.3


@pytest.mark.parametrize(
    ("fault", "holds"),
    [
        (BrokerDown(), lambda lab: not accepts(lab)), (BrokerPause(), stopped),
        (BrokerSlow(ms=300), is_slow),
    ],
    ids=["broker-down", "broker-pause", "broker-slow"],
)  # fmt: skip
def test_a_fault_of_the_broker_strikes_it_and_is_undone(embedded, fault, holds):
    undo = fault.strike(Scene(embedded))
    try:
        assert holds(embedded)
    finally:
        undo()
    wait_until(lambda: not holds(embedded))
    assert accepts(embedded)


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


@pytest.mark.parametrize("ms", [-1, math.nan, math.inf])
def test_a_leader_is_alone_for_a_time_or_not_at_all(ms):
    with pytest.raises(ValueError, match="expected 0 ms or more"):
        LeaderKill(alone_ms=ms)


@pytest.mark.slow
def test_copies_in_the_log_are_read_again_and_counted(embedded):
    late = At(0.4, LostAcks(count=2, ms=900))
    runs = run(embedded, "kafka", late, guarantees=Guarantees(attempt_timeout_s=0.3))
    (info,) = runs.runs
    assert counts(runs) == {"offered": 500, "stored": 500}
    assert info.read_again == info.appended - 500 > 0
    assert runs.recovery()["read_again"].tolist() == [info.read_again]


@pytest.mark.slow
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
