"""What every broker can do, so that the lab need not know which one it has."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from empkit.processes.child import Processes
    from empkit.proxy import ProxyProcess
    from empkit.settings import Settings


class BrokerError(RuntimeError):
    """A broker cannot be started, or cannot do what was asked of it; the message says why."""


class Broker(ABC):
    """One Kafka, of one broker or several. Calls block, and may come from any thread.

    Args:
        processes: where child processes and files belong, and end with.
        settings: names the topics, and the addresses of a broker that already runs.
        brokers: how many brokers, where they are ours.
        partitions: partitions of each topic that does not exist yet.

    Attributes:
        bootstrap_servers: `host:port,host:port` for clients; empty before `start`.
    """

    limits: ClassVar[str]
    """What this kind of broker cannot do, in sentences to be shown where a user meets it."""

    def __init__(
        self, processes: Processes, settings: Settings, brokers: int = 1, partitions: int = 4
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

    @property
    def topics(self) -> list[str]:
        """The topics that exist once the broker has started."""
        return [self._settings.kafka_topic, self._settings.dead_letter_topic]

    @abstractmethod
    def start(self) -> None:
        """Start, create the topics, and wait until clients are answered.

        Raises:
            BrokerError: it cannot be started, or not be reached.
            ChildError: the process ended, or was not ready in time.
        """

    @abstractmethod
    def stop(self) -> None:
        """End what `start` began; nothing happens when it has ended already."""

    @abstractmethod
    def down(self, broker: int | None = None) -> None:
        """Make a broker unreachable: connections are cut, new ones refused. Its log stays.

        Args:
            broker: its number, counted from 1; None means all.

        Raises:
            BrokerError: there is no such broker, or it is not ours.
        """

    @abstractmethod
    def up(self, broker: int | None = None) -> None:
        """Bring a broker back on the same address, with the log it had.

        Args:
            broker: its number, counted from 1; None means all.

        Raises:
            BrokerError: there is no such broker, or it is not ours.
        """

    @abstractmethod
    def pause(self) -> None:
        """Freeze all brokers (SIGSTOP): connections stay, answers do not come.

        Raises:
            BrokerError: the broker is not ours.
            NotImplementedError: the platform cannot stop a process.
        """

    @abstractmethod
    def resume(self) -> None:
        """Let frozen brokers go on.

        Raises:
            BrokerError: the broker is not ours.
        """

    @abstractmethod
    def overrun(self, topic: str) -> None:
        """Have a topic lose every record that it holds now, as when its retention is over.

        Raises:
            BrokerError: the broker is not ours, or did not do it.
        """

    @abstractmethod
    def behind(self, proxy: ProxyProcess) -> AbstractContextManager[str]:
        """Lead clients through a proxy, which listens for each broker, as `broker-1` and so on.

        A Kafka client asks any broker where all of them are, and goes there; so the brokers must
        name the proxy's addresses.

        Args:
            proxy: one that runs.

        Returns:
            A context with the addresses for clients that are to go through the proxy.

        Raises:
            BrokerError: the broker is not ours.
        """

    def _chosen(self, broker: int | None) -> list[int]:
        """The numbers meant by `broker`.

        Raises:
            BrokerError: there is no such broker.
        """
        numbers = list(range(1, self._brokers + 1))
        if broker is None:
            return numbers
        if broker not in numbers:
            raise BrokerError(f"There is no broker {broker}; there are {numbers}.")
        return [broker]
