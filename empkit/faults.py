"""What can go wrong, as values that go on a timeline. Each is real: nothing is simulated in the
client.

    lab.run("kafka", workload, faults=[At(2.0, ServerCrash(), until=5.0)])

A fault that goes on a timeline has `strike`, which does the damage and returns how to undo it. One
that changes what is offered has `alter` (the records); an overload changes when they are due. What
a fault touched it restores, also when the run is interrupted.
"""

from __future__ import annotations

import contextlib
import itertools
import random
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from empkit.brokers import BrokerError
from empkit.clock import now_ns
from empkit.processes.child import ChildError
from empkit.proxy import (
    Bandwidth,
    Cut,
    Down,
    HalfOpen,
    Latency,
    LimitData,
    Partition,
    ResetPeer,
    Slicer,
    SlowClose,
    Stall,
    Timeout,
    Toxic,
)
from empkit.results.info import FaultSpan

if TYPE_CHECKING:
    from empkit.brokers import Broker
    from empkit.brokers.embedded import EmbeddedBroker
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


@dataclass(frozen=True)
class DatabaseLock(TimedFault):
    """Another process holds the lock that the store needs, really."""

    name = "database-lock"
    part = "database"

    def strike(self, lab: Lab) -> Undo:
        """Take the lock, as another program would."""
        import sqlalchemy as sa

        if lab.database_url is None:
            raise FaultError("The database of a server that is not ours is out of reach.")
        from empkit.databases.engine import make_engine

        engine = make_engine(lab.database_url)
        connection = engine.connect()
        sqlite = engine.dialect.name == "sqlite"
        try:
            if sqlite:
                connection.connection.dbapi_connection.isolation_level = None  # type: ignore[union-attr]
            lock = "BEGIN IMMEDIATE" if sqlite else "LOCK TABLE employees IN ACCESS EXCLUSIVE MODE"
            connection.exec_driver_sql(lock)
        except sa.exc.SQLAlchemyError as error:
            connection.close()
            engine.dispose()
            raise FaultError(f"The lock cannot be had: {error.args[0]}.") from error

        def undo() -> None:
            if sqlite:
                connection.exec_driver_sql("ROLLBACK")
            connection.close()
            engine.dispose()

        return undo


@dataclass(frozen=True)
class DiskFull(TimedFault):
    """The server can write no byte more to any file, as on a disk that is full (RLIMIT_FSIZE)."""

    name = "disk-full"
    part = "database"

    def strike(self, lab: Lab) -> Undo:
        """Take away its right to write."""
        server = _own_server(lab)
        if sys.platform == "linux":
            from resource import RLIMIT_FSIZE, prlimit

            before = prlimit(server.pid, RLIMIT_FSIZE)
            prlimit(server.pid, RLIMIT_FSIZE, (0, before[1]))

            def undo() -> None:
                with contextlib.suppress(ProcessLookupError):
                    prlimit(server.pid, RLIMIT_FSIZE, before)

            return undo
        raise FaultError("Only Linux can limit another process's files: leave disk-full out.")


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


@dataclass(frozen=True)
class Network(TimedFault):
    """A toxic of the fault proxy, between the clients and what they talk to.

    Args:
        toxic: see `empkit.proxy`.
    """

    name = "network"
    part = "network"
    toxic: Toxic

    @property
    def unit(self) -> str:  # type: ignore[override]
        """What the proxy counts for this toxic."""
        return self.toxic.unit

    def __str__(self) -> str:
        """The toxic and what of it is not as usual."""
        usual = {each.name: each.default for each in fields(self.toxic)}
        values = [
            f"{name}={getattr(self.toxic, name)}"
            for name in usual
            if getattr(self.toxic, name) != usual[name]
        ]
        return f"{self.toxic.kind}:{','.join(values)}" if values else self.toxic.kind

    def needs_proxy(self, lab: Lab) -> bool:
        """Always."""
        return True

    def strike(self, lab: Lab) -> Undo:
        """Add the toxic to every way through the proxy."""
        return _through(lab, self.toxic)


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
class SlowReader(TimedFault):
    """The client takes its answers in slowly: they pile up on the way, and then in the server.

    Args:
        bytes_per_s: how fast it reads, on each connection.
    """

    name = "slow-reader"
    part = "client"
    unit = Bandwidth.unit
    bytes_per_s: int = 2_000

    def needs_proxy(self, lab: Lab) -> bool:
        """Always: what is not read fills the buffers on the way."""
        return True

    def strike(self, lab: Lab) -> Undo:
        """Slow the way of the answers."""
        return _through(lab, Bandwidth(self.bytes_per_s, direction="down"))


