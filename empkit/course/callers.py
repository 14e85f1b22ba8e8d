"""The same request through several HTTP libraries and through a bare socket, to tell the cost of
the library from the cost of the protocol.

    time_callers(lab) --> one row per request: caller, connection, round_trip_ms

The callers take turns, request by request, in a process of their own.
"""

from __future__ import annotations

import contextlib
import http.client
import importlib.util
import queue
import random
import secrets
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import orjson
import pandas as pd

from empkit.clock import now_ns
from empkit.processes.child import follow_orders, report

if TYPE_CHECKING:
    from empkit.lab import Lab

PATH = "/employees"
TIMEOUT_S = 120.0

Send = Callable[[bytes], int]
"""Posts one body and returns the status code of the answer."""


class Target:
    """The address and the headers of the requests.

    Args:
        server_url: the URL of the server.
        token: the bearer token.
    """

    def __init__(self, server_url: str, token: str) -> None:
        address = urlsplit(server_url)
        self.host, self.port = address.hostname or "", address.port or 80
        self.url = f"{server_url}{PATH}"
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}


@contextlib.contextmanager
def _bare_socket(target: Target) -> Iterator[Send]:
    """The minimum of any client: write the request, read to the end of the answer."""
    lines = [f"POST {PATH} HTTP/1.1", f"Host: {target.host}:{target.port}"]
    lines += [f"{name}: {value}" for name, value in target.headers.items()]
    head = "\r\n".join(lines)
    with socket.create_connection((target.host, target.port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def send(body: bytes) -> int:
            connection.sendall(f"{head}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
            answer = b""
            while not answer.endswith(b"}"):  # each answer is one JSON object
                chunk = connection.recv(65_536)
                if not chunk:
                    raise ConnectionError("The server closed the connection.")
                answer += chunk
            return int(answer[len("HTTP/1.1 ") :][:3])

        yield send


@contextlib.contextmanager
def _http_client(target: Target) -> Iterator[Send]:
    """The client of the standard library."""
    connection = http.client.HTTPConnection(target.host, target.port)

    def send(body: bytes) -> int:
        connection.request("POST", PATH, body, target.headers)
        response = connection.getresponse()
        response.read()
        return response.status

    with contextlib.closing(connection):
        yield send


@contextlib.contextmanager
def _requests(target: Target) -> Iterator[Send]:
    import requests  # noqa: PLC0415 - an extra

    with requests.Session() as session:
        session.trust_env = False  # no proxy of the environment: the server is on loopback
        session.headers.update(target.headers)
        yield lambda body: session.post(target.url, data=body).status_code


@contextlib.contextmanager
def _httpx(target: Target) -> Iterator[Send]:
    import httpx  # noqa: PLC0415 - an extra

    with httpx.Client(headers=target.headers, trust_env=False) as client:
        yield lambda body: client.post(target.url, content=body).status_code


_Caller = Callable[[Target], AbstractContextManager[Send]]

_ALL: dict[str, _Caller] = {
    "bare socket": _bare_socket,
    "http.client": _http_client,
    "requests": _requests,
    "httpx": _httpx,
}
CALLERS = {
    name: caller
    for name, caller in _ALL.items()
    if name == "bare socket" or importlib.util.find_spec(name)
}
"""The callers that are installed; JupyterLab brings requests and httpx."""


def time_callers(lab: Lab, requests: int = 100, seed: int = 0) -> pd.DataFrame:
    """Time the same request through each caller, over a persistent connection and over new ones.

    Args:
        lab: a running lab.
        requests: how many per caller and kind of connection.
        seed: for the order of the turns.

    Returns:
        One row per request: caller, connection (`kept` or `new`), round_trip_ms.

    Raises:
        ChildError: the sending process failed; the message has the end of its log.

    Example:
        >>> sorted(set(time_callers(lab, requests=3)["connection"]))
        ['kept', 'new']
    """
    child = lab.processes.start_module(
        "callers",
        "empkit.course.callers",
        [lab.server_url, str(requests), str(seed)],
    )
    try:
        child.order(token=lab.token)  # other users could see an argument
        return pd.DataFrame(child.expect("timed", TIMEOUT_S)["timed"])
    finally:
        lab.processes.release(child, kill=True)


def _timed(target: Target, requests: int, seed: int) -> list[dict[str, str | float]]:
    """Return the rows of `time_callers`."""
    order = random.Random(seed)  # noqa: S311 - for the order, not for secrets
    turns = [(name, kind) for name in CALLERS for kind in ("kept", "new")]
    rows: list[dict[str, str | float]] = []
    with contextlib.ExitStack() as stack:
        senders = {name: stack.enter_context(caller(target)) for name, caller in CALLERS.items()}
        for send in senders.values():
            _post(send, _body())  # the first request makes the connection
        for _ in range(requests):
            for name, kind in order.sample(turns, len(turns)):
                body = _body()
                begin_ns = now_ns()
                with contextlib.ExitStack() as once:
                    new = kind == "new"
                    send = once.enter_context(CALLERS[name](target)) if new else senders[name]
                    _post(send, body)
                    took_ms = (now_ns() - begin_ns) / 1e6
                rows.append({"caller": name, "connection": kind, "round_trip_ms": took_ms})
    return rows


def _post(send: Send, body: bytes) -> None:
    status = send(body)
    if status != 201:
        raise RuntimeError(f"The server answered {status}.")


def _body() -> bytes:
    employee_id = f"caller-{secrets.token_hex(6)}"
    return orjson.dumps({"employee_id": employee_id, "first_name": "Ada", "last_name": "Byron"})


def main() -> None:
    """Send the requests that the arguments ask for, once the token has arrived."""
    server_url, requests, seed = sys.argv[1:]
    orders: queue.SimpleQueue[dict[str, str]] = queue.SimpleQueue()
    follow_orders(orders.put)
    target = Target(server_url, orders.get()["token"])
    report(timed=_timed(target, int(requests), int(seed)))


if __name__ == "__main__":
    main()
