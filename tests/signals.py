"""Programs that a test starts to send them signals: they hear each, and none outlives its test.

A program started from a script, with `nohup` or by some CI inherits an ignored SIGINT, and so do
all that it starts. A test that means Ctrl-C starts its program here:

    with started([sys.executable, "-m", "empkit.cli", "compare"]) as process:
        process.send_signal(signal.SIGINT)
        ...
        assert process.left() == []

At the end of the block all that the program has started is ended, whatever became of the test.
"""

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import psutil

OWNER = "EMPKIT_TEST_OWNER"
"""The environment variable by which those are known that belong to one program of a test."""

TIDY_S = 10.0
"""How long a warden may take to clean up after the program, in seconds, until it is killed, too."""

_RESET = """\
import os, signal, sys
numbers = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
for number in numbers:
    signal.signal(number, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers)
os.execvp(sys.argv[1], sys.argv[1:])
"""
"""Becomes the program that it is given, with the signals as a terminal's shell leaves them. (A
function that runs between fork and exec would do the same, and may hang where threads run.)"""


def hearing(command: Sequence[object]) -> list[str]:
    """A command which hears SIGINT, SIGTERM and SIGHUP, whatever its parent ignores or blocks."""
    words = [str(word) for word in command]
    if os.name != "posix":
        return words
    return [sys.executable, "-I", "-S", "-c", _RESET, *words]


class Started(subprocess.Popen):
    """A program that was started by `started`, known by a mark that its children inherit.

    Args:
        command: the program and its arguments.
        env: its environment; by default ours.
        options: as for `subprocess.Popen`.
    """

    def __init__(
        self, command: Sequence[object], *, env: Mapping[str, str] | None = None, **options: Any
    ) -> None:
        self.mark = secrets.token_hex(16)
        self.tidy_s = TIDY_S
        environment = {**(os.environ if env is None else env), OWNER: self.mark}
        super().__init__(hearing(command), env=environment, start_new_session=True, **options)

    def left(self) -> list[psutil.Process]:
        """The processes that came from this program and still run, itself among them, whoever
        their parent is by now."""
        return marked(self.mark)

    def wait_until_gone(self, timeout_s: float = TIDY_S) -> list[psutil.Process]:
        """Wait until it and all that came from it have ended; what has not after `timeout_s`."""
        return wait_until_gone(self.mark, timeout_s)

    def end_all(self) -> None:
        """Kill the program, let its wardens clean up, and kill what remains."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self.kill()
        self.wait()
        end_marked(self.mark, self.tidy_s)
        for pipe in (self.stdin, self.stdout, self.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):  # what was to be written has no reader any more
                    pipe.close()


def marked(mark: str) -> list[psutil.Process]:
    """The processes that run with this mark in their environment."""
    return [each for each in psutil.process_iter() if _has(each, mark)]


def _has(process: psutil.Process, mark: str) -> bool:
    try:
        running = process.status() != psutil.STATUS_ZOMBIE
        return running and process.environ().get(OWNER) == mark
    except psutil.Error:  # it has ended, or is another user's
        return False


def wait_until_gone(mark: str, timeout_s: float = TIDY_S) -> list[psutil.Process]:
    """Wait until no process has this mark; those that still do after `timeout_s` seconds."""
    give_up = time.monotonic() + timeout_s
    while (left := marked(mark)) and time.monotonic() < give_up:
        time.sleep(0.02)
    return left


def end_marked(mark: str, tidy_s: float = TIDY_S) -> None:
    """Kill what still has this mark after `tidy_s` seconds."""
    remaining = wait_until_gone(mark, tidy_s)
    for each in remaining:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()
    if remaining:
        wait_until_gone(mark)


@contextlib.contextmanager
def started(command: Sequence[object], **options: Any) -> Iterator[Started]:
    """Start a program that hears every signal, and end all that came from it at the end.

    Args:
        command: the program and its arguments.
        options: as for `subprocess.Popen`.
    """
    process = Started(command, **options)
    try:
        yield process
    finally:
        process.end_all()
