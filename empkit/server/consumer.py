"""The Kafka consumer: stores batches of the topic, sends records that cannot be stored to the
dead-letter topic, and only then commits the offset.

    topic --> batch --> one transaction --> offset committed
                |
                +--> refused for good --> <topic>.dlq, with the reason
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import time
from typing import Any, NamedTuple

import tenacity
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import (
    CommitFailedError,
    IllegalStateError,
    KafkaError,
    MessageSizeTooLargeError,
)
from pydantic import ValidationError

from empkit.clock import now_ns
from empkit.databases.table import Result, Row
from empkit.kafka.connection import kafka_arguments
from empkit.records.employee import Employee, to_row, validation_reason
from empkit.server.reader import CodecMissingError, Handed, Reader, Unreadable
from empkit.server.stamps import StampLog
from empkit.server.store import MAX_GROUP, Store, StoreFullError, StoreUnavailableError
from empkit.settings import Settings
from empkit.wire import (
    DUPLICATE,
    INVALID,
    NOT_STORED_NS,
    SAME,
    TOO_LARGE,
    UNREADABLE,
    ConsumerHealth,
)

LOGGER = logging.getLogger(__name__)

POLL_MS = 200
READ_AHEAD = 2
"""Batches that may wait for the store; records not yet fetched make the next batch larger."""
HEALTH_TIMEOUT_S = 2.0
METADATA_MS = 2_000
"""How old the list of partitions may be, in ms (aiokafka's default: five minutes)."""
TOPIC_WAIT_S = 2 * METADATA_MS / 1e3
"""How long a topic may be missing, in seconds: brokers that create topics automatically take a
moment, too."""
PAUSE = tenacity.wait_random_exponential(multiplier=0.1, max=2.0)
"""The wait between attempts: exponential, bounded, with full jitter, after Marc Brooker,
"Exponential Backoff And Jitter", AWS Architecture Blog, 2015."""

AWAY = (KafkaError, IllegalStateError, OSError)
REJOIN = "InvalidRequestError"
"""What the embedded broker answers to a member whose group changes between JoinGroup and SyncGroup.
Apache Kafka answers REBALANCE_IN_PROGRESS, after which aiokafka joins again by itself."""


def _is_news(record: logging.LogRecord) -> bool:
    return REJOIN not in record.getMessage()


logging.getLogger("aiokafka.consumer.group_coordinator").addFilter(_is_news)


class Refused(NamedTuple):
    """A record that goes to the dead-letter topic.

    Attributes:
        message: the message, unchanged.
        result: the reason as one word of `empkit.server.answers`.
        reason: the reason in a sentence.
    """

    message: ConsumerRecord | Unreadable
    result: str
    reason: str


class _Batch(NamedTuple):
    """The records of one fetch, divided into rows for the store and refused records.

    Attributes:
        offsets: the offsets to commit when all records are stored or dead-lettered.
        rows: the rows, in the order of `sources`.
        sources: the messages of the rows.
        refused: the records that are not valid employees.
        received_ns: time of reception, on the monotonic clock.
    """

    offsets: dict[TopicPartition, int]
    rows: list[Row]
    sources: list[ConsumerRecord]
    refused: list[Refused]
    received_ns: int


class _NotJoinedError(Exception):
    """The broker could not be reached, or nothing was committed before the connection ended."""


def _assignor(wait_ms: int) -> type[RoundRobinPartitionAssignor]:
    """Return an assignor: the group's leader waits, then assigns partitions round robin."""

    class _Assignor(RoundRobinPartitionAssignor):  # type: ignore[misc]  # it has no types
        @classmethod
        def assign(cls, cluster: Any, members: Any) -> Any:
            if len(members) > 1:
                time.sleep(wait_ms / 1_000)  # aiokafka calls this synchronously: no await here
            return super().assign(cluster, members)

    return _Assignor


class Consumer:
    """The consumer of one server, a member of the consumer group.

    Args:
        settings: the brokers, the topic, the group, and when to commit.
        store: the store of the records.
        stamps: the log of stamps, which also says what was read again.
    """

    def __init__(self, settings: Settings, store: Store, stamps: StampLog) -> None:
        self._settings = settings
        self._store = store
        self._stamps = stamps
        self._task: asyncio.Task[None] | None = None
        self._kafka: AIOKafkaConsumer | None = None
        self._dead_letters: AIOKafkaProducer | None = None
        self._done: dict[TopicPartition, int] = {}
        self._read_to: dict[TopicPartition, int] = {}
        self._to_commit: dict[TopicPartition, int] = {}
        self._has_stored = asyncio.Event()
        self._state = "connecting"
        self._failure: str | None = None
        self._unreadable = 0
        self._committed = False
        self._without_topic_since: float | None = None

    def start(self) -> None:
        """Start consuming in the background; retry as long as the broker is unreachable."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop consuming and leave the group."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def health(self) -> ConsumerHealth:
        """Return the consumer's state, its last failure, its partitions, and the lag in records.

        The lag is the number of records after the group's committed offsets, over all partitions,
        including those assigned to other members or to none; None when the broker does not respond.
        """
        lag, partitions = None, 0
        if self._kafka is not None and self._state == "running":
            with contextlib.suppress(TimeoutError, KafkaError, IllegalStateError):
                async with asyncio.timeout(HEALTH_TIMEOUT_S):
                    partitions = len(self._kafka.assignment())
                    lag = await self._lag(self._kafka)
        return ConsumerHealth(
            state=self._state,
            failure=self._failure,
            partitions=partitions,
            lag=lag,
            unreadable=self._unreadable,
        )

    async def _lag(self, kafka: AIOKafkaConsumer) -> int:
        topic = self._settings.kafka_topic
        numbers = kafka.partitions_for_topic(topic) or ()
        ends: dict[TopicPartition, int] = await kafka.end_offsets(
            [TopicPartition(topic, number) for number in numbers]
        )
        assignment = kafka.assignment()
        lag = 0
        for partition, end in ends.items():
            if partition not in assignment:
                done = await kafka.committed(partition) or 0
            elif self._done.get(partition) == self._read_to.get(partition):
                # all records that were read are stored; if the position is ahead of them, it has
                # passed transaction control records
                done = await kafka.position(partition)
            else:
                done = self._done[partition]
            lag += end - done
        return lag

    async def _run(self) -> None:
        retrying = tenacity.AsyncRetrying(
            wait=PAUSE, retry=tenacity.retry_if_exception_type(_NotJoinedError)
        )
        while True:
            # each success resets the exponential wait
            await retrying(self._connect_and_consume)

    async def _connect_and_consume(self) -> None:
        """Consume until the connection to the broker is lost.

        Raises:
            _NotJoinedError: nothing was committed meanwhile: the same would happen again.
        """
        self._committed = False
        joined = False
        try:
            async with self._connection() as kafka:
                joined = True
                self._state, self._failure = "running", None
                self._without_topic_since = None
                await self._consume(kafka)
        except* AWAY as errors:
            error = errors.exceptions[0]
            self._state, self._failure = "connecting", f"{type(error).__name__}: {error}"
            if REJOIN in str(error):
                self._failure = None
                LOGGER.info("The group changed while the consumer joined it; it joins again.")
            elif joined:
                LOGGER.warning("The consumer lost its broker (%s) and tries again.", error)
            else:
                LOGGER.warning("The consumer does not reach its broker (%s); tries again.", error)
        except* CodecMissingError as errors:
            self._committed = False  # the next attempt fares the same until it is installed
            self._state, self._failure = "failing", str(errors.exceptions[0])
            LOGGER.error("The consumer cannot go on: %s", self._failure)
        except* Exception as errors:
            self._committed = False
            error = errors.exceptions[0]
            self._state, self._failure = "failing", f"{type(error).__name__}: {error}"
            LOGGER.exception("The consumer ended unexpectedly, and is started again.")
        if not self._committed:
            raise _NotJoinedError

    @contextlib.asynccontextmanager
    async def _connection(self) -> Any:
        """Yield a consumer that has joined the group; also start a producer for dead letters."""
        settings = self._settings
        try:
            self._dead_letters = AIOKafkaProducer(
                **kafka_arguments(settings), acks="all", enable_idempotence=True
            )
            self._kafka = AIOKafkaConsumer(
                settings.kafka_topic,
                **kafka_arguments(settings),
                group_id=settings.kafka_group,
                auto_offset_reset="earliest",
                enable_auto_commit=False,
                session_timeout_ms=settings.kafka_session_timeout_ms,
                heartbeat_interval_ms=settings.kafka_session_timeout_ms // 5,
                retry_backoff_ms=50,
                fetch_max_wait_ms=settings.kafka_fetch_wait_ms,
                metadata_max_age_ms=METADATA_MS,  # partitions that are added are noticed then
                partition_assignment_strategy=(_assignor(settings.kafka_leader_wait_ms),),
                isolation_level=(
                    "read_committed" if settings.kafka_transactional else "read_uncommitted"
                ),
            )
        except ValueError as error:  # not a valid address
            raise KafkaError(f"{settings.kafka_bootstrap_servers}: {error}") from error
        try:
            await self._dead_letters.start()
            await self._kafka.start()
            yield self._kafka
        finally:
            kafka, self._kafka = self._kafka, None
            self._done.clear()
            self._read_to.clear()
            for part in (kafka, self._dead_letters):
                with contextlib.suppress(KafkaError, OSError):
                    await part.stop()

    async def _consume(self, kafka: AIOKafkaConsumer) -> None:
        """Read, store and commit in three tasks that overlap.

        Records that arrive while one group is stored are parsed meanwhile and form the next group.
        """
        self._to_commit.clear()
        read: asyncio.Queue[_Batch] = asyncio.Queue(READ_AHEAD)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._read(kafka, read))
            tasks.create_task(self._store_batches(kafka, read))
            tasks.create_task(self._commit_stored(kafka))

    async def _read(self, kafka: AIOKafkaConsumer, read: asyncio.Queue[_Batch]) -> None:
        reader = Reader(kafka, MAX_GROUP)
        while True:
            batch = await reader.read(POLL_MS)
            received_ns = now_ns()
            for partition, messages in batch.items():
                self._done.setdefault(partition, messages[0].offset)
                self._read_to[partition] = messages[-1].offset + 1
            if batch:
                await read.put(self._sorted(batch, received_ns))
            else:
                self._look_for_topic(kafka)

    def _look_for_topic(self, kafka: AIOKafkaConsumer) -> None:
        """Note whether the topic is missing, which aiokafka waits for without an error."""
        topic = self._settings.kafka_topic
        if kafka.partitions_for_topic(topic):
            if self._state == "failing":
                LOGGER.warning("The topic %s is there; the consumer goes on.", topic)
                self._state, self._failure = "running", None
            self._without_topic_since = None
            return
        now = time.monotonic()
        if self._without_topic_since is None:
            self._without_topic_since = now
        if self._state == "running" and now - self._without_topic_since > TOPIC_WAIT_S:
            self._state = "failing"
            brokers = self._settings.kafka_bootstrap_servers
            self._failure = (
                f"There is no topic {topic} at {brokers}: create it, or name another one in "
                "EMPKIT_KAFKA_TOPIC. The consumer waits for it."
            )
            LOGGER.error("The consumer has nothing to read. %s", self._failure)

    def _sorted(self, batch: Handed, received_ns: int) -> _Batch:
        """Parse each record once, and divide them into rows and refused records."""
        offsets = {partition: messages[-1].offset + 1 for partition, messages in batch.items()}
        rows: list[Row] = []
        sources: list[ConsumerRecord] = []
        refused: list[Refused] = []
        limit = self._settings.max_record_bytes
        for message in itertools.chain.from_iterable(batch.values()):
            if isinstance(message, Unreadable):
                LOGGER.error(
                    "Stepped over offset %d of partition %d of %s: it %s.",
                    message.offset, message.partition, message.topic, message.reason,
                )  # fmt: skip
                self._unreadable += 1
                reason = f"The record {message.reason}; its bytes are in the topic only"
                refused.append(Refused(message, UNREADABLE, reason))
                continue
            value = message.value or b""
            if len(value) > limit:
                reason = f"A record of {len(value)} bytes is too large"
                refused.append(Refused(message, TOO_LARGE, reason))
                continue
            try:
                rows.append(to_row(Employee.model_validate_json(value)))
            except ValidationError as error:
                reason = validation_reason(error)[1] if value else "No value"
                refused.append(Refused(message, INVALID, reason))
            else:
                sources.append(message)
        return _Batch(offsets, rows, sources, refused, received_ns)

    async def _store_batches(self, kafka: AIOKafkaConsumer, read: asyncio.Queue[_Batch]) -> None:
        while True:
            batches = [await read.get()]
            while not read.empty():
                batches.append(read.get_nowait())
            offsets: dict[TopicPartition, int] = {}
            for batch in batches:
                offsets |= batch.offsets
            if self._settings.kafka_commit == "before_store":
                await self._commit(kafka, offsets)
            # concurrently, so that the store puts them into one transaction
            await asyncio.gather(*(self._settle(batch) for batch in batches))
            if self._settings.kafka_commit == "after_store":
                self._to_commit |= offsets
                self._has_stored.set()

    async def _commit_stored(self, kafka: AIOKafkaConsumer) -> None:
        while True:
            await self._has_stored.wait()
            self._has_stored.clear()
            offsets, self._to_commit = self._to_commit, {}
            await self._commit(kafka, offsets)

    async def _commit(self, kafka: AIOKafkaConsumer, offsets: dict[TopicPartition, int]) -> None:
        try:
            await kafka.commit(offsets)
        except (CommitFailedError, IllegalStateError):
            # The partitions were assigned to another member meanwhile. It will read these records
            # again, and the store will answer "same".
            for partition in offsets:
                self._done.pop(partition, None)
                self._read_to.pop(partition, None)
        else:
            self._done |= offsets
            self._committed = True

    async def _settle(self, batch: _Batch) -> None:
        """Store each record of a batch, or send it to the dead-letter topic."""
        refused = batch.refused
        if batch.rows:
            results = await self._store_all(batch.rows, batch.received_ns)
            refused += [
                Refused(message, DUPLICATE, f"Employee ID {row['employee_id']} already exists")
                for message, row, result in zip(batch.sources, batch.rows, results, strict=True)
                if result == DUPLICATE
            ]
            self._note_read_again(batch, results)
        if refused:
            await self._bury(refused)

    def _note_read_again(self, batch: _Batch, results: list[Result]) -> None:
        """Keep the ids of the records that the database held already, as they are."""
        again = [
            (row["employee_id"], batch.received_ns)
            for row, result in zip(batch.rows, results, strict=True)
            if result == SAME
        ]
        if again:
            try:
                self._stamps.append("kafka", NOT_STORED_NS, again)
            except OSError:  # they are stored all the same
                LOGGER.exception("That %d records were read again could not be kept.", len(again))

    async def _store_all(self, rows: list[Row], received_ns: int) -> list[Result]:
        """Store the rows; while the database is unavailable, retry without limit."""
        refusals = (StoreUnavailableError, StoreFullError)
        async for attempt in tenacity.AsyncRetrying(
            wait=PAUSE, retry=tenacity.retry_if_exception_type(refusals)
        ):
            with attempt:
                self._failure = (
                    "The database is away." if attempt.retry_state.attempt_number > 1 else None
                )
                stored = await self._store.add(rows, received_ns, "kafka")
        self._failure = None
        return stored.results

    async def _bury(self, refused: list[Refused]) -> None:
        """Send records to the dead-letter topic: their bytes unchanged, the rest in headers."""
        await asyncio.gather(*(self._bury_one(record) for record in refused))

    async def _bury_one(self, refused: Refused) -> None:
        try:
            await self._send_dead_letter(refused, refused.message.key, refused.message.value)
        except MessageSizeTooLargeError:
            reason = refused.reason + "; its bytes are left out: too large for a dead letter"
            refused = refused._replace(reason=reason)
            try:
                await self._send_dead_letter(refused, refused.message.key, None)
            except MessageSizeTooLargeError:
                await self._send_dead_letter(refused, None, None)

    async def _send_dead_letter(
        self, refused: Refused, key: bytes | None, value: bytes | None
    ) -> None:
        assert self._dead_letters is not None
        message = refused.message
        if value is None and key is None:
            value = b""  # aiokafka sends no message without both
        await self._dead_letters.send_and_wait(
            self._settings.dead_letter_topic,
            value,
            key=key,
            headers=[
                ("reason", refused.reason.encode(errors="replace")),
                ("result", refused.result.encode()),
                ("topic", message.topic.encode()),
                ("partition", str(message.partition).encode()),
                ("offset", str(message.offset).encode()),
            ],
        )
