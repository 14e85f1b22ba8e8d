"""Runs the benchmarks: `python -m benchmarks [NAME ...]`.

Both sides of a comparison are measured in the same run, in turns. It prints the medians of the
rounds and their ratio, since the speed of a machine drifts and ratios do not.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import secrets
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import orjson
import uvloop

from benchmarks.common import (
    FIRST_MARK,
    RESULTS,
    Row,
    closed_loop,
    in_turns,
    made_up,
    over,
    ratio,
    start_server,
    token_header,
)
from benchmarks.kafka import kafka_apache, kafka_embedded
from benchmarks.tools import http_tools, websocket_tools
from benchmarks.truth import injected, lateness, stall
from benchmarks.whole import compare, memory
from empkit.brokers import Broker, make_broker
from empkit.clients.http1 import Http1
from empkit.databases import cluster as postgresql
from empkit.databases.postgresql import PostgreSql
from empkit.processes.child import Processes
from empkit.settings import Settings

ROOT = Path(__file__).parents[1]


def http_store(rounds: int) -> list[Row]:
    """Compare HTTP, 32 in flight, stored durably, with the same endpoint without its store."""
    with Processes() as processes:
        servers = {kind: start_server(processes, kind)[1] for kind in ("store", "no-store")}
        sides = {
            kind: lambda settings=settings: uvloop.run(over("http", settings, 5_000, 32))
            for kind, settings in servers.items()
        }
        measured = in_turns(sides, rounds)  # type: ignore[arg-type]
    share = ratio(measured, "store", "no-store")
    rates = ", ".join(
        f"{name} {statistics.median(values):,.0f}/s" for name, values in measured.items()
    )
    what = "HTTP, 32 in flight: stored durably / the store taken out"
    return [Row(what, f"{share:.2f} ({rates})", ">= 0.9", share >= 0.9)]


def websocket_http(rounds: int) -> list[Row]:
    """Compare WebSocket with HTTP, both with 32 in flight and stored durably."""
    with Processes() as processes:
        _, settings = start_server(processes, "store")
        sides = {
            name: lambda name=name: uvloop.run(over(name, settings, 5_000, 32))
            for name in ("websocket", "http")
        }
        measured = in_turns(sides, rounds)  # type: ignore[arg-type]
    share = ratio(measured, "websocket", "http")
    rates = ", ".join(
        f"{name} {statistics.median(values):,.0f}/s" for name, values in measured.items()
    )
    return [Row("WebSocket / HTTP, 32 in flight", f"{share:.2f} ({rates})", "> 1", share > 1)]


def seed_system(rounds: int) -> list[Row]:
    """Compare the kit with the store of the first description, which looks up whether a record
    exists and then inserts it, in a transaction per record."""
    with Processes() as processes:
        servers = {kind: start_server(processes, kind)[1] for kind in ("store", "seed")}
        sides = {
            kind: lambda settings=settings: uvloop.run(over("http", settings, 3_000, 32))
            for kind, settings in servers.items()
        }
        measured = in_turns(sides, rounds)  # type: ignore[arg-type]
    share = ratio(measured, "store", "seed")
    rates = ", ".join(
        f"{name} {statistics.median(values):,.0f}/s" for name, values in measured.items()
    )
    what = "HTTP, 32 in flight, stored: empkit / one transaction a record"
    rows = [Row(what, f"{share:.1f} ({rates})", ">= 3", share >= 3)]
    ingested = in_turns({kind: lambda kind=kind: _ingested(kind) for kind in servers}, rounds)  # type: ignore[misc]
    share = ratio(ingested, "store", "seed")
    rates = ", ".join(
        f"{name} {statistics.median(values):,.0f}/s" for name, values in ingested.items()
    )
    what = "Kafka, a full topic, stored: empkit / one transaction a record"
    return [*rows, Row(what, f"{share:.1f} ({rates})", ">= 10", share >= 10)]


def http_clients(rounds: int) -> list[Row]:
    """Compare HTTP client libraries: one request in flight, a server without its store."""
    with Processes() as processes:
        _, settings = start_server(processes, "no-store")
        libraries = {"empkit": _with_http1}
        if importlib.util.find_spec("aiohttp"):
            libraries["aiohttp"] = _with_aiohttp
        if importlib.util.find_spec("pyreqwest"):
            libraries["pyreqwest"] = _with_pyreqwest
        if importlib.util.find_spec("httpx2"):
            libraries["httpx2"] = _with_httpx2
        sides = {
            name: lambda client=client: uvloop.run(client(settings))
            for name, client in libraries.items()
        }
        measured = in_turns(sides, rounds)  # type: ignore[arg-type]
    return [
        Row(
            f"HTTP, one in flight, median round trip: {name} / empkit's own",
            f"{ratio(measured, name, 'empkit'):.2f} ({statistics.median(values):.2f} ms)",
            "the reason for the choice",
            True,
        )
        for name, values in measured.items()
    ]


async def _with_http1(settings: Settings) -> float:
    http = Http1(settings.server_url)
    head = http.head("POST", "/employees", await token_header(settings))

    async def send(_id: str, payload: bytes) -> None:
        assert (await http.request(head, payload)).code == 201

    median = (await closed_loop(send, 2_000, 1))[1]
    await http.close()
    return median


async def _with_aiohttp(settings: Settings) -> float:
    import aiohttp  # noqa: PLC0415 - start-up time

    headers = await token_header(settings)
    async with aiohttp.ClientSession() as session:

        async def send(_id: str, payload: bytes) -> None:
            url = f"{settings.server_url}/employees"
            async with session.post(url, data=payload, headers=headers) as response:
                assert response.status == 201
                await response.read()

        return (await closed_loop(send, 2_000, 1))[1]


async def _with_pyreqwest(settings: Settings) -> float:
    from pyreqwest.client import ClientBuilder  # noqa: PLC0415 - start-up time

    headers = await token_header(settings)
    url = f"{settings.server_url}/employees"
    async with ClientBuilder().build() as client:

        async def send(_id: str, payload: bytes) -> None:
            request = client.post(url).headers(headers).body_bytes(payload).build()
            response = await request.send()
            assert response.status == 201
            await response.bytes()

        return (await closed_loop(send, 2_000, 1))[1]


async def _with_httpx2(settings: Settings) -> float:
    import httpx2  # noqa: PLC0415 - start-up time

    headers = await token_header(settings)
    async with httpx2.AsyncClient() as client:

        async def send(_id: str, payload: bytes) -> None:
            response = await client.post(
                f"{settings.server_url}/employees", content=payload, headers=headers
            )
            assert response.status_code == 201

        return (await closed_loop(send, 2_000, 1))[1]


PARTITIONS = 32
FULL = 200_000


def consumer(rounds: int) -> list[Row]:
    """Compare the server's consumer on a topic that is already full with bare loops."""
    rows = _consumer(rounds, "SQLite (synchronous=FULL)", None, 100_000)
    if not postgresql.available():
        return [
            *rows,
            Row("consumer into PostgreSQL", "its programs are missing", "measured", False),
        ]
    cluster = postgresql.Cluster()
    try:
        return rows + _consumer(rounds, "PostgreSQL", cluster.url, 0)
    finally:
        cluster.stop()


