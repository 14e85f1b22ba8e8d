"""Employee records over one WebSocket connection."""

from __future__ import annotations

import asyncio
import contextlib
from typing import ClassVar
from urllib.parse import urlsplit

import orjson
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as ws_connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

from empkit.clients.base import (
    Answer,
    Client,
    ClientError,
    NoAnswerError,
    NotSentError,
)
from empkit.clients.http1 import Http1
from empkit.clients.tokens import fetch_token
from empkit.secure import verified
from empkit.settings import Settings

_Waiting = dict[int, asyncio.Future[Answer]]

NUMBERED = Subprotocol("empkit.numbered")
"""The subprotocol in which each answer has the number of its message."""

LOOPBACK = {"127.0.0.1", "::1", "localhost"}


class WebSocketClient(Client):
    """Sends records over one connection, several in flight; answers are told apart by number.

    Args:
        settings: the server, and user and password.
        token: a token to begin with; without one the client gets its own.
    """

    protocol: ClassVar[str] = "websocket"

    def __init__(self, settings: Settings, token: str | None = None) -> None:
        super().__init__(settings)
        self._token = token
        self._http = Http1(settings.server_url, settings.ca_file)
        self._connection: ClientConnection | None = None
        self._connecting = asyncio.Lock()
        self._reader: asyncio.Task[None] | None = None
        self._waiting: _Waiting = {}
        self._sent = 0

    async def open(self) -> None:
        """Get a token and connect."""
        await self._connect()

    async def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()
        if self._reader is not None:
            await self._reader
        await self._http.close()

    async def _connect(self) -> ClientConnection:
        """The connection, made anew when it was lost; only one is made at a time."""
        async with self._connecting:
            if self._connection is not None:
                return self._connection
            if self._token is None:
                self._token = await self._new_token()
            url = self.settings.websocket_url()
            try:
                connection = await ws_connect(
                    url,
                    additional_headers={"Authorization": f"Bearer {self._token}"},
                    # websockets would take even a loopback address through $http_proxy
                    proxy=None if urlsplit(url).hostname in LOOPBACK else True,
                    subprotocols=[NUMBERED],
                    ssl=verified(self.settings.ca_file) if url.startswith("wss:") else None,
                    compression=None,
                    open_timeout=self.settings.attempt_timeout_s,
                )
            except InvalidStatus as error:
                code = error.response.status_code
                raise NotSentError(
                    f"{url} answered {code} instead of a WebSocket; is the path right? "
                    "(ws://HOST:PORT/ws)"
                ) from error
            except (OSError, TimeoutError, WebSocketException) as error:
                raise NotSentError(f"No WebSocket at {url}: {error}") from error
            if self._reader is not None:
                self.reconnections += 1
            self._connection = connection
            self._waiting, self._sent = {}, 0
            self._reader = asyncio.create_task(self._read(connection, self._waiting))
            return connection

    async def _new_token(self) -> str:
        try:
            return await fetch_token(self.settings, self._http)
        except NoAnswerError as error:  # of a token, not of a record
            raise NotSentError(str(error)) from error

    async def _read(self, connection: ClientConnection, waiting: _Waiting) -> None:
        """Hand each answer to the attempt that waits for it."""
        reason: ClientError = NoAnswerError("The WebSocket was closed.")
        with contextlib.suppress(ConnectionClosed):
            async for message in connection:
                content = orjson.loads(message)
                if content["result"] == "unauthorized":
                    # which record it was that came too late the server cannot tell
                    self._token = None
                    reason = NoAnswerError(content["message"])
                    break
                future = waiting.pop(content["number"], None)
                if future is not None and not future.done():
                    future.set_result(Answer(content["result"], content["message"]))
        if self._connection is connection:
            self._connection = None
        for future in waiting.values():
            if not future.done():
                future.set_exception(reason)
        waiting.clear()
        await connection.close()

    async def _attempt(self, employee_id: str | None, payload: bytes) -> Answer:
        connection = self._connection or await self._connect()
        # numbered before the first await, in the order in which the messages are written
        self._sent += 1
        number, waiting = self._sent, self._waiting
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        waiting[number] = future
        try:
            # a text frame must be UTF-8; what we did not encode ourselves may be anything
            try:
                await connection.send(payload, text=employee_id is not None)
            except asyncio.CancelledError:
                # perhaps not written: then the numbers of what follows would be wrong
                connection.transport.abort()
                raise
            return await future
        except ConnectionClosed as error:
            raise NoAnswerError(f"The WebSocket was closed: {error}") from error
        finally:
            waiting.pop(number, None)
