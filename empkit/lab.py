"""The lab: starts the parts, hands out their addresses, runs workloads, stops everything.

Lab -- warden
  |--- broker            (embedded, Apache Kafka, or one that already runs)
  |--- server            (HTTP, WebSocket, consumer, store)
  |--- consumers         (more members of the consumer group)
  |--- load generator    (one process a run)
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import SecretStr

from empkit.brokers import BrokerError, make_broker
from empkit.clients import PROTOCOLS, ledger, plugin
from empkit.clock import clock_flaw
from empkit.experiment.guarantees import Guarantees
from empkit.experiment.progress import Progress
from empkit.experiment.workload import Workload
from empkit.processes import interrupts
from empkit.processes.child import Child, ChildError, Processes
from empkit.settings import Settings
from empkit.tls import kafka_arguments, verified

if TYPE_CHECKING:
    from empkit.brokers import Broker, BrokerName
    from empkit.experiment.search import RateSearch
    from empkit.faults.base import Fault
    from empkit.faults.timeline import At
    from empkit.proxy import ProxyProcess
    from empkit.results.runs import Runs

START_TIMEOUT_S = 30.0
PARTITIONS = 8
SESSION_TIMEOUT_MS = 1_500
OF_THE_CONSUMERS = ("kafka_commit", "kafka_transactional")
"""The settings of a run that the consumers must have, too."""
FETCH_WAIT_MS = {"embedded": 2, "apache": 100}
"""The embedded broker answers a request for records that are not there yet only when its time is
over, not when they come; so the time is short. Apache Kafka answers when they come, but whoever
asks for the lag on the same connection waits behind it."""
EMBEDDED_LEADER_WAIT_MS = 50
"""Long enough for the other members of a group to send one request, also on a busy machine."""


class LabError(RuntimeError):
    """A part of the lab did not come up, or a run could not be carried out.

    Args:
        message: which, and why.
        runs: those that were carried out before it.
    """

    def __init__(self, message: str, runs: Runs | None = None) -> None:
        super().__init__(message)
        self.runs = runs


class BrokenPromiseError(LabError):
    """A record broke a promise: lost, corrupt, phantom, misjudged, stored twice or without having
    been sent, or stamped out of order.

    Args:
        runs: with the timings of all records.
    """

    runs: Runs

    def __init__(self, runs: Runs) -> None:
        super().__init__("\n".join(runs.broken), runs)


class Lab:
    """The system under test with everything around it, on this machine, for one experiment.

    Works with `with`, with `async with`, and with `start()` and `stop()`. Each start makes a fresh
    user, password and signing key, and a fresh database unless one is given.

    Args:
        broker: `embedded`, `apache` or `external`; `none` runs without Kafka. By default what
            EMPKIT_LAB_BROKER says, else `embedded`.
        database: SQLAlchemy URL; by default a database of the lab's own on the server that
            EMPKIT_LAB_DATABASE names, else an SQLite file in the lab's own folder.
        server: URL of a server that already runs; user and password come from the settings.
        settings: anything else; by default what the environment says.
        brokers: how many brokers, where they are ours.
        consumers: how many members the consumer group has: the server, and so many processes more.

    Attributes:
        settings: what clients need to reach the running lab; so do `server_url`, `ws_url`, `token`,
            `bootstrap_servers`, `database_url` and `topic`.

    Raises:
        LabError: a part did not come up; the message says which and why.
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
        self.consumers: list[Child] = []
        self._consumers_begun = 0
        self._consumer_urls: dict[int, tuple[str, str]] = {}  # by pid: name and address
        self._database = database
        self._server_url = server
        self._processes: Processes | None = None
        self.broker: Broker | None = None
        self.server: Child | None = None
        self._own_database: str | None = None
        self._in_force: dict[str, Any] = {}
        self.told_by_server: dict[str, Any] = {}
        self._flushes = False
        self.token = ""
        self.proxy: ProxyProcess | None = None
        self.generator: Child | None = None
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
        """Where the server is."""
        return self.settings.server_url

    @property
    def ws_url(self) -> str:
        """Where the WebSocket is."""
        return self.settings.websocket_url()

    @property
    def bootstrap_servers(self) -> str | None:
        """Where the brokers are."""
        return self.settings.kafka_bootstrap_servers

    @property
    def database_url(self) -> str | None:
        """Where the database is; None when only a server that is not ours knows."""
        if self._server_url is not None and self._database is None:
            return None
        return self.settings.database_url

    def secrets(self) -> list[str]:
        """What nobody else is to see: token, passwords and signing key."""
        settings = self.settings
        hidden = (settings.password, settings.signing_key, settings.kafka_password)
        found = [self.token, *(each.get_secret_value() for each in hidden if each is not None)]
        found.append(urllib.parse.urlsplit(settings.database_url).password or "")
        return [each for each in found if each]

    @property
    def has_own_server(self) -> bool:
        """Whether the lab started the server, and so knows its database and its settings."""
        return self._server_url is None

    def own_run_ids(self, run_id: str | None = None) -> list[str] | None:
        """The ids of all runs that there were in a database of the lab's own.

        Args:
            run_id: of a run that begins.

        Returns:
            None when the database is not the lab's own, and what else is in it no business of ours.
        """
        if run_id is not None:
            self._run_ids.append(run_id)
        own = self._database is None and self._server_url is None
        return list(self._run_ids) if own else None

    @property
    def topic(self) -> str:
        """The topic of employee records."""
        return self.settings.kafka_topic

    @property
    def protocols(self) -> list[str]:
        """The protocols that this lab has the parts for."""
        return [name for name in PROTOCOLS if name != "kafka" or self.bootstrap_servers]

    def start(self) -> Self:
        """Start every part and wait until each answers."""
        if self._processes is not None:
            raise LabError("The lab is running already.")
        if flaw := clock_flaw():
            raise LabError(flaw)
        self._processes = Processes()
        self._run_ids = []
        ledger.begin()
        self._in_force = {name: getattr(self.settings, name) for name in OF_THE_CONSUMERS}
        self._flushes = False
        self._consumers_begun = 0
        try:
            self._start_broker(self._processes)
            if self._server_url is None:
                self._start_server(self._processes)
            else:
                self._find_server(self._server_url)
            self.token = self._fetch_token()
            if self._server_url is not None:
                self._take_its_word()
            self._start_consumers(self._more_consumers)
            self._wait_for_consumer(self.server_url)
        except (BrokerError, ChildError, OSError, ValueError) as error:
            self.stop()
            raise LabError(str(error)) from error
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop every part; nothing stays behind but a database that was given."""
        with interrupts.held():
            processes, self._processes = self._processes, None
            if processes is None:
                return
            try:
                self._stop_parts(processes)
            finally:
                ledger.end()
                self.broker = self.server = None
                processes.stop()
                self._drop_own_database()
                self.settings = self._given

    def _stop_parts(self, processes: Processes) -> None:
        """The consumers before their broker, so that they leave the group in order."""
        while self.consumers:
            processes.release(self.consumers.pop())
        if self.server is not None:
            processes.release(self.server)
            self.server = None
        if self.broker is None:
            return
        servers = self.broker.bootstrap_servers
        self.broker.stop()
        if self.broker_name == "external" and self._server_url is None and servers:
            from empkit.brokers.admin import delete_topics

            with contextlib.suppress(BrokerError):
                topics = [self.topic, self.settings.dead_letter_topic]
                delete_topics(kafka_arguments(self.settings), topics)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.start)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self.stop)

    def run(self, protocol: str, workload: Workload | None = None, **options: Any) -> Runs:
        """Send a workload over one protocol; see `compare`."""
        return self.compare([protocol], workload, **options)

    def compare(
        self,
        protocols: Iterable[str] | None = None,
        workload: Workload | None = None,
        rounds: int = 1,
        faults: Sequence[At | Fault] = (),
        guarantees: Guarantees | None = None,
        progress: Progress | None = None,
    ) -> Runs:
        """Send the same workload over several protocols, in rounds, each in a shuffled order.

        Interrupted (Ctrl-C, or Interrupt in a notebook) it ends early with what was measured until
        then; `Runs.unmeasured` says what is missing.

        Args:
            protocols: which; by default all that the lab has the parts for. One of your own is
                named by its class, `module:Class`; see `empkit.clients.base.Client`.
            workload: what to send; by default 2,000 made-up records, 8 in flight.
            rounds: how often.
            faults: what goes wrong in each run, and when.
            guarantees: what client and consumer ask for; by default what the settings say.
            progress: told how far it is; by default a progress bar.

        Raises:
            LabError: a run could not be carried out; it carries the runs before it.
            BrokenPromiseError: a promise was broken (see `Runs.broken`); it carries the runs. What
                is lost over Kafka is no error where that was asked for (acks other than `all`,
                commit before the store, a fault that loses): see `Runs.findings`.
            KeyboardInterrupt: interrupted before anything was measured.
            ValueError: there is no such protocol, or your own is no complete client, or there is no
                record to send.
        """
        from empkit.experiment.conduct import RunError, conduct

        chosen = list(dict.fromkeys(protocols or self.protocols))
        for protocol in chosen:
            if plugin.is_own(protocol):
                plugin.load(protocol)
            elif protocol not in self.protocols:
                raise ValueError(
                    f"{protocol!r} cannot be used here; this lab has {', '.join(self.protocols)}."
                )
        if rounds < 1:
            raise ValueError(f"rounds is {rounds}; at least 1 is needed.")
        guarantees = guarantees or Guarantees()
        try:
            runs = conduct(
                self, chosen, workload or Workload(), rounds, faults, guarantees, progress
            )
        except RunError as error:
            raise LabError(str(error), error.runs) from error
        except (BrokerError, ChildError) as error:
            raise LabError(str(error)) from error
        if runs.broken:
            raise BrokenPromiseError(runs)
        return runs

    def cross(
        self,
        protocols: Iterable[str] | None = None,
        workload: Workload | None = None,
        grid: Iterable[Guarantees] = (),
        **options: Any,
    ) -> list[Runs]:
        """The same comparison once for each choice of guarantees; what is lost is the result.

        Args:
            protocols: as for `compare`.
            workload: as for `compare`.
            grid: the choices.
            options: as for `compare`.

        Returns:
            The runs of each choice, in the order of the grid; `pandas.concat` of their `recovery()`
            is one table of all. Interrupted, or when a run could not be carried out, those that
            there are; `Runs.unmeasured` of the last says what it lacks.

        Raises:
            LabError: not even one run could be carried out.
            KeyboardInterrupt: interrupted before anything was measured.
        """
        protocols = list(protocols or self.protocols)
        crossed: list[Runs] = []
        for guarantees in grid:
            try:
                runs = self.compare(protocols, workload, guarantees=guarantees, **options)
            except LabError as error:  # a broken promise is one, too
                if error.runs is None:
                    if not crossed:
                        raise
                    crossed[-1].failure = f"{guarantees}: {error}"
                    break
                runs = error.runs
            except KeyboardInterrupt:
                if not crossed:
                    raise
                crossed[-1].interrupted = interrupts.first() or "SIGINT"
                break
            crossed.append(runs)
            if runs.interrupted or runs.failure:
                break
        return crossed

    def find_rate(self, protocol: str, **options: Any) -> RateSearch:
        """Search for the highest offered rate that a protocol keeps up with, in an open loop.

        A rate is kept up with when every record is stored, as many a second as are offered (within
        5 %), the p99 from when it was wanted sent until it was stored is within a limit, and the
        load generator was not late. The rate is
        doubled until it is too high, then the gap is narrowed.

        Args:
            protocol: which.
            options: `p99_ms`, the limit (100); `first`, the rate to begin with (500 records/s);
                `highest`, where to stop (50,000); `seconds` of each step (2); `precision`, how
                narrow the gap becomes (0.1, a tenth); `on_step`, told each step in words (print).

        Raises:
            LabError: a run could not be carried out.
            ValueError: a number makes no sense.
        """
        from empkit.experiment.search import find_rate

        return find_rate(self, protocol, **options)

    def _start_broker(self, processes: Processes) -> None:
        if self.broker_name is None:
            self.settings = _changed(self.settings, kafka_bootstrap_servers=None)
            return
        topic = self.settings.kafka_topic
        if self.broker_name == "external" and self._server_url is None:
            # the user's own topic and group are not ours to touch; the lab's topics go with it
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
        changes: dict[str, Any] = {"kafka_bootstrap_servers": self.broker.bootstrap_servers}
        if self.broker_name != "external":
            changes["kafka_session_timeout_ms"] = SESSION_TIMEOUT_MS
            changes["kafka_security_protocol"] = "PLAINTEXT"
            changes["kafka_fetch_wait_ms"] = FETCH_WAIT_MS[self.broker_name]
        if self.broker_name == "embedded":
            changes["kafka_leader_wait_ms"] = EMBEDDED_LEADER_WAIT_MS
        self.settings = _changed(self.settings, **changes)

    def _start_server(self, processes: Processes) -> None:
        database = self._database or self._make_own_database(processes)
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
        """Use a server that already runs; that it answers is known before a password is missed."""
        self.settings = _changed(self.settings, server_url=url)
        if self._database is not None:
            self.settings = _changed(self.settings, database_url=self._database)
        self._ask("/health")

    def _take_its_word(self) -> None:
        """Ask a server that is not ours which database and settings it goes by.

        One of empkit 0.1.0 does not say; then the result does not, either.
        """
        try:
            self.told_by_server = self._ask("/about", token=self.token)
        except LabError as error:
            if "answered 404" not in str(error):
                raise
        told = self.told_by_server.get("settings", {})
        ours = {name: told[name] for name in OF_THE_CONSUMERS if name in told}
        self.settings = _changed(self.settings, **ours)
        self._in_force |= ours

    def _make_own_database(self, processes: Processes) -> str:
        """The URL of a new database that ends with the lab."""
        server = self.settings.lab_database
        if server is None:
            return f"sqlite:///{processes.folder / 'employees.db'}"
        from sqlalchemy.exc import SQLAlchemyError

        from empkit.databases.engine import create_database

        name = f"empkit_{secrets.token_hex(6)}"
        try:
            url = create_database(server, name)
        except SQLAlchemyError as error:
            raise LabError(f"No database can be made on EMPKIT_LAB_DATABASE: {error}") from error
        self._own_database = name
        return url

    def _drop_own_database(self) -> None:
        name, self._own_database = self._own_database, None
        if name is not None and self._given.lab_database is not None:
            from empkit.databases.engine import drop_database

            drop_database(self._given.lab_database, name)

    @property
    def partitions(self) -> int:
        """How many partitions the topic has, where the lab made it."""
        return PARTITIONS

    def stop_server(self) -> None:
        """Tell the server to end (SIGTERM), and wait until it has."""
        self._end_server(kill=False)

    def kill_server(self) -> None:
        """Kill the server (SIGKILL)."""
        self._end_server(kill=True)

    def _end_server(self, *, kill: bool) -> None:
        if self.server is not None:
            self.processes.release(self.server, kill=kill)
            self.server = None

    def ensure(self, wanted: Settings) -> None:
        """Have consumers and topic as a run wants them; consumers are started again if need be.

        Args:
            wanted: when the consumer commits its offset, whether it reads transactions, whether the
                brokers flush each record.

        Raises:
            LabError: they are not ours to change.
            BrokerError: the brokers do not do it.
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
                raise LabError("When a topic that is not ours is flushed is not ours to say.")
            from empkit.brokers.admin import set_flush

            set_flush(kafka_arguments(self.settings), self.topic, each=wanted.kafka_flush)
            self._flushes = wanted.kafka_flush

    def _restart_consumers(self, in_force: dict[str, Any]) -> None:
        if self._server_url is not None:
            raise LabError("How a server that is not ours consumes is not ours to say.")
        self.stop_server()
        self._in_force = in_force
        self.start_server()
        count = len(self.consumers)
        for _ in range(count):
            self.kill_consumer()
        self._start_consumers(count)
        self._wait_for_consumer(self.server_url)

    def make_token(self, lifetime_s: float) -> str:
        """A token that expires so many seconds from now.

        Raises:
            LabError: the server, and so its key, is not ours.
        """
        if self._server_url is not None:
            raise LabError("Tokens for a server that is not ours are not ours to make.")
        from empkit.server.auth import Authenticator

        return Authenticator(_changed(self.settings, token_lifetime_s=lifetime_s)).make_token()

    def start_server(self) -> None:
        """Start the server, as at the lab's start or after it was killed, on the same port."""
        server = self.processes.start_module(
            "server",
            "empkit.server.run",
            environment=_changed(self.settings, **self._in_force).environ(),
        )
        ready = server.expect("ready", START_TIMEOUT_S)
        self.server = server
        url: str = ready["server_url"]
        port = urllib.parse.urlsplit(url).port
        self.settings = _changed(self.settings, server_url=url, port=port)

    def start_consumer(self) -> None:
        """Add a member to the consumer group, a process that stores what Kafka holds.

        Raises:
            LabError: there is no Kafka, or the server, and so the database, is not ours.
        """
        self._start_consumers(1)

    def _start_consumers(self, count: int) -> None:
        """Start so many at the same time, and wait until each has joined the group."""
        if count and (not self.bootstrap_servers or self._server_url is not None):
            raise LabError("More consumers need a lab with a Kafka and a server of its own.")
        own = _changed(self.settings, **self._in_force, port=0, consume_only=True)
        begun = {}
        for _ in range(count):
            self._consumers_begun += 1  # none has the number of one that is gone
            child = self.processes.start_module(
                f"consumer-{self._consumers_begun}",
                "empkit.server.run",
                environment=own.environ(),
            )
            self.consumers.append(child)
            begun[f"consumer {self._consumers_begun}"] = child
        for name, child in begun.items():
            url = child.expect("ready", START_TIMEOUT_S)["server_url"]
            self._consumer_urls[child.pid] = (name, url)
            self._wait_for_consumer(url)

    def members(self, timeout_s: float = START_TIMEOUT_S) -> dict[str, int]:
        """How many partitions each member of the consumer group has, once all have been given out.

        Args:
            timeout_s: how long to wait for that, in seconds; a member that was killed keeps its
                own for a while.

        Raises:
            LabError: they were not in time, or a member does not answer.
        """
        urls = {"server": self.server_url}
        urls |= dict(self._consumer_urls[child.pid] for child in self.consumers)
        give_up = time.monotonic() + timeout_s
        while True:
            found = {
                name: int(self._ask("/health", url=url)["consumer"].get("partitions", 0))
                for name, url in urls.items()
            }
            even = max(found.values()) - min(found.values()) <= 1
            if sum(found.values()) == PARTITIONS and even:
                return found
            if time.monotonic() > give_up:
                raise LabError(
                    f"The {PARTITIONS} partitions were not given out within {timeout_s:g} s; each "
                    f"member has: {found}."
                )
            time.sleep(0.02)

    def lag(self) -> int:
        """How many records of the topic the consumer group has not ticked off, members or none.

        Raises:
            LabError: there is no Kafka, or its brokers do not answer.
        """
        if not self.bootstrap_servers:
            raise LabError("This lab has no Kafka, and so no consumer group.")
        from aiokafka.errors import KafkaError

        from empkit.brokers.admin import run_apart
        from empkit.kafka.topics import group_lag

        try:
            settings = _changed(self.settings, **self._in_force)
            return int(run_apart(group_lag(settings, self.topic))["lag"].sum())
        except (KafkaError, OSError) as error:
            raise LabError(f"The lag is not known: {type(error).__name__} {error}") from error

    def wait_until_read(self, timeout_s: float = START_TIMEOUT_S) -> None:
        """Wait until the consumer group has ticked off all that the topic holds.

        What can be stored is stored then, and the rest in the dead-letter topic.

        Args:
            timeout_s: how long to wait for that, in seconds.

        Raises:
            LabError: it was not so in time, or the lag is not known.
        """
        give_up = time.monotonic() + timeout_s
        while left := self.lag():
            if time.monotonic() > give_up:
                raise LabError(
                    f"{left} records of {self.topic} were not read within {timeout_s:g} s: does "
                    "the server run, and does it reach its database?"
                )
            time.sleep(0.02)

    def kill_consumer(self) -> None:
        """Kill (SIGKILL) the member that has been there longest; the server is not one of these.

        Raises:
            LabError: there is none.
        """
        if not self.consumers:
            raise LabError("This lab's only consumer is its server; see Lab(consumers=2).")
        self.processes.release(self.consumers.pop(0), kill=True)

    def _fetch_token(self) -> str:
        password = self.settings.password
        if password is None:
            raise LabError("A server that already runs wants EMPKIT_USERNAME and EMPKIT_PASSWORD.")
        form = {"username": self.settings.username, "password": password.get_secret_value()}
        answer = self._ask("/token", urllib.parse.urlencode(form).encode())
        token: str = answer["access_token"]
        return token

    def _wait_for_consumer(self, url: str) -> None:
        """Wait until a process's consumer has joined its group."""
        if not self.bootstrap_servers:
            return
        give_up = time.monotonic() + START_TIMEOUT_S
        while (consumer := self._ask("/health", url=url)["consumer"])["state"] != "running":
            if consumer["state"] == "off":
                raise LabError("The server runs no Kafka consumer; compare without kafka.")
            if time.monotonic() > give_up:
                raise LabError(f"The consumer of {url} has not joined its group: {consumer}.")
            time.sleep(0.01)

    def _ask(self, path: str, body: bytes | None = None, url: str = "", token: str = "") -> Any:
        """A request outside any measurement."""
        url = (url or self.settings.server_url).rstrip("/") + path
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPSHandler(context=verified(self.settings.ca_file)),
        )
        try:
            request = urllib.request.Request(url, body, headers)  # noqa: S310 - of the settings
            with opener.open(request, timeout=10) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                raise LabError(f"{url} answered {error.code}: {error.read(200)!r}.") from None
        except urllib.error.URLError as error:
            raise LabError(f"No server answers at {url}: {error.reason}.") from error


def _changed(settings: Settings, **changes: Any) -> Settings:
    """The same settings but for some."""
    return settings.model_copy(update=changes)
