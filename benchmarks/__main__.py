"""Runs the benchmarks: `python -m benchmarks [NAME ...]`.

Both sides of a comparison are measured in the same run, in turns; printed are the medians of the
rounds and the ratio, since a machine's seconds drift and its ratios do not.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import os
import platform
import secrets
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import uvloop
from pydantic import SecretStr

from empkit.clients import connect
from empkit.clients.http1 import Http1
from empkit.processes import Child, Processes
from empkit.settings import Settings

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).with_name("RESULTS.md")


class Row(NamedTuple):
    """One line of the table."""

    what: str
    value: str
    wanted: str
    reached: bool


def start_server(processes: Processes, kind: str, **changes: Any) -> tuple[Child, Settings]:
    """A server as a child, `store` or `no-store`, and the settings that reach it."""
    settings = Settings(
        port=0,
        database_url=f"sqlite:///{processes.folder}/{secrets.token_hex(4)}.db",
        password=SecretStr(secrets.token_urlsafe(16)),
        signing_key=SecretStr(secrets.token_urlsafe(48)),
        **changes,
    )
    command = [sys.executable, "-m", "benchmarks.servers", kind]
    child = processes.start(f"server-{kind}", command, settings.environ())
    url = child.expect("ready", 30)["server_url"]
    return child, settings.model_copy(update={"server_url": url})


def made_up(count: int) -> list[tuple[str, bytes]]:
    """Records of about 200 bytes with ids that no other has, encoded."""
    tag = secrets.token_hex(3)
    return [
        (
            f"{tag}-{number}",
            orjson.dumps(
                {
                    "employee_id": f"{tag}-{number}",
                    "first_name": "Ada",
                    "last_name": "Byron",
                    "email": "ada.byron@example.com",
                    "department": "Engineering",
                    "position": "Developer",
                    "salary": 50_000.5,
                    "hire_date": "2020-01-02",
                }
            ),
        )
        for number in range(count)
    ]


async def closed_loop(
    send: Callable[[str, bytes], Awaitable[Any]], count: int, in_flight: int
) -> tuple[float, float]:
    """Records per second, and the median of one in milliseconds."""
    records = iter(made_up(count))
    took: list[float] = []

    async def worker() -> None:
        for employee_id, payload in records:
            began = time.perf_counter()
            await send(employee_id, payload)
            took.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(in_flight)))
    return count / (time.perf_counter() - began), statistics.median(took) * 1e3


async def over(protocol: str, settings: Settings, count: int, in_flight: int) -> float:
    """Records per second that the kit's own client gets acked."""
    async with connect(protocol, settings) as client:

        async def send(employee_id: str, payload: bytes) -> None:
            reply = await client.send_encoded(employee_id, payload)
            assert reply.outcome == "acked", reply

        return (await closed_loop(send, count, in_flight))[0]


