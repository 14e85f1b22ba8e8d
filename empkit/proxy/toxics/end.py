"""Toxics that end connections."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from empkit.proxy.chunk import Chunk
from empkit.proxy.frames import NotKafkaError
from empkit.proxy.toxics.base import CONNECTIONS, StageView, Toxic
from empkit.proxy.toxics.hold import Stall


@dataclass(frozen=True)
class ResetPeer(Stall):
    """Reset both sides (RST) when there is data; that data never arrives.

    With "up" the server does not receive the request; with "down" it has handled the request, and
    only its response is lost.

    Args:
        after_ms: time from the first affected data to the reset, in milliseconds.

    Example:
        >>> str(Network(ResetPeer()))
        'reset'
    """

    after_ms: float = 0.0

    kind: ClassVar[str] = "reset"
    unit: ClassVar[str] = CONNECTIONS

    def plan(self, chunk: Chunk, stage: StageView) -> Iterator[Chunk]:
        """Hold data, so that none of it is delivered before the reset."""
        if chunk.data:
            stage.end_after(self.after_ms / 1e3, "reset")
            chunk = chunk._replace(due=math.inf)
        yield chunk


@dataclass(frozen=True)
class LimitData(Toxic):
    """Close the connection when `max_bytes` have passed.

    Args:
        max_bytes: the limit, in bytes, of each affected direction; with 0 the first data closes
            the connection.

    Example:
        >>> str(Network(LimitData(max_bytes=100)))
        'limit-data:max_bytes=100'
    """

    max_bytes: int

    kind: ClassVar[str] = "limit-data"
    unit: ClassVar[str] = CONNECTIONS

    def plan(self, chunk: Chunk, stage: StageView) -> Iterator[Chunk]:
        """Yield the data up to the limit, then the end."""
        head, _ = chunk.split(self.max_bytes - stage.passed)
        stage.passed += len(head.data)
        if head.data or head.end:
            yield head
        if stage.passed == self.max_bytes and not chunk.end:
            yield chunk._replace(data=b"", end="close")


@dataclass(frozen=True)
class AckLoss(Toxic):
    """Close a connection to a Kafka broker in place of the ack of a producer, which never arrives.

    The broker has stored the records of that Produce request. Other answers pass, and what else was
    under way on the connection ends with it. Kafka in TLS cannot be read: that is an error.

    Args:
        acks: number of acks that are lost: those that come next, on any connection; None means all.

    Example:
        >>> str(Network(AckLoss(acks=1)))
        'ack-loss:acks=1'
    """

    acks: int | None = None
    direction: Literal["up", "down", "both"] = field(default="down", kw_only=True)

    kind: ClassVar[str] = "ack-loss"
    unit: ClassVar[str] = CONNECTIONS  # each ends with its ack
    at_least: ClassVar[dict[str, int]] = {"acks": 1}

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.direction != "down":
            raise ValueError(f"ack-loss: direction is {self.direction!r}; acks go down.")

    def plan(self, chunk: Chunk, stage: StageView) -> Iterator[Chunk]:
        """Yield the data before an ack, then the end."""
        if stage.exchange.problem:
            raise NotKafkaError(stage.exchange.problem)
        for ack in chunk.acks:
            p = ack - chunk.offset  # negative where the untouched part of the chunk had it
            if 0 <= p < len(chunk.data) and stage.among_first(self.acks):
                head, rest = chunk.split(p)
                if head.data:
                    yield head
                yield rest._replace(data=b"", end="close")
                return
        yield chunk


@dataclass(frozen=True)
class Down(Toxic):
    """Cut open connections and close new ones at once, as if the server were down.

    The proxy keeps its port, so a client sees a closed connection and not a refused one.

    Example:
        >>> str(Network(Down()))
        'down'
    """

    kind: ClassVar[str] = "down"
    unit: ClassVar[str] = CONNECTIONS
    in_stream: ClassVar[bool] = False
    cuts_present: ClassVar[bool] = True
    cuts_new: ClassVar[bool] = True


@dataclass(frozen=True)
class Cut(Toxic):
    """Cut all open connections, once; new ones work.

    Example:
        >>> str(Network(Cut()))
        'cut'
    """

    kind: ClassVar[str] = "cut"
    unit: ClassVar[str] = CONNECTIONS
    in_stream: ClassVar[bool] = False
    cuts_present: ClassVar[bool] = True
