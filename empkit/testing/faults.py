"""The faults of the kit as tests want them: what they planned and did not need is cancelled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from empkit.brokers.embedded import EmbeddedBroker
from empkit.faults.base import FaultError, Scene, Undo
from empkit.faults.broker import BrokerErrors, BrokerSlow, LostAcks
from empkit.faults.network import Network, add_toxic
from empkit.proxy import Latency, ResetPeer

if TYPE_CHECKING:
    from empkit.faults.base import Fault


@dataclass(frozen=True)
class Errors(BrokerErrors):
    """Errors of the embedded broker, `count` from each of its brokers; the rest is cancelled."""

    def tally(self, scene: Scene) -> None:
        """The undo counts."""

    def strike(self, scene: Scene) -> Undo:
        """Plan the errors."""
        broker = embedded(scene, self)
        before = _used(broker, self.request)
        broker.plan_errors(self.request, [self.error] * self.count)
        return lambda: _cancel(broker, self.request, before)


@dataclass(frozen=True)
class Lost(LostAcks):
    """Acks that are lost on the way: the connection is cut in place of each."""

    def __str__(self) -> str:
        return f"{self.name}:count={self.count}"

    def tally(self, scene: Scene) -> None:
        """The undo counts."""

    def strike(self, scene: Scene) -> Undo:
        """Cut the connection in the embedded broker, or in the proxy."""
        if not isinstance(scene.rig.broker, EmbeddedBroker):
            # an idle connection, such as the plugin's own, loses no answer
            reset = ResetPeer(direction="down", next_connections=self.count)
            return add_toxic(scene, reset, "broker-")
        broker = embedded(scene, self)
        before = _used(broker, "Produce")
        broker.lose_answers("Produce", self.count)
        return lambda: _cancel(broker, "Produce", before)


@dataclass(frozen=True)
class Slow(BrokerSlow):
    """Every response of the brokers comes later: of the embedded one, or by the proxy."""

    def strike(self, scene: Scene) -> Undo:
        """Delay the responses."""
        if isinstance(scene.rig.broker, EmbeddedBroker):
            return super().strike(scene)
        return add_toxic(scene, Latency(float(self.ms), direction="down"), "broker-")


@dataclass(frozen=True)
class OfOneListener(Network):
    """A toxic on one listener of the proxy.

    Args:
        toxic: the toxic.
        listener: the name of the listener.
    """

    listener: str

    def strike(self, scene: Scene) -> Undo:
        """Add the toxic."""
        return add_toxic(scene, self.toxic, self.listener)


def embedded(scene: Scene, fault: Fault) -> EmbeddedBroker:
    """Return the embedded broker.

    Raises:
        FaultError: the broker is another.
    """
    broker = scene.rig.broker
    if not isinstance(broker, EmbeddedBroker):
        raise FaultError(
            f"Only the embedded broker supports {fault.name}; run the test with --kafka=embedded, "
            "or skip it on others."
        )
    return broker


def _used(broker: EmbeddedBroker, request: str) -> int:
    planned = broker.planned_answers(request)
    return 0 if planned is None else planned[1]


def _cancel(broker: EmbeddedBroker, request: str, before: int) -> int:
    """Cancel what is left, and return how many requests were struck."""
    struck = _used(broker, request) - before
    broker.cancel_answers(request)
    return struck
