"""The faults of the proxy: each is its settings, and `plan`, which says when data is due.

A new one is a class here and a name in `KINDS`; the relay knows none of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from itertools import count, repeat
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

if TYPE_CHECKING:
    from empkit.proxy.flow import Stage

Direction = Literal["up", "down"]
End = Literal["eof", "close", "cut", "reset"]

BYTES, CONNECTIONS = "bytes delayed or held", "connections delayed, held or ended"
HELD_BYTES = 1 << 20  # a stage that holds more stops the reading; the sender feels it through TCP


class Chunk(NamedTuple):
    """Bytes on their way, or the end of a stream (then `data` is empty)."""

    data: bytes
    due: float  # loop time, in seconds, at which it arrived or is to be passed on
    offset: int  # bytes of the connection and direction that came before
    message: int  # reads of the connection and direction that came before
    end: End | None = None

    def split(self, size: int) -> tuple[Chunk, Chunk]:
        """The first `size` bytes, and the rest."""
        rest = self._replace(data=self.data[size:], offset=self.offset + size)
        return self._replace(data=self.data[:size]), rest

    def pieces(self, sizes: Iterable[int]) -> Iterator[Chunk]:
        """The same bytes in pieces, as long as there are any; an end comes back whole."""
        p = 0  # bytes given out
        for size in sizes:
            yield self._replace(data=self.data[p : p + size], offset=self.offset + p)
            p += size
            if p >= len(self.data):
                return


@dataclass(frozen=True)
class Toxic:
    """What all toxics have in common: which connections they meet, and from where on.

    Args:
        direction: "up" is from the client to the server, "down" the way back.
        share: which part of the connections is affected, from 0 to 1. Decided once a connection,
            from the proxy's seed: the same connections in the same order are hit again.
        after_bytes: so many bytes pass untouched first, in each direction of each connection,
            counted from when the toxic meets the connection.
        after_messages: the same for messages. A message is what one read from the socket gave:
            one request or answer where they alternate and are small, else whatever TCP made of it.
        after_connections: so many connections are left alone first, counted from when the toxic
            is added; those that are open then come first.
        connections: only so many connections are affected after that; None is all of them.
            `Down(connections=2)` fails twice, then works.

    Raises:
        ValueError: a setting is negative, or makes no sense with this toxic.
    """

    direction: Literal["up", "down", "both"] = field(default="both", kw_only=True)
    share: float = field(default=1.0, kw_only=True)
    after_bytes: int = field(default=0, kw_only=True)
    after_messages: int = field(default=0, kw_only=True)
    after_connections: int = field(default=0, kw_only=True)
    connections: int | None = field(default=None, kw_only=True)

    kind: ClassVar[str]
    unit: ClassVar[str] = BYTES  # what is counted where it strikes
    at_least: ClassVar[dict[str, int]] = {}  # smallest values of settings, where it is not 0
    in_stream: ClassVar[bool] = True  # becomes a stage; else it acts on whole connections
    cuts_present: ClassVar[bool] = False  # ends the connections that are open when it is added
    cuts_new: ClassVar[bool] = False  # ends each new connection
    bars_upstream: ClassVar[bool] = False  # keeps new connections from being made upstream

    def __post_init__(self) -> None:
        for name in (each.name for each in fields(self)):
            value, least = getattr(self, name), self.at_least.get(name, 0)
            if isinstance(value, int | float) and not value >= least:
                raise ValueError(f"{self.kind}: {name} is {value}; it must be at least {least}.")
        if self.share > 1:
            raise ValueError(f"{self.kind}: share is {self.share}; it must be from 0 to 1.")
        if self.direction not in {"up", "down", "both"}:
            raise ValueError(f"{self.kind}: direction is {self.direction!r}; use up, down or both.")
        whole = self.direction == "both" and not (self.after_bytes or self.after_messages)
        if not self.in_stream and not whole:
            raise ValueError(
                f"{self.kind} acts on whole connections: leave out direction, after_bytes and "
                "after_messages."
            )

    @property
    def may_hold_bytes(self) -> int:
        """How much one direction of one connection may hold before the sender is made to wait."""
        return HELD_BYTES

    def begin(self, stage: Stage) -> None:
        """Called when the toxic takes hold: with the stage, or after what it leaves untouched."""

    def plan(self, chunk: Chunk, stage: Stage) -> Iterator[Chunk]:
        """The pieces that `chunk` becomes, each with the moment it is due; infinity holds it."""
        yield chunk


@dataclass(frozen=True)
class Latency(Toxic):
    """Each byte comes later, in the order in which it was sent.

    Args:
        latency_ms: how much later, in milliseconds, in each affected direction.
        jitter_ms: the delay is drawn evenly from `latency_ms` -/+ this, and never below 0.
    """

    latency_ms: float
    jitter_ms: float = 0.0

    kind: ClassVar[str] = "latency"

    @property
    def may_hold_bytes(self) -> int:
        """More than others: a fast line holds bandwidth times delay."""
        return 4 * HELD_BYTES

    def plan(self, chunk: Chunk, stage: Stage) -> Iterator[Chunk]:
        """The delay counts from the moment of arrival."""
        delay_ms = self.latency_ms + stage.random.uniform(-self.jitter_ms, self.jitter_ms)
        yield chunk._replace(due=chunk.due + max(0.0, delay_ms) / 1e3)


@dataclass(frozen=True)
class Bandwidth(Toxic):
    """Only so many bytes a second pass.

    Args:
        bytes_per_s: the rate, in bytes a second, of each affected direction of each connection.
    """

    bytes_per_s: float

    kind: ClassVar[str] = "bandwidth"
    at_least: ClassVar[dict[str, int]] = {"bytes_per_s": 1}

    @property
    def may_hold_bytes(self) -> int:
        """A tenth of a second's worth, so that the sender soon feels how slow the line is."""
        return int(min(HELD_BYTES, max(65_536, self.bytes_per_s / 10)))

    def plan(self, chunk: Chunk, stage: Stage) -> Iterator[Chunk]:
        """Pieces of 10 ms, each due when a line of this rate would have carried its last byte."""
        stage.free_at = max(stage.free_at, chunk.due)
        for piece in chunk.pieces(repeat(max(16, int(self.bytes_per_s / 100)))):
            stage.free_at += len(piece.data) / self.bytes_per_s
            yield piece._replace(due=stage.free_at)


