"""Toxics that delay: data come later, slower or in pieces, and all of them."""

from __future__ import annotations

import asyncio
import random
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from empkit.proxy import Bandwidth, Latency, ProxyProcess, Slicer, SlowClose
from empkit.proxy.chunk import Chunk
from tests.echo import LIMIT_S, ask, proxied, rig, round_trips_ms, run


def test_latency_keeps_the_order_whatever_the_jitter():
    async def test():
        async with rig(Latency(4, jitter_ms=4, direction="up")) as r:
            reader, writer = await r.connect()
            for i in range(100):
                writer.write(i.to_bytes(2))
                await asyncio.sleep(0)
            expected = b"".join(i.to_bytes(2) for i in range(100))
            assert await reader.readexactly(200) == expected

    run(test)


def test_slicer_cuts_data_into_pieces_of_about_its_size_with_a_pause_between():
    stage = SimpleNamespace(random=random.Random(1), free_at=0.0)
    pieces = list(Slicer(100, 20, delay_us=500).plan(Chunk(b"x" * 2_000, 7.0, 0, 0), stage))
    assert b"".join(each.data for each in pieces) == b"x" * 2_000
    assert all(80 <= len(each.data) <= 120 for each in pieces[:-1])
    assert len({len(each.data) for each in pieces}) > 5
    assert [each.due for each in pieces] == pytest.approx(
        [7.0 + 0.0005 * i for i in range(len(pieces))]
    )


def test_sliced_data_comes_in_several_reads():
    async def test():
        async with rig(Slicer(100, 20, delay_us=2_000, direction="up")) as r:
            reader, writer = await r.connect()
            while len(r.reads) <= 3:  # an event loop that comes late sends several pieces as one
                r.reads.clear()
                begun = time.monotonic()
                assert await ask(reader, writer, b"x" * 1_000) == b"x" * 1_000
                assert time.monotonic() - begun >= 8 * 0.002

    run(test)


def test_slow_close_delays_the_end_but_not_the_data():
    async def test():
        async with rig(SlowClose(80, direction="down")) as r:
            reader, writer = await r.connect()
            begun = time.monotonic()
            writer.write(b"ping")
            writer.write_eof()
            assert await reader.read() == b"ping"
            assert time.monotonic() - begun >= 0.08
        async with rig(SlowClose(1_000 * LIMIT_S, direction="down")) as r:
            reader, writer = await r.connect()
            writer.write(b"ping")
            writer.write_eof()
            assert await reader.readexactly(4) == b"ping"  # within the limit of this test
            assert not reader.at_eof()

    run(test)


LATE_ECHO = """
    import socket, sys, time
    delay_s = float(sys.argv[1])
    with socket.create_server(("127.0.0.1", 0)) as server:
        print(server.getsockname()[1], flush=True)
        connection, _ = server.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while data := connection.recv(65_536):
            due = time.perf_counter() + delay_s
            time.sleep(max(0.0, delay_s - 0.002))
            while time.perf_counter() < due:
                pass
            connection.sendall(data)
"""


@contextmanager
def late_echo(proxy: ProxyProcess, delay_ms: float) -> Iterator[socket.socket]:
    """A connection through the proxy, without toxics, to a server that answers that late by itself.

    Processes that have been idle for some milliseconds wake up late, on a slow virtual machine by
    half a millisecond. Here two of them do, client and proxy, as behind a toxic client and server
    do: so what the machine adds to a wait is in both, and the rest is the toxic's.
    """
    command = [sys.executable, "-c", textwrap.dedent(LATE_ECHO), str(delay_ms / 1e3)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            port = proxy.listen("late", "127.0.0.1", int(server.stdout.readline()))
            with socket.create_connection(("127.0.0.1", port), LIMIT_S) as connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                yield connection
        finally:
            server.kill()


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.parametrize(("latency_ms", "times"), [(5, 25), (20, 15), (100, 5)])
def test_injected_latency_is_found_again_in_the_quickest_round_trip(latency_ms: int, times: int):
    with proxied() as (proxy, through, _), late_echo(proxy, latency_ms) as late:
        round_trips_ms(through, 50)
        proxy.add("echo", Latency(latency_ms, direction="down"))
        # in turns, and the quickest of each: what other work adds, it adds to some
        injected, waited = zip(
            *((round_trips_ms(through, 1)[0], round_trips_ms(late, 1)[0]) for _ in range(times)),
            strict=True,
        )
    assert min(injected) >= latency_ms
    tolerance = max(0.05 * latency_ms, 0.3)
    assert min(injected) - (min(waited) - latency_ms) == pytest.approx(latency_ms, abs=tolerance)


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.parametrize("bytes_per_s", [20_000, 5_000_000])
def test_injected_bandwidth_is_found_again(bytes_per_s: int):
    with proxied() as (proxy, through, _):
        proxy.add("echo", Bandwidth(bytes_per_s, direction="down"))
        size = int(1.2 * bytes_per_s)
        sender = threading.Thread(target=through.sendall, args=(bytes(size),))
        begun = time.perf_counter()
        sender.start()
        left = size
        while left:
            left -= len(through.recv(min(left, 65_536)))
        taken = time.perf_counter() - begun
        sender.join()
        assert size / taken == pytest.approx(bytes_per_s, rel=0.05)
