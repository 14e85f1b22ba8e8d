"""Toxics that end connections: open ones, new ones, or after some bytes."""

from __future__ import annotations

import asyncio
import contextlib
import struct

import pytest

from empkit.proxy import AckLoss, Cut, Down, Latency, LimitData, ResetPeer, Slicer
from tests.echo import ask, rig, run, until


def test_down_ends_open_and_new_connections_until_it_is_removed():
    async def test():
        async with rig() as r:
            old = await r.connect()
            await ask(*old)
            down = r.proxy.add_toxic("it", Down())
            assert await old[0].read(1) == b""
            new = await r.connect()
            assert await new[0].read(1) == b""
            assert r.upstream_connections == 1
            r.proxy.remove_toxic(down)
            assert await ask(*await r.connect()) == b"ping"

    run(test)


def test_cut_ends_open_connections_once():
    async def test():
        async with rig() as r:
            old = [await r.connect() for _ in range(3)]
            for each in old:
                await ask(*each)
            cut = r.proxy.add_toxic("it", Cut())
            assert [await reader.read(1) for reader, _ in old] == [b""] * 3
            assert await ask(*await r.connect()) == b"ping"
            r.proxy.remove_toxic(cut)

    run(test)


LARGE = 16 * 2**20
"""In bytes: more than the buffers of the sockets take."""


@pytest.mark.parametrize(("direction", "received"), [("up", b""), ("down", b"ping")])
def test_reset_peer_resets_before_the_data_arrives(direction: str, received: bytes):
    async def test():
        async with rig(ResetPeer(after_ms=5, direction=direction)) as r:
            reader, writer = await r.connect()
            writer.write(b"ping")
            with pytest.raises(ConnectionResetError):
                await reader.read(1)
            assert r.received == received

    run(test)


def kafka(api_key: int, version: int = 3) -> bytes:
    """A request of Kafka with such a correlation id that the echo of it is its answer."""
    head = struct.pack(">hhhh", api_key, version, api_key, version)
    body = head + struct.pack(">hhh", -1, -1, 1) + b"records"
    return struct.pack(">i", len(body)) + body


METADATA, PRODUCE = kafka(3), kafka(0)


@pytest.mark.parametrize("before", [b"", METADATA, METADATA * 3])
def test_ack_loss_ends_the_connection_in_place_of_an_ack_and_all_else_passes(before: bytes):
    async def test():
        async with rig() as r:
            old, other = await r.connect(), await r.connect()
            assert await ask(*old, PRODUCE) == PRODUCE
            loss = r.proxy.add_toxic("it", AckLoss(acks=1))
            assert await ask(*other, METADATA) == METADATA
            assert await ask(*old, METADATA) == METADATA
            old[1].write(before + PRODUCE + METADATA)
            assert await old[0].read(-1) == before
            assert PRODUCE in r.received[-len(PRODUCE + METADATA) :]
            assert await ask(*other, PRODUCE) == PRODUCE
            assert await ask(*await r.connect(), PRODUCE) == PRODUCE
            assert r.proxy.remove_toxic(loss) == 1

    run(test)


def test_an_ack_in_pieces_is_lost_with_what_other_toxics_hold_of_it():
    async def test():
        async with rig(Slicer(1), AckLoss(acks=2), Latency(5)) as r:
            for _ in range(2):
                reader, writer = await r.connect()
                writer.write(METADATA + PRODUCE)
                assert await reader.read(-1) == METADATA
            assert await ask(*await r.connect(), PRODUCE) == PRODUCE

    run(test)


def test_ack_loss_says_that_it_could_not_read_what_it_met():
    async def test():
        async with rig() as r:
            loss = r.proxy.add_toxic("it", AckLoss())
            assert await ask(*await r.connect(), b"ping") == b"ping"
            with pytest.raises(
                ValueError, match=r"reads Kafka without TLS, and met a request of 1885957735 bytes"
            ):
                r.proxy.remove_toxic(loss)

    run(test)


def test_limit_data_closes_a_connection_after_exactly_its_bytes():
    async def test():
        async with rig(Slicer(700), LimitData(1_000, direction="up"), Latency(5)) as r:
            reader, writer = await r.connect()
            writer.write(b"x" * 600)
            assert await reader.readexactly(600) == b"x" * 600
            writer.write(b"y" * 600)
            with contextlib.suppress(ConnectionResetError):
                await reader.read(-1)
            await until(lambda: len(r.received) >= 1_000)
            assert r.received == b"x" * 600 + b"y" * 400

    run(test)


def test_limit_data_ends_both_directions_and_what_it_let_pass_arrives():
    async def test():
        async with rig(LimitData(LARGE, direction="down")) as r:
            reader, writer = await r.connect()
            writing = asyncio.create_task(write_all(writer, LARGE + 1))
            assert len(await reader.read(-1)) == LARGE
            await until(lambda: r.proxy.connections("it")["open"] == 0)
            writing.cancel()

    run(test)


async def write_all(writer, size):
    with contextlib.suppress(ConnectionError):
        writer.write(b"x" * size)
        await writer.drain()
