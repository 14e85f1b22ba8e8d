"""The clock that everything is timed with."""

import platform
import time
from types import SimpleNamespace

import pytest

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
