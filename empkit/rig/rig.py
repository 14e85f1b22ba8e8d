"""The system under test on this machine: starts its parts, says where they are, stops them.

Rig -- warden
 |--- broker      (embedded, Apache Kafka, or one that already runs)
 |--- server      (HTTP, WebSocket, consumer, store)
 |--- consumers   (more members of the consumer group)
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import urllib.parse
from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import SecretStr

from empkit import shortage
from empkit.brokers import BrokerError, make_broker
from empkit.clients import client_class, protocols
from empkit.clients.register import with_receiver
from empkit.clock import clock_flaw
from empkit.kafka.connection import kafka_arguments
from empkit.processes import interrupts
from empkit.processes.child import Child, ChildError, Processes
from empkit.processes.context import Stopping
from empkit.records import ledger
from empkit.rig.broker import clients_of
from empkit.rig.consumers import (
    PARTITIONS,
    SERVER,
    ConsumerGroup,
    lag,
    wait_until_joined,
    wait_until_read,
)
from empkit.rig.control import LabError, ask, ask_about, ask_token
from empkit.rig.database import OwnDatabase
from empkit.settings import Settings

if TYPE_CHECKING:
    from empkit.brokers import Broker, BrokerName

START_TIMEOUT_S = 30.0
OF_THE_CONSUMERS = ("kafka_commit", "kafka_transactional")
"""The settings of a run that the consumers must have as well."""


class Rig(Stopping):
    """The system under test with everything around it, on this machine, for one experiment.

    Works with `with`, with `async with`, and with `start()` and `stop()`. Each start makes a fresh
    user, password and signing key, and a fresh database unless one is given.

    Args:
        broker: `embedded`, `apache` or `external`; `none` runs without Kafka. By default what
            EMPKIT_LAB_BROKER says, else `embedded`.
        database: SQLAlchemy URL; by default a database of the lab's own on the server that
            EMPKIT_LAB_DATABASE names, else an SQLite file in the lab's own folder.
        server: URL of a server that already runs; user and password come from the settings.
        settings: all other settings; by default those of the environment.
        brokers: how many brokers to start.
        consumers: how many members the consumer group has; the server is the first.

    Attributes:
        settings: what clients need to reach the running lab; so do `server_url`, `ws_url`, `token`,
            `bootstrap_servers`, `database_url` and `topic`.

    Raises:
        LabError: a part did not start; the message says which and why.
    """

    def __init__(
        self,
        broker: BrokerName | Literal["none"] | None = None,
        database: str | None = None,
        server: str | None = None,
        settings: Settings | None = None,
        brokers: int = 1,
        consumers: int = 1,
    ) -> None:
        if consumers < 1:
            raise ValueError(f"consumers is {consumers}; the server is one already.")
        self.settings = settings or Settings()
        self._given = self.settings
        chosen = broker or self.settings.lab_broker
        self.broker_name: BrokerName | None = None if chosen == "none" else chosen
        self._brokers = brokers
        self._more_consumers = consumers - 1
        self._group: ConsumerGroup | None = None
        self._database = database
        self._server_url = server
        self._processes: Processes | None = None
        self.broker: Broker | None = None
        self.server: Child | None = None
        self._next_server: Child | None = None
        self._own_database = OwnDatabase(self.settings.lab_database)
        self._in_force: dict[str, Any] = {}
        self.told_by_server: dict[str, Any] = {}
        self._flushes = False
        self.token = ""
        self._run_ids: list[str] = []

    @property
    def running(self) -> bool:
        """Whether the lab has been started and not been stopped."""
        return self._processes is not None

    @property
    def processes(self) -> Processes:
        """The lab's folder and children.

        Raises:
            LabError: the lab does not run.
        """
        if self._processes is None:
            raise LabError("The lab is not running. Use `with Lab() as lab:` or `Lab().start()`.")
        return self._processes

    @property
    def server_url(self) -> str:
        """The URL of the server."""
        return self.settings.server_url

    @property
    def ws_url(self) -> str:
        """The URL of the WebSocket."""
        return self.settings.websocket_url()

    @property
    def bootstrap_servers(self) -> str | None:
        """The addresses of the brokers."""
        return self.settings.kafka_bootstrap_servers

    @property
    def database_url(self) -> str | None:
        """The URL of the database; None if only a server that the lab did not start knows it."""
        if self._server_url is not None and self._database is None:
            return None
        return self.settings.database_url

    def secrets(self) -> list[str]:
        """Return the values that must stay secret: token, passwords and signing key."""
        settings = self.settings
        hidden = (settings.password, settings.signing_key, settings.kafka_password)
        values = [self.token, *(value.get_secret_value() for value in hidden if value is not None)]
        values.append(urllib.parse.urlsplit(settings.database_url).password or "")
        return [value for value in values if value]

    @property
    def has_own_server(self) -> bool:
        """Whether the lab started the server, and so knows its database and its settings."""
        return self._server_url is None

    def own_run_ids(self, run_id: str | None = None) -> list[str] | None:
        """Return the ids of all runs that used the lab's own database.

        Args:
            run_id: the id of a run that begins.

        Returns:
            None if the database is not the lab's own: it may hold records of other programs.
        """
        if run_id is not None:
            self._run_ids.append(run_id)
        is_own = self._database is None and self._server_url is None
        return list(self._run_ids) if is_own else None

    @property
    def topic(self) -> str:
        """The topic of employee records."""
        return self.settings.kafka_topic

    @property
    def protocols(self) -> list[str]:
        """The protocols for which this lab has the parts."""
        kafka = bool(self.bootstrap_servers)
        return [name for name in protocols() if kafka or not client_class(name).through_kafka]

    def start(self) -> Self:
        """Start every part and wait until each answers."""
        if self._processes is not None:
            raise LabError("The lab is running already.")
        if flaw := clock_flaw():
            raise LabError(flaw)
        self._run_ids = []
        ledger.begin()
        self._in_force = {name: getattr(self.settings, name) for name in OF_THE_CONSUMERS}
        self._flushes = False
        self._group = None
        try:
            self._processes = Processes()
            if self._server_url is None:  # it imports while the others start
                self._next_server = self._processes.start_module("server", SERVER)
            self._start_broker(self._processes)
            if self._server_url is None:
                self._start_server(self._processes)
                self.token = self.make_token(self.settings.token_lifetime_s)
            else:
                self._find_server(self._server_url)
                self.token = ask_token(self.settings)
                self._take_its_word()
            self._start_consumers(self._more_consumers)
            self._wait_for_consumer()
        except (BrokerError, ChildError, OSError, ValueError) as error:
            self.stop()
            raise LabError(shortage.said(error)) from error
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop every part; nothing remains, except a database that was given."""
        with interrupts.held():
            processes, self._processes = self._processes, None
            if processes is None:
                return
            try:
                self._stop_parts(processes)
            finally:
                ledger.end()
                self.broker = self.server = self._next_server = None
                processes.stop()
                self._own_database.drop()
                self.settings = self._given

    def _stop_parts(self, processes: Processes) -> None:
        """End the consumers before their broker, so that they leave the group first."""
        if self._group is not None:
            self._group.stop()
        if self.server is not None:
            processes.release(self.server)
            self.server = None
        if self.broker is None:
            return
        servers = self.broker.bootstrap_servers
        self.broker.stop()
        if self.broker_name == "external" and self._server_url is None and servers:
            from empkit.brokers.admin import delete_topics  # noqa: PLC0415 - start-up time

            with contextlib.suppress(BrokerError):
                topics = [self.topic, self.settings.dead_letter_topic]
                delete_topics(kafka_arguments(self.settings), topics)

    def __enter__(self) -> Self:
        return self.start()

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.start)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self.stop)

    def _start_broker(self, processes: Processes) -> None:
        if self.broker_name is None:
            self.settings = _changed(self.settings, kafka_bootstrap_servers=None)
            return
        topic = self.settings.kafka_topic
        if self.broker_name == "external" and self._server_url is None:
            # the user's topic and group stay untouched; the lab's topics are deleted at its end
            name = secrets.token_hex(3)
            self.settings = _changed(
                self.settings,
                kafka_topic=f"{topic}-{name}",
                kafka_group=f"{self.settings.kafka_group}-{name}",
            )
        self.broker = make_broker(
            self.broker_name,
            processes,
            self.settings,
            brokers=self._brokers,
            partitions=PARTITIONS,
        )
        self.broker.start()
        reach = clients_of(self.broker_name, self.broker.bootstrap_servers)
        self.settings = _changed(self.settings, **reach)

    def _start_server(self, processes: Processes) -> None:
        database = self._database or self._own_database.create(processes.folder)
        self.settings = _changed(
            self.settings,
            host="127.0.0.1",
            port=0,
            ws_url=None,
            database_url=database,
            timings_file=processes.folder / "timings.jsonl",
            tls_cert_file=None,
            tls_key_file=None,
            username=f"lab-{secrets.token_hex(4)}",
            password=SecretStr(secrets.token_urlsafe(24)),
            signing_key=SecretStr(secrets.token_urlsafe(48)),
        )
        self.start_server()

    def _find_server(self, url: str) -> None:
        """Use a server that already runs; check that it answers before a password is required."""
        self.settings = _changed(self.settings, server_url=url)
        if self._database is not None:
            self.settings = _changed(self.settings, database_url=self._database)
        ask(self.settings, lambda control: control.health())

    def _take_its_word(self) -> None:
        """Ask a server that the lab did not start for its database and settings.

        A server of empkit 0.1.0 does not tell them; then they are missing from the result, too.
        """
        self.told_by_server = ask_about(self.settings, self.token)
        settings = self.told_by_server.get("settings", {})
        in_force = {name: settings[name] for name in OF_THE_CONSUMERS if name in settings}
        self.settings = _changed(self.settings, **in_force)
        self._in_force |= in_force

    @property
    def partitions(self) -> int:
        """How many partitions the topic has, if the lab created it."""
        return PARTITIONS

    def stop_server(self) -> None:
        """Tell the server to end (SIGTERM), and wait until it has ended."""
        self._end_server(kill=False)

    def kill_server(self) -> None:
        """Kill the server (SIGKILL)."""
        self._end_server(kill=True)

    def _end_server(self, *, kill: bool) -> None:
        if self.server is not None:
            self.processes.release(self.server, kill=kill)
            self.server = None

    def ensure(self, wanted: Settings) -> None:
        """Set up consumers and topic as a run needs them; restart the consumers if necessary.

        Args:
            wanted: settings that say when the consumer commits its offset, whether it reads
                transactions, and whether the brokers flush each record.

        Raises:
            LabError: the lab did not start them, and so must not change them.
            BrokerError: the brokers refuse the change.
        """
        if self.broker_name == "embedded" and (wanted.kafka_flush or wanted.kafka_transactional):
            raise LabError(
                "The embedded broker has no disk to flush to, and shows the records of a "
                "transaction before it is committed: use Apache Kafka for that (--broker apache)."
            )
        in_force = {name: getattr(wanted, name) for name in OF_THE_CONSUMERS}
        if in_force != self._in_force:
            self._restart_consumers(in_force)
        if wanted.kafka_flush != self._flushes:
            if self._server_url is not None:
                raise LabError("The lab did not start this server, and cannot change its topic.")
            from empkit.brokers.admin import set_flush  # noqa: PLC0415 - start-up time

            set_flush(kafka_arguments(self.settings), self.topic, each=wanted.kafka_flush)
            self._flushes = wanted.kafka_flush

    def mount(self, names: Iterable[str]) -> None:
        """Mount the receiving side of protocols that bring one in the server.

        The server is restarted if it lacks one of them; a server that the rig did not start is left
        unchanged.

        Args:
            names: the names of the protocols to be used.

        Raises:
            ValueError: there is no such protocol.
        """
        mounted = [name for name in self.settings.receivers.split(",") if name]
        missing = [name for name in with_receiver(names) if ":" in name and name not in mounted]
        if missing and self.has_own_server:
            self.settings = _changed(self.settings, receivers=",".join([*mounted, *missing]))
            self.stop_server()
            self.start_server()
            self._wait_for_consumer()

    def _restart_consumers(self, in_force: dict[str, Any]) -> None:
        if self._server_url is not None:
            raise LabError("The lab did not start this server, and cannot change how it consumes.")
        self.stop_server()
        self._in_force = in_force
        self.start_server()
        count = len(self.consumers)
        for _ in range(count):
            self.kill_consumer()
        self._start_consumers(count)
        self._wait_for_consumer()

    def make_token(self, lifetime_s: float) -> str:
        """Make a token that expires `lifetime_s` seconds from now.

        Raises:
            LabError: the lab did not start the server, and so does not have its key.
        """
        key = self.settings.signing_key
        if self._server_url is not None or key is None:
            raise LabError("Only the lab's own server can issue test tokens.")
        from empkit.server.auth import make_token  # noqa: PLC0415 - start-up time

        return make_token(self.settings.username, key.get_secret_value(), lifetime_s)

    def start_server(self) -> None:
        """Start the server, at the lab's start or after it was killed, on the same port."""
        server, self._next_server = self._next_server, None
        server = server or self.processes.start_module("server", SERVER)
        server.begin(_changed(self.settings, **self._in_force).environ())
        ready = server.expect("ready", START_TIMEOUT_S)
        self.server = server
        url: str = ready["server_url"]
        port = urllib.parse.urlsplit(url).port
        self.settings = _changed(self.settings, server_url=url, port=port)

    @property
    def group(self) -> ConsumerGroup:
        """The consumer group's members beside the server; raises as `processes` does."""
        if self._group is None:
            self._group = ConsumerGroup(self.processes)
        return self._group

    @property
    def consumers(self) -> list[Child]:
        """The processes of the consumer group beside the server, the oldest first."""
        return [] if self._group is None else self._group.members

    def start_consumer(self) -> None:
        """Add a member to the consumer group, a process that stores what Kafka holds.

        Raises:
            LabError: there is no Kafka, or the lab did not start the server.
        """
        self._start_consumers(1)

    def _start_consumers(self, count: int) -> None:
        if count and (not self.bootstrap_servers or self._server_url is not None):
            raise LabError("More consumers need a lab with a Kafka and a server of its own.")
        self.group.start(count, _changed(self.settings, **self._in_force))

    def kill_consumer(self) -> None:
        """Kill (SIGKILL) the member that has been there longest; the server is not one of these.

        Raises:
            LabError: there is none.
        """
        self.group.kill()

    def _wait_for_consumer(self) -> None:
        if self.bootstrap_servers:
            wait_until_joined(self.settings)

    def members(self, timeout_s: float = START_TIMEOUT_S) -> dict[str, int]:
        """Return how many partitions each member of the consumer group has, once all are assigned.

        Args:
            timeout_s: how long to wait for that, in seconds; the partitions of a member that was
                killed stay assigned to it until its session times out.

        Raises:
            LabError: they were not assigned in time, or a member does not answer.
        """
        return self.group.partitions(self.settings, timeout_s)

    def lag(self) -> int:
        """Return how many records of the topic the consumer group, even an empty one, has not
        committed.

        Raises:
            LabError: there is no Kafka, or its brokers do not answer.
        """
        if not self.bootstrap_servers:
            raise LabError("This lab has no Kafka, and so no consumer group.")
        return lag(_changed(self.settings, **self._in_force), self.topic)

    def wait_until_read(self, timeout_s: float = START_TIMEOUT_S) -> None:
        """Wait until the consumer group has committed all records of the topic.

        Records that can be stored are then stored, and the others in the dead-letter topic.

        Args:
            timeout_s: how long to wait for that, in seconds.

        Raises:
            LabError: they were not committed in time, or the lag is not known.
        """
        wait_until_read(self.lag, self.topic, timeout_s)


def _changed(settings: Settings, **changes: Any) -> Settings:
    """Return a copy of the settings with changes."""
    return settings.model_copy(update=changes)
