"""Toxics that hold: nothing passes until they are removed."""

from __future__ import annotations

import time

import pytest

from empkit.proxy import HalfOpen, Partition, Stall, Timeout, Toxic
from tests.echo import LIMIT_S, ask, rig, run, stays_silent, until


@pytest.mark.parametrize("toxic", [Stall(direction="down"), Timeout(0, direction="down")])
def test_what_one_direction_held_comes_when_the_toxic_is_removed(toxic: Toxic):
    async def test():
        async with rig() as r:
            reader, writer = await r.connect()
            await ask(reader, writer)
            stall = r.proxy.add_toxic("it", toxic)
            writer.write(b"held")
            writer.write_eof()
            await until(lambda: bytes(r.received) == b"pingheld")
            await stays_silent(reader.read(1))
            r.proxy.remove_toxic(stall)
            assert await reader.read(-1) == b"held"

    run(test)


def test_partition_holds_everything_and_new_connections_until_it_is_removed():
    async def test():
        async with rig() as r:
            old = await r.connect()
            await ask(*old)
            partition = r.proxy.add_toxic("*", Partition())
            old[1].write(b"old")
            new = await r.connect()
            new[1].write(b"new")
            await stays_silent(new[0].read(1))
            assert r.received == b"ping"
            assert r.upstream_connections == 1
            r.proxy.remove_toxic(partition)
            assert await old[0].readexactly(3) == b"old"
            assert await new[0].readexactly(3) == b"new"

    run(test)


def test_half_open_accepts_and_goes_on_when_removed():
    async def test():
        async with rig() as r:
            old = await r.connect()
            await ask(*old)
            half_open = r.proxy.add_toxic("it", HalfOpen())
            reader, writer = await r.connect()
            writer.write(b"hello")
            await stays_silent(reader.read(1))
            assert r.upstream_connections == 1
            assert await ask(*old) == b"ping"
            r.proxy.remove_toxic(half_open)
            assert await reader.readexactly(5) == b"hello"

    run(test)


def test_timeout_closes_an_idle_connection_unless_removed_in_time():
    async def test():
        async with rig() as r:
            timeout = r.proxy.add_toxic("it", Timeout(60))
            reader, writer = await r.connect()
            begun = time.monotonic()
            assert await reader.read(1) == b""
            assert time.monotonic() - begun >= 0.05
            r.proxy.remove_toxic(timeout)
            timeout = r.proxy.add_toxic("it", Timeout(1_000 * LIMIT_S))
            reader, writer = await r.connect()
            writer.write(b"ping")
            await until(lambda: r.proxy._connections()[-1].up.offset == 4)
            r.proxy.remove_toxic(timeout)
            assert await reader.readexactly(4) == b"ping"
            await stays_silent(reader.read(1), 0.08)

    run(test)
