"""The WebSocket endpoint: accept once, authenticate, then answer record after record.

Several records may be in flight on one connection; each answer names its `employee_id`, and
answers come in the order in which records are decided, not in which they were sent.
"""

from __future__ import annotations

import asyncio
import contextlib

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from empkit.clock import now_ns
from empkit.server import answers
from empkit.server.auth import bearer_token
from empkit.server.http import accept
from empkit.server.state import State

router = APIRouter()

MAX_IN_FLIGHT = 1_000
"""Records of one connection in flight; beyond it we read no further until one is answered."""
POLICY_VIOLATION = 1008
"""Close code for a sender without a good token (RFC 6455, section 7.4.1)."""


@router.websocket("/ws")
async def employees_over_websocket(websocket: WebSocket) -> None:
    """Take records until the client goes."""
    state: State = websocket.app.state.empkit
    await websocket.accept()
    token = bearer_token(websocket.headers.get("authorization"))
    if token is None or not state.authenticator.accepts(token):
        message = answers.MISSING_TOKEN if token is None else answers.INVALID_TOKEN
        await _say(websocket, answers.unauthorized(message))
        await websocket.close(POLICY_VIOLATION)
        return
    state.websockets += 1
    try:
        await _serve(state, websocket, token)
    finally:
        state.websockets -= 1


async def _serve(state: State, websocket: WebSocket, token: str) -> None:
    slots = asyncio.Semaphore(MAX_IN_FLIGHT)
    in_flight: set[asyncio.Task[None]] = set()

    def finished(task: asyncio.Task[None]) -> None:
        in_flight.discard(task)
        slots.release()

    try:
        while (message := await websocket.receive())["type"] != "websocket.disconnect":
            received_ns = now_ns()
            if not state.authenticator.accepts(token):  # it has expired meanwhile
                await asyncio.gather(*in_flight)
                await _say(websocket, answers.unauthorized(answers.INVALID_TOKEN))
                await websocket.close(POLICY_VIOLATION)
                break
            data = message.get("text") or message.get("bytes") or b""
            await slots.acquire()
            task = asyncio.create_task(_answer(state, websocket, data, received_ns))
            in_flight.add(task)
            task.add_done_callback(finished)
    finally:
        # What was received is stored or not whether or not its sender still listens.
        await asyncio.gather(*in_flight, return_exceptions=True)


async def _answer(state: State, websocket: WebSocket, data: bytes | str, received_ns: int) -> None:
    limit = state.settings.max_record_bytes
    size = len(data) if isinstance(data, bytes) else len(data.encode(errors="replace"))
    if size > limit:
        await _say(websocket, answers.too_large(size, limit, data))
    else:
        await _say(websocket, await accept(state, data, received_ns, "websocket"))


async def _say(websocket: WebSocket, answer: answers.Answer) -> None:
    # the client may be gone by now, or we have told it to go
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        await websocket.send_text(answer.body().decode())
