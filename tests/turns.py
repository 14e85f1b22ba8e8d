"""Tests that measure time run alone: all workers share one lock, which those hold exclusively. What
other programs spoil all the same is said and not asserted."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Self

try:
    import fcntl
except ImportError:  # Windows has no such locks; what runs there needs none
    fcntl = None

import psutil
import pytest

SPOILED = "EMPKIT_TEST_SPOILED"
"""The environment variable that says `fails` where a measurement is asserted all the same: of a
copy of the package that is broken on purpose, with the message that is expected."""

SPOILED_SHARE = 0.1
"""From what share of the processors' time on, taken by others, a measurement is not asserted."""


class Processors(NamedTuple):
    """What the processors did until one moment, in seconds.

    Attributes:
        at_s: the moment.
        count: of the processors.
        idle_s: for how long they had nothing to run, over all of them.
        ours_s: for how long they ran this process and those that it started.
    """

    at_s: float
    count: int
    idle_s: float
    ours_s: float

    @classmethod
    def now(cls) -> Self:
        """What they did until now."""
        idle, ours = psutil.cpu_times(), 0.0
        itself = psutil.Process()
        for each in (itself, *itself.children(recursive=True)):
            try:
                ours += sum(each.cpu_times()[:4])  # with those that it has waited for
            except psutil.NoSuchProcess:
                continue
        idle_s = idle.idle + getattr(idle, "iowait", 0.0)
        return cls(time.monotonic(), psutil.cpu_count() or 1, idle_s, ours)

    def taken_since(self, before: Self) -> float:
        """Which share of the processors' time others took."""
        whole_s = self.count * (self.at_s - before.at_s)
        used_s = self.idle_s - before.idle_s + self.ours_s - before.ours_s
        return max(0.0, 1 - used_s / max(whole_s, 1e-9))


class Turns:
    """A pytest plugin that gives each test its turn.

    A test waits at the gate, takes the lock, and leaves the gate; so nobody can pass a test that
    waits to be alone.

    Args:
        folder: one that all workers of this session share.
    """

    def __init__(self, folder: Path) -> None:
        self.gate = os.open(folder / "gate.lock", os.O_CREAT | os.O_RDWR)
        self.lock = os.open(folder / "turn.lock", os.O_CREAT | os.O_RDWR)

    @contextmanager
    def turn(self, alone: bool) -> Iterator[None]:
        if fcntl is None:
            yield
            return
        fcntl.flock(self.gate, fcntl.LOCK_EX)
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        finally:
            fcntl.flock(self.gate, fcntl.LOCK_UN)
        try:
            yield
        finally:
            fcntl.flock(self.lock, fcntl.LOCK_UN)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        with self.turn(alone=item.get_closest_marker("alone") is not None):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Iterator[None]:
        if pyfuncitem.get_closest_marker("alone") is None:
            return (yield)
        before = Processors.now()
        try:
            return (yield)
        except AssertionError as error:
            taken = Processors.now().taken_since(before)
            if taken < SPOILED_SHARE or os.environ.get(SPOILED) == "fails":
                raise
            pytest.skip(f"Other programs took {taken:.0%} of the processors' time: {error}")
