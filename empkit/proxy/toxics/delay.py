"""Toxics that pass on everything, later or in smaller pieces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, repeat
from typing import ClassVar

from empkit.proxy.chunk import Chunk
from empkit.proxy.toxics.base import CONNECTIONS, HELD_BYTES, StageView, Toxic


@dataclass(frozen=True)
class Latency(Toxic):
    """Delay each byte; the order stays.

    Args:
        latency_ms: the delay, in milliseconds, in each affected direction.
        jitter_ms: the delay is uniformly distributed over `latency_ms` -/+ this, but at least 0.

    Example:
        >>> str(Network(Latency(latency_ms=50)))
        'latency:latency_ms=50'
    """

    latency_ms: float
    jitter_ms: float = 0.0

    kind: ClassVar[str] = "latency"

    @property
    def may_hold_bytes(self) -> int:
        """More than other toxics: a fast line holds bandwidth times delay."""
        return 4 * HELD_BYTES

    def plan(self, chunk: Chunk, stage: StageView) -> Iterator[Chunk]:
        """Delay `chunk`, counted from its arrival."""
        delay_ms = self.latency_ms + stage.random.uniform(-self.jitter_ms, self.jitter_ms)
        yield chunk._replace(due=chunk.due + max(0.0, delay_ms) / 1e3)


@dataclass(frozen=True)
class Bandwidth(Toxic):
    """Limit the rate in bytes per second.

    Args:
        bytes_per_s: the rate, in bytes per second, of each affected direction of each connection.

    Example:
        >>> str(Network(Bandwidth(bytes_per_s=10_000)))
        'bandwidth:bytes_per_s=10000'
    """

    bytes_per_s: float

    kind: ClassVar[str] = "bandwidth"
    at_least: ClassVar[dict[str, int]] = {"bytes_per_s": 1}

    @property
    def may_hold_bytes(self) -> int:
        """The data of 0.1 s, so that TCP soon slows the sender to this rate."""
        return int(min(HELD_BYTES, max(65_536, self.bytes_per_s / 10)))

    def plan(self, chunk: Chunk, stage: StageView) -> Iterator[Chunk]:
        """Yield pieces of 10 ms, each due when a line of this rate has carried its last byte."""
        stage.free_at = max(stage.free_at, chunk.due)
        for piece in chunk.pieces(repeat(max(16, int(self.bytes_per_s / 100)))):
            stage.free_at += len(piece.data) / self.bytes_per_s
            yield piece._replace(due=stage.free_at)


@dataclass(frozen=True)
class Slicer(Toxic):
    """Split data into small pieces, as any network may do.

    Args:
        average_bytes: the average size of a piece, in bytes.
        variation_bytes: sizes are uniformly distributed over `average_bytes` -/+ this.
        delay_us: pause after each piece, in microseconds.

    Example:
        >>> str(Network(Slicer(average_bytes=100)))
        'slicer:average_bytes=100'
    """

    average_bytes: int
    variation_bytes: int = 0
    delay_us: float = 0.0

    kind: ClassVar[str] = "slicer"
    unit: ClassVar[str] = "bytes cut into pieces or delayed"
    at_least: ClassVar[dict[str, int]] = {"average_bytes": 1}

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.variation_bytes >= self.average_bytes:
            raise ValueError(
                f"slicer: variation_bytes is {self.variation_bytes}; it must be less than "
                f"average_bytes, which is {self.average_bytes}."
            )

    def plan(self, chunk: Chunk, stage: StageView) -> Iterator[Chunk]:
        """Yield pieces, each due at the end of the pause after the one before."""
        stage.free_at = max(stage.free_at, chunk.due)
        least = self.average_bytes - self.variation_bytes
        most = self.average_bytes + self.variation_bytes
        for piece in chunk.pieces(stage.random.randint(least, most) for _ in count()):
            yield piece._replace(due=stage.free_at)
            stage.free_at += self.delay_us / 1e6


@dataclass(frozen=True)
class SlowClose(Toxic):
    """Delay the end of a connection; data is not affected.

    Args:
        delay_ms: the delay, in milliseconds.

    Example:
        >>> str(Network(SlowClose(delay_ms=100)))
        'slow-close:delay_ms=100'
    """

    delay_ms: float

    kind: ClassVar[str] = "slow-close"
    unit: ClassVar[str] = CONNECTIONS

    def plan(self, chunk: Chunk, stage: StageView) -> Iterator[Chunk]:
        """Delay the end of the stream only."""
        yield chunk._replace(due=chunk.due + self.delay_ms / 1e3) if chunk.end else chunk
