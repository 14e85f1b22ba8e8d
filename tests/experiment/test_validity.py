"""Which numbers can be used: the rule, and real runs in which a part is disturbed."""

import contextlib
import os
import subprocess
import sys
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from empkit import At, Workload
from empkit.experiment import validity
from empkit.faults import ClientPause, ServerPause
from empkit.processes.child import Processes
from empkit.results.info import STAMPS, FaultSpan, ProcessorTime
from tests.made_up_runs import START_NS, made_up

RUN = made_up("http", 400)
LATENCY = validity.Latency.of(RUN.timings)
IDLE = ProcessorTime(window_s=2.0, own_s=1.0, others_s=0.02, delayed_s=0.2, steal_s=0.0)


def judged(timings=RUN.timings, **changes):
    """The causes for which a run with these values is not valid."""
    return validity.judged(replace(RUN.runs[0], **{"processor": IDLE} | changes), timings)


# The rule


@given(
    factor=st.floats(0.01, 100),
    late=st.floats(0, 1),
    level=st.sampled_from([50, 99]),
)
def test_lateness_counts_relative_to_the_latency_and_not_in_milliseconds(factor, late, level):
    stamps = {name: RUN.timings[name] - START_NS for name in STAMPS}
    slower = {
        name: (stamps[name].astype(float) * factor).round().astype("Int64") for name in STAMPS
    }
    timings = RUN.timings.assign(**slower)
    least_ms = validity.Latency.of(timings).least_ms[level]
    reasons = judged(timings, **{f"sending_late_p{level}_ms": late * least_ms})
    share = validity.SENDING_SHARE[level]
    if abs(late - share) > 1e-6:
        assert ("generator" in reasons) == (late > share)


def test_a_run_in_which_nothing_disturbed_is_valid_and_the_servers_lateness_does_not_count():
    assert judged(sending_late_p50_ms=0.01, sending_late_p99_ms=0.1, generator_late_ms=1.0) == {}
    assert judged(server_late_ms=10_000.0) == {}


def test_a_generator_whose_loop_was_late_is_named_in_a_closed_loop_too():
    reason = judged(generator_late_ms=1_465.0)["generator"]
    assert "late by 1,465 ms" in reason and "not only the system" in reason


def test_a_generator_that_a_fault_stops_is_the_experiment():
    paused = [FaultSpan("client-pause@1.0s..2.0s", "client", START_NS, START_NS + 10)]
    late = {"sending_late_p99_ms": 900.0, "generator_late_ms": 900.0}
    assert judged(faults=paused, **late) == {}
    assert set(judged(faults=[replace(paused[0], missed=True)], **late)) == {"generator"}
    assert set(judged(faults=[replace(paused[0], part="server")], **late)) == {"generator"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"others_s": 3.0, "delayed_s": 1.0}, "Other processes used 3 s"),
        ({"steal_s": 1.5}, "The host took 1.5 s"),
        ({"throttled_s": 1.5}, "A control group held the lab back"),
    ],
    ids=["others", "steal", "throttled"],
)
def test_what_kept_the_system_from_running_is_named(changes, words):
    reasons = judged(processor=replace(IDLE, **changes))
    assert list(reasons) == ["machine"]
    assert words in reasons["machine"] and "could not run for" in reasons["machine"]


def test_busy_processors_that_nobody_waits_for_spoil_nothing():
    """As on a machine with many."""
    assert judged(processor=replace(IDLE, others_s=60.0, delayed_s=0.01)) == {}


def test_waiting_for_the_labs_own_work_spoils_nothing():
    assert judged(processor=replace(IDLE, delayed_s=1.5)) == {}


def test_what_is_not_known_of_a_run_spoils_no_numbers():
    assert judged(processor=ProcessorTime()) == {}
    assert judged(processor=ProcessorTime(window_s=2.0, own_s=1.0, delayed_s=2.0)) == {}
    assert judged(RUN.timings.iloc[:0], sending_late_p99_ms=5.0) == {}


def test_a_system_that_left_records_undecided_is_named():
    assert "had not decided on every record" in judged(drained=False)["system"]
    assert "No answers came any more" in judged(gave_up=True)["system"]


def test_lateness_is_held_against_the_shorter_of_ack_and_stored_latency():
    late = RUN.timings.assign(stored_ns=RUN.timings["stored_ns"] + 10**9)
    assert validity.Latency.of(late).least_ms[50] < 100
    never = RUN.timings.assign(stored_ns=pd.array([pd.NA] * 400, "Int64"))
    assert validity.Latency.of(never).least_ms == validity.Latency.of(late).least_ms
    assert validity.Latency.of(RUN.timings.iloc[:50]).least_ms.keys() == {50}


