"""Faults of the server and of the other members of its consumer group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from empkit.faults.base import FaultError, TimedFault, Undo, _can_stop, _nothing, _own_server

if TYPE_CHECKING:
    from empkit.lab import Lab


@dataclass(frozen=True)
class ServerCrash(TimedFault):
    """The server is killed (SIGKILL); undone by starting it again on the same port."""

    name = "server-crash"
    part = "server"

    def strike(self, lab: Lab) -> Undo:
        """Kill it."""
        _own_server(lab)
        lab.kill_server()
        return lab.start_server


@dataclass(frozen=True)
class ServerStart(TimedFault):
    """Ends a `ServerCrash`: for a timeline that names each moment by itself."""

    name = "server-start"
    part = "server"

    def strike(self, lab: Lab) -> Undo:
        """Done by the timeline, which undoes the crash."""
        raise FaultError("There is no server-crash that this server-start could end.")


@dataclass(frozen=True)
class ServerRestart(TimedFault):
    """The server is told to end (SIGTERM), finishes what it has, and is started again."""

    name = "server-restart"
    part = "server"

    def strike(self, lab: Lab) -> Undo:
        """Stop it in order, then start it."""
        _own_server(lab)
        lab.stop_server()
        lab.start_server()
        return _nothing


@dataclass(frozen=True)
class ServerPause(TimedFault):
    """The server is stopped where it is (SIGSTOP): connections stay, answers do not come."""

    name = "server-pause"
    part = "server"

    def strike(self, lab: Lab) -> Undo:
        """Stop it."""
        server = _own_server(lab)
        _can_stop(server.pause)
        return server.resume


@dataclass(frozen=True)
class ConsumerCrash(TimedFault):
    """One more consumer than the server's is killed (SIGKILL): its partitions go to the others.

    Undone by starting another. Wants a lab of several consumers.
    """

    name = "consumer-crash"
    part = "server"

    def strike(self, lab: Lab) -> Undo:
        """Kill it."""
        if not lab.consumers:
            raise FaultError("This lab's only consumer is its server: start it with more.")
        lab.kill_consumer()
        return lab.start_consumer
