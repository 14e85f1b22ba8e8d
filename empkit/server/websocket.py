"""The WebSocket endpoint: accept and authenticate once, then answer each record.

The token comes in the header `Authorization: Bearer ...`; a client that cannot set a header, such
as a browser, sends it as the first message, `{"type": "auth", "token": "..."}`, within 5 s.

Several records may be in flight on one connection; each answer names its `employee_id`, and
answers come in the order in which records are decided, not in the order in which they were sent.
Where that is not enough (two records in flight with one id, a record whose id cannot be read) a
client requests the subprotocol `empkit.numbered`: then each answer contains the `number` of its
message, counted from 1, and its `result` (see `empkit.server.answers`).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import MutableMapping
from typing import Any

import orjson
from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from empkit import wire
from empkit.clock import now_ns
from empkit.server import answers
from empkit.server.auth import bearer_token
from empkit.server.guarded import authenticated
from empkit.server.http import accept
from empkit.server.state import State

router = APIRouter()

MAX_IN_FLIGHT = 1_000
"""The maximum number of records in flight per connection; reading then waits for an answer."""
CLOSE_TIMEOUT_S = 5.0
AUTH_TIMEOUT_S = 5.0
MAX_AUTH_CHARACTERS = 8_192


@router.websocket(wire.WEBSOCKET)
async def employees_over_websocket(websocket: WebSocket) -> None:
    """Take records until the client disconnects."""
    state: State = websocket.app.state.empkit
    numbered = wire.NUMBERED in websocket.scope.get("subprotocols", ())
    header = websocket.headers.get("authorization")
    token = None if header is None else bearer_token(header)
    if token is not None and state.authenticator.accepts(token):
        authenticated(websocket.scope)  # before the client may send
    await websocket.accept(wire.NUMBERED if numbered else None)
    connection = _Connection(state, websocket, numbered=numbered)
    if header is None:
        token = await _first_message(websocket)
    if token is None or not state.authenticator.accepts(token):
        await connection.turn_away(
            answers.MISSING_TOKEN if token is None else answers.INVALID_TOKEN
        )
        return
    if header is None:
        authenticated(websocket.scope)
        await connection.welcome()
    state.websockets += 1
    try:
        await connection.serve(token)
    finally:
        state.websockets -= 1


async def _first_message(websocket: WebSocket) -> str | None:
    """Return the token of the first message; None if it is late or contains no token."""
    message: MutableMapping[str, Any] = {}
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(AUTH_TIMEOUT_S):
            message = await websocket.receive()
    text = message.get("text") or ""
    if len(text) > MAX_AUTH_CHARACTERS:
        return None
    try:
        content = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(content, dict) or content.get("type") != "auth":
        return None
    token = content.get("token")
    return token if isinstance(token, str) else None


class _Connection:
    """One accepted connection."""

    def __init__(self, state: State, websocket: WebSocket, *, numbered: bool) -> None:
        self._state = state
        self._websocket = websocket
        self._numbered = numbered
        self._number = 0

    async def serve(self, token: str) -> None:
        """Answer records until the client disconnects or its token expires."""
        slots = asyncio.Semaphore(MAX_IN_FLIGHT)
        in_flight: set[asyncio.Task[None]] = set()

        def finished(task: asyncio.Task[None]) -> None:
            in_flight.discard(task)
            slots.release()

        try:
            while (message := await self._websocket.receive())["type"] != "websocket.disconnect":
                received_ns = now_ns()
                self._number += 1
                if not self._state.authenticator.accepts(token):  # it has expired meanwhile
                    await asyncio.gather(*in_flight)
                    await self.turn_away(answers.INVALID_TOKEN)
                    break
                data = message.get("text") or message.get("bytes") or b""
                await slots.acquire()
                task = asyncio.create_task(self._answer(data, received_ns, self._number))
                in_flight.add(task)
                task.add_done_callback(finished)
        finally:
            # Records that were received are decided even if the client has disconnected.
            await asyncio.gather(*in_flight, return_exceptions=True)

    async def welcome(self) -> None:
        """Answer a first message with a valid token."""
        await self._say(answers.AUTHENTICATED, 0)

    async def turn_away(self, message: str) -> None:
        """Send the reason, then close."""
        await self._say(answers.unauthorized(message), self._number)
        with contextlib.suppress(WebSocketDisconnect, RuntimeError, TimeoutError):
            await self._websocket.close(wire.POLICY_VIOLATION)
            # Messages that the client has sent meanwhile precede its close frame: unless they are
            # read, both sides wait for each other.
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                while (await self._websocket.receive())["type"] != "websocket.disconnect":
                    pass

    async def _answer(self, data: bytes | str, received_ns: int, number: int) -> None:
        limit = self._state.settings.max_record_bytes
        size = len(data) if isinstance(data, bytes) else len(data.encode(errors="replace"))
        if size > limit:
            answer = answers.too_large(size, limit, data)
        else:
            answer = await accept(self._state, data, received_ns, "websocket")
        await self._say(answer, number)

    async def _say(self, answer: answers.Answer, number: int) -> None:
        """Send the answer to the message of this number; 0 is the authentication."""
        content = answer.numbered(number) if self._numbered else answer.first_described()
        # the client may have disconnected, or the server has closed the connection
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await self._websocket.send_text(content.decode())
