"""Apache Kafka in KRaft mode on this machine's Java, one process a broker.

Each is controller and broker in one and listens on loopback only. Their files are in the folder of
the processes, and go with it.
"""

from __future__ import annotations

import base64
import contextlib
import os
import random
import secrets
import shutil
import socket
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

# below the ports that systems give to outgoing connections, so that a broker which is down finds
# its port free when it comes back
PORTS = range(20_000, 32_000)

JAVA_FLAGS = (
    "-Xmx512m",
    "-XX:-UsePerfData",  # a file in the system's own folder, which a killed process leaves behind
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",  # starts in half the time on two cores
    "-XX:+DisplayVMOutputToStderr",  # why Java itself gave up belongs in the log, too
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",  # the jars from Maven log with this
)


class _Ports(NamedTuple):
    """Where one broker listens, and where its proxy will."""

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
"""For an unpacked release, which logs with Log4j."""


class ApacheBroker(Broker):
    """Apache Kafka of one broker or several; takes what `Broker` takes."""

    limits: ClassVar[str] = (
        "Apache Kafka is started for short experiments: 512 MB of heap a broker, Java's quick "
        "compiler only, a broker that died is noticed after 3 s where the default is 9 s, and all "
        "replicas are on the one disk of this machine."
    )

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._numbers = range(1, self._brokers + 1)
        self._replicas = min(3, self._brokers)
        self._nodes: dict[int, Child] = {}
        self._folder: Path | None = None
        self._java: list[str] = []
        self._ports: dict[int, _Ports] = {}

    def start(self) -> None:
        """Format the disks, start every broker, create the topics.

        Raises:
            BrokerError: Java or Kafka is missing or too old, or a broker does not come up.
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
            free = _free_ports(4 * self._brokers)
            self._ports = {n: _Ports(*(free.pop() for _ in range(4))) for n in self._numbers}
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
        """Kill every broker and remove its files: with the log gone there is nothing to put in
        order, which takes three brokers 2 s."""
        self.down()
        folder, self._folder = self._folder, None
        self.bootstrap_servers = ""
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)

    def down(self, broker: int | None = None) -> None:
        """Kill a broker (SIGKILL). The others elect new leaders when its session has ended."""
        for number in self._chosen(broker):
            node = self._nodes.pop(number, None)
            if node is not None:
                self._processes.release(node, kill=True)

    def up(self, broker: int | None = None) -> None:
        """Start a broker on the log it had, and wait until it has joined the others.

        After a kill this takes until the cluster has noticed it, up to 3 s.

        Raises:
            BrokerError: it ended again, or has not joined in time.
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
            raise BrokerError(f"Apache Kafka did not come up: {error}") from None

    def pause(self) -> None:
        """Freeze every broker that is up."""
        for node in list(self._nodes.values()):
            node.pause()

    def resume(self) -> None:
        """Let every broker go on."""
        for node in list(self._nodes.values()):
            node.resume()

    def overrun(self, topic: str) -> None:
        """Have the brokers drop the records (a DeleteRecords request)."""
        drop_records(self.bootstrap_servers, topic)

    @contextmanager
    def behind(self, proxy: ProxyProcess) -> Iterator[str]:
        """Clients that begin at these addresses go through the proxy; others do not."""
        for number, ports in self._ports.items():
            proxy.listen(f"broker-{number}", "127.0.0.1", ports.proxied, at=ports.proxy)
        yield ",".join(f"127.0.0.1:{ports.proxy}" for ports in self._ports.values())

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
                # who comes in by the second listener is sent to where the proxy will be
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
                "group.min.session.timeout.ms": 1_000,  # a lesson does not wait the usual 6 s
                "broker.session.timeout.ms": 3_000,
                "broker.heartbeat.interval.ms": 500,
                "log.cleaner.dedupe.buffer.size": 8_388_608,  # of the heap; by default 128 MiB
            }
            self._properties(number).write_text(
                "".join(f"{name}={value}\n" for name, value in values.items())
            )

    def _format(self) -> None:
        """Prepare every broker's log folder, all under one new cluster id.

        Raises:
            BrokerError: Kafka's tool refused.
        """
        # as Kafka writes a UUID; one that begins with "-" would be taken for an option
        cluster = "A" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()[1:22]
        tool = [*self._java, "kafka.tools.StorageTool", "format", "-t", cluster, "-c"]
        formatting = [
            self._processes.start(f"kafka-{number}", [*tool, str(self._properties(number))])
            for number in self._numbers
        ]
        try:
            for child in formatting:
                if child.wait(FORMAT_TIMEOUT_S):
                    raise BrokerError(f"Kafka's StorageTool failed.{_tail(child)}")
        except TimeoutError as error:
            raise BrokerError(f"Kafka's StorageTool does not come to an end: {error}") from None
        finally:
            for child in formatting:
                self._processes.release(child, kill=True)

    def _check_running(self, numbers: list[int]) -> None:
        for number in numbers:
            node = self._nodes.get(number)
            if node is None:
                raise BrokerError(f"Kafka broker {number} was taken down while it came up.")
            if not node.running:
                raise BrokerError(
                    f"Kafka broker {number} ended with status {node.exit_status}.{_tail(node)}"
                )


def _free_ports(count: int) -> list[int]:
    """Ports of loopback on which nobody listens."""
    found: list[int] = []
    for port in random.sample(PORTS, len(PORTS)):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            found.append(port)
        if len(found) == count:
            return found
    raise BrokerError(f"No {count} ports are free between {PORTS.start} and {PORTS.stop}.")


def _tail(child: Child) -> str:
    """The last lines of a child's log, to be put behind a sentence."""
    lines = child.log.read_text(errors="replace").strip().splitlines()[-5:]
    return " Its log ends with:\n  " + "\n  ".join(lines) if lines else ""
