"""The relay: connections, toxics that come and go, and which connections they meet."""

from __future__ import annotations

import asyncio
import random
import socket
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from empkit.proxy import Bandwidth, Latency, Partition, Slicer, SlowClose, Stall, Toxic
from tests.echo import ask, rig, run, until


def test_bytes_and_the_end_of_the_stream_pass_both_ways_and_are_counted():
    async def test():
        async with rig() as r:
            data = random.Random(1).randbytes(3_000_000)
            reader, writer = await r.connect()
            writer.write(data)
            writer.write_eof()
            assert await reader.read(-1) == data
            await until(lambda: r.proxy.connections("it")["open"] == 0)
            assert r.proxy.connections("it") == {
                "accepted": 1,
                "open": 0,
                "bytes_up": len(data),
                "bytes_down": len(data),
            }

    run(test)


def test_a_connection_without_upstream_is_closed_and_a_later_one_gets_through():
    async def test():
        async with rig() as r:
            host, port = "127.0.0.1", r.port
            other = await r.proxy.add_listener("other")
            reader, writer = await asyncio.open_connection(host, other)
            assert await reader.read(1) == b""
            writer.close()
            with socket.create_server((host, 0)) as nobody:
                closed = nobody.getsockname()[1]
            r.proxy.set_upstream("other", host, closed)
            reader, writer = await asyncio.open_connection(host, other)
            assert await reader.read(1) == b""
            writer.close()
            r.proxy.set_upstream("other", host, port)
            reader, writer = await asyncio.open_connection(host, other)
            assert await ask(reader, writer) == b"ping"
            writer.close()

    run(test)


def test_a_reset_by_the_client_reaches_the_server():
    async def test():
        async with rig() as r:
            reader, writer = await r.connect()
            await ask(reader, writer)
            own = writer.get_extra_info("socket")
            own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()  # with this lingering the kernel sends a reset, and no end
            await until(lambda: r.resets == 1)
            await until(lambda: r.proxy.connections("it")["open"] == 0)

    run(test)


toxics = st.one_of(
    st.builds(Latency, st.integers(0, 4), st.integers(0, 4)),
    st.builds(Slicer, st.integers(50, 5_000), st.integers(0, 49), st.integers(0, 50)),
    st.builds(Bandwidth, st.integers(500_000, 50_000_000)),
    st.builds(SlowClose, st.integers(0, 3)),
    st.builds(Stall, direction=st.sampled_from(["up", "down", "both"])),
    st.builds(Stall, after_bytes=st.integers(1, 30_000)),
    st.builds(Partition, share=st.sampled_from([0.5, 1.0])),
)

steps = st.lists(
    st.one_of(toxics, st.just("remove"), st.integers(1, 50_000), st.just("pause")), max_size=12
)


@pytest.mark.slow
@settings(max_examples=60)
@given(steps, st.integers(0, 9))
def test_the_stream_stays_the_same_in_order_and_content(steps: list[Toxic | str | int], seed: int):
    async def test():
        async with rig(seed=seed) as r:
            chances, sent, added = random.Random(seed), bytearray(), []
            reader, writer = await r.connect()
            answer = asyncio.create_task(reader.read(-1))
            for step in steps:
                if isinstance(step, Toxic):
                    added.append(r.proxy.add_toxic("*", step))
                elif isinstance(step, int):
                    data = chances.randbytes(step)
                    sent += data
                    writer.write(data)
                elif step == "pause":
                    await asyncio.sleep(0.002)
                elif added:
                    r.proxy.remove_toxic(added.pop(chances.randrange(len(added))))
            writer.write_eof()
            await asyncio.sleep(0.002)
            for toxic_id in chances.sample(added, len(added)):
                r.proxy.remove_toxic(toxic_id)
            assert await answer == sent
            assert r.received == sent

    run(test)


class Clumsy(Toxic):
    """A toxic of another package with a mistake in it."""

    kind = "clumsy"

    def plan(self, chunk, stage):
        """Fail."""
        raise ZeroDivisionError("no parts")


class Stumbling(Clumsy):
    """Another, which fails when it begins."""

    kind = "stumbling"

    def begin(self, stage):
        """Fail."""
        raise ZeroDivisionError("no parts")

    def plan(self, chunk, stage):
        """Pass everything on."""
        yield chunk


@pytest.mark.parametrize("kind", [Clumsy, Stumbling])
def test_a_toxic_that_fails_is_named_when_it_is_removed_and_data_passes_it(kind):
    async def test():
        async with rig() as r:
            toxic = r.proxy.add_toxic("it", kind())
            assert await ask(*await r.connect()) == b"ping"
            words = rf"{kind.kind} did not do what it is for: .*ZeroDivisionError: no parts, line"
            with pytest.raises(ValueError, match=words):
                r.proxy.remove_toxic(toxic)
            assert await ask(*await r.connect()) == b"ping"

    run(test)