def in_turns(sides: dict[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Measure each side once a round, in turns."""
    found: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, measure in sides.items():
            found[name].append(measure())
    return found


def ratio(found: dict[str, list[float]], one: str, other: str) -> float:
    """The median of the rounds' ratios."""
    return statistics.median(a / b for a, b in zip(found[one], found[other], strict=True))


def http_store(rounds: int) -> list[Row]:
    """HTTP, 32 in flight, stored durably, against the same endpoint with the store taken out."""
    with Processes() as processes:
        servers = {kind: start_server(processes, kind)[1] for kind in ("store", "no-store")}
        sides = {
            kind: lambda settings=settings: uvloop.run(over("http", settings, 5_000, 32))
            for kind, settings in servers.items()
        }
        found = in_turns(sides, rounds)  # type: ignore[arg-type]
    share = ratio(found, "store", "no-store")
    rates = ", ".join(f"{name} {statistics.median(each):,.0f}/s" for name, each in found.items())
    what = "HTTP, 32 in flight: stored durably / the store taken out"
    return [Row(what, f"{share:.2f} ({rates})", ">= 0.8", share >= 0.8)]


def websocket_http(rounds: int) -> list[Row]:
    """WebSocket against HTTP, both with 32 in flight and stored durably."""
    with Processes() as processes:
        _, settings = start_server(processes, "store")
        sides = {
            name: lambda name=name: uvloop.run(over(name, settings, 5_000, 32))
            for name in ("websocket", "http")
        }
        found = in_turns(sides, rounds)  # type: ignore[arg-type]
    share = ratio(found, "websocket", "http")
    rates = ", ".join(f"{name} {statistics.median(each):,.0f}/s" for name, each in found.items())
    return [Row("WebSocket / HTTP, 32 in flight", f"{share:.2f} ({rates})", "> 1", share > 1)]


def http_clients(rounds: int) -> list[Row]:
    """What the client library costs: one request in flight, the store taken out."""
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
        found = in_turns(sides, rounds)  # type: ignore[arg-type]
    return [
        Row(
            f"HTTP, one in flight, median round trip: {name} / empkit's own",
            f"{ratio(found, name, 'empkit'):.2f} ({statistics.median(each):.2f} ms)",
            "the reason for the choice",
            True,
        )
        for name, each in found.items()
    ]


async def _token(settings: Settings) -> dict[str, str]:
    from empkit.clients.tokens import fetch_token

    http = Http1(settings.server_url)
    token = await fetch_token(settings, http)
    await http.close()
    return {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}


async def _with_http1(settings: Settings) -> float:
    http = Http1(settings.server_url)
    head = http.head("POST", "/employees", await _token(settings))

    async def send(_id: str, payload: bytes) -> None:
        assert (await http.request(head, payload)).code == 201

    median = (await closed_loop(send, 2_000, 1))[1]
    await http.close()
    return median


async def _with_aiohttp(settings: Settings) -> float:
    import aiohttp

    headers = await _token(settings)
    async with aiohttp.ClientSession() as session:

        async def send(_id: str, payload: bytes) -> None:
            url = f"{settings.server_url}/employees"
            async with session.post(url, data=payload, headers=headers) as response:
                assert response.status == 201
                await response.read()

        return (await closed_loop(send, 2_000, 1))[1]


async def _with_pyreqwest(settings: Settings) -> float:
    from pyreqwest.client import ClientBuilder

    headers = await _token(settings)
    url = f"{settings.server_url}/employees"
    async with ClientBuilder().build() as client:

        async def send(_id: str, payload: bytes) -> None:
            request = client.post(url).headers(headers).body_bytes(payload).build()
            response = await request.send()
            assert response.status == 201
            await response.bytes()

        return (await closed_loop(send, 2_000, 1))[1]


async def _with_httpx2(settings: Settings) -> float:
    import httpx2

    headers = await _token(settings)
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
    """The server's consumer on a topic that is already full, against a bare loop."""
    found: dict[str, list[float]] = {"kit": [], "bare": []}
    for _ in range(rounds):
        with Processes() as processes:
            from empkit.brokers import make_broker

            broker = make_broker("embedded", processes, Settings(), partitions=PARTITIONS)
            broker.start()
            uvloop.run(_fill(broker.bootstrap_servers))
            bare = [sys.executable, "-m", "benchmarks.bare", broker.bootstrap_servers,
                    str(FULL), str(processes.folder / "bare.db")]  # fmt: skip
            done = subprocess.run(bare, capture_output=True, text=True, check=True, cwd=ROOT)
            found["bare"].append(float(done.stdout))
            timings = processes.folder / "timings.jsonl"
            start_server(
                processes, "store", kafka_bootstrap_servers=broker.bootstrap_servers,
                timings_file=timings, kafka_fetch_wait_ms=2,
            )  # fmt: skip
            found["kit"].append(_ingested_per_s(timings))
    rate, share = statistics.median(found["kit"]), ratio(found, "kit", "bare")
    return [
        Row("consumer, a full topic, records/s into SQLite (synchronous=FULL)",
            f"{rate:,.0f}/s", ">= 50,000/s", rate >= 50_000),
        Row("consumer / a bare loop of aiokafka, pydantic-core and executemany",
            f"{share:.2f} (bare {statistics.median(found['bare']):,.0f}/s)", "reported", True),
    ]  # fmt: skip


async def _fill(servers: str) -> None:
    from aiokafka import AIOKafkaProducer

    topic = Settings().kafka_topic
    producer = AIOKafkaProducer(
        bootstrap_servers=servers, linger_ms=50, max_batch_size=262_144, acks=1
    )
    async with producer:
        for number, (_, payload) in enumerate(made_up(FULL)):
            await producer.send(topic, payload, partition=number % PARTITIONS)
        await producer.flush()


def _ingested_per_s(timings: Path) -> float:
    give_up = time.monotonic() + 120
    while True:
        lines = timings.read_bytes().splitlines()
        if len(lines) >= FULL:
            break
        if time.monotonic() > give_up:
            raise RuntimeError(f"Only {len(lines)} of {FULL} records were stored in two minutes.")
        time.sleep(0.2)
    stamps = [orjson.loads(line) for line in lines]
    first: int = min(received for _, _, received, _ in stamps)
    last: int = max(stored for _, _, _, stored in stamps)
    return FULL / (last - first) * 1e9


def start(rounds: int) -> list[Row]:
    """How long a lab takes to be ready, and the import of the package."""
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

    found = in_turns({"lab": lambda: seconds(lab), "import": lambda: seconds(package)}, rounds)
    ready, imported = (statistics.median(found[name]) for name in ("lab", "import"))
    return [
        Row("Lab ready, in a new process", f"{ready:.2f} s", "< 2 s", ready < 2),
        Row("import empkit", f"{imported:.3f} s", "< 0.5 s", imported < 0.5),
    ]


BENCHMARKS: dict[str, Callable[[int], list[Row]]] = {
    "http-store": http_store,
    "websocket-http": websocket_http,
    "http-clients": http_clients,
    "consumer": consumer,
    "start": start,
}


def table(rows: list[Row]) -> str:
    """The rows as Markdown, with what they were measured on."""
    names = ("uvicorn", "fastapi", "websockets", "aiokafka", "sqlalchemy", "pydantic")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    lines = [
        "# Results",
        "",
        f"Written by `python -m benchmarks --write` on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC: "
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, {versions}.",
        "",
        "| what | measured | wanted | reached |",
        "| --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row.what} | {row.value} | {row.wanted} | {'yes' if row.reached else 'no'} |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run what was asked for, print the table, and write it when told to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"which: {', '.join(BENCHMARKS)}; default all")
    parser.add_argument("--rounds", type=int, default=5, help="how often each side is measured")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name}")
    parser.add_argument("--check", action="store_true", help="fail when a wanted figure is missed")
    options = parser.parse_args()
    unknown = set(options.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"{', '.join(sorted(unknown))}: no such benchmark")
    rows: list[Row] = []
    for name in options.names or BENCHMARKS:
        print(f"{name} ...", file=sys.stderr)
        rows += BENCHMARKS[name](options.rounds)
        for row in rows[-1:]:
            print(json.dumps(row._asdict()), file=sys.stderr)
    print(table(rows))
    if options.write:
        RESULTS.write_text(table(rows))
    if options.check and not all(row.reached for row in rows):
        sys.exit(1)


if __name__ == "__main__":
    main()
