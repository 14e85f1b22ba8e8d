"""Listeners, connections, and the toxics that are applied to them.

    client <--> Side ---- flow "up" ----> Side <--> upstream
                     <--- flow "down" ---

The proxy cannot delay TCP's handshake: the system completes it before the proxy is informed.
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

from empkit import plugins
from empkit.proxy.chunk import Direction, End
from empkit.proxy.flow import Flow, Stage
from empkit.proxy.frames import Exchange, NotKafkaError
from empkit.proxy.toxics.base import CONNECTIONS, Toxic

_numbers = count()  # of connections


class AppliedToxic:
    """A toxic that was added to a proxy, with counters of the connections that it affected."""

    def __init__(self, toxic_id: str, listener: str, toxic: Toxic, seed: int) -> None:
        self.id, self.listener, self.toxic = toxic_id, listener, toxic
        self.failure = ""
        self._seed = seed
        self._seen = 0  # connections for which `affects_next` was called
        self._struck = 0
        self._by_bytes = toxic.unit != CONNECTIONS
        self._connections: set[int] = set()  # numbers of the affected connections
        self._first: set[int] = set()  # numbers of those that asked first

    @property
    def struck(self) -> int:
        """Number of bytes or connections that the toxic affected: `toxic.unit` says which."""
        return self._struck if self._by_bytes else len(self._connections)

    def strike(self, connection: int, size: int) -> None:
        """Count bytes and a connection as affected.

        Args:
            connection: the number of the connection.
            size: number of affected bytes.
        """
        self._struck += size
        if not self._by_bytes:
            self._connections.add(connection)

    def among_first(self, connection: int, limit: int | None) -> bool:
        """Return whether a connection is one of the first `limit` that asked; None: of any."""
        if limit is None:
            return True
        if len(self._first) < limit:
            self._first.add(connection)
        return connection in self._first

    def fail(self, error: Exception) -> None:
        """Note why a toxic had not its effect, such as an error of its code; the first is kept."""
        if not self.failure and isinstance(error, NotKafkaError):
            self.failure = (
                f"it reads Kafka without TLS, and met {error}. Let it strike nothing but that."
            )
        elif not self.failure:
            self.failure = f"its code failed with {plugins.said(error)}. Correct it there."

    def affects_next(self) -> Random | None:
        """Return the random source of the next connection if it is affected, else None."""
        number, toxic = self._seen, self.toxic
        self._seen += 1
        since = number - toxic.after_connections
        if since < 0 or (toxic.connections is not None and since >= toxic.connections):
            return None
        random = Random(f"{self._seed}/{self.id}/{number}")  # noqa: S311 (not for secrets)
        return random if random.random() < toxic.share else None


class Side(asyncio.Protocol):
    """One of the two sockets of a connection."""

    def __init__(self, connection: Connection, reads: Flow, writes: Flow) -> None:
        self.transport: asyncio.Transport | None = None
        self._connection = connection
        self._reads, self._writes = reads, writes

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Become the source of one flow and the target of the other."""
        self.transport = self._reads.source = cast("asyncio.Transport", transport)
        self._connection.made(self)
        self._writes.connected(self.transport)

    def data_received(self, data: bytes) -> None:
        """Pass received data to the flow."""
        self._reads.read(data)

    def eof_received(self) -> bool:
        """Pass the end of the stream to the flow; the other direction stays open."""
        self._reads.end("eof")
        return True

    def pause_writing(self) -> None:
        """Pause reading on the other side: the write buffer is full."""
        self._writes.target_full = True
        self._writes.balance()

    def resume_writing(self) -> None:
        """Resume reading on the other side: the write buffer has room."""
        self._writes.target_full = False
        self._writes.balance()

    def connection_lost(self, error: Exception | None) -> None:
        """Report to the connection that the socket is closed, by the proxy or by the peer."""
        self.transport = None
        self._connection.lost(self._reads)

    def end(self, how: End) -> None:
        """Close after pending writes ("close"), at once ("cut"), or with an RST ("reset")."""
        if self.transport is None:
            return
        if how == "reset":
            sock = self.transport.get_extra_info("socket")
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        (self.transport.close if how == "close" else self.transport.abort)()


class Listener:
    """A port that clients connect to, its upstream, and its counters."""

    def __init__(self, name: str, upstream: tuple[str, int] | None) -> None:
        self.name, self.upstream = name, upstream
        self.server: asyncio.Server | None = None
        self.accepted = 0
        self.open: dict[Connection, None] = {}  # in the order of acceptance
        self.bytes: dict[Direction, int] = {"up": 0, "down": 0}


