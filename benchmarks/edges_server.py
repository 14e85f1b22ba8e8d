"""What an attack on the server does, without the bound that is made for it and with it:
`python -m benchmarks.edges_server --write`.

Each attack strikes two real servers that differ in that bound only. The attacker has no token; it
uses plain sockets, and no code of the kit's clients.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import http.client
import os
import secrets
import socket
import struct
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from benchmarks.common import RESULTS, replace_section, start_server
from empkit.processes.child import Child, Processes

TIMEOUT_S = 60.0
LOG_INS = 60
HALF_OPEN = 200
DESCRIPTORS = 256
WEBSOCKETS, MESSAGE = 25, 16 * 2**20
MIB = 2**20
FOR_EVER_S = 10_000.0


class Effect(NamedTuple):
    """What one attack did to one server.

    Args:
        text: the effect in words.
        size: the same as a number, larger if it is worse.
        said: what the server said to the attacker, or to others; empty if nothing.
    """

    text: str
    size: float
    said: str


class Target(NamedTuple):
    """A server under attack."""

    child: Child
    host: str
    port: int

    def connect(self) -> socket.socket:
        """Return a new connection."""
        return socket.create_connection((self.host, self.port), timeout=TIMEOUT_S)

    def ask(self, method: str, path: str, body: str | None = None) -> tuple[int, str]:
        """Return the status and the text of one answer."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=TIMEOUT_S)
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def descriptors(self) -> int:
        """Return how many descriptors the server has open."""
        return len(list(Path(f"/proc/{self.child.pid}/fd").iterdir()))

    def most_memory(self) -> float:
        """Return the most memory that the server had so far, in MiB."""
        lines = Path(f"/proc/{self.child.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def log_ins(target: Target) -> Effect:
    """Send wrong passwords, all at once."""
    began = time.monotonic()
    with ThreadPoolExecutor(LOG_INS) as senders:
        form = "username=empkit&password=wrong"
        answers = list(senders.map(lambda _: target.ask("POST", "/token", form), range(LOG_INS)))
    took = time.monotonic() - began
    codes = Counter(status for status, _ in answers)
    said = next((text for status, text in answers if status == 429), "")
    return Effect(f"{codes[401]} of them hashed, in {took:.1f} s", codes[401], said)


def half_open(target: Target) -> Effect:
    """Begin requests and never end them."""
    before = target.descriptors()
    with contextlib.ExitStack() as cleanup:
        slow = [cleanup.enter_context(target.connect()) for _ in range(HALF_OPEN)]
        for connection in slow:
            connection.sendall(b"POST /employees HTTP/1.1\r\nHost: x\r\n")
        time.sleep(4)
        held = target.descriptors() - before
        said = _said(slow[0])
    return Effect(f"{held} connections held after 4 s", held, said)


def connections(target: Target) -> Effect:
    """Open more connections than there are descriptors, and send nothing."""
    if sys.platform != "linux":
        raise NotImplementedError("Only Linux can limit the descriptors of a process that runs.")
    import resource  # noqa: PLC0415 - Windows has none

    resource.prlimit(target.child.pid, resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
    with contextlib.ExitStack() as cleanup:
        idle = [cleanup.enter_context(target.connect()) for _ in range(DESCRIPTORS + 50)]
        give_up, held = time.monotonic() + 5, -1
        while held != (held := target.descriptors()) and time.monotonic() < give_up:
            time.sleep(0.5)
        said = _said(idle[-1])
    return Effect(f"{DESCRIPTORS - held} of {DESCRIPTORS} descriptors free", held, said)


def first_messages(target: Target) -> Effect:
    """Send a large first message over each of many WebSockets, without its last byte."""
    before, said = target.most_memory(), ""
    with contextlib.ExitStack() as cleanup:
        for _ in range(WEBSOCKETS):
            connection = cleanup.enter_context(target.connect())
            key = base64.b64encode(secrets.token_bytes(16)).decode()
            connection.sendall(
                f"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
            )
            while b"\r\n\r\n" not in connection.recv(4_096):
                pass
            with contextlib.suppress(OSError):  # the server closes what is too large
                connection.sendall(b"\x81\xff" + struct.pack(">Q", MESSAGE) + bytes(4))
                connection.sendall(b" " * (MESSAGE - 1))
            said = said or _closed(connection)
        grown = target.most_memory() - before
    return Effect(f"+{grown:.0f} MiB", grown, said)


def _said(connection: socket.socket) -> str:
    """Return the body of what the server has sent on a connection; empty if it waits."""
    connection.settimeout(0.5)
    received = b""
    with contextlib.suppress(OSError):
        while chunk := connection.recv(4_096):
            received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    return f"{head.decode().splitlines()[0][9:]}: {body.decode()}" if received else ""


def _closed(connection: socket.socket) -> str:
    """Return the close code and reason that the server has sent; empty if it waits."""
    connection.settimeout(0.5)
    with contextlib.suppress(OSError):
        frame = connection.recv(4_096)
        if frame[:1] == b"\x88":
            return f"{int.from_bytes(frame[2:4], 'big')} {frame[4 : 2 + frame[1]].decode()}"
    return ""


class Attack(NamedTuple):
    """One attack.

    Args:
        name, done: in words.
        strike: attacks one server.
        kind, settings: the server without the bound.
        bounded: the settings of the server with it; the defaults, where they are not too large.
    """

    name: str
    done: str
    strike: Callable[[Target], Effect]
    kind: str
    settings: dict[str, Any]
    bounded: dict[str, Any]


ATTACKS = (
    Attack(
        "a flood of log-ins", f"{LOG_INS} wrong passwords at once", log_ins, "unbounded", {}, {}
    ),
    Attack(
        "half-open requests", f"{HALF_OPEN} heads that never end, request_timeout_s=1", half_open,
        "store", {"request_timeout_s": FOR_EVER_S}, {"request_timeout_s": 1.0},
    ),
    Attack(
        "idle connections", f"{DESCRIPTORS + 50} of them, a limit of {DESCRIPTORS} descriptors",
        connections, "unbounded", {}, {"max_connections": DESCRIPTORS // 4},
    ),
    Attack(
        "large first messages",
        f"{WEBSOCKETS} WebSockets without a token, {MESSAGE // MIB} MiB each without the last byte",
        first_messages, "unbounded", {}, {},
    ),
)  # fmt: skip


def effects(attack: Attack) -> tuple[Effect, Effect]:
    """Return what an attack does without the bound, and with it."""
    with Processes() as processes:
        without = attack.strike(_target(processes, attack.kind, attack.settings))
        return without, attack.strike(_target(processes, "store", attack.bounded))


def _target(processes: Processes, kind: str, settings: dict[str, Any]) -> Target:
    child, reach = start_server(processes, kind, **settings)
    address = urlsplit(reach.server_url)
    return Target(child, address.hostname or "", address.port or 0)


def main() -> None:
    """Carry out every attack, print the table, and with `--write` put it into `RESULTS.md`."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.edges_server", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--write", action="store_true", help=f"write into {RESULTS.name}")
    options = parser.parse_args()
    rows = [(attack, *effects(attack)) for attack in ATTACKS]
    lines = [
        "## The edges: the server under attack",
        "",
        f"By `{parser.prog} --write`. {os.cpu_count()} cores, {datetime.now(UTC):%Y-%m-%d}.",
        "",
        "| attack | what was done | without the bound | with it | what was said |",
        "| --- | --- | --- | --- | --- |",
        *(
            f"| {attack.name} | {attack.done} | {without.text} | {with_it.text} | {with_it.said} |"
            for attack, without, with_it in rows
        ),
    ]
    print("\n".join(lines))
    if options.write:
        replace_section("edges, server", lines)
    if any(with_it.size * 2 > without.size or not with_it.said for _, without, with_it in rows):
        sys.exit(1)


if __name__ == "__main__":
    main()
