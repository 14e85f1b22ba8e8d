"""uvicorn's protocols with bounds: on connections, on the time and the head of a request, on
requests sent ahead, and on what a WebSocket takes in of a client that is not known yet."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterable, MutableMapping
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

MAX_AUTH_BYTES = 16_384
"""The largest message of a client that is not known yet; a longer one closes the connection."""
_LIFT = "empkit.authenticated"


class GuardedWebSocket(WebSocketsSansIOProtocol):
    """One connection; the application calls `authenticated` when it knows the client.

    Example:
        >>> issubclass(GuardedWebSocket, WebSocketsSansIOProtocol)
        True
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._most = self.conn.max_message_size
        self.conn.max_message_size = MAX_AUTH_BYTES

    def handle_connect(self, event: Request) -> None:
        """Let the application lift the limit."""
        super().handle_connect(event)
        if hasattr(self, "scope"):  # there is none for a bad handshake
            cast("MutableMapping[str, Any]", self.scope)[_LIFT] = self._lift

    def _lift(self) -> None:
        self.conn.max_message_size = self._most

    def data_received(self, data: bytes) -> None:
        """Answer also a handshake that cannot be read, which uvicorn leaves without an answer."""
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.close_sent:
            self.handshake_complete = self.close_sent = True
            self.transport.write(_answer(_TOO_LARGE, b"Error: the handshake cannot be read"))
            self.transport.close()


def authenticated(scope: MutableMapping[str, Any]) -> None:
    """Take in messages of every permitted size from now on.

    Args:
        scope: that of the connection (ASGI).
    """
    lift: Callable[[], None] | None = scope.get(_LIFT)
    if lift is not None:
        lift()


MAX_HEAD_BYTES = 65_536
"""The largest head of a request, and the largest part of a body in chunks that is not its content;
what arrives at once, of up to 256 KiB, is looked at before it is counted."""

MOST_AHEAD = 32
"""How many requests a client may have sent before the first one is answered."""

_TOO_LARGE = b"431 Request Header Fields Too Large"

_CHUNK_SHARE = 11
"""How many bytes of a body in chunks may come with each byte of its content: a chunk of one byte
takes five more."""


class AheadError(Exception):
    """A client has sent too many requests ahead."""


SWEEP_S = 1.0
SPARE_DESCRIPTORS = 128
"""How many descriptors stay free for the database, logs and brokers; half of them if there are few.
A server with 8 records in flight has 32 open."""
LEAST_DESCRIPTORS = 64
"""A server that may not have that many does not start."""


class GuardedHttp(HttpToolsProtocol):
    """One connection; `sweep` closes it when a request takes too long to arrive, or to begin.

    Args:
        most: how many connections the server has at most; a further one is refused (503).
        arguments, options: those of uvicorn.

    Example:
        >>> issubclass(GuardedHttp, HttpToolsProtocol)
        True
    """

    def __init__(self, *arguments: Any, most: int, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._most = most
        self._since: float | None = None
        self._overdue = False
        self._in_body = False
        self._overhead = 0  # bytes of this head, or of this body besides its content
        self._requests = 0
        self._refused = False  # something behind the requests that are to be answered

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection unless there are too many."""
        super().connection_made(transport)
        self._since = self.loop.time()
        if len(self.connections) > self._most:
            self._end(b"503 Service Unavailable", b"Error: the server has too many connections")

    def data_received(self, data: bytes) -> None:
        """Count what is no content, and close the connection when that is too much."""
        if self._since is None and self._is_idle():
            self._since, self._overdue = self.loop.time(), False  # blank lines begin no request
        requests, in_body = self._requests, self._in_body
        self._overhead += len(data)  # of a head that begins or ends here, the parser makes it 0
        super().data_received(data)
        if (self._requests, self._in_body) != (requests, in_body):
            self._overhead = 0
        elif self._overhead > MAX_HEAD_BYTES and self in self.connections:
            self._end(_TOO_LARGE, b"Error: the head of the request is too large")

    def on_message_begin(self) -> None:
        """Note when a request begins.

        Raises:
            AheadError: too many wait for an answer.
        """
        if len(self.pipeline) >= MOST_AHEAD:
            raise AheadError
        super().on_message_begin()
        self._requests += 1
        self._since, self._overdue = self.loop.time(), False

    def on_headers_complete(self) -> None:
        """Count anew for the body."""
        super().on_headers_complete()
        self._in_body, self._overhead = True, 0

    def on_body(self, body: bytes) -> None:
        """Count the content as what it may come with."""
        super().on_body(body)
        self._overhead = max(self._overhead - _CHUNK_SHARE * len(body), -MAX_HEAD_BYTES)

    def on_message_complete(self) -> None:
        """Note that it is whole."""
        self._since = None
        self._in_body, self._overhead = False, 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Begin with the next request that was sent ahead, and read no further ones before; after
        the last one before what was refused, close the connection."""
        last = not self.pipeline
        super().on_response_complete()
        if not last:
            self.flow.pause_reading()
        elif self._refused:
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request, or one too many. Where others are ahead of it, the answer
        would be taken for theirs: the connection ends after their answers instead."""
        self._since = None
        if self._is_idle():
            super().send_400_response(msg)
        else:
            self._refused = True
            self.flow.pause_reading()

    def _is_idle(self) -> bool:
        """Return whether each request so far has its answer."""
        return self.cycle is None or self.cycle.response_complete

    def check(self, timeout_s: float) -> None:
        """Close the connection if its request began too long ago, and again did so the last time:
        a server that was stopped meanwhile first reads what has arrived.

        Args:
            timeout_s: how long a request may take to arrive, in seconds.
        """
        if self._since is None or self.loop.time() - self._since < timeout_s:
            return
        if self._overdue:
            self._end(b"408 Request Timeout", b"Error: the request took too long to arrive")
        self._overdue = True

    def _end(self, status: bytes, reason: bytes) -> None:
        self._since = None
        if self._is_idle():
            self.transport.write(_answer(status, reason))
        self.transport.close()


def _answer(status: bytes, reason: bytes) -> bytes:
    return (
        b"HTTP/1.1 %b\r\ncontent-type: text/plain\r\ncontent-length: %d\r\n"
        b"retry-after: 1\r\nconnection: close\r\n\r\n%b" % (status, len(reason), reason)
    )


async def sweep(connections: Iterable[object], timeout_s: float) -> None:
    """Close what takes too long to arrive, again and again.

    Args:
        connections: the open ones.
        timeout_s: how long a request may take to arrive, in seconds.
    """
    while True:
        await asyncio.sleep(min(SWEEP_S, timeout_s / 4))
        for connection in list(connections):
            if isinstance(connection, GuardedHttp):
                connection.check(timeout_s)


def most_connections(wanted: int) -> int:
    """Return how many connections there may be: as wanted, or fewer if descriptors are scarce.

    Args:
        wanted: the number that the settings allow.
    """
    if sys.platform == "win32":
        return wanted
    import resource  # noqa: PLC0415 - Windows has none

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    spare = min(SPARE_DESCRIPTORS, soft // 2)
    return wanted if soft < 0 else max(1, min(wanted, soft - spare))
