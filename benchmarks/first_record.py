"""Measures how long a test waits for its broker: `python -m benchmarks.first_record --write`.

From the start of a Python process until a record has gone through a topic of the fixture `kafka`,
in turns with the embedded broker and with Apache Kafka, and the time of one more topic. The table
goes into `RESULTS.md`, beside the figure of Testcontainers. Run it while nothing else uses the
machine.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import NamedTuple

from benchmarks.common import RESULTS, replace_section

BROKERS = {"embedded": "embedded broker", "apache": "Apache Kafka (`empkit kafka install`)"}
ONCE = """
import sys, time
from empkit.testing.session import Session
from empkit.testing.strikes import Strikes

with Session(sys.argv[1]) as session:
    running = session.shared(1)
    from empkit.testing.kafka import Kafka
    print("ready", flush=True)
    kafka = Kafka(running, Strikes())
    topic = kafka.topic()
    topic.produce("first")
    assert [record.value for record in topic.read()] == [b"first"]
    print("first", flush=True)
    kafka.topic()
    print("fresh", flush=True)
"""
TESTCONTAINERS = (
    "Testcontainers, by its own figure: a test with one Kafka container took 9 s, 12 s before "
    "(https://github.com/testcontainers/testcontainers-java/pull/2078, 2019; another machine, the "
    "image is there already)"
)


class Times(NamedTuple):
    """One process: seconds from its start until each event, and the time of one more topic."""

    ready_s: float
    first_s: float
    topic_s: float


def once(broker: str) -> Times:
    """Start a broker in a new Python process and send one record through it."""
    begin = time.perf_counter()
    at: dict[str, float] = {}
    with subprocess.Popen(
        [sys.executable, "-c", ONCE, broker], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            at[line.strip()] = time.perf_counter() - begin
    if process.returncode:
        raise SystemExit(f"No record went through the broker {broker}; see above.")
    return Times(at["ready"], at["first"], at["fresh"] - at["first"])


def lines_of(times: dict[str, list[Times]]) -> list[str]:
    """Return the section of `RESULTS.md`."""
    rounds = min(map(len, times.values()))
    lines = [
        f"Time until the first record is through, {rounds} rounds in turns, median (fastest to "
        f"slowest); {datetime.now(UTC):%Y-%m-%d}, `python -m benchmarks.first_record --write`. "
        "A new Python process, its imports included.",
        "",
        "| broker | ready | first record written and read | one more topic |",
        "| --- | --- | --- | --- |",
    ]
    lines += [
        f"| {BROKERS[broker]} | {' | '.join(_said(values) for values in zip(*each, strict=True))} |"
        for broker, each in times.items()
    ]
    return [*lines, "", f"{TESTCONTAINERS}."]


def _said(values: tuple[float, ...]) -> str:
    return f"{statistics.median(values):.3f} s ({min(values):.3f} to {max(values):.3f})"


def main() -> None:
    """Measure, print the table, and write it if asked."""
    parser = argparse.ArgumentParser(description=__doc__.partition(".\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--write", action="store_true", help=f"put the table into {RESULTS.name}")
    options = parser.parse_args()
    times: dict[str, list[Times]] = {broker: [] for broker in BROKERS}
    for number in range(options.rounds):
        for broker, measured in times.items():
            measured.append(once(broker))
            print(f"{number + 1}: {broker}: {measured[-1]}", file=sys.stderr, flush=True)
    lines = lines_of(times)
    print("\n".join(lines))
    if options.write:
        replace_section("first record", lines)


if __name__ == "__main__":
    main()
