"""Reads a Kafka topic's records and a consumer group's lag, without joining the group."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from empkit.kafka.connection import kafka_arguments
from empkit.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

STALL_S = 30.0
POLL_MS = 100


@asynccontextmanager
async def _reader(
    settings: Settings, topic: str
) -> AsyncIterator[tuple[AIOKafkaConsumer, dict[TopicPartition, int]]]:
    """Yield a consumer without a group, and the end offset of each partition of the topic."""
    consumer = AIOKafkaConsumer(
        topic,
        **kafka_arguments(settings),
        enable_auto_commit=False,
        fetch_max_wait_ms=50,
        isolation_level="read_committed" if settings.kafka_transactional else "read_uncommitted",
    )
    try:
        await consumer.start()
        yield consumer, await consumer.end_offsets(consumer.assignment())
        # A TLS connection that is closed directly after a fetch request stays open for the 30 s
        # that asyncio waits for the peer: Kafka receives both together and does not read on after
        # its response. So pause fetching; the response to one more request then comes after all
        # earlier ones.
        consumer.pause(*consumer.assignment())
        await consumer.end_offsets(consumer.assignment())
    finally:
        await consumer.stop()


async def log_ends(settings: Settings, topic: str) -> dict[int, int]:
    """Return the end offset (that of the next record) of each partition of a topic.

    Raises:
        aiokafka.errors.KafkaError: the brokers cannot be reached.
    """
    async with _reader(settings, topic) as (_, ends):
        return {partition.partition: end for partition, end in ends.items()}


async def read_messages(
    settings: Settings, topic: str, begin: Mapping[int, int] | None = None
) -> list[Any]:
    """Return the records that a topic holds now.

    Args:
        settings: the brokers.
        topic: the topic.
        begin: the first offset by partition (from an earlier `log_ends`); by default the oldest.

    Returns:
        aiokafka's `ConsumerRecord`s, in order within each partition.

    Raises:
        aiokafka.errors.KafkaError: the brokers cannot be reached.
        TimeoutError: no record arrived for 30 s.
    """
    records: list[Any] = []
    async with _reader(settings, topic) as (consumer, ends):
        if all(end <= (begin or {}).get(partition.partition, 0) for partition, end in ends.items()):
            return []  # an answer to another request would wait behind the fetch under way
        oldest = await consumer.beginning_offsets(list(ends))
        first = {
            partition: max(oldest[partition], (begin or {}).get(partition.partition, 0))
            for partition in ends
        }
        left = {partition: end for partition, end in ends.items() if end > first[partition]}
        for partition in left:
            consumer.seek(partition, first[partition])
        give_up = time.monotonic() + STALL_S
        while left:
            batch = await consumer.getmany(*left, timeout_ms=POLL_MS)
            for messages in batch.values():
                records += messages
            # the last offsets may be transaction control records, which a consumer does not return
            positions = {partition: await consumer.position(partition) for partition in left}
            left = {partition: end for partition, end in left.items() if positions[partition] < end}
            if batch:
                give_up = time.monotonic() + STALL_S
            elif left and time.monotonic() > give_up:
                raise TimeoutError(f"No record arrived from {topic} for {STALL_S:g} s.")
    return records


async def read_topic(
    settings: Settings, topic: str, begin: Mapping[int, int] | None = None
) -> pd.DataFrame:
    """Return the records that a topic holds now, as a table.

    Args:
        settings: the brokers.
        topic: the topic.
        begin: as for `read_messages`.

    Returns:
        One row per record: partition, offset, key, value (the last two as text), in the order of
        partition and offset.

    Raises:
        aiokafka.errors.KafkaError: the brokers cannot be reached.
        TimeoutError: no record arrived for 30 s.
    """
    import pandas as pd  # noqa: PLC0415 - each run's process imports this module, and does not need pandas

    rows = [
        (message.partition, message.offset, _text(message.key), _text(message.value))
        for message in await read_messages(settings, topic, begin)
    ]
    table = pd.DataFrame(rows, columns=["partition", "offset", "key", "value"])
    return table.sort_values(["partition", "offset"], ignore_index=True)


def _text(data: bytes | None) -> str | None:
    return None if data is None else data.decode(errors="replace")


async def group_lag(settings: Settings, topic: str) -> pd.DataFrame:
    """Return the lag of the consumer group of the settings, whether or not it has members now.

    Returns:
        One row per partition: end (the end offset), committed (the group's committed offset), lag
        (the number of records between them; with transactions less than the difference, which
        includes transaction control records).

    Raises:
        aiokafka.errors.KafkaError: the brokers cannot be reached.
    """
    import pandas as pd  # noqa: PLC0415 - start-up time

    ends = await log_ends(settings, topic)
    consumer = AIOKafkaConsumer(
        **kafka_arguments(settings), group_id=settings.kafka_group, enable_auto_commit=False
    )
    try:
        await consumer.start()
        partitions = {number: TopicPartition(topic, number) for number in sorted(ends)}
        committed = {
            number: await consumer.committed(partition) or 0
            for number, partition in partitions.items()
        }
    finally:
        await consumer.stop()
    table = pd.DataFrame({"end": ends, "committed": committed}).sort_index()
    table.index.name = "partition"
    if not settings.kafka_transactional:
        return table.assign(lag=table["end"] - table["committed"])
    messages = await read_messages(settings, topic, committed)
    left = Counter(message.partition for message in messages)
    return table.assign(lag=[left[number] for number in table.index])
