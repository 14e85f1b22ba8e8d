"""Faults of the brokers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from empkit.faults.base import Fault, FaultError, TimedFault, Undo, _can_stop, _nothing, _own_server
from empkit.faults.network import _through
from empkit.proxy import ResetPeer

if TYPE_CHECKING:
    from empkit.brokers import Broker
    from empkit.brokers.embedded import EmbeddedBroker
    from empkit.lab import Lab


@dataclass(frozen=True)
class BrokerDown(TimedFault):
    """A broker, or each, is unreachable: connections are cut, new ones refused, the log stays.

    An Apache Kafka process is killed (SIGKILL) and started again on the same log.
    """

    name = "broker-down"
    part = "broker"
    broker: int | None = None

    def strike(self, lab: Lab) -> Undo:
        """Take it down."""
        broker = _broker(lab)
        broker.down(self.broker)
        return lambda: broker.up(self.broker)


@dataclass(frozen=True)
class BrokerPause(TimedFault):
    """The brokers are stopped where they are (SIGSTOP)."""

    name = "broker-pause"
    part = "broker"

    def strike(self, lab: Lab) -> Undo:
        """Stop them."""
        broker = _broker(lab)
        _can_stop(broker.pause)
        return broker.resume


@dataclass(frozen=True)
class BrokerSlow(TimedFault):
    """Every answer of the embedded broker comes so much later."""

    name = "broker-slow"
    part = "broker"
    ms: int = 100

    def strike(self, lab: Lab) -> Undo:
        """Slow it down."""
        broker = _embedded(lab, self)
        broker.round_trip_time(self.ms)
        return lambda: broker.round_trip_time(0)


@dataclass(frozen=True)
class LeaderMove(TimedFault):
    """Every partition gets another leader; wants an embedded broker of several."""

    name = "leader-move"
    part = "broker"
    unit = ""
    to: int = 2

    def strike(self, lab: Lab) -> Undo:
        """Move the leaders of all partitions to one broker; nothing needs to be moved back."""
        broker = _embedded(lab, self)
        for partition in range(lab.partitions):
            broker.move_leader(lab.topic, partition, self.to)
        return _nothing


@dataclass(frozen=True)
class LeaderKill(TimedFault):
    """The broker that leads a partition is killed (SIGKILL), and another elected in its place.

    Undone by starting it again. Wants Apache Kafka of several brokers (`--brokers 3`).
    """

    name = "leader-kill"
    part = "broker"
    partition: int = 0

    def strike(self, lab: Lab) -> Undo:
        """Find the leader and kill it."""
        from empkit.brokers.admin import leader_of

        broker = _broker(lab)
        if lab.broker_name != "apache" or "," not in broker.bootstrap_servers:
            raise FaultError(f"{self.name} wants Apache Kafka of several brokers.")
        leader = leader_of(broker.bootstrap_servers, lab.topic, self.partition)
        broker.down(leader)
        return lambda: broker.up(leader)


@dataclass(frozen=True)
class BrokerErrors(TimedFault):
    """The next requests of a kind are answered with an error and not carried out."""

    name = "broker-errors"
    part = "broker"
    unit = "requests answered with the error"
    request: str = "Produce"
    error: str = "NOT_ENOUGH_REPLICAS"
    count: int = 5

    def tally(self, lab: Lab) -> tuple[int, int] | None:
        """How many requests the embedded broker answered so; it counts when it is only one."""
        return _embedded(lab, self).planned_answers(self.request)

    def strike(self, lab: Lab) -> Undo:
        """Have the embedded broker answer so."""
        _embedded(lab, self).push_errors(self.request, [self.error] * self.count)
        return _nothing


@dataclass(frozen=True)
class LostAcks(TimedFault):
    """Appends succeed while their answers get lost.

    The producer sends again: then the log holds the record twice, and the primary key absorbs it.
    On Apache Kafka an idempotent producer prevents it; the embedded broker does not check.

    Args:
        count: embedded broker: how many answers; another: of how many connections the next one.
        ms: embedded broker: how long it holds them, in milliseconds: beyond the producer's
            patience. On another broker the connection is reset with the answer on its way.
    """

    name = "lost-acks"
    part = "broker"
    unit = "answers held back or lost"
    count: int = 3
    ms: int = 4_000

    def needs_proxy(self, lab: Lab) -> bool:
        """Not with the embedded broker, which can do it by itself."""
        return lab.broker_name != "embedded"

    def tally(self, lab: Lab) -> tuple[int, int] | None:
        """How many answers the embedded broker held; the proxy counts by itself."""
        if lab.broker_name != "embedded":
            return None
        return _embedded(lab, self).planned_answers("Produce")

    def strike(self, lab: Lab) -> Undo:
        """Hold the answers in the embedded broker, or lose them in the proxy."""
        if lab.broker_name == "embedded":
            _embedded(lab, self).hold_answers("Produce", self.count, self.ms)
            return _nothing
        return _through(lab, ResetPeer(direction="down", connections=self.count), "broker-")


@dataclass(frozen=True)
class RetentionOverrun(TimedFault):
    """The consumer stops (SIGSTOP) until the log has dropped what it did not read: records are
    lost that were acked, and no setting of producer or consumer brings them back."""

    name = "retention-overrun"
    part = "broker"
    loses = True

    def strike(self, lab: Lab) -> Undo:
        """Stop the server; undone, the log drops what it holds, and the server goes on."""
        broker, server = _broker(lab), _own_server(lab)
        _can_stop(server.pause)

        def undo() -> None:
            try:
                broker.overrun(lab.topic)
            finally:
                server.resume()

        return undo


def _broker(lab: Lab) -> Broker:
    if lab.broker is None:
        raise FaultError("This lab has no broker.")
    return lab.broker


def _embedded(lab: Lab, fault: Fault) -> EmbeddedBroker:
    from empkit.brokers.embedded import EmbeddedBroker

    broker = _broker(lab)
    if not isinstance(broker, EmbeddedBroker):
        raise FaultError(f"{fault.name} can be had from the embedded broker only.")
    return broker
