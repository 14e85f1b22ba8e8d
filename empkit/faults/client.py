"""Faults of the load generator and of what it has to show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from empkit.faults.base import IN_FLIGHT_OR_NEVER, Fault, TimedFault, Undo, _can_stop, _nothing

if TYPE_CHECKING:
    from empkit.lab import Lab


@dataclass(frozen=True)
class ClientKill(TimedFault):
    """The load generator is killed (SIGKILL) with records in flight; the run ends with it."""

    name = "client-kill"
    part = "client"
    takes_away = True
    unit = IN_FLIGHT_OR_NEVER

    def strike(self, lab: Lab) -> Undo:
        """Kill it."""
        if lab.generator is not None:
            lab.generator.kill()
        return _nothing


@dataclass(frozen=True)
class ClientPause(TimedFault):
    """The load generator is stopped where it is: it neither sends nor reads."""

    name = "client-pause"
    part = "client"
    takes_away = True

    def strike(self, lab: Lab) -> Undo:
        """Stop it."""
        generator = lab.generator
        if generator is None:
            return _nothing
        _can_stop(generator.pause)
        return generator.resume


@dataclass(frozen=True)
class TokenExpiry(Fault):
    """The client's token expires so many seconds after it was made, just before the run."""

    name = "token-expiry"
    part = "client"
    unit = "attempts answered with unauthorized"
    after_s: float = 2.0
