"""The interface of every broker; the lab uses nothing else of a broker."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from empkit.processes.child import Processes
    from empkit.proxy import ProxyProcess
    from empkit.settings import Settings


class BrokerError(RuntimeError):
    """A broker cannot be started, or cannot carry out an operation; the message says why."""


class Broker(ABC):
    """A Kafka cluster of one or more brokers. Calls block; any thread may call.

    Args:
        processes: owns child processes and files, which end with it.
        settings: names the topics, and the addresses of an external broker.
        brokers: number of brokers to start; `external` ignores it.
        partitions: number of partitions of each topic that is created.
        topics: the topics that `start` creates; by default those of the settings.

    Attributes:
        bootstrap_servers: `host:port,host:port` for clients; empty before `start`.
    """

    limits: ClassVar[str]
    """The limitations of this kind of broker, in sentences for the user."""

    def __init__(
        self,
        processes: Processes,
        settings: Settings,
        brokers: int = 1,
        partitions: int = 4,
        topics: Sequence[str] | None = None,
    ) -> None:
        if brokers < 1 or partitions < 1:
            raise ValueError(
                f"brokers is {brokers} and partitions is {partitions}; each must be at least 1."
            )
        self.bootstrap_servers = ""
        self._processes = processes
        self._settings = settings
        self._brokers = brokers
        self._partitions = partitions
        self._topics = topics

    @property
    def topics(self) -> list[str]:
        """The topics that exist once the broker has started."""
        if self._topics is not None:
            return list(self._topics)
        return [self._settings.kafka_topic, self._settings.dead_letter_topic]

    @abstractmethod
    def start(self) -> None:
        """Start, create the topics, and wait until the brokers respond to clients.

        Raises:
            BrokerError: the broker cannot be started or reached.
            ChildError: the process ended, or was not ready in time.
        """

    @abstractmethod
    def stop(self) -> None:
        """Stop what `start` started; has no effect when it has stopped already."""

    @abstractmethod
    def down(self, broker: int | None = None) -> None:
        """Make a broker unreachable: connections are cut, new ones refused. Its log stays.

        Args:
            broker: its number, counted from 1; None means all.

        Raises:
            BrokerError: there is no such broker, or the broker is external.
        """

    @abstractmethod
    def up(self, broker: int | None = None) -> None:
        """Make a broker reachable again at the same address, with its previous log.

        Args:
            broker: its number, counted from 1; None means all.

        Raises:
            BrokerError: there is no such broker, or the broker is external.
        """

    @abstractmethod
    def pause(self, broker: int | None = None) -> None:
        """Pause a broker (SIGSTOP): connections stay open, responses stop.

        Args:
            broker: its number, counted from 1; None means all.

        Raises:
            BrokerError: there is no such broker, it cannot be paused alone, or it is external.
            NotImplementedError: the platform cannot pause a process.
        """

    @abstractmethod
    def resume(self, broker: int | None = None) -> None:
        """Resume a paused broker; has no effect on one that is not paused.

        Args:
            broker: its number, counted from 1; None means all.

        Raises:
            BrokerError: there is no such broker, it cannot be resumed alone, or it is external.
        """

    @abstractmethod
    def overrun(self, topic: str) -> None:
        """Delete every record that a topic holds now, as when its retention time has passed.

        Raises:
            BrokerError: the broker is external, or did not delete them.
        """

    @abstractmethod
    def behind(self, proxy: ProxyProcess) -> AbstractContextManager[str]:
        """Route clients through a proxy, with a listener per broker: `broker-1` and so on.

        A Kafka client asks any broker for the addresses of all and connects to those; so the
        brokers must advertise the proxy's addresses.

        Args:
            proxy: a running proxy.

        Returns:
            A context whose value is the addresses for clients behind the proxy.

        Raises:
            BrokerError: the broker is external.
        """

    def _chosen(self, broker: int | None) -> list[int]:
        """Return the numbers of the brokers that `broker` selects.

        Raises:
            BrokerError: there is no such broker.
        """
        numbers = list(range(1, self._brokers + 1))
        if broker is None:
            return numbers
        if broker not in numbers:
            raise BrokerError(f"There is no broker {broker}; there are {numbers}.")
        return [broker]
