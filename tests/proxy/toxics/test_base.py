"""What all toxics share: which connections they meet, from where on, and their settings."""

from __future__ import annotations

from typing import Any

import pytest

from empkit.proxy import LimitData, ResetPeer, Stall, toxic_kinds
from tests.echo import answered, ask, rig, run, stays_silent


def test_after_bytes_leaves_the_first_bytes_untouched():
    async def test():
        async with rig(Stall(direction="up", after_bytes=6)) as r:
            reader, writer = await r.connect()
            assert await ask(reader, writer, b"1234") == b"1234"
            writer.write(b"5678")
            assert await reader.readexactly(2) == b"56"
            await stays_silent(reader.read(1))

    run(test)


def test_after_messages_counts_from_when_the_toxic_is_added():
    async def test():
        async with rig() as r:
            reader, writer = await r.connect()
            await ask(reader, writer)
            r.proxy.add_toxic("it", ResetPeer(direction="down", after_messages=2))
            assert await ask(reader, writer) == b"ping"
            assert await ask(reader, writer) == b"ping"
            with pytest.raises(ConnectionResetError):
                await ask(reader, writer)

    run(test)


def test_a_window_of_connections_fails_and_then_they_work():
    async def test():
        async with rig(LimitData(0, direction="up", after_connections=1, connections=2)) as r:
            assert await answered(r, 5) == [True, False, False, True, True]

    run(test)


def test_a_share_of_connections_is_the_same_for_the_same_seed():
    async def test():
        async def hits(seed: int) -> list[bool]:
            async with rig(LimitData(0, share=0.5), seed=seed) as r:
                return await answered(r, 40)

        first = await hits(7)
        assert 8 <= sum(first) <= 32
        assert await hits(7) == first
        assert await hits(8) != first

    run(test)


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("latency", {"latency_ms": -1}, "latency: latency_ms is -1; it must be at least 0"),
        ("bandwidth", {"bytes_per_s": 0}, "bytes_per_s is 0; it must be at least 1"),
        ("slicer", {"average_bytes": 5, "variation_bytes": 5}, "less than average_bytes"),
        ("stall", {"share": 1.5}, "share is 1.5"),
        ("stall", {"direction": "left"}, "direction is 'left'"),
        ("ack-loss", {"direction": "up"}, "direction is 'up'; acks go down"),
        ("ack-loss", {"acks": 0}, "acks is 0; it must be at least 1"),
        ("down", {"after_bytes": 5}, "down acts on whole connections"),
    ],
)
def test_settings_that_make_no_sense_are_refused(kind: str, options: dict[str, Any], message: str):
    with pytest.raises(ValueError, match=message):
        toxic_kinds()[kind](**options)
