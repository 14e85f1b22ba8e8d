"""Listeners, connections, and the toxics that they meet.

    client <--> Side ---- flow "up" ----> Side <--> upstream
                     <--- flow "down" ---

No proxy can delay TCP's handshake, which is answered here before anything is known.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from functools import partial
from itertools import count
from random import Random
from typing import cast

from empkit.proxy.chunk import Direction, End
from empkit.proxy.flow import Flow, Stage
from empkit.proxy.toxics.base import CONNECTIONS, Toxic

_numbers = count()  # of connections


class Dose:
    """A toxic that was added, and the connections that it has met."""

    def __init__(self, toxic_id: str, listener: str, toxic: Toxic, seed: int) -> None:
        self.id, self.listener, self.toxic = toxic_id, listener, toxic
        self._seed = seed
        self._met = 0
        self._struck = 0
        self._by_bytes = toxic.unit != CONNECTIONS
        self._connections: set[int] = set()  # the numbers of those that it struck

    @property
    def struck(self) -> int:
        """How many bytes or connections it has touched: `toxic.unit` says which."""
        return self._struck if self._by_bytes else len(self._connections)

    def strike(self, connection: int, size: int) -> None:
        """Count what was touched.

        Args:
            connection: the number of the connection.
            size: bytes of it.
        """
        self._struck += size
        if not self._by_bytes:
            self._connections.add(connection)

    def affects_next(self) -> Random | None:
        """Whether the next connection is affected: then the source of its chances, else None."""
        number, toxic = self._met, self.toxic
        self._met += 1
        since = number - toxic.after_connections
        if since < 0 or (toxic.connections is not None and since >= toxic.connections):
            return None
        random = Random(f"{self._seed}/{self.id}/{number}")  # noqa: S311 (chances, not secrets)
        return random if random.random() < toxic.share else None


class Side(asyncio.Protocol):
    """One of the two sockets of a connection."""

    def __init__(self, connection: Connection, reads: Flow, writes: Flow) -> None:
        self.transport: asyncio.Transport | None = None
        self._connection = connection
        self._reads, self._writes = reads, writes

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Be what one flow reads from and the other writes to."""
        self.transport = self._reads.source = cast("asyncio.Transport", transport)
        self._connection.made(self)
        self._writes.connected(self.transport)

    def data_received(self, data: bytes) -> None:
        """Hand on what came."""
        self._reads.read(data)

    def eof_received(self) -> bool:
        """Hand on the end; the other direction goes on."""
        self._reads.end("eof")
        return True

    def pause_writing(self) -> None:
        """Too much waits to be sent: let the other side read no more."""
        self._writes.target_full = True
        self._writes.balance()

    def resume_writing(self) -> None:
        """There is room again."""
        self._writes.target_full = False
        self._writes.balance()

    def connection_lost(self, error: Exception | None) -> None:
        """The socket is gone, by our doing or not."""
        self.transport = None
        self._connection.lost(self._reads)

    def end(self, how: End) -> None:
        """Close after what was written ("close"), at once ("cut"), or with an RST ("reset")."""
        if self.transport is None:
            return
        if how == "reset":
            sock = self.transport.get_extra_info("socket")
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        (self.transport.close if how == "close" else self.transport.abort)()


class Listener:
    """A port that clients connect to, the upstream behind it, and what went through."""

    def __init__(self, name: str, upstream: tuple[str, int] | None) -> None:
        self.name, self.upstream = name, upstream
        self.server: asyncio.Server | None = None
        self.accepted = 0
        self.open: dict[Connection, None] = {}  # in the order of acceptance
        self.bytes: dict[Direction, int] = {"up": 0, "down": 0}


class Connection:
    """A client's connection and the one made for it to the upstream."""

    def __init__(self, listener: Listener, doses: dict[str, Dose]) -> None:
        self.listener = listener
        self._doses = doses
        self._number = next(_numbers)
        self.up = Flow(self, "up", listener.bytes)
        self.down = Flow(self, "down", listener.bytes)
        self.client = Side(self, reads=self.up, writes=self.down)
        self._upstream = Side(self, reads=self.down, writes=self.up)
        self._barred: set[str] = set()  # the toxics that keep it from the upstream
        self._connecting: asyncio.Task[None] | None = None
        self._closed = False

    def made(self, side: Side) -> None:
        """A socket is connected; with the client's, meet the toxics and go on to the upstream."""
        if self._closed:  # while the upstream was being connected
            side.end("cut")
        elif side is self.client:
            self.listener.accepted += 1
            self.listener.open[self] = None
            # not at once: only after this does the loop begin to read, and can be stopped
            asyncio.get_running_loop().call_soon(self.up.balance)
            for dose in self._doses.values():
                self.meet(dose, new=True)
            self._connect()

    def meet(self, dose: Dose, *, new: bool) -> None:
        """Suffer a toxic, if it is for this listener and its chances say so."""
        toxic = dose.toxic
        if self._closed or dose.listener not in {"*", self.listener.name}:
            return
        random = dose.affects_next()
        if random is None:
            return
        if toxic.cuts_new if new else toxic.cuts_present:
            dose.strike(self._number, 0)
            self.end("cut")
        elif new and toxic.bars_upstream:
            dose.strike(self._number, 0)
            self._barred.add(dose.id)
        if toxic.in_stream and not self._closed:
            for flow in (self.up, self.down):
                if toxic.direction in {flow.direction, "both"}:
                    chances = Random(random.random())  # noqa: S311
                    struck = partial(dose.strike, self._number)
                    flow.add(Stage(dose.id, toxic, flow, chances, struck))

    def part(self, toxic_id: str) -> None:
        """Remove a toxic."""
        self.up.remove(toxic_id)
        self.down.remove(toxic_id)
        self._barred.discard(toxic_id)
        self._connect()

    def _connect(self) -> None:
        if not (self._closed or self._barred or self._connecting):
            self._connecting = asyncio.get_running_loop().create_task(self._connect_upstream())

    async def _connect_upstream(self) -> None:
        upstream, loop = self.listener.upstream, asyncio.get_running_loop()
        try:
            if upstream is None:
                raise ConnectionRefusedError
            await loop.create_connection(lambda: self._upstream, *upstream)
        except OSError:
            self.end("cut")

    def finish(self, flow: Flow) -> None:
        """One direction has ended in good order; with both, the connection is closed."""
        flow.finished = True
        if self.up.finished and self.down.finished:
            self.end("close")
        else:
            assert flow.target is not None
            with contextlib.suppress(OSError):  # the other end may be gone
                flow.target.write_eof()

    def lost(self, reads: Flow) -> None:
        """A socket is gone; if that was not our doing, the other end has to know."""
        if not self._closed:
            reads.end("reset")
        if self.client.transport is None and self._upstream.transport is None:
            self.listener.open.pop(self, None)

    def end(self, how: End) -> None:
        """End both sockets; what stages hold is dropped. A "cut" also ends a slow "close"."""
        if self._closed and how != "cut":
            return
        self._closed = True
        self.up.clear()
        self.down.clear()
        if self._connecting is not None and self._upstream.transport is None:
            self._connecting.cancel()
        self.client.end(how)
        self._upstream.end(how)


