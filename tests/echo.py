"""Echo servers behind the proxy: in one event loop with it, or each in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest

from empkit.processes.child import Processes
from empkit.proxy import Proxy, ProxyProcess, Toxic
from empkit.proxy.process import new_loop

LIMIT_S = 60.0
"""No test takes that long, also on a busy machine; one that does is stuck."""

READ_BYTES = 256 * 1024  # the most that asyncio reads at once


class Rig:
    """An echo server, a proxy before it, and connections through both."""

    def __init__(self, proxy: Proxy, port: int) -> None:
        self.proxy, self.port = proxy, port
        self.upstream_connections = 0
        self.resets = 0  # of connections to the echo server
        self.received = bytearray()  # by the echo server
        self.reads: list[bytes] = []  # the same, as it was read
        self.reading = asyncio.Event()
        self.reading.set()
        self._writers: list[asyncio.StreamWriter] = []

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self._writers.append(writer)
        return reader, writer

    async def echo(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.upstream_connections += 1
        self._writers.append(writer)
        try:
            while True:
                await self.reading.wait()
                data = await reader.read(65_536)
                if not data:
                    break
                self.received += data
                self.reads.append(data)
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            self.resets += 1
        writer.close()

    async def close(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


@asynccontextmanager
async def rig(*toxics: Toxic, seed: int = 0) -> AsyncIterator[Rig]:
    proxy = Proxy(seed)
    port = await proxy.add_listener("it")
    each = Rig(proxy, port)
    server = await asyncio.start_server(each.echo, "127.0.0.1", 0)
    proxy.set_upstream("it", *server.sockets[0].getsockname()[:2])
    for toxic in toxics:
        proxy.add_toxic("it", toxic)
    try:
        yield each
    finally:
        await proxy.close()
        assert proxy.connections("it")["open"] == 0
        await each.close()
        server.close()
        await server.wait_closed()


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(asyncio.wait_for(test(), LIMIT_S))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT_S / 2):
        while not condition():  # noqa: ASYNC110 (what it waits for tells nobody)
            await asyncio.sleep(0.001)


async def stays_silent(read: Awaitable[bytes], seconds: float = 0.05) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(read, seconds)


async def ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, data: bytes = b"ping"
) -> bytes:
    writer.write(data)
    return await reader.readexactly(len(data))


async def answered(r: Rig, times: int) -> list[bool]:
    answers = []
    for _ in range(times):
        reader, writer = await r.connect()
        writer.write(b"x")
        answers.append(await reader.read(1) == b"x")
    return answers


@contextmanager
def echo_thread() -> Iterator[int]:
    """An echo server for one connection after the other; yields its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    with connection:
                        while data := connection.recv(65_536):
                            connection.sendall(data)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


@contextmanager
def proxied() -> Iterator[tuple[ProxyProcess, socket.socket, socket.socket]]:
    """A proxy process, a connection through it, and after it one past it."""
    with Processes() as processes, echo_thread() as echo, echo_thread() as direct:
        proxy = ProxyProcess(processes)
        proxy.start()
        port = proxy.listen("echo", "127.0.0.1", echo)
        with (
            socket.create_connection(("127.0.0.1", port), LIMIT_S) as through,
            socket.create_connection(("127.0.0.1", direct), LIMIT_S) as past,
        ):
            for each in (through, past):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            yield proxy, through, past


RELAY = """
import asyncio, sys

class Half(asyncio.Protocol):
    other = None
    def connection_made(self, transport):
        self.transport = transport
    def data_received(self, data):
        self.other.transport.write(data)
    def connection_lost(self, _):
        sys.exit()

class Near(Half):
    def connection_made(self, transport):
        super().connection_made(transport)
        self.other = Half()
        self.other.other = self
        transport.pause_reading()
        connecting = asyncio.get_running_loop().create_connection(
            lambda: self.other, "127.0.0.1", int(sys.argv[1])
        )
        asyncio.ensure_future(connecting).add_done_callback(lambda _: transport.resume_reading())

async def main():
    server = await asyncio.get_running_loop().create_server(Near, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
"""
"""The least that a proxy in Python does: a process with asyncio that passes on what it reads."""


@contextmanager
def relayed() -> Iterator[socket.socket]:
    """A connection through such a relay to an echo server."""
    with echo_thread() as echo:
        command = [sys.executable, "-c", RELAY, str(echo)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as relay:
            assert relay.stdout is not None
            port = int(relay.stdout.readline())
            with socket.create_connection(("127.0.0.1", port), LIMIT_S) as connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                yield connection


def round_trips_ms(connection: socket.socket, times: int) -> list[float]:
    taken = []
    for _ in range(times):
        begun = time.perf_counter_ns()
        connection.sendall(b"x" * 200)
        left = 200
        while left:
            left -= len(connection.recv(left))
        taken.append((time.perf_counter_ns() - begun) / 1e6)
    return taken
