"""A broker that already runs, here or elsewhere, and that others may be using."""

from __future__ import annotations

import contextlib
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, ClassVar, NoReturn

from empkit.brokers.admin import create_topics, parse_addresses, why_unreachable
from empkit.brokers.base import Broker, BrokerError
from empkit.tls import kafka_arguments

if TYPE_CHECKING:
    from empkit.proxy import ProxyProcess

REACH_TIMEOUT_S = 3.0


class ExternalBroker(Broker):
    """Kafka at the addresses of `settings.kafka_bootstrap_servers`; takes what `Broker` takes.

    Nothing is done to it but to create the topics that are missing, where it lets us.
    """

    limits: ClassVar[str] = (
        "An external broker is not ours: it cannot be stopped, paused or restarted from here. To "
        "see what a fault does, put one between it and the clients, or use another broker."
    )

    def start(self) -> None:
        """Check that one of the addresses can be reached, then create missing topics."""
        servers = self._settings.kafka_bootstrap_servers
        if not servers:
            raise BrokerError(
                "There is no address of a broker. Set EMPKIT_KAFKA_BOOTSTRAP_SERVERS=HOST:PORT, "
                "or use the embedded broker."
            )
        _reach(servers)
        # best effort: many clusters let clients write, but not create; then its owner has created
        # the topics, or they come into being with the first record
        with contextlib.suppress(BrokerError):
            create_topics(kafka_arguments(self._settings), self.topics, self._partitions)
        self.bootstrap_servers = servers

    def stop(self) -> None:
        """Let go of it; it goes on running."""
        self.bootstrap_servers = ""

    def down(self, broker: int | None = None) -> None:
        """Not possible: raises BrokerError."""
        self._not_ours("taken down")

    def up(self, broker: int | None = None) -> None:
        """Not possible: raises BrokerError."""
        self._not_ours("brought up")

    def pause(self) -> None:
        """Not possible: raises BrokerError."""
        self._not_ours("paused")

    def resume(self) -> None:
        """Not possible: raises BrokerError."""
        self._not_ours("resumed")

    def overrun(self, topic: str) -> None:
        """Not possible: raises BrokerError."""
        self._not_ours("made to drop records")

    def behind(self, proxy: ProxyProcess) -> AbstractContextManager[str]:
        """Not possible: raises BrokerError."""
        self._not_ours("led through the proxy")

    def _not_ours(self, what: str) -> NoReturn:
        raise BrokerError(
            f"The broker at {self._settings.kafka_bootstrap_servers} is not ours: it cannot be "
            f"{what}. Use the broker `embedded` or `apache` for that."
        )


def _reach(servers: str) -> None:
    """Connect to one of the addresses.

    Raises:
        BrokerError: one is malformed, or none can be reached in time.
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
