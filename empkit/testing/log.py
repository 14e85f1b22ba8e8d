"""The log of a broker, read and written past the program under test.

librdkafka's client does its work in threads of its own, so that a test of any kind can call this:
no event loop is needed, and none is started.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)

from empkit.brokers.base import BrokerError

T = TypeVar("T")

TIMEOUT_S = 10.0
"""How long the broker may take to answer, in seconds."""
POLL_S = 0.05
_READER = "empkit-reader"  # it never joins or commits: librdkafka asks for a name

_OF_ALL: dict[str, Any] = {
    "log_level": 0,  # a broker that is down is the test's own doing
    "error_cb": lambda _error: None,
    "reconnect.backoff.ms": 10,
    "reconnect.backoff.max.ms": 100,
    "allow.auto.create.topics": False,
}
_OF_CONSUMERS: dict[str, Any] = {
    "enable.auto.commit": False,
    "auto.offset.reset": "earliest",
    "enable.partition.eof": True,
    "fetch.wait.max.ms": 10,  # the embedded broker answers an empty fetch only then
    "fetch.error.backoff.ms": 10,
}
_OF_PRODUCERS: dict[str, Any] = {
    "acks": "all",
    "linger.ms": 0,
    "retry.backoff.ms": 10,
    "message.timeout.ms": int(TIMEOUT_S * 1000),
}

# of a group, as long as the topic of the committed offsets is new to Apache Kafka; and of a
# partition, until a broker that has just come up leads it again
_PASSING = {
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.NOT_LEADER_FOR_PARTITION,
}

Bytes = bytes | str | None


@dataclass(frozen=True)
class Record:
    """A record as the log holds it.

    Attributes:
        topic: its topic.
        partition: its partition.
        offset: its offset.
        key: its key.
        value: its value.
        headers: its headers, in order.
        time_s: when its producer made it, in seconds since 1970; the precision is 1 ms.
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    time_s: float

    @property
    def place(self) -> str:
        """Where it is in the log, in words."""
        return f"partition {self.partition}, offset {self.offset}"


@dataclass(frozen=True)
class Member:
    """A member of a consumer group.

    Attributes:
        id: its name in the group, chosen by the broker.
        client_id: the name that the client gave itself.
        partitions: the partitions of the topic that are assigned to it.
    """

    id: str
    client_id: str
    partitions: tuple[int, ...]


