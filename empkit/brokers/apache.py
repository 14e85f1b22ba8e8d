"""Apache Kafka in KRaft mode on this machine's Java, one process per broker.

Each process is both controller and broker, and listens on loopback only. Its files are in the
folder of `Processes` and are removed with it.
"""

from __future__ import annotations

import base64
import os
import random
import secrets
import shutil
import socket
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from empkit.brokers.admin import create_topics, drop_records, wait_for_brokers
from empkit.brokers.base import Broker, BrokerError
from empkit.brokers.install import find_java, find_kafka
from empkit.processes.child import Child

if TYPE_CHECKING:
    from empkit.proxy import ProxyProcess

FORMAT_TIMEOUT_S = 60.0
START_TIMEOUT_S = 60.0

# below the ephemeral ports, so that no outgoing connection takes the port of a broker that is down
PORTS = range(20_000, 32_000)

RESERVED_WHILE_USED = sys.platform == "linux"
"""Whether a process can listen on a reserved port (`_reserve_ports`)."""

JAVA_FLAGS = (
    "-Xmx512m",
    "-XX:-UsePerfData",  # a temporary file that a killed process leaves behind
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",  # halves the start-up time on two cores
    "-XX:+DisplayVMOutputToStderr",  # errors of the JVM itself also belong in the log
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",  # the logger of the jars from Maven
)


class _Ports(NamedTuple):
    """The ports of one broker, and of its proxy."""

    client: int
    proxied: int
    controller: int
    proxy: int


_LOGGING = """\
appender.err.type=Console
appender.err.name=err
appender.err.target=SYSTEM_ERR
appender.err.layout.type=PatternLayout
appender.err.layout.pattern=[%d] %p %m (%c)%n
rootLogger.level=warn
rootLogger.appenderRef.err.ref=err
"""
"""Configuration of Log4j, which an unpacked release logs with."""


