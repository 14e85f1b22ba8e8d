"""A long run under faults: nothing may be lost, and nothing may grow:
`python -m benchmarks.soak --write` (twice 15 minutes).

One lab; records go over each protocol in turn, 1,000 a second for 15 seconds, and each time a fault
that the seed chooses strikes in the middle. Once a second memory, descriptors and threads of every
process are read, and the number of files in the lab's folder. What grows is told by a line through
the medians of the runs, fitted within each process; of memory, which is a stair, by its steps.

What a process takes once is no growth: it starts its threads, opens its connections, prepares the
statements of its database, and its allocator keeps the memory of its largest batch. So the log of
the embedded broker, which keeps 5 MiB a partition, is filled before the time begins. In the first
half any fault may strike; a server that a crash replaces there is new, and grows again. Then each
fault that leaves the processes alive strikes once over each protocol, since each makes queues of
its own length, and the memory of the longest queue so far is kept. In the second half such
faults strike, and what grows in it grows for good. Nothing is kept of a run but the counts of its
verdicts; the readings go to a file.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import re
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import psutil
from matplotlib.figure import Figure

from benchmarks.common import RESULTS, replace_section
from empkit import BrokenPromiseError, Lab, Workload
from empkit.faults import parse_fault
from empkit.results.runs import Runs
from empkit.results.statistics import student_quantile
from empkit.rig.control import LabError

RATE, SECONDS = 1_000, 15
STRIKES, ENDS = 5, 8
"""When a fault begins and ends, in seconds of its run."""
EVERYWHERE = (
    "server-crash", "server-restart", "server-pause", "consumer-crash", "client-pause",
    "database-lock", "disk-full", "slow-reader", "latency:latency_ms=50",
    "slicer:average_bytes=200", "bandwidth:bytes_per_s=100000", "stall", "partition",
    "half-open", "reset", "down", "cut",
)  # fmt: skip
REPLACING = ("server-crash", "server-restart", "consumer-crash")
"""The faults that end a process and start another one: they strike in the first half."""
OF_THE_BROKER = ("broker-down", "broker-pause", "broker-slow", "broker-errors", "lost-acks")
"""Left out are faults that need several brokers or Apache Kafka, that lose what Kafka acked on
purpose, and that end the load generator."""
FILL_RUNS, FILL_RECORDS, FILL_IN_FLIGHT = 12, 20_000, 8
"""What fills the broker's log: 8 partitions of 5 MiB hold about 200,000 records. With few in flight
their batches are as small as those of the soak; in large ones a full log takes less memory."""
MEASURES = {"memory": "MiB", "descriptors": "", "threads": ""}
FOLDER = "the lab's folder"
FIGURE = Path(__file__).with_name("soak.png")


class Watch:
    """Reads every process of a lab once a second, from a thread, into a file.

    Args:
        lab: a running lab.

    Attributes:
        run: the number of the run, from 0; negative before the first one.
    """

    COLUMNS = ("run", "at_s", "role", "pid", *MEASURES, "files")

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="soak-watch")
        self._file = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - see __exit__
        self._began = time.monotonic()
        self.run = -1

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def readings(self) -> pd.DataFrame:
        """Return one row a second for each process (run, at_s, role, pid, memory in MiB,
        descriptors, threads), and one for the lab's folder (files); it can be called once."""
        with self._file as file:
            file.seek(0)
            return pd.read_csv(file, names=list(self.COLUMNS))

    def _watch(self) -> None:
        while not self._over.wait(1.0):
            if self.run < 0:
                self._began = time.monotonic()
                continue
            at_s = time.monotonic() - self._began
            owner = [("this process", os.getpid())]
            parts = [
                (re.sub(r"-?\d+$", "", child.name), child.pid)
                for child in self._lab.processes.children[:]
            ]
            for role, pid in owner + parts:
                try:
                    process = psutil.Process(pid)
                    with process.oneshot():
                        if process.status() == psutil.STATUS_ZOMBIE:
                            continue  # it has ended
                        memory = process.memory_info().rss / 2**20
                        found = f"{memory:.2f},{_open_files(process)},{process.num_threads()}"
                except psutil.Error:  # it has ended, and its status was read
                    continue
                self._file.write(f"{self.run},{at_s:.2f},{role},{pid},{found},\n")
            count = sum(len(names) for _, _, names in os.walk(self._lab.processes.folder))
            self._file.write(f"{self.run},{at_s:.2f},{FOLDER},0,,,,{count}\n")


def _open_files(process: psutil.Process) -> int:
    """Return how many descriptors a process has open; on Windows, handles."""
    if sys.platform == "win32":
        return process.num_handles()
    return process.num_fds()


class Slope(NamedTuple):
    """How fast something grows.

    Attributes:
        level: its median.
        per_hour: how much it grows in an hour.
        error: half of the 95 % interval of that; NaN if there is too little to tell.
    """

    level: float
    per_hour: float
    error: float

    @property
    def grows(self) -> bool:
        """Whether it grows beyond the noise."""
        return self.per_hour - self.error > 0


