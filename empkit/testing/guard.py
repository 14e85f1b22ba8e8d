"""What may be in force at once on one broker: a fault only once, since its undo would end both.

A broker that is paused takes no orders, so what is to be undone meanwhile is undone when it is
resumed.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from empkit.faults.base import FaultError
from empkit.faults.broker import BrokerDown, BrokerPause

if TYPE_CHECKING:
    from empkit.faults.base import Scene, TimedFault, Undo

Place = tuple[str, object]
"""What a fault has for itself while it is in force: a kind, and which of it; None for all."""

PAUSE: Place = ("pause", None)


class Guard:
    """The faults in force on one broker, over all tests that share it."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._in_force: dict[Place, str] = {}
        self._late: list[Undo] = []

    def strike(self, fault: TimedFault, scene: Scene) -> Undo:
        """Carry out a fault, and return its undo.

        Raises:
            FaultError: one is in force that it cannot be beside, or it cannot strike here.
        """
        place = place_of(fault)
        with self._lock:
            for taken, words in self._in_force.items():
                if taken[0] == place[0] and (None in (taken[1], place[1]) or taken == place):
                    raise FaultError(
                        f"{fault} cannot strike while {words} is in force: the end of one would "
                        "end both. Let one end before the other begins."
                    )
            if PAUSE in self._in_force:
                raise FaultError(
                    f"{fault} cannot strike while the brokers are paused: they take no orders "
                    "then. Let it strike before the pause or after it."
                )
            undo = fault.strike(scene)
            self._in_force[place] = str(fault)
        return lambda: self._end(place, undo)

    def _end(self, place: Place, undo: Undo) -> int | None:
        with self._lock:
            del self._in_force[place]
            if PAUSE in self._in_force:
                self._late.append(undo)
                return None
            struck = undo()
            if place == PAUSE:
                late, self._late = self._late, []
                for each in late:
                    each()
            return struck


def place_of(fault: TimedFault) -> Place:
    """Return what a fault has for itself."""
    if isinstance(fault, BrokerPause):
        return PAUSE
    if isinstance(fault, BrokerDown):
        return ("down", fault.broker)
    place: Place = getattr(fault, "place", (str(fault), ""))
    return place
