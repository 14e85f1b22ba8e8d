"""Child processes that are started, spoken to, paused and stopped, and that never outlive us.

    Processes (one temporary folder, one warden)
      +-- Child: stdin  <- orders, one JSON object a line; its end means "stop"
                 stdout -> reports, one JSON object a line
                 stderr -> a log file in the folder

Each child leads a session of its own: Ctrl-C in a terminal reaches only us, and we stop the
children in order.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from empkit.processes import interrupts, warden

Report = dict[str, Any]

_OWN_GROUP: int = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
"""For Windows, which has no sessions: Ctrl-C does not reach a process group of its own."""


class ChildError(RuntimeError):
    """A child process ended, or said nothing in time, where something was expected of it."""


class Child:
    """One child process. Made by `Processes.start`.

    Args:
        name: what it is, for messages and for the name of its log.
        process: the process, with pipes for standard input and output.
        log: where its standard error goes.
    """

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self.name = name
        self.pid = process.pid
        self.log = log
        self._process = process
        self._reports: queue.SimpleQueue[Report | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, name=f"empkit-{name}", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with contextlib.suppress(ValueError, OSError):
            for line in self._process.stdout:
                with contextlib.suppress(json.JSONDecodeError):
                    self._reports.put(json.loads(line))
        self._reports.put(None)

    @property
    def running(self) -> bool:
        """Whether the process is there, paused or not."""
        return self._process.poll() is None

    @property
    def exit_status(self) -> int | None:
        """The exit status, negative for a signal; None while it runs."""
        return self._process.poll()

    def report(self, timeout_s: float | None = None) -> Report | None:
        """The next report of the child.

        Args:
            timeout_s: how long to wait, in seconds; None waits until the child ends.

        Returns:
            The report, or None when the child has closed its standard output.

        Raises:
            TimeoutError: nothing came in time.
        """
        try:
            report = self._reports.get(timeout=timeout_s)
        except queue.Empty:
            raise TimeoutError(f"{self.name} reported nothing within {timeout_s} s.") from None
        if report is None:
            self._reports.put(None)
        return report

    def expect(self, key: str, timeout_s: float) -> Report:
        """The first report that has `key`; those before it are dropped.

        Raises:
            ChildError: the child ended first, or nothing came within `timeout_s` seconds; the
                message ends with the last lines of the child's log.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                report = self.report(max(0.0, deadline - time.monotonic()))
            except TimeoutError:
                raise ChildError(
                    f"{self.name} did not report {key!r} within {timeout_s:g} s.{self._log_tail()}"
                ) from None
            if report is None:
                self._process.wait()
                raise ChildError(
                    f"{self.name} ended with status {self.exit_status} before it reported "
                    f"{key!r}.{self._log_tail()}"
                )
            if key in report:
                return report

    def order(self, **order: Any) -> None:
        """Send one order to the child.

        Raises:
            ChildError: the child does not run any more.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            self._process.stdin.flush()
        except (BrokenPipeError, ValueError):
            raise ChildError(
                f"{self.name} has ended and takes no orders.{self._log_tail()}"
            ) from None

    def signal(self, number: int) -> None:
        """Send a signal; nothing happens when the process has ended."""
        self._process.send_signal(number)

    def pause(self) -> None:
        """Stop the process where it is (SIGSTOP), and return when it has stopped.

        Raises:
            NotImplementedError: the platform cannot stop a process.
        """
        if sys.platform == "win32":
            raise NotImplementedError(
                f"This platform has no SIGSTOP: {self.name} cannot be paused."
            )
        self.signal(signal.SIGSTOP)
        # the signal takes effect a little later; whoever sends a request now means a stopped server
        if sys.platform == "darwin" and sys.version_info < (3, 13):  # there is no waitid
            _, status = os.waitpid(self.pid, os.WUNTRACED)
            if not os.WIFSTOPPED(status):  # it has ended, and this was the only word on it
                self._process.returncode = os.waitstatus_to_exitcode(status)
            return
        os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def resume(self) -> None:
        """Let a paused process go on (SIGCONT)."""
        if sys.platform != "win32":
            self.signal(signal.SIGCONT)

    def kill(self) -> None:
        """End the process at once (SIGKILL) and wait until it is gone."""
        warden.kill_group(self.pid)
        self._close()

    def stop(self, timeout_s: float = 10.0) -> None:
        """Ask the process to end (SIGTERM), wait, and kill it when it has not after `timeout_s`.

        On Windows no process can be asked, and its children are found only while it is there: it is
        killed together with them.
        """
        if self.running and sys.platform != "win32":
            self.resume()
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout_s)
        self.kill()

    def wait(self, timeout_s: float | None = None) -> int:
        """Wait until the process has ended of its own accord.

        Raises:
            TimeoutError: it still runs after `timeout_s` seconds.
        """
        try:
            status = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"{self.name} still runs after {timeout_s} s.") from None
        self._close()
        return status

    def _close(self) -> None:
        self._process.wait()
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _log_tail(self) -> str:
        """The last lines of the log, to be put behind a sentence."""
        with contextlib.suppress(OSError):
            lines = self.log.read_text(errors="replace").strip().splitlines()[-5:]
            if lines:
                return " Its log ends with:\n  " + "\n  ".join(lines)
        return ""


class Processes:
    """A temporary folder and the child processes that work in it; all go when we go.

    A warden process watches over them, so that this also holds when we are killed.
    """

    def __init__(self) -> None:
        self.children: list[Child] = []
        with interrupts.held():
            self._warden = subprocess.Popen(
                [sys.executable, "-I", "-S", warden.__file__],
                stdin=subprocess.PIPE,
                start_new_session=True,
                creationflags=_OWN_GROUP,
            )
            self.folder = Path(tempfile.mkdtemp(prefix="empkit-"))
            self._tell("folder", str(self.folder))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(
        self,
        name: str,
        arguments: Sequence[str],
        environment: Mapping[str, str | None] | None = None,
        user: str | None = None,
    ) -> Child:
        """Start a child.

        Args:
            name: what it is, for messages and for the name of its log.
            arguments: the program and its arguments.
            environment: variables added to ours; None takes one away.
            user: whom it runs as, where we are root; by default as we do.
        """
        variables = {**os.environ, **(environment or {})}
        log = self.folder / f"{name}.log"
        with interrupts.held(), log.open("ab") as stderr:
            process = subprocess.Popen(
                list(arguments),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env={name: value for name, value in variables.items() if value is not None},
                start_new_session=True,
                creationflags=_OWN_GROUP,
                user=user,
            )
            self._tell("watch", process.pid)
            child = Child(name, process, log)
            self.children.append(child)
        return child

    def start_module(
        self,
        name: str,
        module: str,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str | None] | None = None,
    ) -> Child:
        """Start a module of this package as a child, with the Python that runs us."""
        return self.start(name, [sys.executable, "-m", module, *arguments], environment)

    def release(self, child: Child, *, kill: bool = False) -> None:
        """End one child, politely or not, and forget it."""
        with interrupts.held():
            if kill:
                child.kill()
            else:
                child.stop()
            self._tell("forget", child.pid)
            self.children.remove(child)

    def stop(self) -> None:
        """End all children, the last started first, remove the folder, let the warden go."""
        with interrupts.held():
            self._stop()

    def _stop(self) -> None:
        for child in reversed(self.children[:]):
            self.release(child)
        shutil.rmtree(self.folder, ignore_errors=True)
        assert self._warden.stdin is not None
        with contextlib.suppress(OSError):
            self._warden.stdin.close()
        self._warden.wait()

    def _tell(self, order: str, value: int | str) -> None:
        stdin: IO[bytes] | None = self._warden.stdin
        assert stdin is not None
        with contextlib.suppress(BrokenPipeError):
            stdin.write(json.dumps([order, value]).encode() + b"\n")
            stdin.flush()


def report(**values: Any) -> None:
    """In a child: write one report to standard output."""
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


def follow_orders(obey: Callable[[Report], None]) -> None:
    """In a child: call `obey` with each order, from a thread, and end the process with its owner.

    Args:
        obey: gets one order; an asyncio program hands it on with `loop.call_soon_threadsafe`.
    """

    def read() -> None:
        rest = b""
        # os.read, since a buffered reader's lock would be held when the interpreter shuts down
        while chunk := os.read(0, 65_536):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                obey(json.loads(line))
        os._exit(1)  # the owner is gone: nobody is left to report to

    threading.Thread(target=read, name="empkit-orders", daemon=True).start()
