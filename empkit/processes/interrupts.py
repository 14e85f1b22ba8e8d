"""Ctrl-C (SIGINT) and SIGTERM while a command runs: which came, and when it may take effect.

    signal --> held? --yes--> noted, and raised when the hold ends
                     --no---> KeyboardInterrupt where the main thread is

The first asks for an orderly end, a second one gives up what is under way, and a fourth ends the
process at once; the warden cleans up after it. Nothing here has an effect until `listen` is called,
as the command line does: in a notebook an interrupt stays what it is in any other cell.
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
"""This many signals end the process where it is."""


class _Heard:
    """What has come so far."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.depth = 0
        self.waiting = False


_heard = _Heard()


def listen() -> None:
    """Hear the signals from now on; one that the process was started to ignore stays ignored."""
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
    """Ignore the signals from now on: the process is ending, with the status that it has said."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def held() -> Iterator[None]:
    """A part that is not to be torn apart: a signal that comes meanwhile is raised at its end."""
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
    """A part of a held one in which signals take effect at once, those that wait, too.

    Raises:
        KeyboardInterrupt: one waited, or came.
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
    """Raise what was heard and got lost, as in a callback, where Python only prints it.

    Raises:
        KeyboardInterrupt: a signal has come.
    """
    if _heard.numbers:
        raise KeyboardInterrupt


def first() -> str:
    """The name of the first signal, such as `SIGTERM`; empty when none was heard."""
    return signal.Signals(_heard.numbers[0]).name if _heard.numbers else ""


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """What `asyncio.run` does, with signals that cancel the work instead of tearing the loop.

    Raises:
        KeyboardInterrupt: a signal came.
    """
    import asyncio

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
