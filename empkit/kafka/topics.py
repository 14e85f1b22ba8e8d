"""What a Kafka topic holds, and how far its consumer group is: read from outside the group."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from empkit.settings import Settings
from empkit.tls import kafka_arguments

if TYPE_CHECKING:
    import pandas as pd

STALL_S = 30.0
POLL_MS = 100


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
        isolation_level="read_committed" if settings.kafka_transactional else "read_uncommitted",
    )
    try:
        await consumer.start()
        yield consumer, await consumer.end_offsets(consumer.assignment())
        # Closed right behind a fetch, a TLS connection stays for the 30 s that asyncio waits for
        # the other side: Kafka takes in the two at once, and reads no further when it has answered.
        # So nothing more is fetched, and when what is asked last has its answer, all before has.
        consumer.pause(*consumer.assignment())
        await consumer.end_offsets(consumer.assignment())
    finally:
        await consumer.stop()


async def log_ends(settings: Settings, topic: str) -> dict[int, int]:
    """The offset behind the last record of each partition of a topic.

    Raises:
        aiokafka.errors.KafkaError: the brokers cannot be reached.
    """
    async with _reader(settings, topic) as (_, ends):
        return {partition.partition: end for partition, end in ends.items()}


async def read_messages(
    settings: Settings, topic: str, begin: Mapping[int, int] | None = None
) -> list[Any]:
    """What a topic holds now.

    Args:
        settings: the brokers.
        topic: which.
        begin: offsets by partition to begin at (`log_ends` of an earlier time); by default all.

    Returns:
        aiokafka's `ConsumerRecord`s, in order within each partition.

    Raises:
        aiokafka.errors.KafkaError: the brokers cannot be reached.
        TimeoutError: nothing came for 30 s.
    """
    found: list[Any] = []
    async with _reader(settings, topic) as (consumer, ends):
        kept = await consumer.beginning_offsets(list(ends))
        first = {each: max(kept[each], (begin or {}).get(each.partition, 0)) for each in ends}
        left = {each: end for each, end in ends.items() if end > first[each]}
        for partition in left:
            consumer.seek(partition, first[partition])
        give_up = time.monotonic() + STALL_S
        while left:
            batch = await consumer.getmany(*left, timeout_ms=POLL_MS)
            for messages in batch.values():
                found += messages
            # the last offsets may be no records, but the marks of transactions' ends
            came = {each: await consumer.position(each) for each in left}
            left = {each: end for each, end in left.items() if came[each] < end}
            if batch:
                give_up = time.monotonic() + STALL_S
            elif left and time.monotonic() > give_up:
                raise TimeoutError(f"Nothing came from {topic} for {STALL_S:g} s.")
    return found


async def read_topic(
    settings: Settings, topic: str, begin: Mapping[int, int] | None = None
) -> pd.DataFrame:
    """What a topic holds now, as a table.

    Args:
        settings: the brokers.
        topic: which.
        begin: as for `read_messages`.

    Returns:
        One row a record: partition, offset, key, value (the last two as text), in the order of
        partition and offset.

    Raises:
        aiokafka.errors.KafkaError: the brokers cannot be reached.
        TimeoutError: nothing came for 30 s.
    """
    import pandas as pd  # here: each run's process imports this module, and has no use for pandas

    rows = [
        (each.partition, each.offset, _text(each.key), _text(each.value))
        for each in await read_messages(settings, topic, begin)
    ]
    table = pd.DataFrame(rows, columns=["partition", "offset", "key", "value"])
    return table.sort_values(["partition", "offset"], ignore_index=True)


def _text(data: bytes | None) -> str | None:
    return None if data is None else data.decode(errors="replace")


async def group_lag(settings: Settings, topic: str) -> pd.DataFrame:
    """How far the consumer group of the settings has come, whether or not it has members now.

    Returns:
        One row a partition: end (the offset behind its last record), committed (the offset at which
        the group goes on), lag (the records between them; with transactions fewer than the
        difference, which counts the marks of their ends).

    Raises:
        aiokafka.errors.KafkaError: the brokers cannot be reached.
    """
    import pandas as pd

    ends = await log_ends(settings, topic)
    consumer = AIOKafkaConsumer(
        **kafka_arguments(settings), group_id=settings.kafka_group, enable_auto_commit=False
    )
    try:
        await consumer.start()
        partitions = {number: TopicPartition(topic, number) for number in sorted(ends)}
        done = {number: await consumer.committed(each) or 0 for number, each in partitions.items()}
    finally:
        await consumer.stop()
    table = pd.DataFrame({"end": ends, "committed": done}).sort_index()
    table.index.name = "partition"
    if not settings.kafka_transactional:
        return table.assign(lag=table["end"] - table["committed"])
    left = Counter(each.partition for each in await read_messages(settings, topic, done))
    return table.assign(lag=[left[number] for number in table.index])