@dataclass(frozen=True)
class TokenExpiry(Fault):
    """The client's token expires so many seconds after it was made, just before the run."""

    name = "token-expiry"
    part = "client"
    unit = "attempts answered with unauthorized"
    after_s: float = 2.0


@dataclass(frozen=True)
class RecordFault(Fault):
    """A share of the records is not as it should be.

    Args:
        share: which part of the records, from 0 to 1.
    """

    part = "records"
    unit = "records changed"
    share: float = 0.1

    def __post_init__(self) -> None:
        if not isinstance(self.share, int | float) or not 0 <= self.share <= 1:
            raise ValueError(f"share is {self.share!r}; expected a number from 0 to 1.")

    def alter(
        self, records: Iterable[Any], seed: int, struck: list[int] | None = None
    ) -> Iterator[Any]:
        """The records, some changed; text in place of a record is sent as it is.

        Args:
            records: as they are without the fault.
            seed: chooses the records that are changed.
            struck: gets the places, from 0, of those that were changed.
        """
        chance = random.Random(f"{self.name}-{seed}")  # noqa: S311 - to choose, not to hide
        pairs = itertools.pairwise(itertools.chain([None], records))
        for place, (before, record) in enumerate(pairs):
            chosen = before is not None and isinstance(record, dict)
            after = record
            if chosen and chance.random() < self.share:
                after = self.changed(record, before)
            if struck is not None and after != record:
                struck.append(place)
            yield after

    @abstractmethod
    def changed(self, record: dict[str, Any], before: Any) -> Any:
        """What a record becomes; `before` is the one that is sent before it."""


@dataclass(frozen=True)
class Duplicates(RecordFault):
    """Records with the id of another and content of their own."""

    name = "duplicates"

    def changed(self, record: dict[str, Any], before: Any) -> Any:
        """The id of the record before."""
        if not isinstance(before, dict) or "employee_id" not in before:
            return record
        return {**record, "employee_id": before["employee_id"]}


@dataclass(frozen=True)
class Invalid(RecordFault):
    """Records without a last name."""

    name = "invalid"

    def changed(self, record: dict[str, Any], before: Any) -> Any:
        """The last name goes."""
        return {name: value for name, value in record.items() if name != "last_name"}


@dataclass(frozen=True)
class Poison(RecordFault):
    """Bytes that are no JSON at all."""

    name = "poison"

    def changed(self, record: dict[str, Any], before: Any) -> Any:
        """Half a record, with a byte that is no UTF-8."""
        return f'{{"employee_id": "{record.get("employee_id")}", "first_name": "\xff'


@dataclass(frozen=True)
class TooLarge(RecordFault):
    """Records larger than the server takes (but not larger than a broker takes)."""

    name = "too-large"

    def changed(self, record: dict[str, Any], before: Any) -> Any:
        """A long field is added."""
        return {**record, "remark": "x" * 100_000}


@dataclass(frozen=True)
class Overload(Fault):
    """For a time records are offered so many times as fast; open loop only.

    Args:
        times: the offered rate, as a multiple of the workload's.
        from_s: when it begins, in seconds after the start.
        until_s: when it ends.
    """

    name = "overload"
    part = "load"
    takes_away = True
    unit = "records due while it lasted"
    times: float = 3.0
    from_s: float = 2.0
    until_s: float = 12.0


def _toxic(kind: Callable[..., Toxic]) -> Callable[..., Network]:
    def make(**options: Any) -> Network:
        return Network(kind(**options))

    make.of = kind  # type: ignore[attr-defined]
    return make


