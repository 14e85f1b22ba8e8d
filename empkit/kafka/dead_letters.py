"""Reads the dead-letter topic, and sends repaired records to the topic again."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer

from empkit.kafka.connection import kafka_arguments
from empkit.kafka.topics import read_messages
from empkit.records import ledger
from empkit.settings import Settings


class DeadLetter(NamedTuple):
    """A record that could not be stored, and why.

    Attributes:
        topic, partition, offset: its original position.
        reason: why the consumer refused it.
        key: its key, or None.
        value: its bytes, unchanged, or None.
        result: the reason as one word of `empkit.server.answers`: `invalid`, `duplicate` or
            `too_large`; "" from a consumer that sends no such header.
    """

    topic: str
    partition: int
    offset: int
    reason: str
    key: bytes | None
    value: bytes | None
    result: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the letter as a JSON object for a file; bytes that are not text become base64."""
        return {**self._asdict(), "key": _as_text(self.key), "value": _as_text(self.value)}


def _as_text(data: bytes | None) -> Any:
    if data is None:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def as_bytes(value: Any) -> bytes | None:
    """Return the bytes of a key or value that `DeadLetter.to_json` wrote.

    The value may have been repaired since; an object is encoded as JSON.
    """
    if value is None:
        return None
    if isinstance(value, dict):
        if value.keys() == {"base64"}:
            return base64.b64decode(value["base64"])
        return json.dumps(value).encode()
    return str(value).encode()


async def read_dead_letters(
    settings: Settings, begin: Mapping[int, int] | None = None
) -> list[DeadLetter]:
    """Return the dead letters that the topic holds now, in no particular order.

    Args:
        settings: the brokers and the topic.
        begin: the first offset by partition (from an earlier `log_ends`); by default the oldest.

    Raises:
        aiokafka.errors.KafkaError: the brokers cannot be reached.
        TimeoutError: no record arrived for 30 s.
    """
    topic = settings.dead_letter_topic
    return [_letter(message) for message in await read_messages(settings, topic, begin)]


def _letter(message: Any) -> DeadLetter:
    headers = {name: value.decode(errors="replace") for name, value in message.headers}
    return DeadLetter(
        headers.get("topic", ""),
        int(headers.get("partition", -1)),
        int(headers.get("offset", -1)),
        headers.get("reason", ""),
        message.key,
        message.value,
        headers.get("result", ""),
    )


async def send_again(settings: Settings, letters: Iterable[tuple[bytes | None, bytes]]) -> int:
    """Send records to the topic of the settings again, in their present form.

    Args:
        settings: the brokers and the topic.
        letters: pairs of key and value.

    Returns:
        The number of records sent.
    """
    producer = AIOKafkaProducer(**kafka_arguments(settings), acks="all", enable_idempotence=True)
    count = 0
    async with producer:
        for key, value in letters:
            ledger.note(None, value)
            await producer.send_and_wait(settings.kafka_topic, value, key=key)
            count += 1
    return count
