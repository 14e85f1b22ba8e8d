"""The clock that everything is timed with."""

import asyncio
import platform
import time
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empkit import Lab, clock
from empkit.lab import LabError


@pytest.fixture
def coarse(monkeypatch):
    """The clock of Windows before Python 3.13."""
    info = SimpleNamespace(resolution=0.015625, monotonic=True, adjustable=False)
    monkeypatch.setattr(clock, "get_clock_info", lambda _name: info)
    monkeypatch.setattr(platform, "system", lambda: "Windows")
    monkeypatch.setattr(platform, "python_version", lambda: "3.12.1")


def test_this_clock_can_time_records():
    assert time.get_clock_info("monotonic").resolution <= clock.MAX_STEP_S
    assert clock.clock_flaw() == ""


def test_a_coarse_clock_is_refused_with_what_to_do(coarse):
    assert clock.clock_flaw() == (
        "The clock of Python 3.12.1 on Windows advances in steps of 15.6 ms; timing records "
        "needs steps of at most 1 ms. Use Python 3.13 or newer."
    )


def test_no_lab_starts_on_a_coarse_clock(coarse):
    lab = Lab()
    with pytest.raises(LabError, match=r"steps of 15\.6 ms"):
        lab.start()
    assert not lab.running


# Event-loop lag

STALL_S = 0.5


def stalled(after_s=0.2):
    """A watch of a loop that was blocked for a time, and when that was over."""

    async def run():
        watch = clock.LoopWatch()
        watch.start()
        await asyncio.sleep(0.2)
        time.sleep(STALL_S)  # noqa: ASYNC251 - it is to block
        over_ns = clock.now_ns()
        await asyncio.sleep(after_s)
        watch.stop()
        return watch, over_ns

    return asyncio.run(run())


@pytest.mark.slow
@pytest.mark.parametrize("after_s", [0.2, 0.0])
def test_a_stall_counts_for_as_long_as_it_lasted(after_s):
    """Half of a second is a large share of the timers, though only one of them fired late."""
    watch, _ = stalled(after_s)
    assert watch.late_ms()["p99"] > 800 * STALL_S
    assert watch.late_ms()["max"] >= 950 * STALL_S


@pytest.mark.slow
def test_a_stall_before_the_run_does_not_count():
    watch, over_ns = stalled()
    assert watch.late_ms(over_ns)["max"] < 500 * STALL_S


@given(late_ns=st.integers(0, 5 * 10**9))
def test_a_late_timer_stands_for_all_that_were_due_meanwhile(late_ns):
    watch = clock.LoopWatch()
    watch._due_ns = 7
    watch._note(7 + late_ns)
    period_ns = int(clock.PERIOD_S * 1e9)
    assert list(watch._samples) == [
        (7 + due_ns, late_ns - due_ns) for due_ns in range(0, late_ns + 1, period_ns)
    ]


def test_a_stall_longer_than_what_is_kept_takes_no_more_room():
    watch = clock.LoopWatch(keep_s=1.0)
    watch._note(3_600 * 10**9)
    assert len(watch._samples) == 1.0 / clock.PERIOD_S
    assert watch.late_ms()["max"] < 1_000