FAULTS: dict[str, Callable[..., Fault]] = {
    kind.name: kind
    for kind in (
        ServerCrash, ServerStart, ServerRestart, ServerPause, ConsumerCrash, DatabaseLock, DiskFull,
        BrokerDown, BrokerPause, BrokerSlow, LeaderMove, LeaderKill, BrokerErrors, LostAcks,
        RetentionOverrun, ClientKill, ClientPause, SlowReader, TokenExpiry, Duplicates, Invalid,
        Poison, TooLarge, Overload,
    )
} | {
    toxic.kind: _toxic(toxic)
    for toxic in (
        Latency, Bandwidth, Stall, Partition, HalfOpen, Down, Cut, ResetPeer, Timeout, Slicer,
        SlowClose, LimitData,
    )
}  # fmt: skip
"""Every fault by its name, which the command line, the results and the proxy share."""


@dataclass(frozen=True)
class At:
    """A fault on a timeline.

    Args:
        at_s: when it strikes, in seconds after the start of the run.
        fault: what.
        until: when it is undone; without it at the end of the run, or by a `ServerStart`.

    Raises:
        ValueError: the times make no sense.
    """

    at_s: float
    fault: TimedFault
    until: float | None = None

    def __post_init__(self) -> None:
        # a time that is no number compares as false
        if not self.at_s >= 0 or not (self.until is None or self.until >= self.at_s):
            raise ValueError(f"{self.fault} from {self.at_s} s until {self.until} s is no time.")

    def __str__(self) -> str:
        """As `parse_fault` takes it: `server-crash@2s..5s`."""
        end = "" if self.until is None else f"..{self.until!r}s"
        return f"{self.fault}@{self.at_s!r}s{end}"


def parse_fault(text: str) -> At | Fault:
    """A fault as the command line has it: `server-crash@2s..5s`, `latency:latency_ms=100@1s..3s`,
    `duplicates:share=0.2`.

    Raises:
        ValueError: there is no such fault, or it is not written like this.
    """
    what, _, when = text.partition("@")
    name, _, options = what.partition(":")
    if name not in FAULTS:
        raise ValueError(f"{name!r} is no fault. `empkit faults` lists them.")
    values: dict[str, Any] = {}
    for option in filter(None, options.split(",")):
        key, equals, value = option.partition("=")
        if not equals:
            raise ValueError(f"{option!r} in {text!r} is not KEY=VALUE.")
        values[key] = _value(value)
    try:
        fault = FAULTS[name](**values)
        _check_numbers(fault)
    except TypeError as error:
        raise ValueError(f"{text!r}: {str(error).split(') ')[-1]}.") from None
    if not isinstance(fault, TimedFault):
        if when:
            raise ValueError(f"{name} is for the whole run: leave {'@' + when!r} out.")
        return fault
    begin, dots, end = when.partition("..")
    try:
        return At(_seconds(begin or "0"), fault, _seconds(end) if dots else None)
    except ValueError:
        raise ValueError(
            f"{when!r} in {text!r} is no time; expected like 2s..5s, or 2s until the end."
        ) from None


def _check_numbers(fault: Fault) -> None:
    toxic = getattr(fault, "toxic", fault)
    for each in fields(toxic):
        value = getattr(toxic, each.name)
        if str(each.type).startswith(("int", "float")) and isinstance(value, str):
            raise TypeError(f"{each.name} is {value!r}; expected a number")


def _value(text: str) -> Any:
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return text


def _seconds(text: str) -> float:
    return float(text.removesuffix("s"))


