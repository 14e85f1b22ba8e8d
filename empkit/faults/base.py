"""What every fault has: a name, the part that it strikes, and how it is undone.

    Fault
      +-- TimedFault       strikes a scene at a moment of a run, and is undone
      +-- WholeRunFault    changes what a run offers before it begins

A class with a `name` enters the register by being defined; see `empkit.faults.register`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from empkit import plugins
from empkit.brokers import BrokerError

if TYPE_CHECKING:
    import pandas as pd

    from empkit.processes.child import Child
    from empkit.proxy import ProxyProcess
    from empkit.results.info import RunInfo
    from empkit.rig.rig import Rig

IN_FLIGHT = "records in flight or sent while it lasted"
"""The unit of faults whose strikes are counted from the timings, after the run."""

IN_FLIGHT_OR_NEVER = "records in flight or never sent"
"""The same, of a fault that ends the sending."""

NOT_OURS = "the server is not the lab's own; leave --server out"

Part = Literal["server", "database", "broker", "network", "client", "records", "load"]
Undo = Callable[[], int | None]
"""What undoes a fault, and says how often it struck where that was counted."""

DEFINED: dict[str, type[Fault]] = {}
"""Every fault class that has been defined, by its name."""


class FaultError(RuntimeError):
    """A fault cannot be struck here; the message says why.

    Example:
        >>> LeaderKill().strike(Scene(lab))
        Traceback (most recent call last):
        empkit.faults.base.FaultError: leader-kill wants Apache Kafka of several brokers.
    """


@dataclass
class Scene:
    """What faults strike: the system under test and, while a run is under way, what loads it.

    Args:
        rig: the system, started.
        generators: the processes that send the records.
        proxy: the fault proxy, where the clients go through it.

    Example:
        >>> Scene(lab).rig.broker_name
        'embedded'
    """

    rig: Rig
    generators: Sequence[Child] = ()
    proxy: ProxyProcess | None = None


@dataclass
class Offer:
    """What a run offers, as long as it can be changed.

    Args:
        records: what is sent; `Raw` in place of one is sent as it is.
        seed: of the workload, for what is drawn by chance.
        rate: the offered rate in records/s; None in a closed loop.
        surges: from and until when, in seconds, the rate is multiplied, and by what.
        token_lifetime_s: when the client's token expires, in seconds after it was made; None: not
            within the run.
    """

    records: Iterator[Any]
    seed: int
    rate: float | None
    surges: list[tuple[float, float, float]] = field(default_factory=list)
    token_lifetime_s: float | None = None


class Evidence(Protocol):
    """What a run leaves, for a fault to count in it what it struck."""

    @property
    def info(self) -> RunInfo:
        """What is known of the run."""

    def timings(self, *columns: str) -> pd.DataFrame:
        """Columns of the run's timings, a row a record that was offered."""

    def answers(self) -> pd.Series[str]:
        """The answer to each attempt of the records that needed several."""


class Plan(Protocol):
    """What a comparison is asked to run on, before anything is started."""

    @property
    def protocols(self) -> Sequence[str]:
        """The protocols; empty for all that there are."""

    @property
    def kafka(self) -> bool:
        """Whether any record goes through Kafka."""

    @property
    def broker(self) -> str:
        """Which Kafka, by name."""

    @property
    def brokers(self) -> int:
        """How many brokers."""

    @property
    def consumers(self) -> int:
        """How many members the consumer group has."""

    @property
    def server(self) -> str | None:
        """URL of a server that already runs."""

    @property
    def database(self) -> str | None:
        """URL of a database, where one is given."""

    @property
    def open_loop(self) -> bool:
        """Whether records are offered at a rate."""


def nothing() -> None:
    """Undo of a fault that needs none."""


