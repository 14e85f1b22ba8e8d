"""Child processes: started, given orders, paused and stopped; they never outlive their owner.

    Processes (one temporary folder, one warden)
      +-- Child: stdin  <- orders, one JSON object a line; its end means "stop"
                 stdout -> reports, one JSON object a line
                 stderr -> a log file in the folder

Each child leads a new session: Ctrl-C in a terminal reaches only the owner, which then stops the
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
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from empkit import shortage
from empkit.processes import interrupts, warden
from empkit.processes.context import Stopping

Report = dict[str, Any]

_NEW_GROUP: int = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
"""For Windows, which has no sessions: Ctrl-C does not reach a new process group."""

DESCRIPTORS = 128
"""How many descriptors a process must be able to have that starts others, and each of these; the
server of a lab has 32 open with 8 records in flight."""


class ChildError(RuntimeError):
    """A child process ended, or did not send an expected report in time."""


class Child:
    """One child process, started by `Processes.start`.

    Args:
        name: its name in messages, and the name of its log.
        process: the process, with pipes for standard input and output.
        log: the file of its standard error.
    """

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self.name = name
        self.pid = process.pid
        self.log = log
        self._process = process
        self._asking = threading.Lock()
        self._asked = 0
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
        """Whether the process exists, paused or not."""
        return self._process.poll() is None

    @property
    def exit_status(self) -> int | None:
        """The exit status, negative for a signal; None while the process runs."""
        return self._process.poll()

    def report(self, timeout_s: float | None = None) -> Report | None:
        """Return the next report of the child.

        Args:
            timeout_s: the timeout, in seconds; None waits until the child ends.

        Returns:
            The report, or None when the child has closed its standard output.

        Raises:
            TimeoutError: no report arrived in time.
        """
        try:
            report = self._reports.get(timeout=timeout_s)
        except queue.Empty:
            raise TimeoutError(f"{self.name} reported nothing within {timeout_s} s.") from None
        if report is None:
            self._reports.put(None)
        return report

    def expect(self, key: str, timeout_s: float) -> Report:
        """Return the next report that has `key`; drop those before it.

        Raises:
            ChildError: the child ended first, or sent no such report within `timeout_s` seconds;
                the message ends with the last lines of the child's log.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                report = self.report(max(0.0, deadline - time.monotonic()))
            except TimeoutError:
                raise ChildError(
                    f"{self.name} did not report {key!r} within {timeout_s:g} s.{self.log_tail()}"
                ) from None
            if report is None:
                self._process.wait()
                raise ChildError(
                    f"{self.name} ended with status {self.exit_status} before it reported "
                    f"{key!r}.{self.log_tail()}"
                )
            if key in report:
                return report

    def order(self, **order: Any) -> None:
        """Send one order to the child.

        Raises:
            ChildError: the child has ended.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            self._process.stdin.flush()
        except (BrokenPipeError, ValueError):
            raise ChildError(
                f"{self.name} has ended and accepts no orders.{self.log_tail()}"
            ) from None

    def begin(self, environment: Mapping[str, str | None], **order: Any) -> None:
        """Send the order with which a child that waits for its work begins.

        Args:
            environment: variables added to those of this process; None removes one. The child takes
                them in place of its own (`take_environment`).
            order: the order.

        Raises:
            ChildError: the child has ended.
        """
        self.order(**order, environment=_merged(environment))

    def ask(self, timeout_s: float, **order: Any) -> Report:
        """Send an order and wait until the child has answered it; one at a time.

        Args:
            timeout_s: how long to wait for the answer, in seconds.
            order: the order; it gets an `id`, which the answer repeats.

        Raises:
            ChildError: the child has ended, or does not answer in time.
        """
        with self._asking:
            self._asked += 1
            self.order(**order, id=self._asked)
            answer = self.expect("id", timeout_s)
            while answer["id"] != self._asked:  # the late answer to an order that timed out
                answer = self.expect("id", timeout_s)
        return answer

    def signal(self, number: int) -> None:
        """Send a signal; has no effect when the process has ended."""
        self._process.send_signal(number)

    def pause(self) -> None:
        """Pause the process (SIGSTOP), and return when it has stopped.

        Raises:
            NotImplementedError: the platform cannot pause a process.
        """
        if sys.platform == "win32":
            raise NotImplementedError(
                f"This platform has no SIGSTOP: {self.name} cannot be paused."
            )
        self.signal(signal.SIGSTOP)
        # the signal takes effect with a delay; the caller's next request must meet a stopped server
        if sys.platform == "darwin" and sys.version_info < (3, 13):  # there is no waitid
            _, status = os.waitpid(self.pid, os.WUNTRACED)
            if not os.WIFSTOPPED(status):  # it has ended, and its status is reported only once
                self._process.returncode = os.waitstatus_to_exitcode(status)
            return
        os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def resume(self) -> None:
        """Resume a paused process (SIGCONT)."""
        if sys.platform != "win32":
            self.signal(signal.SIGCONT)

    def kill(self) -> None:
        """End the process at once (SIGKILL) and wait until it has ended."""
        warden.kill_group(self.pid)
        self._close()

    def stop(self, timeout_s: float = 10.0) -> None:
        """Send SIGTERM, and kill the process if it has not ended after `timeout_s` seconds.

        Windows has no SIGTERM, and a process's children can be found only while it exists: there it
        is killed at once, together with them.
        """
        if self.running and sys.platform != "win32":
            self.resume()
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout_s)
        self.kill()

    def wait(self, timeout_s: float | None = None) -> int:
        """Wait until the process ends by itself, and return its exit status.

        Raises:
            TimeoutError: the process still runs after `timeout_s` seconds.
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

    def log_tail(self) -> str:
        """Return the last lines of the log, to be appended to a message, and whether its folder is
        full, which the log then does not say."""
        text = ""
        if full := shortage.of_folder(self.log.parent):
            text = f" {full}"
        with contextlib.suppress(OSError):
            lines = self.log_text().strip().splitlines()[-5:]
            if lines:
                text += " Its log ends with:\n  " + "\n  ".join(lines)
        return text

    def log_text(self) -> str:
        """Return the log; empty when it went with its process (`Processes.release`)."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""


def _put_away(log: Path) -> None:
    """Remove the log of a process that has ended, if it is empty; add that of a numbered process,
    `consumer-3.log`, to the one log of all before it, `consumer-ended.log`: however many processes
    are killed, their logs are few."""
    if log.stat().st_size:
        kind, _, number = log.stem.rpartition("-")
        if not number.isdecimal():
            return
        with log.open("rb") as text, log.with_name(f"{kind}-ended.log").open("ab") as ended:
            shutil.copyfileobj(text, ended)
    log.unlink()


def _merged(environment: Mapping[str, str | None]) -> dict[str, str]:
    """Return the variables of this process with the changes of a child's."""
    variables = {**os.environ, **environment}
    return {name: value for name, value in variables.items() if value is not None}


