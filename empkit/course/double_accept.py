"""A deliberate mistake: a WebSocket endpoint that accepts twice, in a server of its own.

The mistake is in the first description of the system: the endpoint accepts the connection and then
hands it to a manager, which accepts it again. ASGI allows `websocket.accept` once, as the first
message (https://asgi.readthedocs.io/en/latest/specs/www.html#websocket).
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, NamedTuple

import uvicorn
from fastapi import FastAPI, WebSocket
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from empkit.processes.child import follow_orders, report

if TYPE_CHECKING:
    from empkit.lab import Lab

READY_S = 20.0

app = FastAPI()


class Seen(NamedTuple):
    """One connection as its two sides saw it.

    Attributes:
        client: the close code, or the answer.
        server: the last error in its log.
    """

    client: str
    server: str


class _Manager:
    """Accepts connections and keeps them."""

    def __init__(self) -> None:
        self.connections: list[WebSocket] = []

    async def connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        self.connections.append(websocket)


_manager = _Manager()


@app.websocket("/ws")
async def endpoint(websocket: WebSocket) -> None:
    """Accept the connection, then call `connect`, which accepts it again."""
    await websocket.accept()
    await _manager.connect(websocket)
    await websocket.send_text("welcome")


async def try_double_accept(lab: Lab) -> Seen:
    """Start the server with the mistake, connect to it, and stop it.

    Args:
        lab: a running lab, which owns the process.

    Raises:
        ChildError: the server did not start.

    Example:
        >>> seen = asyncio.run(try_double_accept(lab))
    """
    child = lab.processes.start_module("double-accept", "empkit.course.double_accept")
    try:
        port = (await asyncio.to_thread(child.expect, "port", READY_S))["port"]
        async with connect(f"ws://127.0.0.1:{port}/ws", proxy=None) as websocket:
            try:
                client = f"an answer: {await websocket.recv()!r}"
            except ConnectionClosed:
                client = f"closed, code {websocket.close_code}, reason {websocket.close_reason!r}"
        await asyncio.to_thread(lab.processes.release, child)
        lines = child.log_text().strip().splitlines()
        server = next((line for line in reversed(lines) if "Error:" in line), "nothing")
        return Seen(client, server.strip())
    finally:
        if child in lab.processes.children:
            lab.processes.release(child, kill=True)


def main() -> None:
    """Serve on a port that the system chooses."""
    follow_orders(lambda order: None)
    listener = socket.create_server(("127.0.0.1", 0))
    report(port=listener.getsockname()[1])
    uvicorn.Server(uvicorn.Config(app, ws="websockets-sansio", log_level="warning")).run([listener])


if __name__ == "__main__":
    main()
