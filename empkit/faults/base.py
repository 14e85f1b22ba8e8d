"""What every fault has: a name, the part that it strikes, and how it is undone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, ClassVar, Literal

from empkit.brokers import BrokerError

if TYPE_CHECKING:
    from empkit.lab import Lab
    from empkit.processes.child import Child

IN_FLIGHT = "records in flight or sent while it lasted"
"""The unit of faults whose strikes are counted from the timings, after the run."""

IN_FLIGHT_OR_NEVER = "records in flight or never sent"
"""The same, of a fault that ends the sending."""

Part = Literal["server", "database", "broker", "network", "client", "records", "load"]
Undo = Callable[[], int | None]
"""What undoes a fault, and says how often it struck where that was counted."""


class FaultError(RuntimeError):
    """A fault cannot be struck here; the message says why."""


def _nothing() -> None:
    """There is nothing to undo."""


@dataclass(frozen=True)
class Fault(ABC):
    """Something that goes wrong."""

    name: ClassVar[str]
    part: ClassVar[Part]
    takes_away: ClassVar[bool] = False
    """Whether it takes records away from a run: what is missing then is the experiment."""
    unit: ClassVar[str] = ""
    """What is counted where it strikes; empty where nothing can be."""

    def __str__(self) -> str:
        values = [
            f"{each.name}={value}"
            for each in fields(self)
            if (value := getattr(self, each.name)) is not None
        ]
        return f"{self.name}:{','.join(values)}" if values else self.name


@dataclass(frozen=True)
class TimedFault(Fault):
    """A fault that begins and ends at moments of a run."""

    unit = IN_FLIGHT
    loses: ClassVar[bool] = False
    """Whether records that were acked may be lost, because that is what the fault is about."""

    def needs_proxy(self, lab: Lab) -> bool:
        """Whether the clients must go through the fault proxy."""
        return False

    def tally(self, lab: Lab) -> tuple[int, int] | None:
        """How often faults of this kind were to strike the lab so far, and how often they did, in
        the order of asking; None where nobody counts."""
        return None

    @abstractmethod
    def strike(self, lab: Lab) -> Undo:
        """Do the damage.

        Args:
            lab: with a run under way.

        Returns:
            What undoes it.

        Raises:
            FaultError: it cannot be done here.
        """


def _own_server(lab: Lab) -> Child:
    if lab.server is None:
        raise FaultError("This server is not the lab's: it cannot be stopped or limited from here.")
    return lab.server


def _can_stop(pause: Callable[[], None]) -> None:
    try:
        pause()
    except (NotImplementedError, BrokerError) as error:
        raise FaultError(str(error)) from error
