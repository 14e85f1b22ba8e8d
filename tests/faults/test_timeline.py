"""When faults strike: their moments, and that each is undone."""

import signal
import subprocess
import sys
import textwrap
import time

import pytest

from empkit import At, Lab, Workload
from empkit.faults import BrokerDown, DatabaseLock, ServerCrash, ServerPause, ServerStart
from empkit.lab import LabError
from tests.faulted import counts, run
from tests.signals import started


@pytest.mark.slow
def test_a_crash_lasts_until_the_server_is_started_at_a_moment_of_its_own(lab):
    runs = run(lab, "websocket", At(0.4, ServerCrash()), At(0.8, ServerStart()))
    assert counts(runs) == {"offered": 500, "stored": 500}
    (span,) = runs.runs[0].faults
    assert span.end_ns - span.start_ns > 400_000_000
    assert span.asked_end_s == 0.8


@pytest.mark.slow
def test_a_fault_that_finds_nothing_to_strike_ends_the_run_with_a_sentence(lab):
    with pytest.raises(LabError, match="no server-crash"):
        run(lab, "http", At(0.1, ServerStart()))
    with Lab(broker="none") as own, pytest.raises(LabError, match="has no broker"):
        run(own, "http", At(0.1, BrokerDown()))


@pytest.mark.slow
def test_a_fault_after_the_end_is_said_not_to_have_struck(lab):
    runs = run(lab, "http", At(60, ServerCrash()), workload=Workload(records=50))
    assert any("did not strike" in note for note in runs.runs[0].notes)
    assert [(each.missed, each.struck) for each in runs.runs[0].faults] == [(True, 0)]


INTERRUPTED = """
    import sys
    from empkit import At, Lab, Workload
    from empkit.faults import DatabaseLock, ServerPause
    with Lab(broker="none") as lab:
        print("ready", flush=True)
        faults = [At(0.2, DatabaseLock(), until=60), At(0.3, ServerPause(), until=60)]
        runs = lab.run("http", Workload(records=50_000, rate=200), faults=faults,
                       progress=lambda name, done, of: print(done, flush=True))
        print("cut short", runs.runs[0].cut_short, flush=True)
        reply = lab.run("http", Workload(records=20), progress=lambda *_: None)
        print("then", reply.verdicts()["stored"].tolist(), flush=True)
"""


@pytest.mark.slow
def test_ctrl_c_undoes_every_fault():
    command = [sys.executable, "-c", textwrap.dedent(INTERRUPTED)]
    with started(command, stdout=subprocess.PIPE, text=True) as process:
        lines = iter(process.stdout.readline, "")
        give_up = time.monotonic() + 30
        assert next(lines).strip() == "ready"
        for _ in range(4):  # progress comes each 0.2 s: both faults have struck by the fourth
            next(lines)
            assert time.monotonic() < give_up
        process.send_signal(signal.SIGINT)
        rest = [line.strip() for line in lines]
        assert process.wait(60) == 0
    assert "cut short True" in rest
    assert rest[-1] == "then [20]"


@pytest.mark.slow
def test_while_a_lock_is_in_force_nothing_is_stored_and_its_taking_is_not_counted_as_held(lab):
    """Taking it may take long on a busy machine; until then records are stored."""
    runs = run(lab, "kafka", At(0.2, DatabaseLock(), until=0.8))
    (span,) = runs.runs[0].faults
    assert span.start_ns < span.in_force_ns < span.end_ns
    held_ns = span.end_ns - (span.end_ns - span.in_force_ns) // 4  # undone a little before the end
    during = runs.timings.query("@span.in_force_ns < sent_ns < @held_ns")
    assert len(during) > 0
    assert (during["stored_ns"] > held_ns).all()


@pytest.mark.slow
def test_a_fault_that_ends_when_it_begins_is_undone_at_once_and_not_at_the_end_of_the_run(lab):
    (span,) = run(lab, "http", At(0.2, ServerPause(), until=0.2)).runs[0].faults
    assert span.end_ns is not None
    assert span.end_ns - span.start_ns < 0.5e9
