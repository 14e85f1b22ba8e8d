"""Tests that measure time run alone: all workers share one lock, which those hold exclusively."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows has no such locks; what runs there needs none
    fcntl = None

import pytest


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
