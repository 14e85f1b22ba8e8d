"""What the consumer refused: read from the dead-letter topic, and sent again when mended."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer

from empkit.clients import ledger
from empkit.kafka.topics import read_messages
from empkit.settings import Settings
from empkit.tls import kafka_arguments


class DeadLetter(NamedTuple):
    """A record that could not be stored, and why.

    Attributes:
        topic, partition, offset: where it stood.
        reason: why the consumer refused it.
        key: its key, or None.
        value: its bytes, as they came, or None.
        result: the word for the reason, of `empkit.server.answers`: `invalid`, `duplicate` or
            `too_large`; "" from a consumer that does not say.
    """

    topic: str
    partition: int
    offset: int
    reason: str
    key: bytes | None
    value: bytes | None
    result: str = ""

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
            ledger.note(None, value)
            await producer.send_and_wait(settings.kafka_topic, value, key=key)
            count += 1
    return count
