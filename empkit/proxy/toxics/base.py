"""What all toxics have in common."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from random import Random
from typing import ClassVar, Literal, Protocol

from empkit.proxy.chunk import Chunk, End

BYTES, CONNECTIONS = "bytes delayed or held", "connections delayed, held or ended"
HELD_BYTES = 1 << 20  # a stage that holds more stops the reading; the sender feels it through TCP


DEFINED: dict[str, type[Toxic]] = {}
"""Every toxic that has been defined, by its kind."""


class StageView(Protocol):
    """What a toxic sees of the stage that it is at work in, and may change there.

    Attributes:
        random: the source of its chances, of this connection and direction.
        free_at: loop time, in seconds, at which the line is free again.
        passed: bytes let through.
    """

    random: Random
    free_at: float
    passed: int

    def end_after(self, delay_s: float, how: End) -> None:
        """End the connection after a while, in seconds, unless the toxic is removed."""


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

    def __init_subclass__(cls) -> None:
        kind = cls.__dict__.get("kind")
        if not isinstance(kind, str):
            return
        known = DEFINED.get(kind)
        if known is not None and known.__qualname__ != cls.__qualname__:
            raise TypeError(f"{cls.__qualname__} has the kind of {known.__qualname__}: {kind!r}.")
        DEFINED[kind] = cls

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

    def begin(self, stage: StageView) -> None:
        """Called when the toxic takes hold: with the stage, or after what it leaves untouched."""

    def plan(self, chunk: Chunk, stage: StageView) -> Iterator[Chunk]:
        """The pieces that `chunk` becomes, each with the moment it is due; infinity holds it."""
        yield chunk
