"""The faults of the kit as tests want them: what they planned and did not need is cancelled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from empkit.brokers.embedded import EmbeddedBroker
from empkit.faults.base import FaultError, Scene, TimedFault, Undo
from empkit.faults.broker import BrokerErrors, BrokerFault, BrokerSlow, EmbeddedFault, LostAcks
from empkit.faults.network import Network, add_toxic
from empkit.proxy import AckLoss, Latency

if TYPE_CHECKING:
    from empkit.faults.base import Fault, Part
    from empkit.testing.guard import Guard, Place
    from empkit.testing.topic import Topic


@dataclass(frozen=True)
class Errors(BrokerErrors):
    """Errors of the embedded broker, `count` from each of its brokers; the rest is cancelled."""

    def __post_init__(self) -> None:
        _require(count=self.count)

    @property
    def place(self) -> Place:
        """The answers to one kind of request: which of two faults struck is not known."""
        return ("answers", self.request)

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

    def __post_init__(self) -> None:
        _require(count=self.count)

    def __str__(self) -> str:
        return f"{self.name}:count={self.count}"

    @property
    def place(self) -> Place:
        """The answers to producers."""
        return ("answers", "Produce")

    def tally(self, scene: Scene) -> None:
        """The undo counts."""

    def strike(self, scene: Scene) -> Undo:
        """Cut the connection in the embedded broker, or in the proxy."""
        if not isinstance(scene.rig.broker, EmbeddedBroker):
            return add_toxic(scene, AckLoss(self.count), "broker-")
        broker = embedded(scene, self)
        before = _used(broker, "Produce")
        broker.lose_answers("Produce", self.count)
        return lambda: _cancel(broker, "Produce", before)


@dataclass(frozen=True)
class Held(EmbeddedFault):
    """Answers of the embedded broker that come late; what is not held yet is cancelled.

    Args:
        request: the kind of request.
        count: how many answers, of each broker.
        ms: how late, in milliseconds.
    """

    request: str
    count: int
    ms: int

    unit = "answers held back"

    def __post_init__(self) -> None:
        _require(count=self.count, ms=self.ms)

    @property
    def place(self) -> Place:
        """The answers to one kind of request."""
        return ("answers", self.request)

    def __str__(self) -> str:
        return f"held-answers:request={self.request},count={self.count},ms={self.ms}"

    def strike(self, scene: Scene) -> Undo:
        """Plan the delays."""
        broker = embedded(scene, self)
        before = _used(broker, self.request)
        broker.hold_answers(self.request, self.count, self.ms)
        return lambda: _cancel(broker, self.request, before)


@dataclass(frozen=True)
class MovedLeader(EmbeddedFault):
    """Another broker leads one partition; the undo moves it back.

    Args:
        to: the number of the broker.
        topic: the topic.
        partition: the partition.
    """

    to: int
    topic: Topic
    partition: int

    unit = "leaders moved"

    @property
    def place(self) -> Place:
        """The leader of the partition."""
        return (f"leader of {self.topic.name}", self.partition)

    def __str__(self) -> str:
        return f"leader-move:partition={self.partition},to={self.to}"

    def strike(self, scene: Scene) -> Undo:
        """Move the leader."""
        broker = embedded(scene, self)
        leaders = self.topic.leaders()
        if self.partition not in leaders:
            raise FaultError(
                f"{self.topic.name} has no partition {self.partition}; it has {sorted(leaders)}."
            )
        before = leaders[self.partition]
        if before == self.to:
            raise FaultError(f"Broker {self.to} leads partition {self.partition} already.")
        broker.move_leader(self.topic.name, self.partition, self.to)

        def undo() -> int:
            broker.move_leader(self.topic.name, self.partition, before)
            return 1

        return undo


@dataclass(frozen=True)
class Expired(BrokerFault):
    """The log drops every record that a topic holds, as when their retention time has passed.

    Args:
        topic: the topic.
    """

    topic: Topic

    unit = "records dropped"

    def __str__(self) -> str:
        return f"retention:topic={self.topic.name}"

    def strike(self, scene: Scene) -> Undo:
        """Drop them; nothing brings them back."""
        broker = scene.rig.broker
        if isinstance(broker, EmbeddedBroker):
            raise FaultError(
                "The embedded broker cannot delete records (it has no DeleteRecords request); mark "
                "the test with @pytest.mark.needs_apache and run it with --kafka=apache."
            )
        assert broker is not None  # `Running` has one
        before = self.topic.offsets()
        broker.overrun(self.topic.name)
        after = self.topic.offsets()
        dropped = sum(after[number][0] - oldest for number, (oldest, _) in before.items())
        return lambda: dropped


@dataclass(frozen=True)
class Slow(BrokerSlow):
    """Every response of the brokers comes later: of the embedded one, or by the proxy."""

    def __post_init__(self) -> None:
        _require(ms=self.ms)

    @property
    def place(self) -> Place:
        """The time of all responses."""
        return ("slow", None)

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


@dataclass(frozen=True)
class Guarded(TimedFault):
    """A fault beside those that are in force on its broker; see `Guard`.

    Args:
        fault: the fault.
        guard: of the broker.
    """

    fault: TimedFault
    guard: Guard

    def __str__(self) -> str:
        return str(self.fault)

    @property
    def part(self) -> Part:  # type: ignore[override]
        """The part that the fault strikes."""
        return self.fault.part

    @property
    def unit(self) -> str:  # type: ignore[override]
        """What the fault counts."""
        return self.fault.unit

    def tally(self, scene: Scene) -> tuple[int, int] | None:
        """Return what the fault has struck."""
        return self.fault.tally(scene)

    def strike(self, scene: Scene) -> Undo:
        """Carry out the fault, if no other is in force that it cannot be beside."""
        return self.guard.strike(self.fault, scene)


def _require(**values: int) -> None:
    for name, value in values.items():
        if value < 1:
            raise ValueError(f"{name} is {value}; expected 1 or more.")


def embedded(scene: Scene, fault: Fault) -> EmbeddedBroker:
    """Return the embedded broker.

    Raises:
        FaultError: the broker is another.
    """
    broker = scene.rig.broker
    if not isinstance(broker, EmbeddedBroker):
        raise FaultError(
            f"Only the embedded broker supports {fault}; run the test with --kafka=embedded, "
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