class Proxy:
    """Listeners and the toxics on them. All methods belong to the thread of the loop.

    Args:
        seed: the chances of all toxics come from it.
    """

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._listeners: dict[str, Listener] = {}
        self._doses: dict[str, Dose] = {}
        self._added = 0

    async def add_listener(
        self,
        name: str,
        upstream_host: str | None = None,
        upstream_port: int | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> int:
        """Accept connections for an upstream.

        Args:
            name: what `add_toxic` and `connections` call it.
            upstream_host: where connections lead; may be set later with `set_upstream`.
            upstream_port: its port.
            host: address to listen on.
            port: port to listen on; 0 takes a free one.

        Returns:
            The port.

        Raises:
            ValueError: the name is taken.
            OSError: the port is.
        """
        if name in self._listeners or name == "*":
            raise ValueError(f"A listener cannot be called {name!r}: the name is taken.")
        listener = Listener(name, None)
        if upstream_host is not None and upstream_port is not None:
            listener.upstream = (upstream_host, upstream_port)
        listener.server = await asyncio.get_running_loop().create_server(
            lambda: Connection(listener, self._doses).client, host, port, backlog=1024
        )
        self._listeners[name] = listener
        return int(listener.server.sockets[0].getsockname()[1])

    def set_upstream(self, name: str, host: str, port: int) -> None:
        """Lead the connections of a listener elsewhere, from the next one on.

        Raises:
            ValueError: there is no such listener.
        """
        self._listener(name).upstream = (host, port)

    def add_toxic(self, listener: str, toxic: Toxic) -> str:
        """Put a toxic on the connections of a listener, those that are open and those to come.

        Args:
            listener: its name, or "*" for all, those added later included.
            toxic: the fault. It acts after those that were added before.

        Returns:
            What `remove_toxic` wants to know.

        Raises:
            ValueError: there is no such listener.
        """
        if listener != "*":
            self._listener(listener)
        self._added += 1
        dose = Dose(f"{toxic.kind}-{self._added}", listener, toxic, self._seed)
        self._doses[dose.id] = dose
        for connection in self._connections():
            connection.meet(dose, new=False)
        return dose.id

    def remove_toxic(self, toxic_id: str) -> int:
        """Take a toxic away. What it held back is delivered.

        Returns:
            How often it struck, in the unit of the toxic.

        Raises:
            ValueError: there is no such toxic.
        """
        dose = self._doses.pop(toxic_id, None)
        if dose is None:
            raise ValueError(f"There is no toxic {toxic_id!r}; there are {list(self._doses)}.")
        for connection in self._connections():
            connection.part(toxic_id)
        return dose.struck

    def connections(self, name: str) -> dict[str, int]:
        """Counters of a listener: `accepted` and `open` connections, `bytes_up`, `bytes_down`.

        Bytes are counted when they are passed on.

        Raises:
            ValueError: there is no such listener.
        """
        listener = self._listener(name)
        return {
            "accepted": listener.accepted,
            "open": len(listener.open),
            "bytes_up": listener.bytes["up"],
            "bytes_down": listener.bytes["down"],
        }

    def counters(self) -> dict[str, dict[str, int]]:
        """The counters of all listeners, by name."""
        return {name: self.connections(name) for name in self._listeners}

    async def close(self) -> None:
        """Stop listening and cut all connections."""
        servers = [each.server for each in self._listeners.values() if each.server is not None]
        for server in servers:
            server.close()
        while connections := self._connections():
            for connection in connections:
                connection.end("cut")
            await asyncio.sleep(0)
        for server in servers:
            await server.wait_closed()

    def _listener(self, name: str) -> Listener:
        try:
            return self._listeners[name]
        except KeyError:
            known = list(self._listeners)
            raise ValueError(f"There is no listener {name!r}; there are {known}.") from None

    def _connections(self) -> list[Connection]:
        return [each for listener in self._listeners.values() for each in listener.open]
