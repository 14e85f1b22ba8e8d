"""One direction of a connection, with the toxics that act on it.

    source --read--> Stage -> Stage -> ... --write--> target

Each toxic that acts on a flow is a `Stage` of it: a queue with one timer. A chunk keeps the time at
which it was due, not the time at which the event loop handled it, so that event-loop lag does not
accumulate over the stages. A flow without stages writes immediately what it reads. A toxic that is
removed first passes on, in order, everything that it held.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Iterator
from itertools import pairwise
from random import Random
from typing import Protocol

from empkit.proxy.chunk import Chunk, Direction, End
from empkit.proxy.frames import Exchange
from empkit.proxy.toxics.base import Toxic


class Ends(Protocol):
    """What a flow uses of the connection that it belongs to."""

    def end(self, how: End) -> None:
        """End both directions at once."""

    def finish(self, flow: Flow) -> None:
        """Handle the orderly end of one direction."""


class Stage:
    """A toxic applied to one flow: a queue in order of arrival, and a timer for its head."""

    def __init__(
        self,
        toxic_id: str,
        toxic: Toxic,
        flow: Flow,
        random: Random,
        struck: Callable[[int], None],
        failed: Callable[[Exception], None],
        among_first: Callable[[int | None], bool],
    ) -> None:
        self.among_first = among_first
        self.id, self.toxic, self.random = toxic_id, toxic, random
        # called with the number of bytes that the toxic changed; 0 for the end of a stream
        self._struck = struck
        self._failed = failed  # called with the error of a toxic's own code
        self.free_at = 0.0  # when the line is free again, for toxics that need it
        self.passed = 0  # bytes passed on, for toxics that count them
        self.held = 0  # bytes in the queue
        self.exchange = flow.exchange
        self.next = flow.deliver
        self._flow = flow
        self._queue: deque[Chunk] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._end_timer: asyncio.TimerHandle | None = None
        # without after_bytes and after_messages, data that earlier stages hold is affected too
        self._from_offset = flow.offset + toxic.after_bytes if toxic.after_bytes else 0
        self._from_message = flow.messages + toxic.after_messages if toxic.after_messages else 0
        self._begun = False
        if not (self._from_offset or self._from_message):
            self._begin()

    def _begin(self) -> None:
        if not self._begun:
            self._begun = True
            try:
                self.toxic.begin(self)
            except Exception as error:  # noqa: BLE001 - any error of a toxic of another package
                self._failed(error)

    def take(self, chunk: Chunk) -> None:
        """Let the toxic plan how `chunk` is passed on, and pass on what is due."""
        for piece in self._planned(chunk):
            self._queue.append(piece)
            self.held += len(piece.data)
        self._release()

    def _planned(self, chunk: Chunk) -> Iterator[Chunk]:
        """Yield the untouched part of `chunk`, then the pieces that the toxic makes of the rest."""
        untouched = self._from_offset - chunk.offset
        if chunk.message < self._from_message:
            untouched = max(1, len(chunk.data))
        if untouched > 0:
            head, chunk = chunk.split(untouched)
            yield head
            if not chunk.data:
                return
        self._begin()
        try:
            planned = list(self.toxic.plan(chunk, self))
        except Exception as error:  # noqa: BLE001 - any error of a toxic of another package
            self._failed(error)
            planned = [chunk]
        if planned != [chunk]:
            self._struck(len(chunk.data))
        yield from planned

    def end_after(self, delay_s: float, how: End) -> None:
        """End the connection after `delay_s` unless the toxic is removed; only the first counts."""
        if self._end_timer is None:
            chunk = Chunk(b"", 0.0, self._flow.offset, self._flow.messages, how)
            loop = asyncio.get_running_loop()
            self._end_timer = loop.call_later(delay_s, self._end_now, chunk)

    def _end_now(self, chunk: Chunk) -> None:
        self._struck(0)
        self._pass_now(chunk)

    def _pass_now(self, chunk: Chunk) -> None:
        self.next(chunk._replace(due=asyncio.get_running_loop().time()))

    def _release(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        while self._queue and self._queue[0].due <= now:
            chunk = self._queue.popleft()
            self.held -= len(chunk.data)
            self.next(chunk)
        if self._queue and self._timer is None and self._queue[0].due < math.inf:
            self._timer = loop.call_at(self._queue[0].due, self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._release()
        self._flow.balance()

    def stop(self) -> deque[Chunk]:
        """Stop the timers; remove and return the chunks that are held."""
        for timer in (self._timer, self._end_timer):
            if timer is not None:
                timer.cancel()
        held, self._queue, self.held = self._queue, deque(), 0
        return held

    def flush(self) -> None:
        """Pass on immediately all that is held: the toxic is removed."""
        for chunk in self.stop():
            self._pass_now(chunk)


class Flow:
    """One direction of one connection: from a socket, through the stages, to the other socket.

    Args:
        connection: its `end` and `finish` are called when the stream ends.
        direction: up or down.
        counters: the listener's counters of bytes written, by direction.
        exchange: what both directions say if they carry Kafka.
    """

    def __init__(
        self,
        connection: Ends,
        direction: Direction,
        counters: dict[Direction, int],
        exchange: Exchange,
    ) -> None:
        self.direction = direction
        self.exchange = exchange
        self.source: asyncio.Transport | None = None
        self.target: asyncio.Transport | None = None  # until `connected`
        self.target_full = False
        self.stages: list[Stage] = []
        self.offset = 0  # bytes read
        self.messages = 0  # reads
        self.finished = False  # the end of the stream was delivered
        self._connection = connection
        self._counters = counters
        self._early: list[Chunk] = []  # chunks that passed all stages before there was a target
        self._paused = False
        self._ended = False

    def connected(self, target: asyncio.Transport) -> None:
        """Deliver to `target` from now on."""
        self.target = target
        early, self._early = self._early, []
        for chunk in early:
            self.deliver(chunk)
        self.balance()

    def read(self, data: bytes) -> None:
        """Take the data that the source sent."""
        acks = self.exchange.read(self.direction, data)
        if self.stages or self.target is None:
            now = asyncio.get_running_loop().time()
            acks = tuple(self.offset + p for p in acks)
            self._enter(Chunk(data, now, self.offset, self.messages, acks=acks))
            self.balance()
        else:
            self._write(data)
        self.offset += len(data)
        self.messages += 1

    def end(self, how: End) -> None:
        """Take the end of the source; like data it passes through the stages."""
        self._ended = True
        now = asyncio.get_running_loop().time()
        self._enter(Chunk(b"", now, self.offset, self.messages, how))

    def _enter(self, chunk: Chunk) -> None:
        (self.stages[0].take if self.stages else self.deliver)(chunk)

    def deliver(self, chunk: Chunk) -> None:
        """Write a chunk that has passed all stages to the target, or end the connection."""
        if chunk.end in {"close", "cut", "reset"}:
            self._connection.end(chunk.end)
        elif self.target is None:
            self._early.append(chunk)
        elif chunk.end:
            self._connection.finish(self)
        else:
            self._write(chunk.data)

    def _write(self, data: bytes) -> None:
        assert self.target is not None
        if not self.target.is_closing():
            self._counters[self.direction] += len(data)
            self.target.write(data)

    def balance(self) -> None:
        """Pause reading while there is no target, it is full, or the stages hold too much."""
        if self.source is None or self._ended:
            return
        # resume at half the limit, so that reading does not stop and start with each piece
        part = 2 if self._paused else 1
        full = any(stage.held > stage.toxic.may_hold_bytes // part for stage in self.stages)
        pause = self.target is None or self.target_full or full
        if pause != self._paused:
            self._paused = pause
            (self.source.pause_reading if pause else self.source.resume_reading)()

    def add(self, stage: Stage) -> None:
        """Append a stage, so that data held by earlier stages passes through it too."""
        if self.stages:
            self.stages[-1].next = stage.take
        self.stages.append(stage)

    def remove(self, toxic_id: str) -> None:
        """Remove the stage of a toxic; what it held is passed on to the next."""
        for stage in [stage for stage in self.stages if stage.id == toxic_id]:
            self.stages.remove(stage)
            for before, after in pairwise(self.stages):
                before.next = after.take
            if self.stages:
                self.stages[-1].next = self.deliver
            stage.flush()
        self.balance()

    def clear(self) -> None:
        """Drop all stages and what they hold: the connection has ended."""
        for stage in self.stages:
            stage.stop()
        self.stages = []
        self._ended = True
