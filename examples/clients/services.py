"""The services as processes: start, restart when they end, kill, and what they stored.

test --topic--> with_*.py consume --> Database --> verdict
test --stdin--> with_*.py produce --> topic ----> verdict
"""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

HERE = Path(__file__).parent
POLL_S = 0.05
PYTHON_OF_QUIX_STREAMS = "QUIXSTREAMS_PYTHON"


@dataclass(frozen=True)
class Library:
    """A client library and the service that is written with it.

    Args:
        name: the name of the package.
        command: what starts its service.
        version: what prints its version.
    """

    name: str
    command: tuple[str, ...]
    version: tuple[str, ...]

    def installed(self) -> str:
        """Return the version that is installed; empty if none is."""
        try:
            done = subprocess.run(
                self.version, cwd=HERE, capture_output=True, text=True, timeout=60, check=False
            )
        except FileNotFoundError:
            return ""
        found = re.search(r"[0-9]+\.[0-9]+[0-9a-z.]*", done.stdout)
        return found.group() if found and done.returncode == 0 else ""


def in_python(name: str, python: str = sys.executable) -> Library:
    """Return a library of Python, with the service in the file that bears its name."""
    version = f"import importlib.metadata as m; print(m.version({name!r}))"
    file = f"with_{name.replace('-', '_')}.py"
    return Library(name, (python, "-u", file), (python, "-c", version))


LIBRARIES = (
    in_python("confluent-kafka"),
    in_python("aiokafka"),
    in_python("kafka-python"),
    in_python("faststream"),
    in_python("quixstreams", os.environ.get(PYTHON_OF_QUIX_STREAMS, sys.executable)),
    Library(
        "kafkajs",
        ("node", "with_kafkajs.js"),
        ("node", "-p", "require('kafkajs/package.json').version"),
    ),
    Library("kcat", ("bash", "with_kcat.sh"), ("bash", "-c", "kcat -V | grep ^Version")),
)


RESTART_DELAY_S = 1.0


class Service:
    """A service that consumes. A supervisor starts it again 1 s after it ended.

    Args:
        library: the library.
        arguments: of its command.
        folder: where its output goes.
    """

    def __init__(self, library: Library, *arguments: str, folder: Path) -> None:
        self._command = [*library.command, *arguments]
        self._output = folder / f"{arguments[0]}.log"
        self._process: subprocess.Popen[str] | None = None
        self._restart_at = 0.0
        self.ends = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start the process, which leads a group of its own: kcat's is a pipeline."""
        with self._output.open("a") as output:
            self._process = subprocess.Popen(
                self._command, cwd=HERE, stdin=subprocess.PIPE, stdout=output, stderr=output,
                text=True, start_new_session=True,
            )  # fmt: skip

    def kill(self) -> None:
        """Send SIGKILL to the process and its children."""
        if self._process is not None:
            kill_group(self._process)
            self._process = None

    def supervise(self) -> None:
        """Restart the process if it has ended."""
        if self._process is not None and self._process.poll() is not None:
            self.kill()
            self.ends += 1
            self._restart_at = time.monotonic() + RESTART_DELAY_S
        if self._process is None and time.monotonic() > self._restart_at:
            self.start()

    def text(self) -> str:
        """Return what it has printed."""
        return self._output.read_text(errors="replace")

    def wait(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until a condition holds, with the process restarted meanwhile; return whether it
        does."""
        give_up = time.monotonic() + timeout_s
        while not (holds := condition()) and time.monotonic() < give_up:
            self.supervise()
            time.sleep(POLL_S)
        return holds


class Sender:
    """A service that produces: an order for each number that it is told.

    Args:
        library: the library.
        topic: the name of the topic.
        folder: where its output goes.
        environment: variables beside those of the test.
    """

    def __init__(
        self, library: Library, topic: str, folder: Path, environment: dict[str, str] | None = None
    ) -> None:
        self._output = folder / "produce.log"
        variables = {**os.environ, **(environment or {})}
        with self._output.open("w") as output:
            self._process = subprocess.Popen(
                [*library.command, "produce", topic], cwd=HERE, stdin=subprocess.PIPE,
                stdout=output, stderr=output, text=True, start_new_session=True, env=variables,
            )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        kill_group(self._process)

    def send(self, numbers: Iterable[int]) -> None:
        """Tell it which orders to send."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it has ended: `acked` says what it sent
            self._process.stdin.write("".join(f"{number}\n" for number in numbers))
            self._process.stdin.flush()

    def acked(self) -> list[int]:
        """Return the orders that its library says it sent."""
        lines = self._output.read_text(errors="replace").splitlines()
        return [int(line.split()[1]) for line in lines if line.startswith("acked ")]

    def wait_for_acks(self, count: int, timeout_s: float) -> bool:
        """Wait until that many orders are acked, or it ends; return whether they are."""
        give_up = time.monotonic() + timeout_s
        while len(self.acked()) < count and time.monotonic() < give_up:
            if self.ended:
                break
            time.sleep(POLL_S)
        return len(self.acked()) >= count

    @property
    def ended(self) -> bool:
        """Whether it has ended."""
        return self._process.poll() is not None


class Database:
    """The SQLite database of the services.

    Args:
        path: its file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._run("CREATE TABLE orders (number)")

    def refuse(self, number: int) -> None:
        """Refuse an order from now on, as a full disk or a broken constraint would."""
        self._run(
            f"CREATE TRIGGER refusal BEFORE INSERT ON orders WHEN NEW.number = {number} "
            f"BEGIN SELECT RAISE(ABORT, '{self.refusal}'); END"
        )

    refusal = "the database refuses this order"

    def accept(self) -> None:
        """Refuse no more."""
        self._run("DROP TRIGGER refusal")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the database: who writes waits."""
        connection = sqlite3.connect(self.path, timeout=10, isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.execute("ROLLBACK")
        finally:
            connection.close()

    def stored(self) -> list[int]:
        """Return the numbers of the orders, in the order in which they were stored."""
        return [number for (number,) in self._run("SELECT number FROM orders ORDER BY rowid")]

    def _run(self, statement: str) -> list[tuple[int]]:
        connection = sqlite3.connect(self.path, timeout=10)
        try:
            with connection:
                return connection.execute(statement).fetchall()
        finally:
            connection.close()


def verdict(expected: Iterable[int], found: Iterable[int]) -> str:
    """Say what became of orders: each once, or which are lost and doubled."""
    counts, orders = Counter(found), list(expected)
    lost = [number for number in orders if not counts[number]]
    doubled = [number for number in orders if counts[number] > 1]
    said = [_some(lost, "lost"), _some(doubled, "doubled")]
    return ", ".join(filter(None, said)) or "each once"


def _some(numbers: list[int], what: str) -> str:
    if len(numbers) == 1:
        return f"order {numbers[0]} {what}"
    return f"{len(numbers)} {what}" if numbers else ""


def kill_group(process: subprocess.Popen[str]) -> None:
    """End a process and its children, whether it runs or not."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=10)
    if process.stdin is not None:
        process.stdin.close()
