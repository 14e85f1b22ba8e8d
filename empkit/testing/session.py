"""What the tests of one session and xdist worker share: brokers, the fault proxy, their processes.

Each starts when a test first asks for it.
"""

from __future__ import annotations

import importlib
import itertools
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING

from empkit.addresses import host_and_port
from empkit.brokers.base import Broker
from empkit.brokers.embedded import EmbeddedBroker
from empkit.processes.child import Processes
from empkit.processes.context import Stopping

if TYPE_CHECKING:
    from empkit.proxy import ProxyProcess
    from empkit.testing.kafka import Running
    from empkit.testing.proxied import Proxied
    from empkit.testing.strikes import Strikes

EMBEDDED, APACHE = "embedded", "apache"


class Session(Stopping):
    """Brokers and the fault proxy, with the processes that they run in.

    Args:
        kafka: `embedded`, `apache`, or the addresses of a Kafka that already runs.
    """

    def __init__(self, kafka: str = EMBEDDED) -> None:
        self._kafka = kafka
        self._cleanup = ExitStack()
        self._processes: Processes | None = None
        self._shared: dict[int, Running] = {}
        self._proxy: ProxyProcess | None = None
        self._numbers = itertools.count(1)

    def stop(self) -> None:
        """Stop every broker and the proxy."""
        self._cleanup.close()

    def shared(self, brokers: int) -> Running:
        """Return the brokers that all tests use, and start them for the first.

        Args:
            brokers: how many; one that already runs has as many as it has.

        Raises:
            BrokerError: they cannot be started or reached.
        """
        if self._kafka not in (EMBEDDED, APACHE):
            brokers = 0
        running = self._shared.get(brokers)
        if running is None or _has_ended(running.broker):  # a test may kill it
            running, _ = self.start(brokers)
            self._shared[brokers] = running
        return running

    def start(self, brokers: int) -> tuple[Running, ExitStack]:
        """Start brokers.

        Args:
            brokers: how many.

        Returns:
            The brokers, and what stops them; the end of the session does so, too.

        Raises:
            BrokerError: they cannot be started or reached.
        """
        with ExitStack() as cleanup:
            name = self._kafka if self._kafka in (EMBEDDED, APACHE) else "external"
            broker = self._broker(name, brokers)
            cleanup.callback(broker.stop)
            # what the tests need is imported while the broker, a process of its own, starts
            importing = threading.Thread(
                target=importlib.import_module, args=("empkit.testing.kafka",), name="empkit-import"
            )
            importing.start()
            cleanup.callback(importing.join)
            broker.start()
            from empkit.testing.kafka import Running  # noqa: PLC0415 - see above

            proxy, servers = None, broker.bootstrap_servers
            if name == APACHE:
                proxy = self._new_proxy()
                cleanup.callback(proxy.stop)
                servers = cleanup.enter_context(broker.behind(proxy))
            running = Running(broker, name, servers, proxy)
            cleanup.callback(running.log.close)
            stops = cleanup.pop_all()
        self._cleanup.callback(stops.close)
        return running, stops

    def _broker(self, name: str, brokers: int) -> Broker:
        if name == EMBEDDED:
            # without settings, whose import takes longer than the broker's start
            return EmbeddedBroker(self._started(), None, brokers, topics=())
        from empkit.brokers import make_broker  # noqa: PLC0415 - start-up time
        from empkit.settings import Settings  # noqa: PLC0415 - start-up time

        if name == APACHE:
            return make_broker("apache", self._started(), Settings(), brokers=brokers, topics=())
        settings = Settings(kafka_bootstrap_servers=self._kafka)
        return make_broker("external", self._started(), settings, topics=())

    def proxied(self, target: str | tuple[str, int], strikes: Strikes) -> Proxied:
        """Listen for an address on the fault proxy.

        Args:
            target: `host:port`, or host and port.
            strikes: the faults of the test.

        Raises:
            ValueError: it is no address, or that of a broker: clients of Kafka connect to the
                address that it advertises, past the proxy.
        """
        from empkit.testing.proxied import Proxied  # noqa: PLC0415 - start-up time

        if isinstance(target, str) and "/" in target:
            raise ValueError(f"{target} is not HOST:PORT, such as 127.0.0.1:5432.")
        host, port = host_and_port(target) if isinstance(target, str) else target
        for running in self._shared.values():
            if f"{host}:{port}" in running.bootstrap_servers.split(","):
                raise ValueError(
                    f"{host}:{port} is a Kafka broker: its clients connect to the address that it "
                    "advertises, past the proxy. Use its own faults, such as `kafka.slow(50)`."
                )
        if self._proxy is None:
            self._proxy = self._new_proxy()
        listener = f"target-{next(self._numbers)}:"
        return Proxied(self._proxy, listener, self._proxy.listen(listener, host, port), strikes)

    def _new_proxy(self) -> ProxyProcess:
        from empkit.proxy import ProxyProcess  # noqa: PLC0415 - start-up time

        proxy = ProxyProcess(self._started())
        proxy.start()
        return proxy

    def _started(self) -> Processes:
        if self._processes is None:
            self._processes = Processes()
            self._cleanup.callback(self._processes.stop)
        return self._processes


def _has_ended(broker: Broker) -> bool:
    return isinstance(broker, EmbeddedBroker) and not broker.running
