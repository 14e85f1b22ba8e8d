"""`Kafka`: a broker as one test sees it."""

from __future__ import annotations

import itertools
import re
import secrets
from typing import TYPE_CHECKING, cast

from empkit.brokers.base import Broker
from empkit.brokers.embedded import EmbeddedBroker
from empkit.faults.base import FaultError, Scene, TimedFault
from empkit.faults.broker import BrokerDown, BrokerPause
from empkit.testing.faults import Errors, Expired, Guarded, Held, Lost, MovedLeader, Slow
from empkit.testing.guard import Guard
from empkit.testing.log import Log
from empkit.testing.strikes import Strike, Strikes
from empkit.testing.topic import Topic

if TYPE_CHECKING:
    from empkit.proxy import ProxyProcess
    from empkit.rig.rig import Rig

LONGEST_NAME = 200  # Kafka's limit is 249; consumers add suffixes, such as that of a retry topic


class Running:
    """A broker that runs, with the client that reads its log. It outlives the test.

    Attributes:
        broker: the broker.
        bootstrap_servers: its addresses for clients, behind the proxy where there is one.
        proxy: the proxy before an Apache Kafka.
        log: the client.
        guard: what is in force on it.
        broker_name: `embedded`, `apache` or `external`, as faults ask for it.
        partitions: 1; the rig of a lab has it.
        topic: empty; the rig of a lab has one.
    """

    partitions, topic = 1, ""

    def __init__(
        self,
        broker: Broker,
        broker_name: str,
        bootstrap_servers: str,
        proxy: ProxyProcess | None = None,
    ) -> None:
        self.broker = broker
        self.broker_name = broker_name
        self.bootstrap_servers = bootstrap_servers
        self.proxy = proxy
        self.log = Log(bootstrap_servers)
        self.guard = Guard()

    @property
    def scene(self) -> Scene:
        """What faults of brokers strike; they ask a rig for its broker and nothing else."""
        return Scene(cast("Rig", self), proxy=self.proxy)