class Log:
    """The records and offsets of a broker. Calls block; any thread may call, one at a time.

    Args:
        bootstrap_servers: the brokers' addresses, `host:port,host:port`.
    """

    def __init__(self, bootstrap_servers: str) -> None:
        self._servers = bootstrap_servers
        self._lock = threading.RLock()
        self._consumers: dict[str, Any] = {}
        self._producer: Any = None

    def close(self) -> None:
        """Close the clients."""
        with self._lock:
            for consumer in self._consumers.values():
                consumer.close()
            self._consumers.clear()
            self._producer = None

    def write(
        self,
        topic: str,
        entries: Sequence[tuple[Bytes, Bytes]],
        partition: int | None = None,
        headers: Mapping[str, Bytes] | None = None,
    ) -> list[Record]:
        """Write records, each a pair of key and value, and wait until the broker has acked all.

        Args:
            topic: the topic.
            entries: key and value of each record; text is encoded as UTF-8.
            partition: the partition; by default the hash of the key chooses it.
            headers: headers of each record.

        Raises:
            BrokerError: the broker has not acked a record within 10 s.
        """
        sent: dict[int, Record] = {}
        failures: list[str] = []
        pairs = [(name, _bytes(value)) for name, value in (headers or {}).items()]
        now_ms = int(time.time() * 1e3)

        def delivered(place: int) -> Any:
            def note(error: Any, message: Any) -> None:
                if error is None:
                    # a delivery report has neither the headers nor, of every broker, the time
                    sent[place] = replace(
                        _record(message), headers=tuple(pairs), time_s=now_ms / 1e3
                    )
                else:
                    failures.append(str(error.str()))

            return note

        with self._lock:
            if self._producer is None:
                self._producer = Producer(
                    {"bootstrap.servers": self._servers, **_OF_ALL, **_OF_PRODUCERS}
                )
            options: dict[str, Any] = {} if partition is None else {"partition": partition}
            if pairs:
                options["headers"] = pairs
            for place, (key, value) in enumerate(entries):
                self._producer.produce(
                    topic, _bytes(value), _bytes(key), on_delivery=delivered(place),
                    timestamp=now_ms, **options,
                )  # fmt: skip
                self._producer.poll(0)
            self._producer.flush()  # ends at the latest after message.timeout.ms
        if failures:
            raise BrokerError(
                f"{len(failures)} of {len(entries)} records were not acked by {topic} at "
                f"{self._servers} within {TIMEOUT_S:g} s: {failures[0]}. The log may hold them "
                "all the same. Write while no fault is in force, or undo it within that time."
            )
        return [sent[place] for place in range(len(entries))]

    def bounds(self, topic: str, partitions: int) -> dict[int, tuple[int, int]]:
        """Return the oldest offset and the end offset (of the next record) of each partition."""
        with self._lock:
            consumer = self._consumer(_READER)
            return {
                number: self._asked(
                    lambda tp: consumer.get_watermark_offsets(tp, timeout=TIMEOUT_S),
                    TopicPartition(topic, number),
                )
                for number in range(partitions)
            }

    def committed(self, topic: str, partitions: int, group: str) -> dict[int, int | None]:
        """Return the offset that a group has committed in each partition; None where none."""
        with self._lock:
            consumer = self._consumer(group)
            wanted = [TopicPartition(topic, number) for number in range(partitions)]
            found = self._asked(lambda tps: consumer.committed(tps, timeout=TIMEOUT_S), wanted)
        return {tp.partition: tp.offset if tp.offset >= 0 else None for tp in found}

    def leaders(self, topic: str) -> dict[int, int]:
        """Return the number of the broker that leads each partition; -1: no broker does."""
        with self._lock:
            consumer = self._consumer(_READER)
            found = self._asked(lambda name: consumer.list_topics(name, timeout=TIMEOUT_S), topic)
        return {number: each.leader for number, each in found.topics[topic].partitions.items()}

    def members(self, topic: str, group: str) -> list[Member]:
        """Return the members of a group, with their partitions of a topic.

        Raises:
            BrokerError: the broker does not answer, or has no such request, as the embedded one.
        """
        from confluent_kafka.admin import AdminClient  # noqa: PLC0415 - start-up time

        admin = AdminClient({"bootstrap.servers": self._servers, **_OF_ALL})
        try:
            asked = admin.describe_consumer_groups([group], request_timeout=TIMEOUT_S)
            described = asked[group].result()
        except KafkaException as error:
            if error.args[0].code() == KafkaError._UNSUPPORTED_FEATURE:
                raise BrokerError(
                    "The embedded broker does not say who is in a group (it has no DescribeGroups "
                    "request); mark the test with @pytest.mark.needs_apache and run it with "
                    "--kafka=apache."
                ) from error
            raise self._silent(str(error.args[0].str())) from error
        return [
            Member(
                member.member_id,
                member.client_id,
                tuple(
                    sorted(
                        place.partition
                        for place in member.assignment.topic_partitions
                        if place.topic == topic
                    )
                ),
            )
            for member in described.members
        ]

    def read(self, topic: str, partitions: int) -> list[Record]:
        """Return the records that a topic holds now, partition by partition."""
        records: list[Record] = []
        with self._lock:
            bounds = self.bounds(topic, partitions)
            left = {number: end for number, (begin, end) in bounds.items() if begin < end}
            consumer = self._consumer(_READER)
            consumer.assign([TopicPartition(topic, number, bounds[number][0]) for number in left])
            give_up = time.monotonic() + TIMEOUT_S
            try:
                while left:
                    if time.monotonic() > give_up:
                        raise self._silent(f"of {topic} {len(records)} records came, then none")
                    message = consumer.poll(POLL_S)
                    if message is None:
                        continue
                    number = message.partition()
                    if (error := message.error()) is None:
                        if message.offset() < bounds[number][1]:
                            records.append(_record(message))
                        give_up = time.monotonic() + TIMEOUT_S
                    elif error.code() != KafkaError._PARTITION_EOF:
                        continue  # librdkafka tries again
                    if error is not None or message.offset() + 1 >= bounds[number][1]:
                        left.pop(number, None)
            finally:
                consumer.unassign()
        return sorted(records, key=lambda record: (record.partition, record.offset))

    def _consumer(self, group: str) -> Any:
        if group not in self._consumers:
            self._consumers[group] = Consumer(
                {
                    "bootstrap.servers": self._servers,
                    "group.id": group,
                    **_OF_ALL,
                    **_OF_CONSUMERS,
                }
            )
        return self._consumers[group]

    def _asked(self, ask: Any, what: T) -> Any:
        give_up = time.monotonic() + TIMEOUT_S
        while True:
            try:
                return ask(what)
            except KafkaException as error:
                reason: KafkaError = error.args[0]
                if reason.code() not in _PASSING or time.monotonic() > give_up:
                    raise self._silent(str(reason.str())) from error
            time.sleep(POLL_S)

    def _silent(self, why: str) -> BrokerError:
        return BrokerError(
            f"The log at {self._servers} cannot be read ({why}; it may take {TIMEOUT_S:g} s). Read "
            "it while no fault is in force."
        )


def _bytes(value: Bytes) -> bytes | None:
    return value.encode() if isinstance(value, str) else value


def _record(message: Any) -> Record:
    return Record(
        message.topic(),
        message.partition(),
        message.offset(),
        message.key(),
        message.value(),
        tuple(message.headers() or ()),
        message.timestamp()[1] / 1e3,
    )
