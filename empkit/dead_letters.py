"""What the consumer refused: read from the dead-letter topic, and sent again when mended."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from empkit.secure import kafka_arguments
from empkit.settings import Settings

STALL_S = 30.0


class DeadLetter(NamedTuple):
    """A record that could not be stored, and why.

    Attributes:
        topic, partition, offset: where it stood.
        reason: why the consumer refused it.
        key: its key, or None.
        value: its bytes, as they came, or None.
    """

    topic: str
    partition: int
    offset: int
    reason: str
    key: bytes | None
    value: bytes | None

    def to_json(self) -> dict[str, Any]:
        """As a line of a file: bytes that are text stand as text, others in base64."""
        return {**self._asdict(), "key": _as_text(self.key), "value": _as_text(self.value)}


def _as_text(data: bytes | None) -> Any:
    if data is None:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def as_bytes(value: Any) -> bytes | None:
    """The bytes that `DeadLetter.to_json` wrote, perhaps mended since; an object is JSON."""
    if value is None:
        return None
    if isinstance(value, dict):
        if value.keys() == {"base64"}:
            return base64.b64decode(value["base64"])
        return json.dumps(value).encode()
    return str(value).encode()


@asynccontextmanager
async def _reader(
    settings: Settings, topic: str
) -> AsyncIterator[tuple[AIOKafkaConsumer, dict[TopicPartition, int]]]:
    """A consumer outside any group, and where each partition of the topic ends."""
    consumer = AIOKafkaConsumer(
        topic,
        **kafka_arguments(settings),
        enable_auto_commit=False,
        fetch_max_wait_ms=50,
    )
    try:
        await consumer.start()
        yield consumer, await consumer.end_offsets(consumer.assignment())
    finally:
        await consumer.stop()


async def log_ends(settings: Settings, topic: str) -> dict[int, int]:
    """The offset behind the last record of each partition of a topic.

    Raises:
        aiokafka.errors.KafkaError: the brokers cannot be reached.
    """
    async with _reader(settings, topic) as (_, ends):
        return {partition.partition: end for partition, end in ends.items()}


async def read_dead_letters(
    settings: Settings, begin: Mapping[int, int] | None = None
) -> list[DeadLetter]:
    """The dead letters that the topic holds now, in no particular order.

    Args:
        settings: the brokers and the topic.
        begin: offsets by partition to begin at (`log_ends` of an earlier time); by default all.

    Raises:
        aiokafka.errors.KafkaError: the brokers cannot be reached.
        TimeoutError: nothing came for 30 s.
    """
    letters: list[DeadLetter] = []
    async with _reader(settings, settings.dead_letter_topic) as (consumer, ends):
        kept = await consumer.beginning_offsets(list(ends))
        first = {each: max(kept[each], (begin or {}).get(each.partition, 0)) for each in ends}
        left = {each: end for each, end in ends.items() if end > first[each]}
        for partition in left:
            consumer.seek(partition, first[partition])
        while left:
            batch = await consumer.getmany(*left, timeout_ms=int(STALL_S * 1000))
            if not batch:
                raise TimeoutError(f"No dead letter came for {STALL_S:g} s.")
            for partition, messages in batch.items():
                letters += [_letter(message) for message in messages]
                if messages[-1].offset + 1 >= left[partition]:
                    del left[partition]
    return letters


def _letter(message: Any) -> DeadLetter:
    headers = {name: value.decode(errors="replace") for name, value in message.headers}
    return DeadLetter(
        headers.get("topic", ""),
        int(headers.get("partition", -1)),
        int(headers.get("offset", -1)),
        headers.get("reason", ""),
        message.key,
        message.value,
    )


async def send_again(settings: Settings, letters: Iterable[tuple[bytes | None, bytes]]) -> int:
    """Send records to the topic that they were refused from, as they are now.

    Args:
        settings: the brokers and the topic.
        letters: key and value of each.

    Returns:
        How many were sent.
    """
    producer = AIOKafkaProducer(**kafka_arguments(settings), acks="all", enable_idempotence=True)
    count = 0
    async with producer:
        for key, value in letters:
            await producer.send_and_wait(settings.kafka_topic, value, key=key)
            count += 1
    return count
