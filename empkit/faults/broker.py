"""Faults of the brokers."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from empkit.faults.base import (
    NOT_OURS,
    Fault,
    FaultError,
    Plan,
    Scene,
    TimedFault,
    Undo,
    nothing,
    own_server,
    stop_process,
)
from empkit.faults.network import add_toxic
from empkit.proxy import AckLoss

if TYPE_CHECKING:
    from empkit.brokers import Broker
    from empkit.brokers.embedded import EmbeddedBroker
    from empkit.rig.rig import Rig


@dataclass(frozen=True)
class BrokerFault(TimedFault):
    """A fault of the brokers."""

    part = "broker"

    def hindrance(self, plan: Plan) -> str:
        """Require brokers that the lab started."""
        if not plan.kafka:
            return "no record goes over Kafka; add --protocol kafka"
        if plan.broker == "external":
            return "an external Kafka is not the lab's own; use --broker embedded or apache"
        return ""


@dataclass(frozen=True)
class EmbeddedFault(BrokerFault):
    """A fault that only the embedded broker supports."""

    def hindrance(self, plan: Plan) -> str:
        """Require the embedded broker."""
        if not (reason := super().hindrance(plan)) and plan.broker != "embedded":
            return "only the embedded broker supports this; use --broker embedded"
        return reason


@dataclass(frozen=True)
class BrokerDown(BrokerFault):
    """One broker, or all, are unreachable: connections are cut, new ones refused, the log stays.

    An Apache Kafka process is killed (SIGKILL) and started again on the same log.

    Example:
        >>> str(At(2.0, BrokerDown(broker=1), until=5.0))
        'broker-down:broker=1@2.0s..5.0s'
    """

    name = "broker-down"
    broker: int | None = None

    def hindrance(self, plan: Plan) -> str:
        """Require that the broker exists."""
        return super().hindrance(plan) or _missing(self.broker, plan)

    def strike(self, scene: Scene) -> Undo:
        """Take it down."""
        broker = _broker(scene.rig)
        broker.down(self.broker)
        return lambda: broker.up(self.broker)


@dataclass(frozen=True)
class BrokerPause(BrokerFault):
    """The brokers are stopped where they are (SIGSTOP).

    Example:
        >>> str(At(2.0, BrokerPause(), until=5.0))
        'broker-pause@2.0s..5.0s'
    """

    name = "broker-pause"

    def strike(self, scene: Scene) -> Undo:
        """Stop them."""
        broker = _broker(scene.rig)
        stop_process(broker.pause)
        return broker.resume


@dataclass(frozen=True)
class BrokerSlow(EmbeddedFault):
    """Delays every response of the embedded broker by `ms`.

    Example:
        >>> str(At(2.0, BrokerSlow(ms=50), until=5.0))
        'broker-slow:ms=50@2.0s..5.0s'
    """

    name = "broker-slow"
    ms: int = 100

    def strike(self, scene: Scene) -> Undo:
        """Slow it down."""
        broker = _embedded(scene.rig, self)
        broker.round_trip_time(self.ms)
        return lambda: broker.round_trip_time(0)


@dataclass(frozen=True)
class LeaderMove(EmbeddedFault):
    """Every partition gets another leader; needs the embedded broker with several brokers.

    Example:
        >>> str(At(2.0, LeaderMove(to=2)))
        'leader-move:to=2@2.0s'
    """

    name = "leader-move"
    unit = ""
    to: int = 2

    def hindrance(self, plan: Plan) -> str:
        """Require that the broker exists."""
        return super().hindrance(plan) or _missing(self.to, plan)

    def strike(self, scene: Scene) -> Undo:
        """Make one broker the leader of all partitions; there is no undo."""
        broker = _embedded(scene.rig, self)
        for partition in range(scene.rig.partitions):
            broker.move_leader(scene.rig.topic, partition, self.to)
        return nothing


@dataclass(frozen=True)
class LeaderKill(BrokerFault):
    """The broker that leads a partition is killed (SIGKILL), and another elected in its place.

    Undone by starting it again. Needs Apache Kafka with several brokers (`--brokers 3`).

    Args:
        partition: whose leader is killed.
        alone_ms: for how long before the kill all other brokers are stopped (SIGSTOP), in
            milliseconds. What the leader appends in that time no other broker has: records that
            were acked by it alone (`acks=1`) are lost.

    Example:
        >>> str(At(2.0, LeaderKill(partition=3), until=5.0))
        'leader-kill:partition=3,alone_ms=0.0@2.0s..5.0s'
    """

    name = "leader-kill"
    partition: int = 0
    alone_ms: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.alone_ms < math.inf:
            raise ValueError(f"alone_ms is {self.alone_ms!r}; expected 0 ms or more.")

    def hindrance(self, plan: Plan) -> str:
        """Require another broker that can become the leader."""
        if reason := super().hindrance(plan):
            return reason
        if plan.broker != "apache" or plan.brokers < 2:
            return "it needs Apache Kafka with several brokers; give --broker apache --brokers 3"
        return ""

    def strike(self, scene: Scene) -> Undo:
        """Find the leader and kill it."""
        from empkit.brokers.admin import leader_of  # noqa: PLC0415 - start-up time

        broker = _broker(scene.rig)
        if scene.rig.broker_name != "apache" or "," not in broker.bootstrap_servers:
            raise FaultError(f"{self.name} needs Apache Kafka with several brokers.")
        leader = leader_of(broker.bootstrap_servers, scene.rig.topic, self.partition)
        if self.alone_ms > 0:
            _kill_alone(broker, leader, self.alone_ms / 1e3)
        else:
            broker.down(leader)
        return lambda: broker.up(leader)


def _kill_alone(broker: Broker, leader: int, seconds: float) -> None:
    """Stop the other brokers, kill the leader after that time, and let the others go on."""
    count = len(broker.bootstrap_servers.split(","))
    others = [number for number in range(1, count + 1) if number != leader]
    paused: list[int] = []
    try:
        for number in others:
            stop_process(partial(broker.pause, number))
            paused.append(number)
        time.sleep(seconds)
        broker.down(leader)
    finally:
        for number in paused:
            broker.resume(number)


@dataclass(frozen=True)
class BrokerErrors(EmbeddedFault):
    """The next requests of a kind are answered with an error and not carried out.

    Example:
        >>> str(At(2.0, BrokerErrors(count=3)))
        'broker-errors:request=Produce,error=NOT_ENOUGH_REPLICAS,count=3@2.0s'
    """

    name = "broker-errors"
    unit = "requests answered with the error"
    request: str = "Produce"
    error: str = "NOT_ENOUGH_REPLICAS"
    count: int = 5

    def tally(self, scene: Scene) -> tuple[int, int] | None:
        """Return how many such answers were ordered and given; only a single broker counts them."""
        return _embedded(scene.rig, self).planned_answers(self.request)

    def strike(self, scene: Scene) -> Undo:
        """Order the errors from the embedded broker."""
        _embedded(scene.rig, self).push_errors(self.request, [self.error] * self.count)
        return nothing


@dataclass(frozen=True)
class LostAcks(BrokerFault):
    """Appends succeed while their answers get lost.

    The producer sends again: then the log holds the record twice, and the primary key absorbs this.
    On Apache Kafka an idempotent producer prevents it; the embedded broker does not check.

    Args:
        count: how many answers to producers are lost, of each broker.
        ms: with the embedded broker, how long it holds an answer, in milliseconds: longer than the
            producer's timeout. With another, the connection is closed in place of the answer.

    Example:
        >>> str(At(2.0, LostAcks(count=2)))
        'lost-acks:count=2,ms=4000@2.0s'
    """

    name = "lost-acks"
    unit = "answers held back or lost"
    count: int = 3
    ms: int = 4_000

    def needs_proxy(self, rig: Rig) -> bool:
        """Return False for the embedded broker, which holds the answers itself."""
        return rig.broker_name != "embedded"

    def tally(self, scene: Scene) -> tuple[int, int] | None:
        """Return how many answers the embedded broker was to hold and held; the proxy has its
        counts."""
        if scene.rig.broker_name != "embedded":
            return None
        return _embedded(scene.rig, self).planned_answers("Produce")

    def strike(self, scene: Scene) -> Undo:
        """Hold the answers in the embedded broker, or lose them in the proxy."""
        if scene.rig.broker_name == "embedded":
            _embedded(scene.rig, self).hold_answers("Produce", self.count, self.ms)
            return nothing
        return add_toxic(scene, AckLoss(self.count), "broker-")


@dataclass(frozen=True)
class RetentionOverrun(BrokerFault):
    """The consumer stops (SIGSTOP) until the log has dropped records that it did not read: acked
    records are lost, and no setting of producer or consumer brings them back.

    Example:
        >>> str(At(2.0, RetentionOverrun(), until=5.0))
        'retention-overrun@2.0s..5.0s'
    """

    name = "retention-overrun"
    loses = True

    def hindrance(self, plan: Plan) -> str:
        """Require a server that the lab started."""
        return super().hindrance(plan) or (NOT_OURS if plan.server is not None else "")

    def strike(self, scene: Scene) -> Undo:
        """Suspend the server; the undo drops the records of the log, then resumes the server."""
        broker, server = _broker(scene.rig), own_server(scene.rig)
        stop_process(server.pause)

        def undo() -> None:
            try:
                broker.overrun(scene.rig.topic)
            finally:
                server.resume()

        return undo


def _missing(number: int | None, plan: Plan) -> str:
    """Return a message if there is no broker with this number; empty if there is."""
    if number is None or 1 <= number <= plan.brokers:
        return ""
    return f"there is no broker {number} of {plan.brokers}; give --brokers"


def _broker(rig: Rig) -> Broker:
    if rig.broker is None:
        raise FaultError("This lab has no broker.")
    return rig.broker


def _embedded(rig: Rig, fault: Fault) -> EmbeddedBroker:
    from empkit.brokers.embedded import EmbeddedBroker  # noqa: PLC0415 - start-up time

    broker = _broker(rig)
    if not isinstance(broker, EmbeddedBroker):
        raise FaultError(f"Only the embedded broker supports {fault.name}.")
    return broker