def slope(values: pd.DataFrame, what: str) -> Slope:
    """Fit a line through the medians of runs, with a level of its own for each process.

    Args:
        values: one row per sample: run, at_s, pid and the measure.
        what: the name of the measure.
    """
    level = float(values[what].median())
    runs = values.groupby(["pid", "run"])[["at_s", what]].median().reset_index()
    lives = runs.groupby("pid")
    hours = (runs["at_s"] - lives["at_s"].transform("mean")).to_numpy() / 3600
    away = (runs[what] - lives[what].transform("mean")).to_numpy()
    freedom = len(runs) - lives.ngroups - 1
    spread = float(hours @ hours)
    if freedom < 2 or not spread:
        return Slope(level, math.nan, math.nan)
    per_hour = float(hours @ away) / spread
    left = away - per_hour * hours
    error = student_quantile(0.95, freedom) * math.sqrt(float(left @ left) / freedom / spread)
    return Slope(level, per_hour, error)


def growth(values: pd.DataFrame, what: str) -> Slope:
    """Return the mean of the steps from run to run of each process; for the arguments see `slope`.

    What keeps the largest that it was, as memory does, is a stair: how far a run is from a line
    tells of all runs after it, too, and a line's interval is too narrow for that. Its steps are
    what comes anew with each run.
    """
    level = float(values[what].median())
    runs = values.groupby(["pid", "run"])[["at_s", what]].median()
    steps = runs.groupby("pid").diff().dropna()
    if len(steps) < 3:
        return Slope(level, math.nan, math.nan)
    took_s, grown = steps["at_s"].to_numpy(), steps[what].to_numpy()
    an_hour = 3600 / float(took_s.mean())
    error = (
        student_quantile(0.95, len(grown) - 1) * float(grown.std(ddof=1)) / math.sqrt(len(grown))
    )
    return Slope(level, an_hour * float(grown.mean()), an_hour * error)


def faults_of(protocol: str, *, steady: bool) -> list[str]:
    """Return the faults that may strike over a protocol, as the command line has them.

    Args:
        protocol: of the run.
        steady: whether they have to leave the processes alive.
    """
    known = (*EVERYWHERE, *(OF_THE_BROKER if protocol == "kafka" else ()))
    chosen = [name for name in known if not steady or name not in REPLACING]
    return [f"{name}@{STRIKES}s..{ENDS}s" for name in chosen]


def settle(lab: Lab) -> Iterator[tuple[str, str, Runs | str]]:
    """Yield runs in which each fault strikes that leaves the processes alive, with their protocols
    and faults."""
    for protocol in ("http", "websocket", "kafka"):
        for fault in faults_of(protocol, steady=True):
            yield protocol, fault, carried_out(lab, protocol, fault, 0)


def carried_out(lab: Lab, protocol: str, fault: str, seed: int) -> Runs | str:
    """Return a run, or why there is none."""
    workload = Workload(records=RATE * SECONDS, rate=RATE, seed=seed)
    try:
        return lab.run(protocol, workload, faults=[parse_fault(fault)], progress=lambda *_: None)
    except BrokenPromiseError as error:
        return error.runs
    except LabError as error:
        return str(error)


def fill(lab: Lab) -> None:
    """Fill the log of the embedded broker."""
    for number in range(FILL_RUNS):
        workload = Workload(records=FILL_RECORDS, in_flight=FILL_IN_FLIGHT, seed=number)
        lab.run("kafka", workload, progress=lambda *_: None)


def half(
    lab: Lab, minutes: float, seed: int, *, steady: bool
) -> Iterator[tuple[str, str, Runs | str]]:
    """Yield the runs of a half, with their protocols and faults, until the time is over.

    Args:
        lab: a running lab.
        minutes: how long.
        seed: of what is chosen.
        steady: whether the faults have to leave the processes alive.
    """
    chance = random.Random(seed)
    began = time.monotonic()
    number = 0
    while time.monotonic() - began < 60 * minutes:
        protocol = ("http", "websocket", "kafka")[number % 3]
        fault = chance.choice(faults_of(protocol, steady=steady))
        yield protocol, fault, carried_out(lab, protocol, fault, seed + number)
        number += 1


def drawn(readings: pd.DataFrame) -> Figure:
    """Draw each measure over time, a line for the processes of each kind."""
    figure = Figure(figsize=(9, 10), layout="constrained")
    axes = figure.subplots(4, 1, sharex=True)
    moments = pd.Index(sorted(readings["at_s"].unique()))
    parts = readings[readings["role"] != FOLDER]
    for place, (what, unit) in enumerate(MEASURES.items()):
        for role, of_role in parts.groupby("role", sort=True):
            line = of_role.groupby("at_s")[what].sum().reindex(moments)  # a gap where there is none
            axes[place].plot(line.index / 60, line, label=role, linewidth=1)
        axes[place].set_ylabel(f"{what}, {unit}" if unit else what)
        axes[place].set_ylim(bottom=0)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=6)
    files = readings[readings["role"] == FOLDER]
    axes[3].plot(files["at_s"] / 60, files["files"], color="#000000", linewidth=1)
    axes[3].set_ylabel(f"files in {FOLDER}")
    axes[3].set_ylim(bottom=0)
    axes[3].set_xlabel("minutes")
    return figure