def _consumer(rounds: int, name: str, url: str | None, least: int) -> list[Row]:
    """Return the rows of one database: `url`, or an SQLite file."""
    measured: dict[str, list[float]] = {"kit": [], "bare": [], "nowhere": []}
    for _ in range(rounds):
        with Processes() as processes:
            broker = make_broker("embedded", processes, Settings(), partitions=PARTITIONS)
            broker.start()
            uvloop.run(_fill(broker.bootstrap_servers))
            names = [f"benchmark_{secrets.token_hex(4)}" for _ in ("bare", "kit")]
            places = [PostgreSql().create(url, database) for database in names] if url else []
            bare = places[0] if url else str(processes.folder / "bare.db")
            kit = places[1] if url else None
            for side, place in (("bare", bare), ("nowhere", "nowhere")):
                command = [sys.executable, "-m", "benchmarks.bare", broker.bootstrap_servers,
                           str(FULL), place]  # fmt: skip
                done = subprocess.run(command, stdout=subprocess.PIPE, check=True, cwd=ROOT)
                measured[side].append(float(done.stdout))
            measured["kit"].append(_stored_per_s(processes, "store", broker, FULL, kit))
        for database in names if url else []:
            PostgreSql().drop(str(url), database)
    rate, share = statistics.median(measured["kit"]), ratio(measured, "kit", "bare")
    rates = {side: f"{statistics.median(values):,.0f}/s" for side, values in measured.items()}
    return [
        Row(f"consumer, a full topic, records/s into {name}", rates["kit"],
            f">= {least:,}/s" if least else "reported", rate >= least),
        Row(f"consumer / a bare loop of aiokafka, pydantic-core and executemany, {name}",
            f"{share:.2f} (bare {rates['bare']}, without a store {rates['nowhere']})", ">= 0.7",
            share >= 0.7),
    ]  # fmt: skip


def _ingested(kind: str) -> float:
    """Return the records per second that a server of this kind stores from a full topic."""
    count = 20_000 if kind == "seed" else FULL
    with Processes() as processes:
        broker = make_broker("embedded", processes, Settings(), partitions=PARTITIONS)
        broker.start()
        uvloop.run(_fill(broker.bootstrap_servers, count))
        return _stored_per_s(processes, kind, broker, count)


def _stored_per_s(
    processes: Processes, kind: str, broker: Broker, count: int, database: str | None = None
) -> float:
    """Return the records per second stored from a broker into a database, by default SQLite."""
    timings = processes.folder / "timings.jsonl"
    place = {"database_url": database} if database else {}
    start_server(
        processes, kind, kafka_bootstrap_servers=broker.bootstrap_servers,
        timings_file=timings, kafka_fetch_wait_ms=2, **place,
    )  # fmt: skip
    return _ingested_per_s(timings, count)


