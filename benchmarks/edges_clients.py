"""What the clients and commands make of foreign servers, wrong addresses and an empty machine:
`python -m benchmarks.edges_clients --write`.

A foreign server takes every second record and refuses the others, in a way that no empkit server
does. A record is wrongly acked if its reply says that it was accepted, and the server has refused
it or has not answered it at all.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

from benchmarks.common import RESULTS, replace_section
from empkit import Settings, connect
from empkit.clients.base import Reply
from tests import conftest
from tests.clients import foreign

TOKEN = foreign.TOKEN
answer: Any = foreign.answer
response: Any = foreign.response
http_server: Any = foreign.http_server
employee: Any = conftest.employee
IDS = [f"E{number}" for number in range(20)]
SMALL = 16
"""How many descriptors a command may have; each needs more."""
TIMEOUT_S = 120

Script = Callable[[dict[str, Any], int, int], AsyncIterator[bytes | None]]


class Told(NamedTuple):
    """What came of one fault, a row of the table."""

    fault: str
    done: str
    outcomes: str
    wrong: int
    said: str


def taken(employee_id: str) -> bool:
    """Whether the foreign servers take a record."""
    return int(employee_id[1:]) % 2 == 0


def verdict(record: dict[str, Any]) -> Any:
    """The answer of a foreign server that speaks the kit's words."""
    employee_id = record["employee_id"]
    result = "created" if taken(employee_id) else "invalid"
    return answer(result, f"{employee_id} {result}", employee_id=employee_id)


async def interim(record: dict[str, Any], _connection: int, _request: int) -> Any:
    """Two interim responses before each answer."""
    yield b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + response(100, length=False)
    yield verdict(record)


async def mixed(record: dict[str, Any], _connection: int, request: int) -> Any:
    """The answer to another record, every third time."""
    yield verdict(record if request % 3 else record | {"employee_id": "E0"})


async def surplus(record: dict[str, Any], _connection: int, _request: int) -> Any:
    """Each answer twice in one piece."""
    yield verdict(record) * 2


async def not_the_kits(record: dict[str, Any], _connection: int, _request: int) -> Any:
    """A body that is not the kit's."""
    ok = taken(record["employee_id"])
    yield response(200 if ok else 422, b'{"id": 7}' if ok else b"<p>no</p>")


def busy(code: int) -> Script:
    """Return a script that asks to wait a second, once a connection, then takes the record."""

    async def script(record: dict[str, Any], _connection: int, request: int) -> Any:
        if request == 0:
            yield response(code, b"later", "Retry-After: 1")
        else:
            yield verdict(record)

    return script


async def over_http(script: Script, retries: int) -> list[Reply]:
    """Send the records one after the other to a server with this script."""
    async with http_server(script) as url:
        settings = Settings(server_url=url, deadline_s=4, retries=retries)
        async with connect("http", settings, TOKEN) as client:
            return [await client.send(employee(each)) for each in IDS]


async def in_frames(said: Callable[[int, dict[str, Any]], Sequence[str] | str]) -> list[Reply]:
    """Send the records together over a WebSocket to a server that answers so."""

    async def handle(socket: Any) -> None:
        number = 0
        with contextlib.suppress(ConnectionClosed):  # by a client that cannot use an answer
            async for message in socket:
                number += 1
                await socket.send(said(number, json.loads(message)))

    async with serve(handle, "127.0.0.1", 0, subprotocols=["empkit.numbered"]) as server:  # type: ignore[list-item]
        address = f"127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
        settings = Settings(
            server_url=f"http://{address}", ws_url=f"ws://{address}/ws", deadline_s=4, retries=0
        )
        async with connect("websocket", settings, TOKEN) as client:
            return list(await asyncio.gather(*(client.send(employee(each)) for each in IDS)))


def two_frames(number: int, record: dict[str, Any]) -> Sequence[str]:
    """An answer in two frames."""
    result = "created" if taken(record["employee_id"]) else "invalid"
    text = json.dumps({"number": number, "result": result, "message": result})
    return text[:9], text[9:]


def no_answer(number: int, _record: dict[str, Any]) -> str:
    """A message that is no answer of the kit."""
    return json.dumps({"ok": True, "id": number})


SENT: tuple[tuple[str, str, Callable[[], Any]], ...] = (
    ("interim responses", "103 and 100 before each answer", lambda: over_http(interim, 0)),
    ("mixed answers", "every third is about another record", lambda: over_http(mixed, 0)),
    ("answers twice", "each answer comes twice in one piece", lambda: over_http(surplus, 0)),
    ("foreign answers", "200 and 422 with bodies of their own", lambda: over_http(not_the_kits, 0)),
    ("429", "Retry-After: 1, then taken", lambda: over_http(busy(429), 3)),
    ("503", "Retry-After: 1, then taken", lambda: over_http(busy(503), 3)),
    ("two frames", "a WebSocket's answer in two frames", lambda: in_frames(two_frames)),
    ("a foreign WebSocket", "messages that are no answers", lambda: in_frames(no_answer)),
)