class Timeline:
    """Strikes faults at their moments while a run is under way, and undoes them.

    Args:
        lab: where.
        events: what and when.
    """

    def __init__(self, lab: Lab, events: Sequence[At]) -> None:
        self._lab = lab
        self._events = events
        self._wake = threading.Event()
        self._over = False
        self._aborted = False
        self._thread: threading.Thread | None = None
        self._active: list[tuple[At, Undo, FaultSpan]] = []
        self._tallies: list[tuple[TimedFault, int, int, FaultSpan]] = []
        self.spans: list[FaultSpan] = []
        self.missed: list[FaultSpan] = []
        self.notes: list[str] = []
        self.failure: Exception | None = None

    def start(self, start_ns: int) -> None:
        """Begin; moments count from `start_ns`."""
        self._thread = threading.Thread(target=self._follow, args=(start_ns,), name="empkit-faults")
        self._thread.start()

    def finish(self, *, abort: bool = False) -> None:
        """Wait until every fault is undone.

        Args:
            abort: undo them now, whenever they were to end.
        """
        self._over = True
        self._aborted |= abort
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def _follow(self, start_ns: int) -> None:
        moments: list[tuple[float, bool, At]] = [(each.at_s, True, each) for each in self._events]
        moments += [(each.until, False, each) for each in self._events if each.until is not None]
        try:
            for at_s, strikes, event in sorted(moments, key=lambda moment: moment[:2]):
                self._wait(start_ns + int(at_s * 1e9), strikes=strikes)
                if not strikes:
                    self._undo(event)
                elif self._over:
                    self._miss(event)
                elif isinstance(event.fault, ServerStart):
                    self._end_crash(event)
                else:
                    self._strike(event)
            if not self._over:
                self._wait(None, strikes=True)
        except Exception as error:  # noqa: BLE001 - the run's own thread raises it
            self.failure = error
        finally:
            self._undo_all()
            self._count()

    def _miss(self, event: At) -> None:
        """The run was over before the fault was to begin."""
        fault = event.fault
        self.notes.append(f"{fault} did not strike: the run was over before.")
        self.missed.append(
            FaultSpan(
                str(fault), fault.part, now_ns(), None, event.at_s, event.until,
                struck=0, unit=fault.unit, missed=True,
            )
        )  # fmt: skip

    def _wait(self, moment_ns: int | None, *, strikes: bool) -> None:
        """Until the moment, or until there is no reason to wait for it any more."""
        while not self._aborted and not (strikes and self._over):
            left = None if moment_ns is None else (moment_ns - now_ns()) / 1e9
            if left is not None and left <= 0:
                return
            self._wake.wait(left)
            self._wake.clear()

    def _strike(self, event: At) -> None:
        fault = event.fault
        before = fault.tally(self._lab)
        span = FaultSpan(
            str(fault), fault.part, now_ns(), None, event.at_s, event.until,
            unit=fault.unit, takes_away=fault.takes_away,
        )  # fmt: skip
        undo = fault.strike(self._lab)
        planned = fault.tally(self._lab)
        if before is not None and planned is not None:
            self._tallies.append((fault, before[0], planned[0], span))
        self.spans.append(span)
        self._active.append((event, undo, span))
        if undo is _nothing:
            self._undo(event)

    def _undo(self, event: At) -> None:
        for active in self._active[:]:
            if active[0] is event:
                self._active.remove(active)
                active[2].struck = active[1]()
                active[2].end_ns = now_ns()

    def _count(self) -> None:
        """Count what only shows after a while, such as the answers that a broker was told to give.

        A broker that has ended meanwhile cannot be asked: then nothing is claimed.
        """
        for fault, first, last, span in self._tallies:
            with contextlib.suppress(BrokerError, ChildError, FaultError):
                after = fault.tally(self._lab)
                span.struck = None if after is None else min(max(after[1], first), last) - first

    def _end_crash(self, event: At) -> None:
        crashes = [active for active in self._active if isinstance(active[0].fault, ServerCrash)]
        if not crashes:
            event.fault.strike(self._lab)  # says that there is none
        crash, _, span = crashes[-1]
        span.asked_end_s = event.at_s
        self._undo(crash)

    def _undo_all(self) -> None:
        for event, _, _ in reversed(self._active[:]):
            try:
                self._undo(event)
            except Exception as error:  # noqa: BLE001 - the others are undone all the same
                self.failure = self.failure or error


def _own_server(lab: Lab) -> Child:
    if lab.server is None:
        raise FaultError("This server is not the lab's: it cannot be stopped or limited from here.")
    return lab.server


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


def _through(lab: Lab, toxic: Toxic, name: str = "") -> Undo:
    """Add a toxic to the listeners of the proxy whose names begin so."""
    proxy = lab.proxy
    if proxy is None:
        raise FaultError("A network fault needs the proxy, which the lab starts before a run.")
    listeners = [each for each in proxy.counters() if each.startswith(name)]
    toxics = [proxy.add(listener, toxic) for listener in listeners]

    def undo() -> int:
        return sum([proxy.remove(each) for each in toxics])

    return undo


def _can_stop(pause: Callable[[], None]) -> None:
    try:
        pause()
    except (NotImplementedError, BrokerError) as error:
        raise FaultError(str(error)) from error