class Kafka:
    """A broker with topics of the test's own, and faults that are undone when the test ends.

    Each fault is a context manager; with `at` it strikes that many seconds after the block began,
    in the background, and with `seconds` it is undone after that time, else with the block. What a
    test of asyncio calls here blocks for milliseconds; `wait_until_read`, which takes longer, has
    to be called in a thread: `await asyncio.to_thread(topic.wait_until_read, "billing")`.

    Args:
        running: the broker.
        strikes: the faults of the test.
        prefix: what the names of topics begin with.

    Attributes:
        topics: the topics that the test has created.
    """

    def __init__(self, running: Running, strikes: Strikes, prefix: str = "test") -> None:
        self._running = running
        self._strikes = strikes
        self._prefix = re.sub(r"[^a-zA-Z0-9_-]+", "-", prefix).strip("-")[:LONGEST_NAME] or "test"
        self._numbers = itertools.count(1)
        self.topics: list[Topic] = []

    @property
    def bootstrap_servers(self) -> str:
        """The addresses for clients, `host:port,host:port`."""
        return self._running.bootstrap_servers

    @property
    def broker_name(self) -> str:
        """`embedded`, `apache` or `external`, as `--kafka` says."""
        return self._running.broker_name

    @property
    def timeline(self) -> str:
        """The faults that struck so far, one a line, in seconds after the test began."""
        return self._strikes.text()

    def topic(self, partitions: int = 1) -> Topic:
        """Create a topic that no other test has.

        Raises:
            ValueError: the number of partitions is below 1.
            BrokerError: the broker did not create it.
        """
        if partitions < 1:
            raise ValueError(f"A topic has at least 1 partition; partitions is {partitions}.")
        name = f"{self._prefix}-{next(self._numbers)}-{secrets.token_hex(3)}"
        broker = self._running.broker
        if isinstance(broker, EmbeddedBroker):
            broker.create_topic(name, partitions)
        else:
            from empkit.brokers.admin import create_topics  # noqa: PLC0415 - start-up time

            create_topics({"bootstrap_servers": self.bootstrap_servers}, [name], partitions)
        topic = Topic(name, partitions, self._running.log, self._strikes)
        self.topics.append(topic)
        return topic

    def group(self, name: str = "group") -> str:
        """Return a name for a consumer group that no other test has.

        A group outlives its test as the broker does, and so does a member that was killed: until
        its session timeout it keeps its partitions, and another member of that name gets none.
        """
        return f"{name}-{secrets.token_hex(3)}"

    def close(self) -> None:
        """Undo every fault, and delete the topics where the broker is not the test run's own.

        Raises:
            FaultError: a fault was made and never started.
        """
        try:
            self._strikes.stop()
        finally:
            broker = self._running.broker
            if isinstance(broker, EmbeddedBroker) and broker.running:
                broker.cancel_answers()
                if self._strikes.failed:  # the next test has the same broker
                    broker.resume()
                    broker.up()
                    broker.round_trip_time(0)
            if self.topics and self._running.broker_name == "external":
                from empkit.brokers.admin import delete_topics  # noqa: PLC0415 - start-up time

                names = [topic.name for topic in self.topics]
                delete_topics({"bootstrap_servers": self.bootstrap_servers}, names)

    def down(
        self, broker: int | None = None, *, at: float = 0.0, seconds: float | None = None
    ) -> Strike:
        """Make a broker, or all, unreachable: connections are cut, new ones refused.

        Apache Kafka is killed, and takes some seconds more to be there again.

        Args:
            broker: its number, from 1; by default all.
            at: when, in seconds after the block began.
            seconds: for how long; by default until the block ends.
        """
        return self._strike(BrokerDown(broker), at, seconds)

    def pause(self, *, at: float = 0.0, seconds: float | None = None) -> Strike:
        """Stop the brokers where they are: connections stay, answers do not come."""
        return self._strike(BrokerPause(), at, seconds)

    def slow(self, ms: int = 100, *, at: float = 0.0, seconds: float | None = None) -> Strike:
        """Delay each response by `ms` milliseconds."""
        return self._strike(Slow(ms), at, seconds)

    def lost_acks(self, count: int = 1, *, at: float = 0.0, seconds: float | None = None) -> Strike:
        """Lose acks: the record is in the log, and its producer does not know and sends it again.

        In place of each of the next `count` answers to producers, the connection is cut; other
        answers pass. The embedded broker cuts its other connections at that moment, too, which
        clients open again. With several brokers each loses that many.
        """
        return self._strike(Lost(count), at, seconds)

    def held_answers(
        self,
        ms: int = 1_000,
        count: int = 1,
        *,
        request: str = "Produce",
        at: float = 0.0,
        seconds: float | None = None,
    ) -> Strike:
        """Carry out the next `count` requests of a kind, and answer each `ms` milliseconds late.

        Longer than the client's timeout, and the client sends again. Only the embedded broker.

        Args:
            ms: the delay, in milliseconds; later answers on the same connection wait as well.
            count: how many requests, of each broker.
            request: the kind of request, such as `Produce`, `Fetch` or `OffsetCommit`.
            at: when, in seconds after the block began.
            seconds: for how long; by default until the block ends.
        """
        return self._strike(Held(request, count, ms), at, seconds)

    def move_leader(
        self,
        topic: Topic,
        to: int,
        *,
        partition: int = 0,
        at: float = 0.0,
        seconds: float | None = None,
    ) -> Strike:
        """Make another broker the leader of a partition, and undo it. Only the embedded broker; of
        Apache Kafka, take the leader down: `kafka_cluster.down(topic.leaders()[0])`.

        Args:
            topic: the topic.
            to: the number of the broker, from 1.
            partition: the partition.
            at: when, in seconds after the block began.
            seconds: for how long; by default until the block ends.
        """
        return self._strike(MovedLeader(to, topic, partition), at, seconds)

    def retention(self, topic: Topic, *, at: float = 0.0) -> Strike:
        """Drop every record that a topic holds, as when their retention time has passed. Needs
        Apache Kafka; nothing brings the records back.

        Args:
            topic: the topic.
            at: when, in seconds after the block began.
        """
        return self._strike(Expired(topic), at, None)

    def errors(
        self,
        error: str = "NOT_ENOUGH_REPLICAS",
        count: int = 1,
        *,
        request: str = "Produce",
        at: float = 0.0,
        seconds: float | None = None,
    ) -> Strike:
        """Answer the next `count` requests of a kind with an error, and do nothing else for them.

        Requests of the topic's own methods count, too. Only the embedded broker.

        Args:
            error: the name of an error of Kafka's protocol, such as `NOT_LEADER_OR_FOLLOWER`
                (https://kafka.apache.org/protocol#protocol_error_codes).
            count: how many requests, of each broker.
            request: the kind of request, such as `Produce`, `Fetch` or `OffsetCommit`.
            at: when, in seconds after the block began.
            seconds: for how long; by default until the block ends.
        """
        return self._strike(Errors(request, error, count), at, seconds)

    def strike(self, fault: TimedFault, *, at: float = 0.0, seconds: float | None = None) -> Strike:
        """Strike with any fault of brokers of `empkit.faults`."""
        return self._strike(fault, at, seconds)

    def _strike(self, fault: TimedFault, at: float, seconds: float | None) -> Strike:
        if self._running.broker_name == "external":
            raise FaultError(
                f"{fault.name} cannot strike the broker at {self.bootstrap_servers}, which is not "
                "the test run's own. Run the test with --kafka=embedded or --kafka=apache."
            )
        guarded = Guarded(fault, self._running.guard)
        return Strike(self._strikes, self._running.scene, guarded, at, seconds)