class ApacheBroker(Broker):
    """Apache Kafka with one or more brokers; takes the arguments of `Broker`."""

    limits: ClassVar[str] = (
        "Apache Kafka is configured for short experiments: 512 MB of heap per broker, only Java's "
        "first-tier (C1) compiler, a broker session timeout of 3 s (default 9 s), and all replicas "
        "on the same disk of this machine."
    )

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._numbers = range(1, self._brokers + 1)
        self._replicas = min(3, self._brokers)
        self._nodes: dict[int, Child] = {}
        self._folder: Path | None = None
        self._java: list[str] = []
        self._ports: dict[int, _Ports] = {}
        self._reserved: list[socket.socket] = []

    def start(self) -> None:
        """Format the log folders, start every broker and create the topics.

        Raises:
            BrokerError: Java or Kafka is missing or too old, or a broker does not start.
        """
        if self._folder is not None:
            raise BrokerError("Apache Kafka runs already; stop it first.")
        java, jars = find_java(), find_kafka()
        self._folder = self._processes.folder / f"kafka-{secrets.token_hex(3)}"
        self._folder.mkdir()
        try:
            logging = self._folder / "log4j2.properties"
            logging.write_text(_LOGGING)
            jars_path = os.pathsep.join(str(jar) for jar in jars)
            self._java = [java, *JAVA_FLAGS, f"-Dlog4j2.configurationFile={logging}"]
            self._java += ["-cp", jars_path]
            self._reserved = _reserve_ports(4 * self._brokers)
            free = [port.getsockname()[1] for port in self._reserved]
            self._ports = {n: _Ports(*(free.pop() for _ in range(4))) for n in self._numbers}
            if not RESERVED_WHILE_USED:
                self._release_ports()
            self._configure()
            self._format()
            self.bootstrap_servers = ",".join(
                f"127.0.0.1:{ports.client}" for ports in self._ports.values()
            )
            self.up()
            reach = {"bootstrap_servers": self.bootstrap_servers}
            create_topics(reach, self.topics, self._partitions, self._replicas)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Kill every broker and remove its files.

        The log is removed too, so an orderly shutdown, which takes three brokers 2 s, has no use.
        """
        self.down()
        self._release_ports()
        folder, self._folder = self._folder, None
        self.bootstrap_servers = ""
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)

    def down(self, broker: int | None = None) -> None:
        """Kill a broker (SIGKILL). The others elect new leaders when its session has expired."""
        for number in self._chosen(broker):
            node = self._nodes.pop(number, None)
            if node is not None:
                self._processes.release(node, kill=True)

    def up(self, broker: int | None = None) -> None:
        """Start a broker with its previous log, and wait until it has joined the cluster.

        After a kill this takes until the broker's old session has expired, up to 3 s.

        Raises:
            BrokerError: the broker ended again, or has not joined in time.
        """
        if self._folder is None:
            raise BrokerError("Apache Kafka does not run; start it first.")
        chosen = self._chosen(broker)
        for number in chosen:
            if number not in self._nodes:
                command = [*self._java, "kafka.Kafka", str(self._properties(number))]
                self._nodes[number] = self._processes.start(f"kafka-{number}", command)
        addresses = self.bootstrap_servers.split(",")
        wanted = ",".join(addresses[number - 1] for number in chosen)
        try:
            wait_for_brokers(wanted, START_TIMEOUT_S, lambda: self._check_running(chosen))
        except TimeoutError as error:
            raise BrokerError(f"Apache Kafka did not start: {error}") from None

    def pause(self, broker: int | None = None) -> None:
        """Pause a broker that runs (SIGSTOP)."""
        for node in self._running(broker):
            node.pause()

    def resume(self, broker: int | None = None) -> None:
        """Resume a paused broker (SIGCONT)."""
        for node in self._running(broker):
            node.resume()

    def _running(self, broker: int | None) -> list[Child]:
        """Return the processes of the chosen brokers that run."""
        chosen = self._chosen(broker)
        return [node for number, node in list(self._nodes.items()) if number in chosen]

    def overrun(self, topic: str) -> None:
        """Delete the records with a DeleteRecords request."""
        drop_records(self.bootstrap_servers, topic)

    @contextmanager
    def behind(self, proxy: ProxyProcess) -> Iterator[str]:
        """Yield addresses behind the proxy; clients that use other addresses bypass it."""
        for number, ports in self._ports.items():
            proxy.listen(f"broker-{number}", "127.0.0.1", ports.proxied, at=ports.proxy)
        yield ",".join(f"127.0.0.1:{ports.proxy}" for ports in self._ports.values())

    def _release_ports(self) -> None:
        for port in self._reserved:
            port.close()
        self._reserved = []

    def _properties(self, number: int) -> Path:
        assert self._folder is not None
        return self._folder / f"{number}.properties"

    def _configure(self) -> None:
        """Write the configuration of every broker (Kafka documentation, "Broker Configs")."""
        replicas, in_sync = self._replicas, 2 if self._brokers >= 3 else 1
        voters = ",".join(
            f"{number}@127.0.0.1:{ports.controller}" for number, ports in self._ports.items()
        )
        for number, ports in self._ports.items():
            values: dict[str, object] = {
                "process.roles": "broker,controller",
                "node.id": number,
                "listeners": f"PLAINTEXT://127.0.0.1:{ports.client},"
                f"PROXIED://127.0.0.1:{ports.proxied},CONTROLLER://127.0.0.1:{ports.controller}",
                # the second listener advertises the address of the proxy
                "advertised.listeners": f"PLAINTEXT://127.0.0.1:{ports.client},"
                f"PROXIED://127.0.0.1:{ports.proxy}",
                "controller.listener.names": "CONTROLLER",
                "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,"
                "CONTROLLER:PLAINTEXT",
                "controller.quorum.voters": voters,
                # Java reads a backslash in a value as an escape
                "log.dirs": self._properties(number).with_suffix("").as_posix(),
                "num.partitions": self._partitions,
                "default.replication.factor": replicas,
                "min.insync.replicas": in_sync,
                "offsets.topic.replication.factor": replicas,
                "offsets.topic.num.partitions": 4,
                "transaction.state.log.replication.factor": replicas,
                "transaction.state.log.min.isr": in_sync,
                "transaction.state.log.num.partitions": 4,
                "group.initial.rebalance.delay.ms": 0,
                "group.min.session.timeout.ms": 1_000,  # default 6 s, too long for a lesson
                "broker.session.timeout.ms": 3_000,
                "broker.heartbeat.interval.ms": 500,
                "log.cleaner.dedupe.buffer.size": 8_388_608,  # heap memory; default 128 MiB
            }
            self._properties(number).write_text(
                "".join(f"{name}={value}\n" for name, value in values.items())
            )

    def _format(self) -> None:
        """Format every broker's log folder with one new cluster id.

        Raises:
            BrokerError: Kafka's StorageTool failed.
        """
        # Kafka's form of a UUID; one that begins with "-" would be parsed as an option
        cluster = "A" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()[1:22]
        tool = [*self._java, "kafka.tools.StorageTool", "format", "-t", cluster, "-c"]
        formatting = [
            self._processes.start(f"kafka-{number}", [*tool, str(self._properties(number))])
            for number in self._numbers
        ]
        try:
            for child in formatting:
                if child.wait(FORMAT_TIMEOUT_S):
                    raise BrokerError(f"Kafka's StorageTool failed.{child.log_tail()}")
        except TimeoutError as error:
            raise BrokerError(f"Kafka's StorageTool did not end: {error}") from None
        finally:
            for child in formatting:
                self._processes.release(child, kill=True)

    def _check_running(self, numbers: list[int]) -> None:
        for number in numbers:
            node = self._nodes.get(number)
            if node is None:
                raise BrokerError(f"Kafka broker {number} was taken down while it started.")
            if not node.running:
                raise BrokerError(
                    f"Kafka broker {number} ended with status {node.exit_status}.{node.log_tail()}"
                )


def _reserve_ports(count: int) -> list[socket.socket]:
    """Return sockets bound to `count` ports of loopback that no process has bound.

    Java binds a second after its ports are chosen, and a broker that is down has bound none. While
    a socket is bound to a port, nobody else finds the port free; on Linux a process that sets
    SO_REUSEADDR, as Java and asyncio do, can listen on it all the same (socket(7)).

    Raises:
        BrokerError: fewer are free.
    """
    reserved: list[socket.socket] = []
    for port in random.sample(PORTS, len(PORTS)):
        probe = socket.socket()
        try:
            probe.bind(("127.0.0.1", port))  # without SO_REUSEADDR: fails if anyone has bound it
        except OSError:
            probe.close()
            continue
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.append(probe)
        if len(reserved) == count:
            return reserved
    for probe in reserved:
        probe.close()
    raise BrokerError(
        f"Fewer than {count} ports are free between {PORTS.start} and {PORTS.stop}; {count} are "
        "needed."
    )
