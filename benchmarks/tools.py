"""Compares the kit's clients with established tools on the same server: k6, wrk, Locust, and a bare
loop of `websockets`. A round trip is measured without the server's store, so that only the clients
differ. A rate over HTTP is measured both with the store, each record with its own id, and without
it. Without the store the answers arrive one by one, and a client that sleeps until the next answer
costs the server a wake-up; a tool that is itself busy does not."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.common import (
    Row,
    closed_loop,
    in_turns,
    made_up,
    over,
    ratio,
    start_server,
    token_header,
)
from empkit.clients import connect
from empkit.processes.child import Processes
from empkit.settings import Settings

SECONDS = 4
"""The duration of a tool that is not limited by a number of requests."""

K6_HTTP = """
import http from "k6/http";
export const options = { vus: VUS, duration: "SECONDSs", summaryTrendStats: ["med"] };
const params = { headers: HEADERS };
const record = JSON.parse(BODY);
const tag = record.employee_id;
export default function () {
  record.employee_id = `${tag}-${__VU}-${__ITER}`;
  http.post("URL/employees", JSON.stringify(record), params);
}
"""

K6_ARRIVALS = """
import http from "k6/http";
export const options = {
  summaryTrendStats: ["p(99)"],
  scenarios: { open: {
    executor: "constant-arrival-rate", rate: RATE, duration: "SECONDSs",
    preAllocatedVUs: 400, maxVUs: 800,
  } },
};
const params = { headers: HEADERS };
const record = JSON.parse(BODY);
export default function () {
  record.employee_id = `${__VU}-${__ITER}-${Date.now()}`;
  http.post("URL/employees", JSON.stringify(record), params);
}
"""

K6_WEBSOCKET = """
import { WebSocket } from "k6/experimental/websockets";
import { Counter } from "k6/metrics";
const answers = new Counter("answers");
export const options = { vus: 1, iterations: 1 };
export default function () {
  const socket = new WebSocket("WS_URL", null, { headers: HEADERS });
  const end = Date.now() + 1000 * SECONDS;
  socket.onopen = () => { for (let n = 0; n < IN_FLIGHT; n++) socket.send(BODY); };
  socket.onmessage = () => {
    answers.add(1);
    if (Date.now() < end) socket.send(BODY); else socket.close();
  };
}
"""

WRK = """
wrk.method = "POST"
wrk.body = BODY
for name, value in pairs(HEADERS) do wrk.headers[name] = value end
"""

LOCUST = """
import itertools
import json
from locust import FastHttpUser, task

record = json.loads(BODY)
tag = record["employee_id"]
numbers = itertools.count()

class Sender(FastHttpUser):
    host = "URL"

    @task
    def send(self):
        record["employee_id"] = f"{tag}-{next(numbers)}"
        self.client.post("/employees", data=json.dumps(record), headers=HEADERS)
"""


def filled(template: str, settings: Settings, **values: Any) -> str:
    """Return a script with the server's address, the token and one record filled in."""
    headers = uvloop.run(token_header(settings))
    body = made_up(1)[0][1].decode()
    pairs = [f"[{json.dumps(name)}] = {json.dumps(value)}" for name, value in headers.items()]
    filled = {
        "HEADERS": f"{{{', '.join(pairs)}}}" if template is WRK else json.dumps(headers),
        "BODY": json.dumps(body),
        "WS_URL": settings.websocket_url(),
        "SECONDS": SECONDS,
        "URL": settings.server_url,
        **values,
    }
    for name, value in filled.items():
        template = template.replace(name, str(value))
    return template


