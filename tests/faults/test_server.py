"""Faults of the server: each is real, is undone, and every record is accounted for."""

import os
import socket

import psutil
import pytest

from empkit import At, Lab
from empkit.faults import (
    ConsumerCrash,
    DatabaseLock,
    DiskFull,
    Scene,
    ServerCrash,
    ServerPause,
    ServerRestart,
)
from tests.conftest import employee, post
from tests.faulted import counts, run


def state(process):
    """`gone`, `stopped` or `runs`."""
    try:
        status = process.status()
    except psutil.NoSuchProcess:
        return "gone"
    return {psutil.STATUS_ZOMBIE: "gone", psutil.STATUS_STOPPED: "stopped"}.get(status, "runs")


def accepts(port):
    """Whether a server takes connections."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "meanwhile", "port_is_open"),
    [
        (ServerCrash(), "gone", False), (ServerPause(), "stopped", True),
        (ServerRestart(), "gone", True),
    ],
    ids=["server-crash", "server-pause", "server-restart"],
)  # fmt: skip
def test_a_fault_of_the_server_strikes_it_and_is_undone(lab, fault, meanwhile, port_is_open):
    struck, port = psutil.Process(lab.server.pid), lab.settings.port
    undo = fault.strike(Scene(lab))
    try:
        assert (state(struck), accepts(port)) == (meanwhile, port_is_open)
    finally:
        undo()
    assert lab.settings.port == port
    assert state(psutil.Process(lab.server.pid)) == "runs"
    assert post(lab, employee(f"after-{fault.name}"))[0] == 201


@pytest.mark.slow
def test_a_consumer_crash_kills_the_oldest_consumer_and_its_undo_starts_another():
    with Lab(consumers=2) as lab:
        (struck,) = (psutil.Process(child.pid) for child in lab.consumers)
        undo = ConsumerCrash().strike(Scene(lab))
        assert (state(struck), lab.consumers) == ("gone", [])
        undo()
        assert [state(psutil.Process(child.pid)) for child in lab.consumers] == ["runs"]


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["http", "websocket", "kafka"])
@pytest.mark.parametrize(
    "fault", [ServerCrash(), ServerPause(), ServerRestart(), DatabaseLock(), DiskFull()]
)
def test_what_happens_to_the_server_loses_and_doubles_nothing(lab, protocol, fault):
    runs = run(lab, protocol, At(0.4, fault, until=0.9))
    assert counts(runs) == {"offered": 500, "stored": 500}
    (span,) = runs.runs[0].faults
    assert span.part == fault.part
    assert runs.runs[0].start_ns + 400_000_000 <= span.start_ns <= span.end_ns
    assert post(lab, employee(f"after-{runs.runs[0].run_id}"))[0] == 201


STORM_ROUNDS = int(os.environ.get("EMPKIT_TEST_STORM", "10"))


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["http", "websocket", "kafka"])
def test_a_storm_of_server_kills_loses_and_doubles_nothing(lab, protocol):
    """The short form of `python -m benchmarks.storm`."""
    from benchmarks.storm import storm

    found = storm(lab, protocol, ServerCrash(), rounds=max(1, STORM_ROUNDS // 3), seed=1)
    assert found["broken"] == 0
    assert found["struck"] == max(1, STORM_ROUNDS // 3)