def module_command(module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module as a program, whatever the working folder holds."""
    program = Path(__file__).with_name("start.py")
    return [sys.executable, "-P", str(program), module, *arguments]


class Processes(Stopping):
    """A temporary folder and the child processes that work in it; they end with their owner.

    A warden process ends the children and removes the folder even if the owner is killed.

    Raises:
        ChildError: there is no place for the folder, or there are too few file descriptors.
    """

    def __init__(self) -> None:
        try:
            shortage.provide_descriptors(DESCRIPTORS, DESCRIPTORS, "empkit")
        except OSError as error:
            raise ChildError(shortage.said(error)) from error
        self.children: list[Child] = []
        self._idle: dict[str, Child] = {}
        self._started: Counter[str] = Counter()
        with interrupts.held():
            self._warden = subprocess.Popen(
                [sys.executable, "-I", "-S", warden.__file__],
                stdin=subprocess.PIPE,
                start_new_session=True,
                creationflags=_NEW_GROUP,
            )
            try:
                self.folder = Path(tempfile.mkdtemp(prefix="empkit-"))
            except OSError as error:
                self._dismiss_warden()
                raise ChildError(shortage.said(error)) from error
            self._tell("folder", str(self.folder))

    def start(
        self,
        name: str,
        arguments: Sequence[str],
        environment: Mapping[str, str | None] | None = None,
        user: str | None = None,
    ) -> Child:
        """Start a child.

        Args:
            name: its name in messages, and the name of its log.
            arguments: the program and its arguments.
            environment: variables added to those of this process; None removes one.
            user: the user that it runs as, if this process is root; by default the same user.
        """
        log = self.folder / f"{name}.log"
        with interrupts.held(), log.open("ab") as stderr:
            process = subprocess.Popen(
                list(arguments),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=_merged(environment or {}),
                start_new_session=True,
                creationflags=_NEW_GROUP,
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
        """Start a module of this package as a child, with this process's Python; see `start.py`."""
        return self.start(name, module_command(module, *arguments), environment)

    def borrow(self, name: str, module: str, *, fresh: bool = False) -> Child:
        """Return a child that runs a module and waits for work, or start one.

        Args:
            name: of such children; they are numbered, and their logs, too.
            module: takes one piece of work after the other, each as an order.
            fresh: whether to start one in any case.
        """
        child = None if fresh else self._idle.pop(name, None)
        if child is not None:
            if child.running:
                return child
            self.release(child, kill=True)
        self._started[name] += 1
        return self.start_module(f"{name}-{self._started[name]}", module)

    def give_back(self, name: str, child: Child) -> None:
        """Keep a child that was borrowed and has done its work for the next one who borrows it."""
        spare = self._idle.setdefault(name, child)
        if spare is not child:
            self.release(child)

    def release(self, child: Child, *, kill: bool = False) -> None:
        """End one child, with SIGTERM first unless `kill` is set, and forget it.

        What it has logged stays, for the results of a run that was not clean.
        """
        with interrupts.held():
            if kill:
                child.kill()
            else:
                child.stop()
            self._tell("forget", child.pid)
            self.children.remove(child)
            if child.log not in [other.log for other in self.children]:
                with contextlib.suppress(OSError):  # it is gone, or something still has it open
                    _put_away(child.log)

    def stop(self) -> None:
        """End all children, the last started first, remove the folder, and end the warden."""
        with interrupts.held():
            self._stop()

    def _stop(self) -> None:
        for child in reversed(self.children[:]):
            self.release(child)
        shutil.rmtree(self.folder, ignore_errors=True)
        self._dismiss_warden()

    def _dismiss_warden(self) -> None:
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


def take_environment(order: Report) -> None:
    """In a child: take the environment of an order (`Child.begin`) in place of the present one."""
    os.environ.clear()
    os.environ.update(order["environment"])


def follow_orders(obey: Callable[[Report], None]) -> None:
    """In a child: call `obey` with each order, from a thread, and end the process with its owner.

    Args:
        obey: takes one order; an asyncio program passes it on with `loop.call_soon_threadsafe`.
    """

    def read() -> None:
        rest = b""
        # os.read, because a buffered reader would hold its lock when the interpreter shuts down
        while chunk := os.read(0, 65_536):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                obey(json.loads(line))
        os._exit(1)  # the owner has ended: no process is left to report to

    threading.Thread(target=read, name="empkit-orders", daemon=True).start()
