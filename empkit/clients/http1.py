"""A thin HTTP/1.1 client over asyncio; httptools parses the responses.

It is in the measured path, so it was chosen by measurement (`benchmarks/RESULTS.md`: with one
request in flight, a general client takes 1.3 to 2.7 times as long, and wrk, written in C, two
thirds as long). With a general client the kit would have measured the client. The price: it
supports only what the kit needs, requests with a body of known length on persistent connections.
"""

from __future__ import annotations

import asyncio
import select
import ssl
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, cast

import httptools

from empkit import addresses
from empkit.clients.answers import retry_after_s, shown
from empkit.clients.base import NoAnswerError, NotSentError
from empkit.shortage import said
from empkit.tls import speaks_tls, verified

MAX_RESPONSE_BYTES = 64 * 2**20
TLS_ALERT_BYTES = 7
"""What a TLS server may say to a request without TLS; most close the connection and say nothing."""
_TLS_HERE = "{} speaks TLS: its URL begins with https://."
_NOT_WHOLE = "The server answered {}, but its body was not whole"
CLOSE_TIMEOUT_S = 2.0
MOST_CONNECTIONS = 128
"""A server gains nothing from more. When all are busy, a request waits, as in a browser (6) or
aiohttp (100)."""


class Response(NamedTuple):
    """A response: status code, body, and what its headers say of the next request.

    Attributes:
        code: the status code.
        body: the body, without the coding of its transfer and content.
        retry_after_s: how long the server asks to wait, in seconds.
        location: where it redirects to; empty when it does not.
        close: closes the connection that it came over. For the one who waits for the response, at
            once; later the connection is in use again.
    """

    code: int
    body: bytes
    retry_after_s: float = 0.0
    location: str = ""
    close: Callable[[], None] = lambda: None


class _Connection(asyncio.Protocol):
    """One connection; one request at a time.

    An answer belongs to the request that is under way. So that no other can be taken for it, the
    connection is closed, never used again, after everything that does not leave it exactly at
    the end of an answer: a response that cannot be used, bytes after one, bytes before a request,
    an answer that came before the whole request was written, a request that was given up.
    """

    def __init__(self) -> None:
        self.open = True
        self.lost: asyncio.Future[None]
        self._transport: asyncio.Transport
        self._parser: httptools.HttpResponseParser
        self._fields: dict[bytes, bytes] = {}
        self._head: dict[bytes, bytes] = {}
        self._body = bytearray()
        self.code = 0  # of a response whose head has arrived
        self.received = 0  # bytes of the answer to the request under way
        self._until_end = False  # the body ends with the connection
        self._answer: asyncio.Future[Response] | None = None  # None: no request is under way
        self._ready: Any = None
        if sys.platform != "win32":  # which has no poll
            self._ready = select.poll()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.lost = asyncio.get_running_loop().create_future()
        if sys.platform != "win32":
            self._ready.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def usable(self) -> bool:
        """Return whether a request can be sent: it is open, and the server has sent nothing."""
        return self.open and not (self._ready is not None and self._ready.poll(0))

    def request(self, data: bytes) -> asyncio.Future[Response]:
        """Write a request; the future is its response."""
        self._answer = answer = asyncio.get_running_loop().create_future()
        self._parser = httptools.HttpResponseParser(self)
        self.received = self.code = 0
        self._transport.write(data)
        return answer

    def data_received(self, data: bytes) -> None:
        if self._answer is None or not self.open:
            self.close()  # no request is under way: this answers nothing
            return
        self.received += len(data)
        if self.received > MAX_RESPONSE_BYTES:
            self._fail(f"The response is larger than {MAX_RESPONSE_BYTES} bytes.")
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._fail("The server switches to another protocol, which was not asked for.")
        except httptools.HttpParserError as error:
            self._fail(
                f"The response has a Content-Length among the fields after its body: {error}."
                if self.code and "Content-Length" in str(error)
                else f"The response is not HTTP: {error}"
            )

    def on_message_begin(self) -> None:
        if self._answer is None:  # bytes after the answer
            self.close()
        self._fields = {}
        self._body = bytearray()
        self._until_end = False
        self.code = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields[name.lower()] = value

    def on_headers_complete(self) -> None:
        self.code = code = self._parser.get_status_code()
        head = self._fields
        self._head, self._fields = head, {}  # what comes now are trailers, which say nothing
        coding, length = head.get(b"transfer-encoding"), head.get(b"content-length")
        if code < 200 or code in {204, 304}:
            if coding is not None or (length or b"0").strip(b"0"):
                self._fail(f"The response {code} has a body, which it must not have.")
        elif coding is None:
            self._until_end = length is None
        elif self._parser.get_http_version() != "1.1":
            self._fail("The response has a transfer coding, which there is only in HTTP/1.1.")
        elif coding.strip().lower() != b"chunked":
            self._fail(f"The response has the transfer coding {shown(coding)}; expected chunked.")

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        if self._answer is None:
            return
        code = self._parser.get_status_code()
        if code < 200:
            if code == 101:
                self._fail("The server switches to another protocol, which was not asked for.")
            return  # an interim response: the answer follows
        self._complete(code)

    def _complete(self, code: int) -> None:
        answer, self._answer = self._answer, None
        if not self._parser.should_keep_alive() or self._transport.get_write_buffer_size():
            self.close()
        if answer is None or answer.done():
            return
        head, body = self._head, bytes(self._body)
        try:
            if b"content-encoding" in head:
                body = _decoded(body, head[b"content-encoding"])
        except NoAnswerError as error:
            self.close()
            answer.set_exception(error)
            return
        location = head.get(b"location", b"").decode("latin-1") if 300 <= code < 400 else ""
        wait_s = (
            retry_after_s(head[b"retry-after"].decode("latin-1")) if b"retry-after" in head else 0.0
        )
        answer.set_result(Response(code, body, wait_s, location, self.close))

    def eof_received(self) -> None:
        if self._until_end and self._answer is not None:
            self._complete(self._parser.get_status_code())

    def connection_lost(self, exc: Exception | None) -> None:
        why = exc or "closed by the server"
        if self.code >= 200:
            self._fail(f"{_NOT_WHOLE.format(self.code)}: the connection was lost: {why}.")
        else:
            self._fail(f"The connection was lost: {why}.")
        self.lost.set_result(None)

    def _fail(self, reason: str) -> None:
        """End the request under way without an answer, and close the connection."""
        answer, self._answer = self._answer, None
        if answer is not None and not answer.done():
            answer.set_exception(NoAnswerError(reason))
        self.close()

    def close(self) -> None:
        self.open = False
        self._transport.close()


