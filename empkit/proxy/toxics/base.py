"""The base class of all toxics."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from random import Random
from typing import ClassVar, Literal, Protocol

from empkit import plugins
from empkit.proxy.chunk import Chunk, End
from empkit.proxy.frames import Exchange

BYTES, CONNECTIONS = "bytes delayed or held", "connections delayed, held or ended"
HELD_BYTES = 1 << 20  # a stage that holds more pauses reading; TCP then slows the sender


DEFINED: dict[str, type[Toxic]] = {}
"""Every toxic that has been defined, by its kind."""


class StageView(Protocol):
    """The part of a stage that its toxic may read and change.

    Attributes:
        random: source of the toxic's random numbers for this connection and direction.
        free_at: loop time, in seconds, at which the line is free again.
        passed: bytes passed on.
        exchange: whether the connection carries Kafka; then each chunk says where acks begin.
    """

    exchange: Exchange
    random: Random
    free_at: float
    passed: int

    def end_after(self, delay_s: float, how: End) -> None:
        """End the connection after `delay_s` seconds unless the toxic is removed before."""

    def among_first(self, limit: int | None) -> bool:
        """Return whether this connection is one of the first `limit` that asked; None: of any."""


@dataclass(frozen=True)
class Toxic:
    """The settings that all toxics share: which connections are affected, and from which point.

    Args:
        direction: "up" is from the client to the server, "down" from the server to the client.
        share: the fraction of the connections that is affected, from 0 to 1. Decided once per
            connection, from the proxy's seed: a repetition affects the same connections, if they
            come in the same order.
        after_bytes: number of bytes that pass unaffected first, in each direction of each
            connection, counted from when the toxic is applied to the connection.
        after_messages: number of messages that pass unaffected first. A message is the data of one
            read from the socket: one request or response if they alternate and are small,
            otherwise whatever TCP delivered together.
        after_connections: number of connections that stay unaffected first, counted from when the
            toxic is added; connections that are open at that time count first.
        connections: number of connections that are affected after that; None means all.
            `Down(connections=2)` fails twice, then works.

    Raises:
        ValueError: a setting is out of range, or does not apply to this toxic.
    """

    direction: Literal["up", "down", "both"] = field(default="both", kw_only=True)
    share: float = field(default=1.0, kw_only=True)
    after_bytes: int = field(default=0, kw_only=True)
    after_messages: int = field(default=0, kw_only=True)
    after_connections: int = field(default=0, kw_only=True)
    connections: int | None = field(default=None, kw_only=True)

    kind: ClassVar[str]
    unit: ClassVar[str] = BYTES  # what is counted when it takes effect
    at_least: ClassVar[dict[str, int]] = {}  # minimum values of settings, where it is not 0
    in_stream: ClassVar[bool] = True  # acts as a stage; otherwise on whole connections
    cuts_present: ClassVar[bool] = False  # ends the connections that are open when it is added
    cuts_new: ClassVar[bool] = False  # ends each new connection
    bars_upstream: ClassVar[bool] = False  # prevents the upstream connection of new connections

    def __init_subclass__(cls) -> None:
        if isinstance(kind := cls.__dict__.get("kind"), str):
            plugins.require_words(kind, cls)
            plugins.enter(DEFINED, kind, cls)

    def __post_init__(self) -> None:
        for name in (setting.name for setting in fields(self)):
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
        """How many bytes one direction of a connection may hold before reading is paused."""
        return HELD_BYTES

    def begin(self, stage: StageView) -> None:
        """React to the start of the toxic's effect: with the stage, or after what it skips."""

    def plan(self, chunk: Chunk, stage: StageView) -> Iterator[Chunk]:
        """Yield the pieces of `chunk`, each with the time at which it is due; infinity holds it."""
        yield chunk
