"""Accepts TLS connections, so that those whose handshake never ends are bounded, too.

    listener --accept--> handshake --within a time--> uvicorn's protocol
                  |          +--not, or too many: the oldest is closed
                  +--all places are taken by served connections: closed

asyncio's own server tells nobody of a connection before its handshake has ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Callable, Sized

LOGGER = logging.getLogger(__name__)
SHUTDOWN_S = 2.0
"""How long a client may take to answer the end of its TLS session, in seconds; the server stops
later than that if it does not."""
PAUSE_S = 0.5
"""How long to wait after an error of the system, such as no descriptor left, in seconds."""


class TlsListener:
    """A server of TLS connections, with the methods that uvicorn calls of an asyncio server.

    Args:
        listener: the bound socket.
        context: with the certificate.
        make: makes the protocol of one connection.
        served: the connections whose handshake has ended.
        most: how many connections there are at most, those in their handshake included.
        timeout_s: how long a handshake may take, in seconds.

    Attributes:
        closed_early: how many connections were closed before their handshake had ended.
    """

    def __init__(
        self,
        listener: socket.socket,
        context: ssl.SSLContext,
        make: Callable[[], asyncio.Protocol],
        served: Sized,
        most: int,
        timeout_s: float,
    ) -> None:
        self._listener = listener
        self._context = context
        self._make = make
        self._served = served
        self._most = most
        self._timeout_s = timeout_s
        self._handshakes: dict[asyncio.Task[None], None] = {}  # the oldest first
        self._accepting: asyncio.Task[None] | None = None
        self.closed_early = 0

    def start(self, backlog: int) -> None:
        """Accept connections from now on.

        Args:
            backlog: how many may wait for that.
        """
        self._listener.listen(backlog)
        self._listener.setblocking(False)
        self._accepting = asyncio.create_task(self._accept())

    @property
    def waiting(self) -> int:
        """How many connections are in their handshake."""
        return len(self._handshakes)

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(self._listener)
            except OSError as error:
                LOGGER.error("No connection can be accepted: %s", error)
                await asyncio.sleep(PAUSE_S)
                continue
            if len(self._served) + self.waiting >= self._most:
                self.closed_early += 1
                oldest = next(iter(self._handshakes), None)
                if oldest is None:
                    connection.close()
                    continue
                oldest.cancel()
                del self._handshakes[oldest]
            task = loop.create_task(self._shake_hands(connection))
            self._handshakes[task] = None
            task.add_done_callback(lambda task: self._handshakes.pop(task, None))

    async def _shake_hands(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(
                self._make,
                connection,
                ssl=self._context,
                ssl_handshake_timeout=self._timeout_s,
                ssl_shutdown_timeout=SHUTDOWN_S,
            )
        except OSError:  # also ssl.SSLError, TimeoutError: of a client that does not speak TLS
            self.closed_early += 1
            connection.close()
        except asyncio.CancelledError:
            connection.close()
            raise

    def close(self) -> None:
        """Accept no more, and close what is in its handshake."""
        if self._accepting is not None:
            self._accepting.cancel()
        for task in list(self._handshakes):
            task.cancel()

    async def wait_closed(self) -> None:
        """Wait until no handshake is under way."""
        tasks = [*self._handshakes, *([self._accepting] if self._accepting else [])]
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)
