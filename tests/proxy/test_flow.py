"""One direction of a connection: what it holds, and that it neither loses nor hoards."""

from __future__ import annotations

import asyncio
import random

import pytest

from empkit.proxy import Latency, Partition, Stall, Toxic
from empkit.proxy.toxics.base import HELD_BYTES
from tests.echo import READ_BYTES, rig, run, stays_silent, until


def test_a_toxic_added_later_also_holds_what_others_have_on_the_way():
    async def test():
        async with rig(Latency(30, direction="up")) as r:
            reader, writer = await r.connect()
            writer.write(b"ping")
            await until(lambda: r.proxy._connections()[0].up.offset == 4)
            partition = r.proxy.add_toxic("it", Partition())
            await stays_silent(reader.read(1), 0.06)
            assert not r.received
            r.proxy.remove_toxic(partition)
            assert await reader.readexactly(4) == b"ping"

    run(test)


@pytest.mark.parametrize("toxic", [Stall(direction="up"), Latency(60_000, direction="up")])
def test_a_direction_that_holds_too_much_stops_reading_and_loses_nothing(toxic: Toxic):
    async def test():
        async with rig() as r:
            toxic_id = r.proxy.add_toxic("it", toxic)
            data = random.Random(2).randbytes(16 * HELD_BYTES)
            reader, writer = await r.connect()
            writer.write(data)
            writer.write_eof()
            answer = asyncio.create_task(reader.read(-1))
            await until(lambda: bool(r.proxy._connections()))
            flow = r.proxy._connections()[0].up
            await until(lambda: flow._paused and flow.offset > 0)
            assert flow.stages[0].held <= toxic.may_hold_bytes + READ_BYTES
            r.proxy.remove_toxic(toxic_id)
            assert await answer == data

    run(test)


def test_a_server_that_does_not_read_makes_the_client_wait():
    async def test():
        async with rig() as r:
            r.reading.clear()
            data = bytes(32 * HELD_BYTES)
            reader, writer = await r.connect()
            writer.write(data)
            writer.write_eof()
            await until(lambda: bool(r.proxy._connections()))
            flow = r.proxy._connections()[0].up
            await until(lambda: flow.target_full)
            assert flow.target.get_write_buffer_size() <= 2 * READ_BYTES
            r.reading.set()
            assert await reader.read(-1) == data

    run(test)
