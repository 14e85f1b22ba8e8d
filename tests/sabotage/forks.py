"""Runs pytest in forks of a process that has imported everything but the kit and its tests.

A test of milliseconds would otherwise wait for two seconds of imports, for each row of the table:

    Forks --one JSON list a line: folder, arguments, variables--> this file as a program
                                                                    +--fork--> pytest.main
          <--one JSON list a line: the status, processor time-------+
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

IMPORTED = (
    "_pytest.assertion.rewrite", "aiokafka", "argon2", "asyncio", "charset_normalizer",
    "confluent_kafka", "fastapi", "httptools", "hypothesis.strategies", "jinja2", "jsonschema",
    "jwt", "matplotlib.figure", "matplotlib.pyplot", "nest_asyncio", "numpy", "orjson", "pandas",
    "psutil", "pyarrow.parquet", "pydantic_settings", "pytest", "sqlalchemy.dialects.sqlite",
    "tenacity", "tqdm", "typer", "uvicorn", "uvloop", "websockets.asyncio.client",
    "websockets.asyncio.server",
)  # fmt: skip
TIMEOUT_S = 120
"""A fork that takes longer is ended, in seconds."""
REPORT = "report.txt"
"""In the folder of a fork: what pytest printed."""


class Forks:
    """The process that is forked, started when it is first used; it ends with this one.

    Attributes:
        cpu_s: processor time of all forks and of what they started, in seconds.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self.cpu_s = 0.0

    def run(
        self, folder: Path, arguments: Sequence[str], variables: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """Run pytest with the copy of the package in a folder.

        Args:
            folder: of the copy; pytest runs in it.
            arguments: of pytest.
            variables: the whole environment.
        """
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-P", __file__],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )  # fmt: skip
        assert self._process.stdin and self._process.stdout
        order = json.dumps([str(folder), list(arguments), dict(variables)])
        self._process.stdin.write(order + "\n")
        self._process.stdin.flush()
        status, cpu_s = json.loads(self._process.stdout.readline())
        self.cpu_s += cpu_s
        report = (folder / REPORT).read_text(errors="replace")
        return subprocess.CompletedProcess(arguments, status, report, "")

    def stop(self) -> None:
        """End the process; the next fork begins another."""
        process, self._process = self._process, None
        if process is not None:
            process.communicate()  # its orders end


def _carry_out(folder: str, arguments: list[str], variables: dict[str, str]) -> Any:
    """In the fork: run pytest."""
    signal.alarm(TIMEOUT_S)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    sys.path[:0] = variables["PYTHONPATH"].split(os.pathsep)
    sys.dont_write_bytecode = True
    orders, report = os.open(os.devnull, os.O_RDONLY), os.open(REPORT, os.O_WRONLY | os.O_CREAT)
    for there, here in ((orders, 0), (report, 1), (report, 2)):
        os.dup2(there, here)
    return importlib.import_module("pytest").main(arguments)


def main() -> None:
    """Import what is slow, then fork for each order."""
    for name in IMPORTED:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    for line in sys.stdin:
        fork = os.fork()
        if not fork:
            status = 3
            try:
                status = int(_carry_out(*json.loads(line)))
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)
        _, status, used = os.wait4(fork, 0)
        cpu_s = used.ru_utime + used.ru_stime
        print(json.dumps([os.waitstatus_to_exitcode(status), cpu_s]), flush=True)


if __name__ == "__main__":
    main()