@dataclass(frozen=True)
class Slicer(Toxic):
    """Data comes in small pieces, as it may from any network.

    Args:
        average_bytes: the size of a piece.
        variation_bytes: sizes are drawn evenly from `average_bytes` -/+ this.
        delay_us: pause after each piece, in microseconds.
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

    def plan(self, chunk: Chunk, stage: Stage) -> Iterator[Chunk]:
        """Each piece is due when the pause after the one before is over."""
        stage.free_at = max(stage.free_at, chunk.due)
        least = self.average_bytes - self.variation_bytes
        most = self.average_bytes + self.variation_bytes
        for piece in chunk.pieces(stage.random.randint(least, most) for _ in count()):
            yield piece._replace(due=stage.free_at)
            stage.free_at += self.delay_us / 1e6


@dataclass(frozen=True)
class Stall(Toxic):
    """Nothing passes until the toxic is removed; then all that was held comes at once."""

    kind: ClassVar[str] = "stall"

    def plan(self, chunk: Chunk, stage: Stage) -> Iterator[Chunk]:
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

    def begin(self, stage: Stage) -> None:
        """The time runs from here, even on a connection that is idle."""
        if self.timeout_ms:
            stage.end_after(self.timeout_ms / 1e3, "close")


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

    def plan(self, chunk: Chunk, stage: Stage) -> Iterator[Chunk]:
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

    def plan(self, chunk: Chunk, stage: Stage) -> Iterator[Chunk]:
        """What there is room for, then the end."""
        head, _ = chunk.split(self.max_bytes - stage.passed)
        stage.passed += len(head.data)
        if head.data or head.end:
            yield head
        if stage.passed == self.max_bytes and not chunk.end:
            yield chunk._replace(data=b"", end="close")


@dataclass(frozen=True)
class SlowClose(Toxic):
    """The end of a connection comes later; data is not affected.

    Args:
        delay_ms: how much later, in milliseconds.
    """

    delay_ms: float

    kind: ClassVar[str] = "slow-close"
    unit: ClassVar[str] = CONNECTIONS

    def plan(self, chunk: Chunk, stage: Stage) -> Iterator[Chunk]:
        """Delays what has no data."""
        yield chunk._replace(due=chunk.due + self.delay_ms / 1e3) if chunk.end else chunk


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


KINDS: dict[str, type[Toxic]] = {
    each.kind: each
    for each in (
        *(Latency, Bandwidth, Slicer, Stall, Partition, Timeout, ResetPeer, LimitData, SlowClose),
        *(Down, Cut, HalfOpen),
    )
}
"""Every kind of toxic by the name that an order gives it."""
