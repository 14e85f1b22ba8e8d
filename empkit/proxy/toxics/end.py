"""Toxics that end connections."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from empkit.proxy.chunk import Chunk
from empkit.proxy.toxics.base import CONNECTIONS, StageView, Toxic
from empkit.proxy.toxics.hold import Stall


@dataclass(frozen=True)
class ResetPeer(Stall):
    """Both ends are reset (RST) when there is data, and that data never arrives.

    With "up" the server does not see the request; with "down" it has done what was asked for, and
    only its answer is lost.

    Args:
        after_ms: how long after the first affected data, in milliseconds.
    """

    after_ms: float = 0.0

    kind: ClassVar[str] = "reset"
    unit: ClassVar[str] = CONNECTIONS

    def plan(self, chunk: Chunk, stage: StageView) -> Iterator[Chunk]:
        """Data is held, so that none of it comes before the reset."""
        if chunk.data:
            stage.end_after(self.after_ms / 1e3, "reset")
            chunk = chunk._replace(due=math.inf)
        yield chunk


@dataclass(frozen=True)
class LimitData(Toxic):
    """The connection is closed when so many bytes have passed.

    Args:
        max_bytes: how many, in each affected direction; with 0 the first data closes it.
    """

    max_bytes: int

    kind: ClassVar[str] = "limit-data"
    unit: ClassVar[str] = CONNECTIONS

    def plan(self, chunk: Chunk, stage: StageView) -> Iterator[Chunk]:
        """What there is room for, then the end."""
        head, _ = chunk.split(self.max_bytes - stage.passed)
        stage.passed += len(head.data)
        if head.data or head.end:
            yield head
        if stage.passed == self.max_bytes and not chunk.end:
            yield chunk._replace(data=b"", end="close")


@dataclass(frozen=True)
class Down(Toxic):
    """The server is away: open connections are cut, new ones are closed as soon as they are made.

    The port stays ours, so a client sees a closed connection and not a refused one.
    """

    kind: ClassVar[str] = "down"
    unit: ClassVar[str] = CONNECTIONS
    in_stream: ClassVar[bool] = False
    cuts_present: ClassVar[bool] = True
    cuts_new: ClassVar[bool] = True


@dataclass(frozen=True)
class Cut(Toxic):
    """All connections that are open are cut, once; new ones work."""

    kind: ClassVar[str] = "cut"
    unit: ClassVar[str] = CONNECTIONS
    in_stream: ClassVar[bool] = False
    cuts_present: ClassVar[bool] = True
