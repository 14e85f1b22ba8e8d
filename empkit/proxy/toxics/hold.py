"""Toxics that let nothing through until they are removed, or a timeout is over."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from empkit.proxy.chunk import Chunk
from empkit.proxy.toxics.base import CONNECTIONS, StageView, Toxic


@dataclass(frozen=True)
class Stall(Toxic):
    """Nothing passes until the toxic is removed; then all that was held comes at once."""

    kind: ClassVar[str] = "stall"

    def plan(self, chunk: Chunk, stage: StageView) -> Iterator[Chunk]:
        """Held."""
        yield chunk._replace(due=math.inf)


@dataclass(frozen=True)
class Partition(Stall):
    """The network is parted: a `Stall` that also keeps new connections from the upstream.

    Connections stay open, and a new one is accepted and gets no further, until the toxic is
    removed. Then what was held is delivered, as after any partition that TCP has outlived.
    """

    kind: ClassVar[str] = "partition"
    unit: ClassVar[str] = CONNECTIONS
    bars_upstream: ClassVar[bool] = True


@dataclass(frozen=True)
class Timeout(Stall):
    """Nothing passes, and after a while the connection is closed.

    Args:
        timeout_ms: how long until then, in milliseconds; 0 never closes it. Removed in time, the
            toxic passes on what it held.
    """

    timeout_ms: float

    kind: ClassVar[str] = "timeout"
    unit: ClassVar[str] = CONNECTIONS

    def begin(self, stage: StageView) -> None:
        """The time runs from here, even on a connection that is idle."""
        if self.timeout_ms:
            stage.end_after(self.timeout_ms / 1e3, "close")


@dataclass(frozen=True)
class HalfOpen(Toxic):
    """New connections are accepted and never answered; the server hears nothing of them.

    Connections that are open already are left alone. When the toxic is removed, those that wait
    are made upstream after all.
    """

    kind: ClassVar[str] = "half-open"
    unit: ClassVar[str] = CONNECTIONS
    in_stream: ClassVar[bool] = False
    bars_upstream: ClassVar[bool] = True
