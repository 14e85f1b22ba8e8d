"""Measures the same workload on each broker and each database, for a table in the README:
`python -m benchmarks.four --write`.

First as fast as each goes, then all at one rate, half of the slowest throughput of all.
"""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

from empkit import Lab, Runs, Workload
from empkit.databases.cluster import Cluster
from empkit.results import equal_rate

README = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- four: begin -->", "<!-- four: end -->"
RECORDS, IN_FLIGHT = 2_000, 16


class Pair(NamedTuple):
    """A broker and a database."""

    broker: Literal["embedded", "apache"]
    database: Literal["SQLite", "PostgreSQL"]

    def __str__(self) -> str:
        kafka = "embedded broker" if self.broker == "embedded" else "Apache Kafka"
        return f"{kafka}, {self.database}"


def measured(pair: Pair, folder: Path, workload: Workload, rounds: int) -> Runs:
    """Send a workload over each protocol, in rounds."""
    file = f"sqlite:///{folder}/{pair.broker}.db" if pair.database == "SQLite" else None
    with Lab(pair.broker, file) as lab:
        runs = lab.compare(workload=workload, rounds=rounds, progress=lambda *_: None)
    assert not runs.broken, runs.broken
    print(pair, workload.described(RECORDS), flush=True)
    return runs


def rows(pair: Pair, fast: Runs, even: Runs) -> list[str]:
    """Return a line of the table for each protocol."""

    def by_protocol(runs: Runs) -> Mapping[Any, Mapping[Any, Any]]:
        return runs.summary().to_dict("index")

    throughput = by_protocol(fast)
    return [
        f"| {pair} | {protocol} | {row['ack_p50_ms']:.1f} / {row['ack_p99_ms']:.1f} "
        f"| {row['stored_p50_ms']:.1f} / {row['stored_p99_ms']:.1f} "
        f"| {throughput[protocol]['records_per_s']:,.0f} |"
        for protocol, row in by_protocol(even).items()
    ]


def main() -> None:
    """Measure all four pairs, print the table, and with `--write` put it into the README."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.four", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="put the table into the README")
    options = parser.parse_args()
    pairs = [
        Pair(broker, database)
        for broker in ("embedded", "apache")
        for database in ("SQLite", "PostgreSQL")
    ]
    cluster = Cluster()
    try:
        os.environ["EMPKIT_LAB_DATABASE"] = cluster.url

        def each(workload: Workload) -> list[Runs]:
            folder = Path(cluster.folder)
            return [measured(pair, folder, workload, options.rounds) for pair in pairs]

        fast = each(Workload(RECORDS, in_flight=IN_FLIGHT))
        rate = equal_rate(*fast)
        even = each(Workload(RECORDS, rate=rate))
    finally:
        cluster.stop()
    lines = [
        f"| broker and database | protocol | ack p50 / p99, ms, at {rate:,g}/s "
        f"| stored p50 / p99, ms, at {rate:,g}/s | records/s, as fast as it goes |",
        "| --- | --- | ---: | ---: | ---: |",
        *(line for of_pair in zip(pairs, fast, even, strict=True) for line in rows(*of_pair)),
        "",
        f"Latencies at the same offered rate for all, {rate:,g} records/s (open loop); throughput "
        f"with {IN_FLIGHT} records in flight (closed loop); {RECORDS:,} records, {options.rounds} "
        f"rounds, {os.cpu_count()} cores ({platform.machine()}), Python "
        f"{platform.python_version()}, {datetime.now(UTC):%Y-%m-%d}; `python -m benchmarks.four "
        "--write` measures it again.",
    ]
    print("\n".join(lines))
    if options.write:
        text = README.read_text()
        head, rest = text.split(BEGIN)
        _, tail = rest.split(END)
        README.write_text("\n".join([head + BEGIN, "", *lines, "", END + tail]))


if __name__ == "__main__":
    main()
