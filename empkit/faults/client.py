"""Faults of the load generator and of its token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from empkit.faults.base import (
    IN_FLIGHT_OR_NEVER,
    Evidence,
    Offer,
    Plan,
    Scene,
    TimedFault,
    Undo,
    WholeRunFault,
    nothing,
    stop_process,
)
from empkit.wire import UNAUTHORIZED


@dataclass(frozen=True)
class ClientKill(TimedFault):
    """The load generator is killed (SIGKILL) with records in flight; the run ends with it.

    Example:
        >>> str(At(2.0, ClientKill()))
        'client-kill@2.0s'
    """

    name = "client-kill"
    part = "client"
    takes_away = True
    ends_sending = True
    unit = IN_FLIGHT_OR_NEVER

    def strike(self, scene: Scene) -> Undo:
        """Kill the load generators."""
        for generator in scene.generators:
            generator.kill()
        return nothing


@dataclass(frozen=True)
class ClientPause(TimedFault):
    """The load generator is stopped where it is: it neither sends nor reads.

    Example:
        >>> str(At(2.0, ClientPause(), until=5.0))
        'client-pause@2.0s..5.0s'
    """

    name = "client-pause"
    part = "client"
    takes_away = True

    def strike(self, scene: Scene) -> Undo:
        """Stop the load generators."""
        generators = scene.generators
        for generator in generators:
            stop_process(generator.pause)

        def undo() -> None:
            for generator in generators:
                generator.resume()

        return undo


@dataclass(frozen=True)
class TokenExpiry(WholeRunFault):
    """The client's token expires `after_s` seconds after it was made, just before the run.

    Example:
        >>> str(TokenExpiry(after_s=1.0))
        'token-expiry:after_s=1.0'
    """

    name = "token-expiry"
    part = "client"
    unit = "attempts answered with unauthorized"
    after_s: float = 2.0

    def hindrance(self, plan: Plan) -> str:
        """Require a server that the lab started, and a protocol that uses tokens."""
        if plan.server is not None:
            return "only the lab's own server issues tokens that expire; leave --server out"
        if list(plan.protocols) == ["kafka"]:
            return "no token goes over Kafka; add --protocol http or websocket"
        return ""

    def change(self, offer: Offer) -> Sequence[int]:
        """Give the client a token that expires; of several such faults the first counts."""
        if offer.token_lifetime_s is None:
            offer.token_lifetime_s = self.after_s
        return ()

    def count(self, evidence: Evidence, places: Sequence[int]) -> int | None:
        """Count the attempts that were refused.

        Only records that needed several attempts have a row per attempt, and a WebSocket handshake
        has none: if the token may have been refused there, the count is not known.
        """
        info = evidence.info
        refused = int((evidence.answers() == UNAUTHORIZED).sum())
        timings = evidence.timings("attempts", "outcome")
        alone = timings["outcome"].isin(["failed", "unknown"]) & (timings["attempts"] <= 1)
        # Kafka uses no token, and HTTP sends it with each record
        known = (
            info.through_kafka
            or info.protocol == "http"
            or (info.protocol == "websocket" and not info.reconnections)
        )
        return refused if refused or (known and not alone.any()) else None
