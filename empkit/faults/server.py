"""Faults of the server and of the other members of its consumer group."""

from __future__ import annotations

from dataclasses import dataclass

from empkit.faults.base import (
    NOT_OURS,
    FaultError,
    Plan,
    Scene,
    TimedFault,
    Undo,
    nothing,
    own_server,
    stop_process,
)


@dataclass(frozen=True)
class ServerFault(TimedFault):
    """A fault of the server or of another member of its consumer group."""

    part = "server"

    def hindrance(self, plan: Plan) -> str:
        """Require a server that the lab started."""
        return NOT_OURS if plan.server is not None else ""


@dataclass(frozen=True)
class ServerCrash(ServerFault):
    """The server is killed (SIGKILL); undone by starting it again on the same port.

    Example:
        >>> str(At(2.0, ServerCrash(), until=5.0))
        'server-crash@2.0s..5.0s'
    """

    name = "server-crash"

    def strike(self, scene: Scene) -> Undo:
        """Kill the server."""
        own_server(scene.rig)
        scene.rig.kill_server()
        return scene.rig.start_server


@dataclass(frozen=True)
class ServerStart(ServerFault):
    """Ends a `ServerCrash`: for a timeline that lists begin and end separately.

    Example:
        >>> [str(each) for each in (At(2.0, ServerCrash()), At(5.0, ServerStart()))]
        ['server-crash@2.0s', 'server-start@5.0s']
    """

    name = "server-start"
    ends = ServerCrash

    def strike(self, scene: Scene) -> Undo:
        """Raise: the timeline undoes the crash, and calls this only if there is none."""
        raise FaultError("There is no server-crash that this server-start could end.")


@dataclass(frozen=True)
class ServerRestart(ServerFault):
    """The server is told to end (SIGTERM), finishes its work, and is started again.

    Example:
        >>> str(At(2.0, ServerRestart()))
        'server-restart@2.0s'
    """

    name = "server-restart"

    def strike(self, scene: Scene) -> Undo:
        """Stop the server with SIGTERM, then start it."""
        own_server(scene.rig)
        scene.rig.stop_server()
        scene.rig.start_server()
        return nothing


@dataclass(frozen=True)
class ServerPause(ServerFault):
    """The server is stopped where it is (SIGSTOP): connections stay, answers do not come.

    Example:
        >>> str(At(2.0, ServerPause(), until=5.0))
        'server-pause@2.0s..5.0s'
    """

    name = "server-pause"

    def strike(self, scene: Scene) -> Undo:
        """Stop the server."""
        server = own_server(scene.rig)
        stop_process(server.pause)
        return server.resume


@dataclass(frozen=True)
class ConsumerCrash(ServerFault):
    """A consumer beside the server is killed (SIGKILL): its partitions go to the others.

    Undone by starting another. Needs a lab with several consumers.

    Example:
        >>> str(At(2.0, ConsumerCrash(), until=5.0))
        'consumer-crash@2.0s..5.0s'
    """

    name = "consumer-crash"

    def hindrance(self, plan: Plan) -> str:
        """Require a consumer beside the server."""
        if plan.server is None and plan.consumers < 2:
            return "the only consumer is the server; give --consumers 2"
        return super().hindrance(plan)

    def strike(self, scene: Scene) -> Undo:
        """Kill the oldest consumer."""
        if not scene.rig.consumers:
            raise FaultError("This lab's only consumer is its server: start it with more.")
        scene.rig.kill_consumer()
        return scene.rig.start_consumer
