"""Toxics that hold all data until they are removed or a timeout expires."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from empkit.proxy.chunk import Chunk
from empkit.proxy.toxics.base import CONNECTIONS, StageView, Toxic


@dataclass(frozen=True)
class Stall(Toxic):
    """Hold all data until the toxic is removed; then deliver it at once.

    Example:
        >>> str(Network(Stall()))
        'stall'
    """

    kind: ClassVar[str] = "stall"

    def plan(self, chunk: Chunk, stage: StageView) -> Iterator[Chunk]:
        """Hold `chunk`."""
        yield chunk._replace(due=math.inf)


@dataclass(frozen=True)
class Partition(Stall):
    """Partition the network: a `Stall` that also keeps new connections from the upstream.

    Connections stay open; a new one is accepted but not connected upstream until the toxic is
    removed. Then the data that was held is delivered, as after any partition that TCP survives.

    Example:
        >>> str(Network(Partition()))
        'partition'
    """

    kind: ClassVar[str] = "partition"
    unit: ClassVar[str] = CONNECTIONS
    bars_upstream: ClassVar[bool] = True


@dataclass(frozen=True)
class Timeout(Stall):
    """Hold all data, and close the connection after a timeout.

    Args:
        timeout_ms: the timeout, in milliseconds; 0 never closes the connection. If the toxic is
            removed before the timeout, it passes on the data that it held.

    Example:
        >>> str(Network(Timeout(timeout_ms=100)))
        'timeout:timeout_ms=100'
    """

    timeout_ms: float

    kind: ClassVar[str] = "timeout"
    unit: ClassVar[str] = CONNECTIONS

    def begin(self, stage: StageView) -> None:
        """Start the timeout, even on an idle connection."""
        if self.timeout_ms:
            stage.end_after(self.timeout_ms / 1e3, "close")


@dataclass(frozen=True)
class HalfOpen(Toxic):
    """Accept new connections but never answer them; the server does not learn of them.

    Connections that are already open are not affected. When the toxic is removed, the waiting
    connections are connected upstream.

    Example:
        >>> str(Network(HalfOpen()))
        'half-open'
    """

    kind: ClassVar[str] = "half-open"
    unit: ClassVar[str] = CONNECTIONS
    in_stream: ClassVar[bool] = False
    bars_upstream: ClassVar[bool] = True
