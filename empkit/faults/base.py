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
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, get_args

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
"""A function that undoes a fault; it returns how often the fault struck, None if not counted."""

DEFINED: dict[str, type[Fault]] = {}
"""Every fault class that has been defined, by its name."""


class FaultError(RuntimeError):
    """A fault cannot strike here; the message says why.

    Example:
        >>> LeaderKill().strike(Scene(lab))
        Traceback (most recent call last):
        empkit.faults.base.FaultError: leader-kill needs Apache Kafka with several brokers.
    """


@dataclass
class Scene:
    """What faults strike: the system under test and, during a run, its load generators.

    Args:
        rig: the system, started.
        generators: the processes that send the records.
        proxy: the fault proxy, if the clients go through it.

    Example:
        >>> Scene(lab).rig.broker_name
        'embedded'
    """

    rig: Rig
    generators: Sequence[Child] = ()
    proxy: ProxyProcess | None = None


@dataclass
class Offer:
    """What a run offers; faults of the whole run may change it before the run begins.

    Args:
        records: the records to send; a `Raw` among them is sent unchanged.
        seed: the seed of the workload, for random choices.
        rate: the offered rate in records/s; None in a closed loop.
        surges: begin and end, in seconds, of each time of a higher rate, and its factor.
        token_lifetime_s: the lifetime of the client's token, in seconds; None: it does not expire
            during the run.
    """

    records: Iterator[Any]
    seed: int
    rate: float | None
    surges: list[tuple[float, float, float]] = field(default_factory=list)
    token_lifetime_s: float | None = None


class Evidence(Protocol):
    """What a run leaves; a fault counts in it what it struck."""

    @property
    def info(self) -> RunInfo:
        """What is known of the run."""

    def timings(self, *columns: str) -> pd.DataFrame:
        """Return columns of the run's timings, one row per record that was offered."""

    def answers(self) -> pd.Series[str]:
        """Return the answer to each attempt of the records that needed several attempts."""


class Plan(Protocol):
    """What a comparison is asked to run on, before anything is started."""

    @property
    def protocols(self) -> Sequence[str]:
        """The protocols; empty for all protocols."""

    @property
    def kafka(self) -> bool:
        """Whether any record goes through Kafka."""

    @property
    def broker(self) -> str:
        """The name of the kind of broker, such as `embedded`."""

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
    """Do nothing: the undo of a fault that needs none."""


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
    """Whether it takes records away from a run: missing records are then part of the experiment."""
    unit: ClassVar[str] = ""
    """What is counted as struck; empty if nothing can be counted."""

    def __init_subclass__(cls) -> None:
        name = cls.__dict__.get("name")
        if not isinstance(name, str):
            return
        if not issubclass(cls, TimedFault | WholeRunFault):
            raise TypeError(
                f"{cls.__qualname__} ({name!r}) is neither a TimedFault nor a WholeRunFault: "
                "derive it from the one that it is."
            )
        if getattr(cls, "part", None) not in get_args(Part):
            raise TypeError(
                f"{cls.__qualname__} ({name!r}) does not say which part it strikes: set `part` to "
                f"one of {', '.join(get_args(Part))}."
            )
        plugins.require_words(name, cls)
        plugins.enter(DEFINED, name, cls)

    def __str__(self) -> str:
        values = [
            f"{setting.name}={value}"
            for setting in fields(self)
            if (value := getattr(self, setting.name)) is not None
        ]
        return f"{self.name}:{','.join(values)}" if values else self.name

    def hindrance(self, plan: Plan) -> str:
        """Return why the fault cannot strike in a planned comparison; empty if it can."""
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
    """Whether acked records may be lost, because that is the purpose of the fault."""
    ends_sending: ClassVar[bool] = False
    """Whether it ends the load generator, so that the run is audited from the files it left."""
    ends: ClassVar[type[TimedFault] | None] = None
    """The fault that this one ends instead of striking."""

    def needs_proxy(self, rig: Rig) -> bool:
        """Whether the clients must go through the fault proxy."""
        return False

    def tally(self, scene: Scene) -> tuple[int, int] | None:
        """Return how many strikes of this kind were ordered so far and how many were carried out;
        None if they are not counted."""
        return None

    @abstractmethod
    def strike(self, scene: Scene) -> Undo:
        """Carry out the fault.

        Args:
            scene: the system to strike.

        Returns:
            A function that undoes it.

        Raises:
            FaultError: the fault cannot strike here.
        """


@dataclass(frozen=True)
class WholeRunFault(Fault):
    """A fault that changes what a run offers, from its beginning to its end.

    Example:
        >>> [name for name, kind in fault_kinds().items() if issubclass(kind.of, WholeRunFault)]
        ['token-expiry', 'overload', 'duplicates', 'invalid', 'poison', 'too-large'...]
    """

    lasts_s: ClassVar[tuple[str, str] | None] = None
    """The two settings with its begin and end, in seconds, if it does not last the whole run."""

    @abstractmethod
    def change(self, offer: Offer) -> Sequence[int]:
        """Change the offer, before the run begins.

        Returns:
            The places, from 0, of the records that are changed, complete once the records have been
            read; empty for a fault that changes no record.

        Raises:
            ValueError: the offer cannot be changed in this way.
        """

    @abstractmethod
    def count(self, evidence: Evidence, places: Sequence[int]) -> int | None:
        """Count what the fault struck in one run; None if that is not known.

        Args:
            evidence: what the run left.
            places: the result of `change`.
        """


def own_server(rig: Rig) -> Child:
    """Return the process of the server.

    Raises:
        FaultError: the rig did not start the server, and so must not strike it.
    """
    if rig.server is None:
        raise FaultError("This server is not the lab's: it cannot be stopped or limited from here.")
    return rig.server


def stop_process(pause: Callable[[], None]) -> None:
    """Suspend a process by calling `pause`.

    Raises:
        FaultError: the process cannot be suspended on this platform, or the lab did not start it.
    """
    try:
        pause()
    except (NotImplementedError, BrokerError) as error:
        raise FaultError(str(error)) from error
