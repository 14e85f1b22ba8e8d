"""The common parts of the benchmarks: a server, made-up records, rounds in turns."""

from __future__ import annotations

import asyncio
import secrets
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from pydantic import SecretStr

from empkit.clients import connect
from empkit.clients.http1 import Http1
from empkit.clients.tokens import fetch_token
from empkit.processes.child import Child, Processes
from empkit.settings import Settings

RESULTS = Path(__file__).with_name("RESULTS.md")
FIRST_MARK = "\n<!-- "
"""Where the table of `python -m benchmarks` ends and sections of other benchmarks begin."""


class Row(NamedTuple):
    """One line of the table."""

    what: str
    value: str
    wanted: str
    reached: bool


def start_server(processes: Processes, kind: str, **changes: Any) -> tuple[Child, Settings]:
    """Start a server of a kind of `benchmarks.servers`; return it and the settings to reach it."""
    settings = Settings(
        port=0,
        password=SecretStr(secrets.token_urlsafe(16)),
        signing_key=SecretStr(secrets.token_urlsafe(48)),
        **{"database_url": f"sqlite:///{processes.folder}/{secrets.token_hex(4)}.db", **changes},
    )
    command = [sys.executable, "-m", "benchmarks.servers", kind]
    child = processes.start(f"server-{kind}", command)
    child.begin(settings.environ())
    url = child.expect("ready", 30)["server_url"]
    return child, settings.model_copy(update={"server_url": url})


def made_up(count: int) -> list[tuple[str, bytes]]:
    """Return encoded records of about 200 bytes, with unique ids."""
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
    """Return the records per second, and the median time of one in milliseconds."""
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
    """Return the records per second that the kit's client gets acked."""
    async with connect(protocol, settings) as client:

        async def send(employee_id: str, payload: bytes) -> None:
            reply = await client.send_encoded(employee_id, payload)
            assert reply.outcome == "acked", reply

        return (await closed_loop(send, count, in_flight))[0]


def in_turns(sides: dict[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Measure each side once per round, in turns."""
    measured: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, measure in sides.items():
            measured[name].append(measure())
    return measured


def ratio(measured: dict[str, list[float]], one: str, other: str) -> float:
    """Return the median of the rounds' ratios."""
    return statistics.median(a / b for a, b in zip(measured[one], measured[other], strict=True))


def replace_section(name: str, lines: list[str]) -> None:
    """Put lines into `RESULTS.md`, between the marks of a name; at its end if there are none."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    text = RESULTS.read_text()
    if begin not in text:
        text += f"\n{begin}\n{end}\n"
    head, _, rest = text.partition(begin)
    _, _, tail = rest.partition(end)
    RESULTS.write_text("\n".join([head + begin, "", *lines, "", end + tail]))


async def token_header(settings: Settings) -> dict[str, str]:
    """Return the headers of a request that posts a record."""
    http = Http1(settings.server_url)
    token = await fetch_token(settings, http)
    await http.close()
    return {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
