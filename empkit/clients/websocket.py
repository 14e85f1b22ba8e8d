"""Employee records over one WebSocket connection.

The library's connection reads messages through a queue and a task, and writes them in a context
that watches for the closing handshake; in a profile the two took 46 us of the 211 us of a record
with one in flight. Here an answer goes from the library's parser to the future that waits for it.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import orjson
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as ws_connect
from websockets.exceptions import InvalidState, InvalidStatus, WebSocketException
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import Event
from websockets.typing import Subprotocol

from empkit import wire
from empkit.clients.answers import ForeignAnswerError, read, retry_after_s, shown
from empkit.clients.base import (
    Answer,
    Client,
    ClientError,
    NoAnswerError,
    NotSentError,
    UnauthorizedError,
    when_it_may,
)
from empkit.clients.http1 import Http1
from empkit.clients.tokens import checked, fetch_token
from empkit.settings import Settings
from empkit.tls import verified


class _Connect(ws_connect):
    """A connection as it is asked for: a redirection is not followed, since the records would go,
    and be timed, elsewhere."""

    def process_redirect(self, exc: Exception) -> Exception:
        """Return the error that ends the attempt to connect."""
        return exc


class _Connection(ClientConnection):
    """One connection; numbers its messages and hands each answer to the future of its message.

    A message that is no answer to a message that was sent, or a second one, ends the connection:
    what follows it cannot be told apart either.

    Attributes:
        usable: whether more messages can be sent.
        refused: whether the server refused the token.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._waiting: dict[int, tuple[asyncio.Future[Answer], str | None]] = {}
        self._given_up: dict[int, str | None] = {}
        self._sent = 0
        self._parts: list[bytes | bytearray | memoryview] = []
        self._why = ""
        self.usable = True
        self.refused = False

    async def ask(self, payload: bytes, employee_id: str | None) -> Answer:
        """Send a message and wait for its answer.

        Args:
            payload: the record, as JSON.
            employee_id: its id; None when it has none, or the payload is not the kit's JSON.

        Raises:
            NotSentError: the connection is closed already.
            NoAnswerError: it was lost before the answer came.
        """
        # numbered before the first await, in the order in which the messages are written
        self._sent += 1
        number = self._sent
        future: asyncio.Future[Answer] = self.loop.create_future()
        self._waiting[number] = future, employee_id
        try:
            # a text frame must be UTF-8; a payload that the kit did not encode may be any bytes
            text = employee_id is not None
            (self.protocol.send_text if text else self.protocol.send_binary)(payload)
            self.send_data()
            if self.paused:
                await self.drain()
            return await future
        except InvalidState as error:
            raise NotSentError(f"The WebSocket is closed: {error}") from error
        except OSError as error:
            raise NoAnswerError(f"The WebSocket was closed: {error}") from error
        finally:
            if self._waiting.pop(number, None) is not None:  # its answer may still come
                self._given_up[number] = employee_id

    def process_event(self, event: Event) -> None:
        """Handle a frame that has arrived; the library calls this, and checks their sequence."""
        if not isinstance(event, Frame) or event.opcode > Opcode.BINARY:
            super().process_event(event)
        elif not event.fin:
            self._parts.append(event.data)
        elif self._parts:
            data = b"".join((*self._parts, event.data))
            self._parts.clear()
            self._message(data)
        else:
            self._message(bytes(event.data))

    def _message(self, data: bytes) -> None:
        """Hand the answer in a message to the one who waits for it."""
        if not self.usable:
            return
        try:
            content = orjson.loads(data)
            if type(content) is not dict:
                raise ForeignAnswerError("is not a JSON object")
            if content.get("result") == wire.UNAUTHORIZED:
                # the server does not say which record came after the token had expired
                answer = read(content, None, data)
                self.refused = True
                self._give_up(answer.message)
                return
            number = content.get("number")
            if type(number) is not int:
                raise ForeignAnswerError("has no `number`")
            if not 0 < number <= self._sent:
                raise ForeignAnswerError(f"has the number {number}; {self._sent} were sent")
            if number in self._waiting:
                future, employee_id = self._waiting[number]
                answer = read(content, employee_id, data)
                del self._waiting[number]
                if not future.done():
                    future.set_result(answer)
            elif number in self._given_up:
                read(content, self._given_up.pop(number), data)
            else:
                raise ForeignAnswerError(f"is a second answer to number {number}")
        except ForeignAnswerError as error:
            self._foreign(data, str(error))
        except orjson.JSONDecodeError:
            self._foreign(data, "is not JSON")

    def data_received(self, data: bytes) -> None:
        """Handle what has arrived; after the other side has closed, or broken the protocol, there
        is no answer to come."""
        super().data_received(data)
        if self.usable and (why := self.protocol.parser_exc or self.protocol.close_rcvd):
            self._give_up(f"The WebSocket was closed: {why}.")

    def _foreign(self, data: bytes, why: str) -> None:
        """End the connection after a message that is no answer."""
        self._give_up(f"The server sent {shown(data)}, which is not an empkit answer: it {why}.")
        self.protocol.fail(CloseCode.POLICY_VIOLATION, "not an empkit answer")
        self.send_data()

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail the pending answers; the event loop calls this when the connection has ended."""
        super().connection_lost(exc)
        self._give_up(f"The WebSocket was closed: {self.protocol.close_exc}.")

    def _give_up(self, why: str) -> None:
        """Mark the connection as unusable and fail every pending answer."""
        self.usable = False
        for future, _ in self._waiting.values():
            if not future.done():
                future.set_exception(NoAnswerError(why))


class WebSocketClient(Client):
    """Sends records over one connection, several in flight; answers are matched by number.

    Args:
        settings: the server, and user and password.
        token: the token to begin with; without it, the client requests one.

    Raises:
        ValueError: a URL, the certificate file or the token cannot be used.
    """

    protocol: ClassVar[str] = "websocket"
    ack_means: ClassVar[str] = "the record is stored"
    label: ClassVar[str] = "WebSocket"
    colour: ClassVar[str] = "#009E73"
    marker: ClassVar[str] = "s"
    line: ClassVar[str] = "--"

    def __init__(self, settings: Settings, token: str | None = None) -> None:
        super().__init__(settings)
        self._token = None if token is None else checked(token)
        self._http = Http1(settings.server_url, settings.ca_file)
        self._url = settings.websocket_url()
        self._connection: _Connection | None = None
        self._connecting = asyncio.Lock()

    async def open(self) -> None:
        """Request a token, unless one was given, and connect."""
        await when_it_may(self._connect, self.settings.deadline_s)

    async def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()
        await self._http.close()

    async def _connect(self) -> _Connection:
        """Return the connection, a new one when it was lost; one task at a time connects."""
        async with self._connecting:
            last = self._connection
            if last is not None and last.usable:
                return last
            if self._token is None or (last is not None and last.refused):
                self._token = await fetch_token(self.settings, self._http)
            connection = await self._open(self._token)
            if last is not None:
                self.reconnections += 1
            self._connection = connection
            return connection

    async def _open(self, token: str) -> _Connection:
        """Return a new connection.

        Raises:
            UnauthorizedError: the token is refused.
            NotSentError: there is no WebSocket of an empkit server.
        """
        url = self._url
        try:
            connection = await _Connect(
                url,
                create_connection=_Connection,
                additional_headers={"Authorization": f"Bearer {token}"},
                proxy=None,  # over HTTP the kit knows of no proxy, either: $http_proxy and the like
                subprotocols=[Subprotocol(wire.NUMBERED)],
                ssl=verified(self.settings.ca_file) if url.startswith("wss:") else None,
                compression=None,
                open_timeout=self.settings.attempt_timeout_s,
            )
        except InvalidStatus as error:
            raise self._not_opened(error.response) from error
        except (OSError, TimeoutError, ValueError, WebSocketException) as error:
            raise NotSentError(f"No WebSocket at {url}: {error}") from error
        assert isinstance(connection, _Connection)
        if connection.subprotocol != wire.NUMBERED:
            await connection.close()
            raise NotSentError(
                f"{url} is a WebSocket, but of no empkit server: it does not take the subprotocol "
                f"{wire.NUMBERED}, in which each answer has the number of its record."
            )
        return connection

    def _not_opened(self, response: Response) -> ClientError:
        """Return the error for an answer that is no WebSocket."""
        code, headers = response.status_code, response.headers
        if code in {401, 403}:
            self._token = None
            return UnauthorizedError(f"{self._url} answered {code}: it refuses the token.")
        wait_s = retry_after_s(headers.get("Retry-After", ""))
        if code in {429, 503}:
            return NotSentError(f"{self._url} answered {code}: it takes no connection now.", wait_s)
        if code < 200:
            return NotSentError(
                f"{self._url} answered {code}, an interim response, before it answered with a "
                "WebSocket; this client cannot read past one: connect without what sends it."
            )
        location = headers.get("Location", "") if code < 400 else ""
        more = f" It redirects to {shown(location)}." if location else ""
        return NotSentError(
            f"{self._url} answered {code} instead of a WebSocket; is the path right? "
            f"(ws://HOST:PORT/ws){more}",
            wait_s if code >= 500 else 0.0,
        )

    async def _attempt(self, employee_id: str | None, payload: bytes) -> Answer:
        connection = self._connection
        if connection is None or not connection.usable:
            connection = await self._connect()
        return await connection.ask(payload, employee_id)
