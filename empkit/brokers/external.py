"""A Kafka cluster that already runs, on this machine or elsewhere, and may have other users."""

from __future__ import annotations

import contextlib
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, ClassVar, NoReturn

from empkit.brokers.admin import create_topics, parse_addresses, why_unreachable
from empkit.brokers.base import Broker, BrokerError
from empkit.kafka.connection import kafka_arguments

if TYPE_CHECKING:
    from empkit.proxy import ProxyProcess

REACH_TIMEOUT_S = 3.0


class ExternalBroker(Broker):
    """Kafka at `settings.kafka_bootstrap_servers`; takes the arguments of `Broker`.

    The only change made to the cluster is to create missing topics, where it permits that.
    """

    limits: ClassVar[str] = (
        "An external broker is not under the lab's control: the lab cannot stop, pause or restart "
        "it. To see the effect of a fault, inject one between the broker and the clients, or use "
        "another broker."
    )

    def start(self) -> None:
        """Check that one of the addresses can be reached, then create missing topics."""
        servers = self._settings.kafka_bootstrap_servers
        if not servers:
            raise BrokerError(
                "No broker address is set. Set EMPKIT_KAFKA_BOOTSTRAP_SERVERS=HOST:PORT, or use "
                "the embedded broker."
            )
        _reach(servers)
        # best effort: many clusters let clients write but not create topics; there an operator has
        # created the topics, or the first record creates them
        with contextlib.suppress(BrokerError):
            create_topics(kafka_arguments(self._settings), self.topics, self._partitions)
        self.bootstrap_servers = servers

    def stop(self) -> None:
        """Forget the addresses; the cluster keeps running."""
        self.bootstrap_servers = ""

    def down(self, broker: int | None = None) -> None:
        """Raise BrokerError: not possible here."""
        self._not_ours("taken down")

    def up(self, broker: int | None = None) -> None:
        """Raise BrokerError: not possible here."""
        self._not_ours("brought up")

    def pause(self, broker: int | None = None) -> None:
        """Raise BrokerError: not possible here."""
        self._not_ours("paused")

    def resume(self, broker: int | None = None) -> None:
        """Raise BrokerError: not possible here."""
        self._not_ours("resumed")

    def overrun(self, topic: str) -> None:
        """Raise BrokerError: not possible here."""
        self._not_ours("made to drop records")

    def behind(self, proxy: ProxyProcess) -> AbstractContextManager[str]:
        """Raise BrokerError: not possible here."""
        self._not_ours("put behind the proxy")

    def _not_ours(self, what: str) -> NoReturn:
        raise BrokerError(
            f"The broker at {self._settings.kafka_bootstrap_servers} is external: it cannot be "
            f"{what}. Use the broker `embedded` or `apache` for that."
        )


def _reach(servers: str) -> None:
    """Connect to one of the addresses.

    Raises:
        BrokerError: an address is malformed, or none can be reached in time.
    """
    addresses = parse_addresses(servers)
    failures = []
    for address in addresses:
        reason = why_unreachable(address, REACH_TIMEOUT_S / len(addresses))
        if reason is None:
            return
        failures.append(f"{address[0]}:{address[1]}: {reason}")
    raise BrokerError(
        f"No broker can be reached ({'; '.join(failures)}). Check "
        "EMPKIT_KAFKA_BOOTSTRAP_SERVERS and that Kafka runs there."
    )