async def _fill(servers: str, count: int = FULL) -> None:
    from aiokafka import AIOKafkaProducer  # noqa: PLC0415 - start-up time

    topic = Settings().kafka_topic
    producer = AIOKafkaProducer(
        bootstrap_servers=servers, linger_ms=50, max_batch_size=262_144, acks=1
    )
    async with producer:
        for number, (_, payload) in enumerate(made_up(count)):
            await producer.send(topic, payload, partition=number % PARTITIONS)
        await producer.flush()


def _ingested_per_s(timings: Path, count: int = FULL) -> float:
    deadline = time.monotonic() + 120
    while True:
        lines = timings.read_bytes().splitlines()
        if len(lines) >= count:
            break
        if time.monotonic() > deadline:
            raise RuntimeError(f"Only {len(lines)} of {count} records were stored in two minutes.")
        time.sleep(0.2)
    stamps = [orjson.loads(line) for line in lines]
    first: int = min(received for _, _, received, _ in stamps)
    last: int = max(stored for _, _, _, stored in stamps)
    return count / (last - first) * 1e9


def start(rounds: int) -> list[Row]:
    """Measure the time until a lab is ready, and that of the package's import."""
    lab = (
        "import time; began = time.perf_counter()\n"
        "from empkit import Lab\n"
        "with Lab():\n"
        "    print(time.perf_counter() - began)\n"
    )
    package = (
        "import time; began = time.perf_counter()\n"
        "import empkit\n"
        "print(time.perf_counter() - began)\n"
    )

    def seconds(code: str) -> float:
        command = [sys.executable, "-c", code]
        return float(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)

    measured = in_turns({"lab": lambda: seconds(lab), "import": lambda: seconds(package)}, rounds)
    ready, imported = (statistics.median(measured[name]) for name in ("lab", "import"))
    return [
        Row("Lab ready, in a new process", f"{ready:.2f} s", "< 1.5 s", ready < 1.5),
        Row("import empkit", f"{imported:.3f} s", "< 0.3 s", imported < 0.3),
    ]


BENCHMARKS: dict[str, Callable[[int], list[Row]]] = {
    "http-store": http_store,
    "websocket-http": websocket_http,
    "http-clients": http_clients,
    "http-tools": http_tools,
    "websocket-tools": websocket_tools,
    "kafka-embedded": kafka_embedded,
    "kafka-apache": kafka_apache,
    "consumer": consumer,
    "seed": seed_system,
    "lateness": lateness,
    "injected": injected,
    "stall": stall,
    "start": start,
    "compare": compare,
    "memory": memory,
}


def table(rows: list[Row], earlier: list[str]) -> str:
    """Return the rows as Markdown, with the machine and the versions.

    Args:
        rows: the rows of this run.
        earlier: lines of the existing table; those not measured again are kept.
    """
    names = ("uvicorn", "fastapi", "websockets", "aiokafka", "sqlalchemy", "pydantic")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    now = datetime.now(UTC)
    lines = [
        "# Results",
        "",
        f"Written by `python -m benchmarks --write` on {now:%Y-%m-%d %H:%M} UTC: "
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, {versions}.",
        "",
        "| what | measured | wanted | reached | when |",
        "| --- | --- | --- | --- | --- |",
    ]
    again = {f"| {row.what} |" for row in rows}
    lines += [line for line in earlier if not any(line.startswith(begin) for begin in again)]
    lines += [
        f"| {row.what} | {row.value} | {row.wanted} | {'yes' if row.reached else 'no'} "
        f"| {now:%Y-%m-%d} |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def written() -> list[str]:
    """Return the rows of the existing table."""
    lines = _parts()[0].splitlines()
    return [line for line in lines if line.startswith("| ")][2:]


def _parts() -> tuple[str, str]:
    """Return the existing table, and the sections of other benchmarks behind it."""
    text = RESULTS.read_text() if RESULTS.exists() else ""
    table, mark, sections = text.partition(FIRST_MARK)
    return table, mark + sections


def main() -> None:
    """Run the chosen benchmarks, print the table, and write it with `--write`."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"which: {', '.join(BENCHMARKS)}; default all")
    parser.add_argument("--rounds", type=int, default=5, help="how often each side is measured")
    parser.add_argument(
        "--write", action="store_true",
        help=f"write {RESULTS.name}; with names, only their rows are new",
    )  # fmt: skip
    parser.add_argument("--check", action="store_true", help="fail when a wanted figure is missed")
    options = parser.parse_args()
    unknown = set(options.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"{', '.join(sorted(unknown))}: no such benchmark")
    earlier = written() if options.names else []
    rows: list[Row] = []
    for name in options.names or BENCHMARKS:
        print(f"{name} ...", file=sys.stderr)
        measured = BENCHMARKS[name](options.rounds)
        for row in measured:
            print(json.dumps(row._asdict()), file=sys.stderr)
        rows += measured
        if options.write:  # after each benchmark, so that Ctrl-C loses no finished one
            RESULTS.write_text(table(rows, earlier) + _parts()[1])
    print(table(rows, earlier))
    if options.check and not all(row.reached for row in rows):
        sys.exit(1)


if __name__ == "__main__":
    main()