@dataclass(frozen=True)
class Fault(ABC):
    """Something that goes wrong.

    Example:
        >>> fault = BrokerSlow(ms=50)
        >>> fault.name, fault.part, str(fault)
        ('broker-slow', 'broker', 'broker-slow:ms=50')
    """

    name: ClassVar[str]
    part: ClassVar[Part]
    takes_away: ClassVar[bool] = False
    """Whether it takes records away from a run: what is missing then is the experiment."""
    unit: ClassVar[str] = ""
    """What is counted where it strikes; empty where nothing can be."""

    def __init_subclass__(cls) -> None:
        name = cls.__dict__.get("name")
        if not isinstance(name, str):
            return
        if not issubclass(cls, TimedFault | WholeRunFault):
            raise TypeError(
                f"{cls.__qualname__} ({name!r}) is neither a TimedFault nor a WholeRunFault: "
                "derive it from the one that it is."
            )
        plugins.enter(DEFINED, name, cls)

    def __str__(self) -> str:
        values = [
            f"{setting.name}={value}"
            for setting in fields(self)
            if (value := getattr(self, setting.name)) is not None
        ]
        return f"{self.name}:{','.join(values)}" if values else self.name

    def hindrance(self, plan: Plan) -> str:
        """Why the fault cannot strike where a comparison is to run; empty where it can."""
        return ""


@dataclass(frozen=True)
class TimedFault(Fault):
    """A fault that begins and ends at moments of a run.

    Example:
        >>> undo = BrokerSlow(ms=50).strike(Scene(lab))
        >>> undo()
    """

    unit = IN_FLIGHT
    loses: ClassVar[bool] = False
    """Whether records that were acked may be lost, because that is what the fault is about."""
    ends_sending: ClassVar[bool] = False
    """Whether the load generator ends with it, so that the run is audited from what it left."""
    ends: ClassVar[type[TimedFault] | None] = None
    """The fault that this one ends in place of striking."""

    def needs_proxy(self, rig: Rig) -> bool:
        """Whether the clients must go through the fault proxy."""
        return False

    def tally(self, scene: Scene) -> tuple[int, int] | None:
        """How often faults of this kind were to strike so far, and how often they did, in the order
        of asking; None where nobody counts."""
        return None

    @abstractmethod
    def strike(self, scene: Scene) -> Undo:
        """Do the damage.

        Args:
            scene: what there is to strike.

        Returns:
            What undoes it.

        Raises:
            FaultError: it cannot be done here.
        """


@dataclass(frozen=True)
class WholeRunFault(Fault):
    """A fault that changes what a run offers, from its beginning to its end.

    Example:
        >>> [name for name, kind in fault_kinds().items() if issubclass(kind.of, WholeRunFault)]
        ['token-expiry', 'overload', 'duplicates', 'invalid', 'poison', 'too-large'...]
    """

    lasts_s: ClassVar[tuple[str, str] | None] = None
    """The settings that say from and until when, in seconds, where it is not the whole run."""

    @abstractmethod
    def change(self, offer: Offer) -> Sequence[int]:
        """Change what is offered, before the run begins.

        Returns:
            The places, from 0, of the records that are changed, complete once the records have been
            read; empty for a fault that changes no record.

        Raises:
            ValueError: what is offered cannot be changed so.
        """

    @abstractmethod
    def count(self, evidence: Evidence, places: Sequence[int]) -> int | None:
        """Count what the fault struck in one run; None where that cannot be told.

        Args:
            evidence: what the run left.
            places: what `change` returned.
        """


def own_server(rig: Rig) -> Child:
    """The process of the server.

    Raises:
        FaultError: the server was there before the rig, and is not the rig's to strike.
    """
    if rig.server is None:
        raise FaultError("This server is not the lab's: it cannot be stopped or limited from here.")
    return rig.server


def stop_process(pause: Callable[[], None]) -> None:
    """Call what stops a process where it is.

    Raises:
        FaultError: the process cannot be stopped on this platform, or is not ours.
    """
    try:
        pause()
    except (NotImplementedError, BrokerError) as error:
        raise FaultError(str(error)) from error
