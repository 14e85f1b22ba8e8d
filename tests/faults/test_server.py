"""Faults of the server: each is real, is undone, and every record is accounted for."""

import os

import pytest

from empkit import At
from empkit.faults import DatabaseLock, DiskFull, ServerCrash, ServerPause, ServerRestart
from tests.conftest import employee, post
from tests.faulted import counts, run


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
