"""Employee records into a Kafka topic."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import secrets
import zlib
from collections.abc import Sequence
from typing import ClassVar

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from empkit.clients.base import Answer, Client, ClientError, NoAnswerError, NotSentError
from empkit.clients.limits import Limits
from empkit.kafka.connection import kafka_arguments
from empkit.settings import Settings
from empkit.wire import SENT, TOO_LARGE

# While a broker is away aiokafka logs an error each second, which a notebook shows in red. The
# outcomes of the records say the same.
logging.getLogger("aiokafka").addHandler(logging.NullHandler())


_Waiting = tuple[bytes | None, bytes, asyncio.Future[None]]


def partition_of(key: bytes | None, partitions: Sequence[int], available: Sequence[int]) -> int:
    """Return the partition of a record: by the CRC-32 of its key, so that one employee's records
    stay in one log and in order; without a key, any partition that has a leader.

    librdkafka's `consistent_random` does the same
    (https://docs.confluent.io/platform/current/clients/librdkafka/html/md_CONFIGURATION.html).
    aiokafka's own partitioner, murmur2 in Python, took a quarter of the time that a record costs
    its sender.
    """
    if key is None:
        return random.choice(available or partitions)  # noqa: S311 - to spread, not to hide
    return partitions[zlib.crc32(key) % len(partitions)]


class KafkaClient(Client):
    """Sends each record to the topic, keyed by its id; `acked` means that the broker has it and,
    with transactions, that its transaction is committed.

    The producer retries by itself, in the order of the records, so one attempt of this client lasts
    until the deadline. After the deadline the record may be in the log: its outcome is `unknown`,
    not `failed` (https://aiokafka.readthedocs.io/en/stable/producer.html).

    Args:
        settings: the brokers, the topic, and what to wait for.
    """

    protocol: ClassVar[str] = "kafka"
    through_kafka: ClassVar[bool] = True
    ack_means: ClassVar[str] = "the broker has the record; it is stored later"
    label: ClassVar[str] = "Kafka"
    colour: ClassVar[str] = "#D55E00"
    marker: ClassVar[str] = "^"
    line: ClassVar[str] = "-."

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._limits = Limits(settings.deadline_s)
        self._producer: AIOKafkaProducer | None = None
        self._transactional_id = (
            f"empkit-{secrets.token_hex(6)}" if settings.kafka_transactional else None
        )
        self._transactions: asyncio.Task[None] | None = None
        self._waiting: list[_Waiting] = []
        self._sent = Answer(SENT, f"Record sent to Kafka topic {settings.kafka_topic}")
        self._has_waiting = asyncio.Event()

    async def open(self) -> None:
        """Connect to the brokers."""
        settings = self.settings
        if not settings.kafka_bootstrap_servers:
            raise ClientError(
                "There are no brokers to send to. Set EMPKIT_KAFKA_BOOTSTRAP_SERVERS=HOST:PORT."
            )
        try:
            arguments = kafka_arguments(settings)
        except ValueError as error:
            raise ClientError(str(error)) from error
        idempotent = settings.kafka_idempotence and settings.kafka_acks == "all"
        self._producer = AIOKafkaProducer(
            **arguments,
            acks="all" if settings.kafka_acks == "all" else int(settings.kafka_acks),
            enable_idempotence=idempotent,
            linger_ms=settings.kafka_linger_ms,
            max_batch_size=settings.kafka_batch_bytes,
            transactional_id=self._transactional_id,
            partitioner=partition_of,
            request_timeout_ms=int(settings.attempt_timeout_s * 1000),
            retry_backoff_ms=50,
        )
        try:
            await self._producer.start()
        except (KafkaError, OSError) as error:
            await self._producer.stop()
            self._producer = None
            raise NotSentError(
                f"No Kafka broker at {settings.kafka_bootstrap_servers}: {error}"
            ) from error
        if self._transactional_id is not None:
            self._transactions = asyncio.create_task(self._commit_groups(self._producer))

    async def close(self) -> None:
        """Send what is still buffered, then disconnect; after the timeout of one attempt the
        remaining records are dropped."""
        producer, self._producer = self._producer, None
        if self._transactions is not None:
            self._transactions.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._transactions
        if producer is None:
            return
        stopping = asyncio.create_task(producer.stop())
        done, _ = await asyncio.wait({stopping}, timeout=self.settings.attempt_timeout_s)
        if not done:
            # an idempotent producer retries a batch for ever, and `stop` waits for it
            await producer._sender.close()
        await stopping

    async def _attempt(self, employee_id: str | None, payload: bytes) -> Answer:
        assert self._producer is not None
        topic = self.settings.kafka_topic
        key = employee_id.encode(errors="replace") if employee_id is not None else None
        try:
            if self._transactions is not None:
                await self._in_transaction(key, payload)
            else:
                await (await self._producer.send(topic, payload, key=key))
        except MessageSizeTooLargeError as error:
            return Answer(TOO_LARGE, f"Error: {error}")
        except KafkaError as error:
            raise NoAnswerError(f"{type(error).__name__}: {error}") from error
        return self._sent

    def _in_transaction(self, key: bytes | None, payload: bytes) -> asyncio.Future[None]:
        """Return a future that is done when the transaction with this record is committed."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((key, payload, future))
        self._has_waiting.set()
        return future

    async def _commit_groups(self, producer: AIOKafkaProducer) -> None:
        """Commit the waiting records in one transaction after another: a producer has only one
        transaction at a time, so the records of the next one gather while one is committed."""
        while True:
            await self._has_waiting.wait()
            self._has_waiting.clear()
            group, self._waiting = self._waiting, []
            topic = self.settings.kafka_topic
            failure: Exception | None = None
            try:
                async with producer.transaction():
                    sent = []
                    for key, value, future in group:
                        try:
                            sent.append(await producer.send(topic, value, key=key))
                        except MessageSizeTooLargeError as error:  # of this record only
                            future.set_exception(error)
                    await asyncio.gather(*sent)
            except KafkaError as error:
                failure = error
            for _, _, future in group:
                if future.done():
                    continue
                if failure is None:
                    future.set_result(None)
                else:
                    future.set_exception(failure)