def table(counted: pd.DataFrame) -> list[str]:
    """Return the lines of the table of what grows, from the readings of the second half."""
    lines = [
        "| process | what | level | growth an hour | grows |",
        "| --- | --- | ---: | ---: | --- |",
    ]
    for role in sorted(set(counted["role"]) - {FOLDER}):
        of_role = counted[counted["role"] == role]
        for what, unit in MEASURES.items():
            found = (growth if what == "memory" else slope)(of_role, what)
            lines.append(_row(role, what, unit, found))
    lines.append(_row(FOLDER, "files", "", slope(counted[counted["role"] == FOLDER], "files")))
    return lines


def _row(role: str, what: str, unit: str, found: Slope) -> str:
    level = "-" if math.isnan(found.level) else f"{found.level:,.0f} {unit}".strip()
    if math.isnan(found.per_hour):
        return f"| {role} | {what} | {level} | - | too few runs to tell |"
    growth = f"{found.per_hour:+,.1f} ± {found.error:,.1f}"
    return f"| {role} | {what} | {level} | {growth} | {'**yes**' if found.grows else 'no'} |"


def main() -> None:
    """Send and break things until the time is over; print what happened, and what grew."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=15, help="of each half")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--readings", type=Path, help="write all readings into a CSV file")
    parser.add_argument("--write", action="store_true", help=f"write into {RESULTS.name}")
    options = parser.parse_args()
    for fault in (*EVERYWHERE, *OF_THE_BROKER):
        parse_fault(fault)  # a wrong one is found now, and not after ten minutes
    verdicts: Counter[str] = Counter()
    struck: Counter[str] = Counter()
    broken: list[str] = []
    begins: list[int] = []  # the numbers of the first runs of each part
    with Lab(consumers=2) as lab, Watch(lab) as watch:
        fill(lab)
        watch.run = 0
        parts = (
            half(lab, options.minutes, options.seed, steady=False),
            settle(lab),
            half(lab, options.minutes, options.seed + 1, steady=True),
        )
        runs = ((place, *run) for place, part in enumerate(parts) for run in part)
        for place, protocol, fault, result in runs:
            struck[fault.partition("@")[0].partition(":")[0]] += 1
            if isinstance(result, str):
                broken.append(f"{protocol}, {fault}: {result}")
                found = "not carried out"
            else:
                counts = result.timings["verdict"].value_counts()
                verdicts.update({str(verdict): int(count) for verdict, count in counts.items()})
                broken += [f"{protocol}, {fault}: {sentence}" for sentence in result.broken]
                found = ", ".join(
                    f"{verdict} {count:,}" for verdict, count in counts.items() if count
                )
            del result  # before the next one is read
            watch.run += 1
            if place == len(begins):
                begins.append(watch.run - 1)
            print(f"{watch.run}. {protocol}, {fault}: {found}", flush=True)
    readings = watch.readings()
    if options.readings:
        readings.to_csv(options.readings, index=False)
    lines = [
        "## A long run under faults",
        "",
        f"By `{parser.prog} --write`: twice {options.minutes:g} minutes, {os.cpu_count()} cores, "
        f"{datetime.now(UTC):%Y-%m-%d}; {sum(struck.values())} runs of {SECONDS} s at {RATE:,} "
        "records/s over HTTP, WebSocket and Kafka in turn, with one fault in each: "
        f"{', '.join(f'{name} {count}' for name, count in sorted(struck.items()))}.",
        "",
        f"{sum(verdicts.values()):,} records: "
        f"{', '.join(f'{name} {count:,}' for name, count in verdicts.most_common())}. "
        + (f"{len(broken)} runs broke a promise: " if broken else "No promise was broken."),
        *[f"- {sentence}" for sentence in broken],
        "",
        *table(readings[readings["run"] >= begins[2]]),
        "",
        f"Before that, {FILL_RUNS * FILL_RECORDS:,} records filled the log of the broker. The "
        f"growth is that of the second half, from run {begins[2] + 1} on, in which no fault ends "
        f"a process, with its 95 % interval; between the halves, from run {begins[1] + 1} on, each "
        "such fault struck once over each protocol (those of the broker over Kafka). The runs of "
        "one process are compared with each other only. A proxy lives for one run.",
    ]
    print("\n".join(lines))
    if options.write:
        drawn(readings).savefig(FIGURE, dpi=100)
        replace_section(
            "soak",
            [*lines, "", f"![memory, descriptors, threads and files over time]({FIGURE.name})"],
        )


if __name__ == "__main__":
    main()