def _script(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(text)
    path.chmod(0o600)  # the token is in it
    return str(path)


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {(done.stderr or done.stdout)[-500:]}")
    return done.stdout


def k6(folder: Path, script: str) -> dict[str, Any]:
    """Return the metrics of a k6 run, by name."""
    summary = folder / "k6.json"
    path = _script(folder, "script.js", script)
    _run("k6", "run", "--quiet", "--no-usage-report", f"--summary-export={summary}", path)
    metrics: dict[str, Any] = json.loads(summary.read_text())["metrics"]
    return metrics


def _k6_http(folder: Path, settings: Settings, users: int) -> Any:
    return k6(folder, filled(K6_HTTP, settings, VUS=users))


def wrk_median_ms(folder: Path, settings: Settings) -> float:
    """Return the median round trip that wrk measures over one connection."""
    path = _script(folder, "post.lua", filled(WRK, settings))
    url = f"{settings.server_url}/employees"
    output = _run("wrk", "-t1", "-c1", f"-d{SECONDS}s", "--latency", "-s", path, url)
    value, unit = re.search(r"50%\s+([\d.]+)(us|ms|s)", output).groups()  # type: ignore[union-attr]
    return float(value) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[unit]


def locust_per_s(folder: Path, settings: Settings, users: int) -> float:
    """Return the requests per second of one Locust process with `users` FastHttpUsers."""
    path = _script(folder, "locustfile.py", filled(LOCUST, settings))
    output = _run(
        sys.executable, "-m", "locust", "-f", path, "--headless", "-u", str(users), "-r",
        str(users), "-t", f"{SECONDS}s", "--json", "--loglevel", "ERROR",
    )  # fmt: skip
    (entry,) = json.loads(output[output.index("[") :])
    return float(entry["num_requests"] / (entry["last_request_timestamp"] - entry["start_time"]))


def http_tools(rounds: int) -> list[Row]:
    """Compare HTTP: one in flight with k6 and wrk, 32 in flight with k6 and Locust."""
    with Processes() as processes:
        return (
            _one_in_flight(processes, rounds)
            + _many_in_flight(processes, "store", rounds)
            + _many_in_flight(processes, "no-store", rounds)
        )


def _one_in_flight(processes: Processes, rounds: int) -> list[Row]:
    """Compare the median round trip, without the store."""
    folder = processes.folder
    _, settings = start_server(processes, "no-store")
    sides: dict[str, Callable[[], float]] = {"empkit": lambda: uvloop.run(_median_ms(settings))}
    if shutil.which("k6"):
        sides["k6"] = lambda: _k6_http(folder, settings, 1)["http_req_duration"]["med"]
    if shutil.which("wrk"):
        sides["wrk"] = lambda: wrk_median_ms(folder, settings)
    measured = in_turns(sides, rounds)
    rows = []
    for name, limit in {"k6": 1.1, "wrk": 1.6}.items():
        what = f"HTTP, one in flight, median round trip: empkit / {name}"
        if name not in measured:
            rows.append(_missing(what, name))
            continue
        share = ratio(measured, "empkit", name)
        text = f"{share:.2f} ({_both(measured, name, '.3f', 'ms')})"
        rows.append(Row(what, text, f"<= {limit}", share <= limit))
    return rows


def _many_in_flight(processes: Processes, kind: str, rounds: int) -> list[Row]:
    """Compare requests per second with 32 in flight; with the store, a minimum is required."""
    folder = processes.folder
    _, settings = start_server(processes, kind)
    sides: dict[str, Callable[[], float]] = {
        "empkit": lambda: uvloop.run(over("http", settings, 20_000, 32))
    }
    if shutil.which("k6"):
        sides["k6"] = lambda: _k6_http(folder, settings, 32)["http_reqs"]["rate"]
    if shutil.which("locust"):
        sides["Locust"] = lambda: locust_per_s(folder, settings, 32)
    measured = in_turns(sides, rounds)
    stored = kind == "store"
    rows = []
    for name in ("Locust", "k6"):
        what = f"HTTP, 32 in flight, {'stored' if stored else 'not stored'}, requests/s: "
        what += f"empkit / {name}"
        if name not in measured:
            rows.append(_missing(what, name))
            continue
        share = ratio(measured, "empkit", name)
        text = f"{share:.2f} ({_both(measured, name, ',.0f', '/s')})"
        rows.append(Row(what, text, ">= 1.0" if stored else "reported", not stored or share >= 1))
    return rows


def websocket_tools(rounds: int) -> list[Row]:
    """Compare WebSocket, one and 32 in flight, with k6 and with a bare loop of `websockets`."""
    rows = []
    with Processes() as processes:
        _, settings = start_server(processes, "no-store")
        for in_flight in (1, 32):
            sides: dict[str, Callable[[], float]] = {
                "empkit": lambda n=in_flight: uvloop.run(over("websocket", settings, 10_000, n)),  # type: ignore[misc]
                "bare": lambda n=in_flight: uvloop.run(_bare_websocket(settings, 10_000, n)),  # type: ignore[misc]
            }
            if shutil.which("k6"):
                sides["k6"] = lambda n=in_flight: (
                    k6(  # type: ignore[misc]
                        processes.folder, filled(K6_WEBSOCKET, settings, IN_FLIGHT=n)
                    )["answers"]["count"]
                    / SECONDS
                )
            measured = in_turns(sides, rounds)
            # a rate of one in flight is the reciprocal of its mean round trip
            what = f"WebSocket, {in_flight} in flight, time a record: empkit"
            if "k6" in measured:
                share = ratio(measured, "k6", "empkit")
                text = f"{share:.2f} ({_both(measured, 'k6', ',.0f', '/s')})"
                rows.append(Row(f"{what} / k6", text, "< 1", share < 1))
            else:
                rows.append(_missing(f"{what} / k6", "k6"))
            share = ratio(measured, "bare", "empkit")
            text = f"{share:.2f} ({_both(measured, 'bare', ',.0f', '/s')})"
            rows.append(Row(f"{what} / a bare loop", text, "<= 1.1", share <= 1.1))
    return rows


async def _median_ms(settings: Settings) -> float:
    async with connect("http", settings) as client:
        return (await closed_loop(client.send_encoded, 5_000, 1))[1]


async def _bare_websocket(settings: Settings, count: int, in_flight: int) -> float:
    """Return the records per second of the library alone, which sends and receives text."""
    from websockets.asyncio.client import connect as ws_connect  # noqa: PLC0415 - start-up time

    texts = [payload.decode() for _, payload in made_up(count)]
    headers = {"Authorization": (await token_header(settings))["Authorization"]}
    url = settings.websocket_url()
    async with ws_connect(url, additional_headers=headers, proxy=None, compression=None) as socket:
        slots = asyncio.Semaphore(in_flight)

        async def read() -> None:
            for _ in range(count):
                await socket.recv()
                slots.release()

        began = time.perf_counter()
        reader = asyncio.create_task(read())
        for text in texts:
            await slots.acquire()
            await socket.send(text)
        await reader
        return count / (time.perf_counter() - began)


def _both(measured: dict[str, list[float]], other: str, form: str, unit: str) -> str:
    ours, theirs = (statistics.median(measured[name]) for name in ("empkit", other))
    return f"{ours:{form}} and {theirs:{form}} {unit}"


def _missing(what: str, tool: str) -> Row:
    return Row(what, f"{tool} is not on this machine", "measured", False)
