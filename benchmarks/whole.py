"""Measures the kit as a whole: the time of the main command, and memory at a million records."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import threading
import time
from typing import Literal

import psutil

from benchmarks.common import Row
from empkit import Lab, Workload

MILLION = 1_000_000
MB = 2**20
LOOK_S = 0.2
"""The interval at which memory is sampled, in seconds."""


def compare(rounds: int) -> list[Row]:
    """Measure `empkit compare` on 10,000 records, with all that it writes."""
    took = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "empkit.cli", "compare", "--records", "10000"]
            began = time.perf_counter()
            subprocess.run([*command, "--out", f"{folder}/out"], check=True, capture_output=True)
            took.append(time.perf_counter() - began)
    seconds = statistics.median(took)
    what = "`empkit compare --records 10000`, three protocols"
    return [Row(what, f"{seconds:.1f} s", "< 60 s", seconds < 60)]


class Peaks:
    """Records the largest resident memory of this process and of its descendants.

    Attributes:
        mb: the memory in MiB, by the role of the process.
    """

    def __init__(self) -> None:
        self.mb: dict[str, float] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="peaks")

    def __enter__(self) -> Peaks:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        me = psutil.Process()
        while not self._over.wait(LOOK_S):
            for process in (me, *me.children(recursive=True)):
                try:
                    name = "this" if process == me else _what(process.cmdline())
                    size = process.memory_info().rss / MB
                except psutil.Error:  # the process has ended
                    continue
                self.mb[name] = max(self.mb.get(name, 0.0), size)


def _what(command: list[str]) -> str:
    modules = [word.removeprefix("empkit.") for word in command if word.startswith("empkit.")]
    return modules[0] if modules else command[0].rpartition("/")[2] if command else "?"


def memory(_rounds: int) -> list[Row]:
    """Measure memory with a million records over WebSocket and over Kafka, once: it varies little.

    Kafka is Apache Kafka: the embedded broker keeps fewer than a million records, and drops those
    that are not read in time.
    """
    rows = []
    brokers: dict[str, Literal["embedded", "apache"]] = {"websocket": "embedded", "kafka": "apache"}
    for protocol, broker in brokers.items():
        with Lab(broker) as lab, Peaks() as peaks:
            workload = Workload(MILLION, in_flight=64)
            runs = lab.run(protocol, workload, progress=lambda *_: None)
            stored = int((runs.timings["verdict"] == "stored").sum())
            del runs  # not to be counted in the memory of the next run
        most = max(peaks.mb.values())
        parts = ", ".join(f"{name} {mb:,.0f}" for name, mb in sorted(peaks.mb.items()))
        what = f"memory of the largest process, {MILLION:,} records over {protocol}"
        value = f"{most:,.0f} MiB ({parts}; {stored:,} stored)"
        rows.append(Row(what, value, "< 1 GB", most < 1e9 / MB and stored == MILLION))
    return rows