class Connection:
    """A client's connection and its connection to the upstream."""

    def __init__(self, listener: Listener, toxics: dict[str, AppliedToxic]) -> None:
        self.listener = listener
        self._toxics = toxics
        self._number = next(_numbers)
        exchange = Exchange()
        self.up = Flow(self, "up", listener.bytes, exchange)
        self.down = Flow(self, "down", listener.bytes, exchange)
        self.client = Side(self, reads=self.up, writes=self.down)
        self._upstream = Side(self, reads=self.down, writes=self.up)
        self._barred: set[str] = set()  # ids of the toxics that prevent the upstream connection
        self._connecting: asyncio.Task[None] | None = None
        self._closed = False

    def made(self, side: Side) -> None:
        """Handle a connected socket; the client's gets its toxics, then its upstream connection."""
        if self._closed:  # while the upstream was being connected
            side.end("cut")
        elif side is self.client:
            self.listener.accepted += 1
            self.listener.open[self] = None
            # not now: the loop starts reading after this callback, and can only then be paused
            asyncio.get_running_loop().call_soon(self.up.balance)
            for applied in self._toxics.values():
                self.apply(applied, new=True)
            self._connect()

    def apply(self, applied: AppliedToxic, *, new: bool) -> None:
        """Apply a toxic, if it is on this listener and selects this connection."""
        toxic = applied.toxic
        if self._closed or applied.listener not in {"*", self.listener.name}:
            return
        random = applied.affects_next()
        if random is None:
            return
        if toxic.cuts_new if new else toxic.cuts_present:
            applied.strike(self._number, 0)
            self.end("cut")
        elif new and toxic.bars_upstream:
            applied.strike(self._number, 0)
            self._barred.add(applied.id)
        if toxic.in_stream and not self._closed:
            for flow in (self.up, self.down):
                if toxic.direction in {flow.direction, "both"}:
                    stage_random = Random(random.random())  # noqa: S311
                    struck = partial(applied.strike, self._number)
                    first = partial(applied.among_first, self._number)
                    flow.add(
                        Stage(applied.id, toxic, flow, stage_random, struck, applied.fail, first)
                    )

    def remove(self, toxic_id: str) -> None:
        """Remove a toxic; connect upstream if nothing else prevents it."""
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
        """Handle the orderly end of one direction; close the connection when both have ended."""
        flow.finished = True
        if self.up.finished and self.down.finished:
            self.end("close")
        else:
            assert flow.target is not None
            with contextlib.suppress(OSError):  # the peer may have closed its socket
                flow.target.write_eof()

    def lost(self, reads: Flow) -> None:
        """Handle a closed socket; reset the other side if the proxy did not close it."""
        if not self._closed:
            reads.end("reset")
        if self.client.transport is None and self._upstream.transport is None:
            self.listener.open.pop(self, None)

    def end(self, how: End) -> None:
        """End both sockets and drop what stages hold. A "cut" also ends a slow "close"."""
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
    """Listeners and the toxics on them. Call all methods from the event loop's thread.

    Args:
        seed: seed of the random decisions of all toxics.
    """

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._listeners: dict[str, Listener] = {}
        self._toxics: dict[str, AppliedToxic] = {}
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
            name: the listener's name for `add_toxic` and `connections`.
            upstream_host: host of the upstream; may be set later with `set_upstream`.
            upstream_port: port of the upstream.
            host: address to listen on.
            port: port to listen on; 0 takes a free one.

        Returns:
            The port.

        Raises:
            ValueError: the name is taken.
            OSError: the port is taken.
        """
        if name in self._listeners or name == "*":
            raise ValueError(f"A listener cannot be called {name!r}: the name is taken.")
        listener = Listener(name, None)
        if upstream_host is not None and upstream_port is not None:
            listener.upstream = (upstream_host, upstream_port)
        listener.server = await asyncio.get_running_loop().create_server(
            lambda: Connection(listener, self._toxics).client, host, port, backlog=1024
        )
        self._listeners[name] = listener
        return int(listener.server.sockets[0].getsockname()[1])

    def set_upstream(self, name: str, host: str, port: int) -> None:
        """Set the upstream for the future connections of a listener.

        Raises:
            ValueError: there is no such listener.
        """
        self._listener(name).upstream = (host, port)

    def add_toxic(self, listener: str, toxic: Toxic) -> str:
        """Apply a toxic to the open and the future connections of a listener.

        Args:
            listener: its name, or "*" for all, including those added later.
            toxic: the fault. It acts after the toxics that were added before.

        Returns:
            The id of the toxic, for `remove_toxic`.

        Raises:
            ValueError: there is no such listener.
        """
        if listener != "*":
            self._listener(listener)
        self._added += 1
        applied = AppliedToxic(f"{toxic.kind}-{self._added}", listener, toxic, self._seed)
        self._toxics[applied.id] = applied
        for connection in self._connections():
            connection.apply(applied, new=False)
        return applied.id

    def remove_toxic(self, toxic_id: str) -> int:
        """Remove a toxic. The data that it held is delivered.

        Returns:
            How much it affected, in the unit of the toxic.

        Raises:
            ValueError: there is no such toxic; or its code failed or could not read the
                connection, and it had not its effect.
        """
        applied = self._toxics.pop(toxic_id, None)
        if applied is None:
            raise ValueError(f"There is no toxic {toxic_id!r}; there are {list(self._toxics)}.")
        for connection in self._connections():
            connection.remove(toxic_id)
        if applied.failure:
            raise ValueError(
                f"The toxic {applied.toxic.kind} did not do what it is for: {applied.failure}"
            )
        return applied.struck

    def connections(self, name: str) -> dict[str, int]:
        """Return a listener's `accepted` and `open` connections, `bytes_up` and `bytes_down`.

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
        """Return the counters of all listeners, by name."""
        return {name: self.connections(name) for name in self._listeners}

    async def close(self) -> None:
        """Stop listening and cut all connections."""
        servers = [
            listener.server for listener in self._listeners.values() if listener.server is not None
        ]
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
        return [connection for listener in self._listeners.values() for connection in listener.open]
