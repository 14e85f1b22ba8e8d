"""Hands out what a consumer reads; a record that aiokafka cannot decode is stepped over.

    getmany --ok--> messages
       +--a record cannot be decoded--> back to where it began, one record at a time:
          messages, Unreadable, messages ...

aiokafka decodes inside `getmany`. When that fails, what the call had read of other partitions is
lost with it, although their positions have moved on: so all of them go back.
"""

from __future__ import annotations

import traceback
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import (
    CorruptRecordException,
    IllegalStateError,
    KafkaError,
    RecordTooLargeError,
    UnsupportedCodecError,
)

SINGLE_MS = 500
"""How long to wait for one record of a partition, in ms; a fetch takes less."""
SINGLES = 500
"""How many records of a partition are read one by one before the next attempt to read many."""


_DECODING = "_unpack_records"
"""The function of aiokafka that decodes batches."""


class Unreadable(NamedTuple):
    """A record that cannot be handed out; it stands in the place of its message.

    Attributes:
        topic, partition, offset: its position.
        reason: why it cannot be decoded.
        key, value: None, since its content is not known.
    """

    topic: str
    partition: int
    offset: int
    reason: str
    key: None = None
    value: None = None


Handed = dict[TopicPartition, list[ConsumerRecord | Unreadable]]


class CodecMissingError(Exception):
    """Records are compressed in a way that this environment cannot read."""


class Reader:
    """Reads the partitions that are assigned to a consumer.

    Args:
        kafka: the consumer, started.
        most: how many messages are handed out at once.
    """

    def __init__(self, kafka: AIOKafkaConsumer, most: int) -> None:
        self._kafka = kafka
        self._most = most
        self._next: dict[TopicPartition, int] = {}

    async def read(self, timeout_ms: int) -> Handed:
        """Return the next messages by partition, in the order of their offsets.

        Args:
            timeout_ms: how long to wait for one, in ms.

        Raises:
            CodecMissingError: a library is missing.
            aiokafka.errors.KafkaError, OSError: the brokers are away.
        """
        try:
            handed: Handed = await self._kafka.getmany(
                timeout_ms=timeout_ms, max_records=self._most
            )
        except Exception as error:
            if not _is_of_a_record(error):
                raise
            handed = await self._read_singly()
        if self._next.keys() - handed.keys():
            assigned = self._kafka.assignment()
            self._next = {tp: offset for tp, offset in self._next.items() if tp in assigned}
        for partition, messages in handed.items():
            self._next[partition] = messages[-1].offset + 1
        return handed

    async def _read_singly(self) -> Handed:
        """Go back to what was handed out last, and read each partition record by record."""
        partitions = sorted(self._kafka.assignment())
        for partition in partitions:
            await self._go_back(partition)
        ends: dict[TopicPartition, int] = await self._kafka.end_offsets(partitions)
        handed = {
            partition: await self._singles(partition, ends[partition]) for partition in partitions
        }
        return {partition: messages for partition, messages in handed.items() if messages}

    async def _go_back(self, partition: TopicPartition) -> None:
        offset = self._next.get(partition)
        if offset is None:
            offset = await self._kafka.committed(partition)
        if offset is None:
            await self._kafka.seek_to_beginning(partition)
        else:
            self._kafka.seek(partition, offset)

    async def _singles(
        self, partition: TopicPartition, end: int
    ) -> list[ConsumerRecord | Unreadable]:
        """Read records up to `end`, some of them, until one had to be stepped over."""
        messages: list[ConsumerRecord | Unreadable] = []
        stepped = False
        while len(messages) < SINGLES and await self._kafka.position(partition) < end:
            try:
                got: dict[Any, list[ConsumerRecord]] = await self._kafka.getmany(
                    partition, timeout_ms=SINGLE_MS, max_records=1
                )
            except Exception as error:
                if not _is_of_a_record(error):
                    raise
                offset: int = await self._kafka.position(partition)
                if isinstance(error, RecordTooLargeError):
                    offset -= 1  # aiokafka has moved on already
                # transaction control records, or what compaction removed, may be before the batch
                offset = max(offset, _first_of_batch(error))
                reason = f"cannot be decoded ({type(error).__name__}: {error})"
                messages.append(Unreadable(partition.topic, partition.partition, offset, reason))
                self._kafka.seek(partition, offset + 1)
                stepped = True
                continue
            if not got:
                break
            messages += got[partition]
            if stepped:
                break
        return messages


def _first_of_batch(error: Exception) -> int:
    """Return the offset of the first record of the batch that could not be decoded; 0 if it is not
    known. aiokafka says it nowhere: it stands in the frame of the generator that failed."""
    batches = [
        frame.f_locals.get("next_batch")
        for frame, _ in traceback.walk_tb(error.__traceback__)
        if frame.f_code.co_name == _DECODING
    ]
    return int(getattr(batches[-1], "base_offset", 0)) if batches else 0


def _is_of_a_record(error: Exception) -> bool:
    """Return whether an error is about the content of a record, not about the brokers.

    Raises:
        CodecMissingError: it is about a library that is missing: with it the record can be read.
    """
    if isinstance(error, UnsupportedCodecError) and "Libraries for" in str(error):
        raise CodecMissingError(
            f"{str(error).rstrip('.')}: the records wait for it. Run: pip install cramjam"
        ) from error
    return isinstance(
        error, CorruptRecordException | RecordTooLargeError | UnsupportedCodecError
    ) or not isinstance(error, KafkaError | IllegalStateError | OSError)
