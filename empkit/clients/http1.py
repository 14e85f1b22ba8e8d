"""A thin HTTP/1.1 client over asyncio; httptools parses the responses.

It is in the measured path, so it was chosen by measurement (`benchmarks/RESULTS.md`: with one
request in flight, a general client takes 1.3 to 2.7 times as long, and wrk, written in C, two
thirds as long). With a general client the kit would have measured the client. The price: it
supports only what the kit needs, requests with a body of known length on persistent connections.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import NamedTuple, cast
from urllib.parse import urlsplit

import httptools

from empkit.clients.base import NoAnswerError, NotSentError
from empkit.tls import verified

MAX_RESPONSE_BYTES = 64 * 2**20
CLOSE_TIMEOUT_S = 2.0
MOST_CONNECTIONS = 128
"""A server gains nothing from more. When all are busy, a request waits, as in a browser (6) or
aiohttp (100)."""


class Response(NamedTuple):
    """A response: status code and body."""

    code: int
    body: bytes


class _Connection(asyncio.Protocol):
    """One connection; one request at a time."""

    def __init__(self) -> None:
        self.open = True
        self.lost: asyncio.Future[None]
        self._transport: asyncio.Transport
        self._parser: httptools.HttpResponseParser
        self._body = bytearray()
        self._answer: asyncio.Future[Response] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.lost = asyncio.get_running_loop().create_future()

    def request(self, data: bytes) -> asyncio.Future[Response]:
        """Write a request; the future is its response."""
        self._answer = asyncio.get_running_loop().create_future()
        self._parser = httptools.HttpResponseParser(self)
        self._body.clear()
        self._transport.write(data)
        return self._answer

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, AttributeError) as error:
            self._fail(f"The response is not HTTP: {error}")
            self.close()

    def on_body(self, body: bytes) -> None:
        self._body += body
        if len(self._body) > MAX_RESPONSE_BYTES:
            self._fail(f"The response is larger than {MAX_RESPONSE_BYTES} bytes.")
            self.close()

    def on_message_complete(self) -> None:
        if not self._parser.should_keep_alive():
            self.close()
        if self._answer is not None and not self._answer.done():
            code = self._parser.get_status_code()
            self._answer.set_result(Response(code, bytes(self._body)))

    def connection_lost(self, exc: Exception | None) -> None:
        self.open = False
        self.lost.set_result(None)
        self._fail(f"The connection was lost: {exc or 'closed by the server'}.")

    def _fail(self, reason: str) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(NoAnswerError(reason))

    def close(self) -> None:
        self.open = False
        self._transport.close()


class Http1:
    """Requests to one server over as many connections as there are requests in flight, up to 128.

    Args:
        url: `http://` or `https://`, host and port; certificates are verified.
        ca_file: the certificate of an authority to trust; by default those of the system.

    Raises:
        ValueError: this is not a URL of a server, or the certificate file cannot be read.
    """

    def __init__(self, url: str, ca_file: Path | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"{url!r} is not the address of a server; expected http://HOST:PORT.")
        self._ssl = verified(ca_file) if parts.scheme == "https" else None
        self._host = parts.hostname
        self._port = parts.port or (443 if self._ssl else 80)
        self._prefix = parts.path.rstrip("/")
        self._netloc = parts.netloc.rpartition("@")[2]
        self._idle: list[_Connection] = []
        self._all: set[_Connection] = set()
        self._slots = asyncio.Semaphore(MOST_CONNECTIONS)
        self.connections = 0

    def head(self, method: str, path: str, headers: dict[str, str]) -> bytes:
        """Return the constant part of a request, up to the length of its body."""
        lines = [f"{method} {self._prefix}{path} HTTP/1.1", f"Host: {self._netloc}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return ("\r\n".join(lines) + "\r\nContent-Length: ").encode("ascii")

    async def request(self, head: bytes, body: bytes = b"") -> Response:
        """Send a request and wait for its response.

        Args:
            head: from `head`.
            body: the body.

        Raises:
            NotSentError: no connection could be made.
            NoAnswerError: the connection was lost before the response was whole.
        """
        async with self._slots:
            connection = await self._take()
            try:
                return await connection.request(b"%b%d\r\n\r\n%b" % (head, len(body), body))
            except BaseException:
                connection.close()  # a late response would be read as the next request's
                raise
            finally:
                if connection.open:
                    self._idle.append(connection)
                else:
                    self._all.discard(connection)

    async def _take(self) -> _Connection:
        while self._idle:
            connection = self._idle.pop()
            if connection.open:
                return connection
            self._all.discard(connection)
        loop = asyncio.get_running_loop()
        try:
            _, connection = await loop.create_connection(
                _Connection, self._host, self._port, ssl=self._ssl
            )
        except OSError as error:
            raise NotSentError(f"No connection to {self._netloc}: {error}") from error
        self.connections += 1
        self._all.add(connection)
        return connection

    async def close(self) -> None:
        """Close all connections."""
        connections = list(self._all)
        self._all.clear()
        self._idle.clear()
        for connection in connections:
            connection.close()
        if connections:  # the closing exchange of TLS takes a while
            lost = [connection.lost for connection in connections]
            await asyncio.wait(lost, timeout=CLOSE_TIMEOUT_S)
