"""Ctrl-C (SIGINT) and SIGTERM while a command runs: which arrived, and when it takes effect.

    signal --> held? --yes--> recorded, and raised when the hold ends
                     --no---> KeyboardInterrupt in the main thread

The first signal requests an orderly end, the second abandons the work under way, and the fourth
ends the process at once; the warden then cleans up. This module has no effect until `listen` is
called, as the command line does: in a notebook an interrupt works as in any other cell.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)
MOST = 4
"""The number of signals that ends the process at once."""


class _Heard:
    """The signals that have arrived."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.depth = 0
        self.waiting = False


_heard = _Heard()


def listen() -> None:
    """Handle the signals from now on; a signal that was ignored at the start stays ignored."""
    for number in SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _hear)


def _hear(number: int, frame: FrameType | None) -> None:
    _heard.numbers.append(number)
    if len(_heard.numbers) >= MOST:
        os._exit(128 + _heard.numbers[0])
    if _heard.depth:
        _heard.waiting = True
        return
    handler = signal.getsignal(signal.SIGINT)
    if callable(handler) and handler is not _hear:
        handler(signal.SIGINT, frame)  # asyncio's, which cancels what runs
    else:
        raise KeyboardInterrupt


def ignore() -> None:
    """Ignore the signals from now on: the process is ending, with a status already reported."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def held() -> Iterator[None]:
    """Run a block that must not be interrupted: a signal meanwhile is raised at its end."""
    _heard.depth += 1
    try:
        yield
    finally:
        _heard.depth -= 1
        if _heard.waiting and not _heard.depth:
            _heard.waiting = False
            raise KeyboardInterrupt


@contextmanager
def released() -> Iterator[None]:
    """Run a part of a `held` block in which pending and new signals take effect at once.

    Raises:
        KeyboardInterrupt: a signal was pending or arrived.
    """
    depth, _heard.depth = _heard.depth, 0
    try:
        if _heard.waiting:
            _heard.waiting = False
            raise KeyboardInterrupt
        yield
    finally:
        _heard.depth = depth


def check() -> None:
    """Raise an interrupt again that was lost, as in a callback, where Python only prints it.

    Raises:
        KeyboardInterrupt: a signal has arrived.
    """
    if _heard.numbers:
        raise KeyboardInterrupt


def first() -> str:
    """Return the name of the first signal, such as `SIGTERM`; empty when none has arrived."""
    return signal.Signals(_heard.numbers[0]).name if _heard.numbers else ""


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine as `asyncio.run` does; a signal cancels it and does not break the loop.

    Raises:
        KeyboardInterrupt: a signal arrived.
    """
    import asyncio  # noqa: PLC0415 - start-up time

    before = signal.getsignal(signal.SIGINT)
    if before is _hear:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return asyncio.run(work)
    except KeyboardInterrupt:
        if before is _hear and not _heard.numbers:
            _heard.numbers.append(signal.SIGINT)
        raise
    finally:
        if before is _hear:
            signal.signal(signal.SIGINT, _hear)