def sent(fault: str, done: str, work: Callable[[], Any]) -> Told:
    """Send to a foreign server, and compare what it took with what the client believes."""
    replies: list[Reply] = asyncio.run(asyncio.wait_for(work(), TIMEOUT_S))
    wrong = [
        reply
        for reply in replies
        if reply.outcome == "acked" and (reply.employee_id is None or not taken(reply.employee_id))
    ]
    counts = Counter(reply.outcome for reply in replies)
    odd = [reply.message for reply in replies if reply.outcome not in {"acked", "refused"}]
    words = odd[0] if odd else replies[1].message
    return Told(
        fault, done, ", ".join(f"{n} {name}" for name, n in counts.items()), len(wrong), words
    )


def ran(fault: str, done: str, *arguments: str, most: int = 0, **variables: str) -> Told:
    """Run a command, and return its status and its last words."""

    def limit() -> None:
        if sys.platform != "win32":  # which has no such limit
            import resource  # noqa: PLC0415 - Windows has none

            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

    ended = subprocess.run(
        [sys.executable, "-m", "empkit", *arguments],
        env={**os.environ, **variables}, capture_output=True, text=True, check=False,
        timeout=TIMEOUT_S, preexec_fn=limit if most else None,
    )  # fmt: skip
    text = " ".join((ended.stdout + ended.stderr).split())
    said = text[text.rfind("empkit: ") :] if "empkit: " in text else text
    wrong = ("Traceback" in text) + (ended.returncode not in {2, 3})
    return Told(fault, done, f"status {ended.returncode}", wrong, said)


def on_a_full_folder(folder: Path) -> Told:
    """Run a comparison whose folder for temporary files has one megabyte."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    fault, done = "a full temporary folder", "TMPDIR of 1 MiB"
    if (
        sys.platform != "linux"
        or subprocess.run(mount, capture_output=True, check=False).returncode
    ):
        return Told(fault, done, "not tried", 0, "only root may mount")
    try:
        told = ran(fault, done, "compare", "--in-flight", "8", "--rounds", "1", TMPDIR=str(folder))
        left = len(list(folder.iterdir()))
        return told._replace(wrong=told.wrong + left, said=told.said.rpartition("measured: ")[2])
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def rows() -> list[Told]:
    """Carry out every fault."""
    told = [sent(*each) for each in SENT]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "one.csv"
        file.write_text("employee_id,first_name,last_name\nE1,Nia,Orr\n")
        for url in ("http://127.0.0.1:99999", "http://[::1", "ftp://127.0.0.1"):
            told.append(
                ran("a wrong address", f"--server {url}", "send", str(file), "--server", url)
            )
        told.append(ran("a wrong port", "--port 99999", "serve", "--port", "99999"))
        for command in ("compare", "serve"):
            told.append(ran("no descriptors", f"{command}, ulimit -n {SMALL}", command, most=SMALL))
        database = f"sqlite:///{folder / 'missing' / 'e.db'}"
        told.append(ran("no folder", "serve", "serve", "--port", "0", "--database", database))
        (folder / "tiny").mkdir()
        told.append(on_a_full_folder(folder / "tiny"))
        return [each._replace(said=each.said.replace(str(folder), "FOLDER")) for each in told]


def main() -> None:
    """Carry out every fault, print the table, and with `--write` put it into `RESULTS.md`."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.edges_clients", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--write", action="store_true", help=f"write into {RESULTS.name}")
    options = parser.parse_args()
    told = rows()
    lines = [
        "## The edges: the clients",
        "",
        f"By `{parser.prog} --write`. {os.cpu_count()} cores, {datetime.now(UTC):%Y-%m-%d}.",
        "",
        "Wrong is an ack of a record that the server did not take, a traceback, another status "
        "than 2 and 3, or a file that is left.",
        "",
        "| fault | what was done | what came of it | wrong | what was said |",
        "| --- | --- | --- | ---: | --- |",
        *(
            f"| {each.fault} | {each.done} | {each.outcomes} | {each.wrong} "
            f"| {each.said[:200].replace('|', '/').replace(chr(10), ' ')} |"
            for each in told
        ),
    ]
    print("\n".join(lines))
    if options.write:
        replace_section("edges, clients", lines)
    if any(each.wrong for each in told):
        sys.exit(1)


if __name__ == "__main__":
    main()
