"""Measures the same workload on each broker and each database, for a table in the README:
`python -m benchmarks.four --write`."""

from __future__ import annotations

import argparse
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pandas as pd

from empkit import Lab, Runs, Workload
from empkit.databases.cluster import Cluster

README = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- four: begin -->", "<!-- four: end -->"


def quiet(*_: object) -> None:
    """Show no progress."""


def measured(broker: Literal["embedded", "apache"], database: str | None, rounds: int) -> Runs:
    """Run a workload of 2,000 records with 16 in flight over each protocol, in rounds."""
    with Lab(broker, database) as lab:
        return lab.compare(workload=Workload(records=2_000, in_flight=16), rounds=rounds,
                           progress=quiet)  # fmt: skip


def rows(name: str, summary: pd.DataFrame) -> list[str]:
    """Return a line of the table for each protocol."""
    return [
        f"| {name} | {protocol} | {row['ack_p50_ms']:.1f} / {row['ack_p99_ms']:.1f} "
        f"| {row['stored_p50_ms']:.1f} / {row['stored_p99_ms']:.1f} "
        f"| {row['records_per_s']:,.0f} |"
        for protocol, row in summary.to_dict("index").items()
    ]


def main() -> None:
    """Measure all four pairs, print the table, and with `--write` put it into the README."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.four", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="put the table into the README")
    options = parser.parse_args()
    cluster = Cluster()
    lines = [
        "| broker and database | protocol | ack p50 / p99, ms | stored p50 / p99, ms | records/s |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    try:
        os.environ["EMPKIT_LAB_DATABASE"] = cluster.url
        for broker in ("embedded", "apache"):
            for database in ("SQLite", "PostgreSQL"):
                file = f"sqlite:///{cluster.folder}/{broker}.db" if database == "SQLite" else None
                runs = measured(broker, file, options.rounds)
                assert not runs.broken, runs.broken
                kafka = "embedded broker" if broker == "embedded" else "Apache Kafka"
                lines += rows(f"{kafka}, {database}", runs.summary())
                print("\n".join(lines[-3:]), flush=True)
    finally:
        cluster.stop()
    lines += [
        "",
        f"2,000 records, 16 in flight, {options.rounds} rounds, {os.cpu_count()} cores "
        f"({platform.machine()}), Python {platform.python_version()}, "
        f"{datetime.now(UTC):%Y-%m-%d}; `python -m benchmarks.four --write` measures it again.",
    ]
    if options.write:
        text = README.read_text()
        head, rest = text.split(BEGIN)
        _, tail = rest.split(END)
        README.write_text("\n".join([head + BEGIN, "", *lines, "", END + tail]))


if __name__ == "__main__":
    main()
