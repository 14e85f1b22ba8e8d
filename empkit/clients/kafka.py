"""Employee records into a Kafka topic."""

from __future__ import annotations

import logging
from typing import ClassVar

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from empkit.clients.base import Answer, Client, ClientError, NoAnswerError
from empkit.secure import kafka_arguments
from empkit.settings import Settings

# What it says while a broker is away, each second and in a notebook in red, our outcomes say too.
logging.getLogger("aiokafka").addHandler(logging.NullHandler())


class KafkaClient(Client):
    """Sends each record to the topic, keyed by its id; acked means that the broker has it.

    The producer tries again by itself, in the order of the records, so one attempt of ours lasts
    until the deadline. When that passes the record may be in the log: unknown, not failed
    (https://aiokafka.readthedocs.io/en/stable/producer.html).

    Args:
        settings: the brokers, the topic, and what to wait for.
    """

    protocol: ClassVar[str] = "kafka"

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._attempt_timeout_s = settings.deadline_s
        self._producer: AIOKafkaProducer | None = None

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
            request_timeout_ms=int(settings.attempt_timeout_s * 1000),
            retry_backoff_ms=50,
        )
        try:
            await self._producer.start()
        except (KafkaError, OSError) as error:
            await self._producer.stop()
            self._producer = None
            raise ClientError(
                f"No Kafka broker at {settings.kafka_bootstrap_servers}: {error}"
            ) from error

    async def close(self) -> None:
        """Send what is still buffered, then disconnect."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.stop()

    async def _attempt(self, employee_id: str | None, payload: bytes) -> Answer:
        assert self._producer is not None
        topic = self.settings.kafka_topic
        key = employee_id.encode(errors="replace") if employee_id is not None else None
        try:
            await (await self._producer.send(topic, payload, key=key))
        except MessageSizeTooLargeError as error:
            return Answer("too_large", f"Error: {error}")
        except KafkaError as error:
            raise NoAnswerError(f"{type(error).__name__}: {error}") from error
        return Answer("sent", f"Record sent to Kafka topic {topic}")
