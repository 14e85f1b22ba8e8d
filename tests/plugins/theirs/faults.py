"""A timed fault, a fault of the network, and one of the records."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from empkit.faults.base import Scene, TimedFault, Undo, nothing, own_server, stop_process
from empkit.faults.records import RecordFault
from empkit.proxy.chunk import Chunk
from empkit.proxy.toxics.base import StageView, Toxic


@dataclass(frozen=True)
class Hiccup(TimedFault):
    """The server does nothing for `ms` milliseconds, then goes on by itself."""

    name = "hiccup"
    part = "server"
    ms: int = 100

    def strike(self, scene: Scene) -> Undo:
        """Stop the server where it is, and let it go on."""
        server = own_server(scene.rig)
        stop_process(server.pause)
        time.sleep(self.ms / 1e3)
        server.resume()
        return nothing


@dataclass(frozen=True)
class Radio(Toxic):
    """Hold data until the next slot, as a radio link does that is used by turns.

    Args:
        slot_ms: the time between two slots, in milliseconds.
    """

    slot_ms: float = 20.0

    kind: ClassVar[str] = "radio"
    at_least: ClassVar[dict[str, int]] = {"slot_ms": 1}

    def plan(self, chunk: Chunk, stage: StageView) -> Iterator[Chunk]:
        """Delay `chunk` to the slot after its arrival."""
        slot_s = self.slot_ms / 1e3
        yield chunk._replace(due=(chunk.due // slot_s + 1) * slot_s)


@dataclass(frozen=True)
class Shouting(RecordFault):
    """Last names in capital letters."""

    name = "shouting"

    def changed(self, record: dict[str, Any], before: Any) -> Any:
        """The last name, in capital letters."""
        return {**record, "last_name": str(record["last_name"]).upper()}