def _decoded(body: bytes, coding: bytes) -> bytes:
    """Return a body without its content coding.

    Raises:
        NoAnswerError: the coding is not known, or the body is not coded so.
    """
    name = coding.strip().lower()
    if name in {b"", b"identity"}:
        return body
    if name not in {b"gzip", b"x-gzip", b"deflate"}:
        raise NoAnswerError(f"The response has the content coding {shown(coding)}; expected gzip.")
    unzip = zlib.decompressobj(32 + zlib.MAX_WBITS)  # either of the two forms
    try:
        plain = unzip.decompress(body, MAX_RESPONSE_BYTES)
    except zlib.error as error:
        raise NoAnswerError(f"The response cannot be decoded as {name.decode()}: {error}") from None
    if not unzip.eof or unzip.unused_data:
        raise NoAnswerError(f"The response is not one whole {name.decode()} stream.")
    return plain


class Http1:
    """Requests to one server over as many connections as there are requests in flight, up to 128.

    Args:
        url: `http://` or `https://`, host and port; certificates are verified.
        ca_file: the certificate of an authority to trust; by default those of the system.

    Raises:
        ValueError: this is not a URL of a server, or the certificate file cannot be read.

    Attributes:
        url: the URL, without a slash at its end.
        connections: how many connections were made.
    """

    def __init__(self, url: str, ca_file: Path | None = None) -> None:
        address = addresses.parse(url, "http", "https")
        self.url = address.url
        self._ssl = verified(ca_file) if address.scheme == "https" else None
        self._host, self._port = address.host, address.port
        self._prefix, self._netloc = address.path, address.netloc
        self._idle: list[_Connection] = []
        self._all: set[_Connection] = set()
        self._slots = asyncio.Semaphore(MOST_CONNECTIONS)
        self._answered = False  # the server has answered a request
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
            NoAnswerError: the connection was lost before the response was whole, or the response
                cannot be used.
        """
        async with self._slots:
            connection = await self._take()
            try:
                response = await connection.request(b"%b%d\r\n\r\n%b" % (head, len(body), body))
                self._answered = True
                return response
            except NoAnswerError as error:
                connection.close()
                odd = not self._answered and connection.received <= TLS_ALERT_BYTES
                if odd and self._ssl is None and await speaks_tls(self._host, self._port):
                    raise NotSentError(_TLS_HERE.format(self._netloc)) from error
                raise
            except BaseException as error:
                if connection.code >= 200 and isinstance(error, asyncio.CancelledError):
                    error.add_note(_NOT_WHOLE.format(connection.code))
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
            if connection.usable():
                return connection
            connection.close()
            self._all.discard(connection)
        connection = await self._connect()
        self.connections += 1
        if not (connection.open if self._ssl else connection.usable()):
            connection.close()
            raise NotSentError(
                f"{self._netloc} closed the connection, or sent something, before any request."
            )
        self._all.add(connection)
        return connection

    async def _connect(self) -> _Connection:
        """Return a new connection.

        Raises:
            NotSentError: none could be made.
        """
        loop = asyncio.get_running_loop()
        try:
            _, connection = await loop.create_connection(
                _Connection, self._host, self._port, ssl=self._ssl
            )
        except ssl.SSLError as error:
            plain = error.reason in {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"}
            hint = " It seems to speak no TLS: is it http://?" if plain else ""
            raise NotSentError(f"No connection to {self._netloc}: {error}.{hint}") from error
        except OSError as error:
            raise NotSentError(f"No connection to {self._netloc}: {said(error)}") from error
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