# Real runs


@pytest.fixture
def stop_generator(monkeypatch):
    """Progress that stops the load generator once for a time, when records are done."""
    generators, stopped = [], []
    borrow = Processes.borrow

    def lend(self, *arguments, **options):
        child = borrow(self, *arguments, **options)
        generators.append(child)
        return child

    monkeypatch.setattr(Processes, "borrow", lend)

    def progress(_name, done, _count):
        if done and not stopped:
            stopped.append(generators[-1])
            stopped[0].pause()
            with subprocess.Popen(["sleep", "1.5"]):  # as long as the stall is to last
                pass
            stopped[0].resume()

    return progress


OPEN = Workload(records=600, rate=200, warm_up=0)
needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGSTOP")


@pytest.mark.slow
@needs_signals
@pytest.mark.parametrize("protocol", ["http", "websocket", "kafka"])
def test_a_generator_that_was_stopped_is_said_to_be_what_was_measured(
    lab, protocol, stop_generator
):
    runs = lab.run(protocol, OPEN, progress=stop_generator)
    info = runs.runs[0]
    assert info.sending_late_p99_ms > 1_000 and info.generator_late_ms > 1_000
    assert "ms after they were due" in info.not_valid["generator"]
    assert not info.valid and info.not_valid["generator"] in info.notes
    assert runs.label(protocol).endswith("(not valid)")
    assert f"{protocol}, round 1: {info.not_valid['generator']}" in runs.not_valid


@pytest.mark.slow
@needs_signals
@pytest.mark.parametrize("protocol", ["http", "websocket"])
def test_a_server_that_was_stopped_is_what_was_measured(lab, protocol):
    runs = lab.run(protocol, OPEN, faults=[At(0.5, ServerPause(), until=2.0)], progress=_quiet)
    info = runs.runs[0]
    assert info.server_late_ms > 1_000
    assert info.sending_late_p99_ms < 200
    assert not set(info.not_valid) & {"generator", "system"}


@pytest.mark.slow
@needs_signals
def test_the_servers_lateness_is_that_of_the_run_only(lab):
    lab.run("http", OPEN, faults=[At(0.5, ServerPause(), until=2.0)], progress=_quiet)
    info = lab.run("http", Workload(records=50, warm_up=0), progress=_quiet).runs[0]
    assert info.server_late_ms < 1_000


@pytest.mark.slow
@needs_signals
def test_a_generator_that_a_fault_stopped_is_not_blamed(lab):
    runs = lab.run("http", OPEN, faults=[At(0.5, ClientPause(), until=1.5)], progress=_quiet)
    assert runs.runs[0].sending_late_p99_ms > 500
    assert "generator" not in runs.runs[0].not_valid


@pytest.mark.slow
def test_a_system_that_takes_less_than_it_is_offered_is_not_the_generators_fault(lab):
    """The window is full, and each record waits for a place in flight."""
    stopped = [At(0.2, ServerPause(), until=1.2)]
    workload = Workload(records=6_000, rate=3_000)
    info = lab.run("http", workload, faults=stopped, progress=_quiet).runs[0]
    assert info.held_back > 100
    assert "generator" not in info.not_valid


@pytest.mark.slow
@pytest.mark.alone
def test_at_a_rate_that_the_generator_cannot_keep_it_is_said_to_be_what_was_measured(lab):
    """A record each 5 us, which no Python keeps: 40,000/s were kept on a good day."""
    info = lab.run("kafka", Workload(records=40_000, rate=200_000), progress=_quiet).runs[0]
    assert "ms after they were due" in info.not_valid["generator"]
    said = []
    search = lab.find_rate(
        "kafka",
        p99_ms=10_000,
        first=200_000,
        highest=200_000,
        seconds=0.2,
        precision=0.9,
        on_step=said.append,
    )
    assert search.steps["gave_out"].iloc[0] == "generator"
    assert "The load generator sent records" in said[0]


@contextlib.contextmanager
def neighbours(count):
    """Busy processes."""
    with contextlib.ExitStack() as cleanup:
        for _ in range(count):
            process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
            cleanup.callback(process.wait)
            cleanup.callback(process.kill)
        yield


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the platform does not tell")
@pytest.mark.parametrize(
    "workload",
    [Workload(records=2_000), Workload(records=1_000, rate=1_000)],
    ids=["closed", "open"],
)
def test_busy_neighbours_spoil_the_numbers_and_are_named(lab, workload):
    with neighbours(2 * os.cpu_count()):
        info = lab.run("http", workload, progress=_quiet).runs[0]
    assert "Other processes used" in info.not_valid["machine"]
    assert info.processor.others_s > 0


def _quiet(*_):
    """Progress that shows nothing."""
