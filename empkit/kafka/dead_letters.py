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

RESENT = "resent"
"""The header of a mark: the position of the letter in whose place a record was sent."""


class DeadLetter(NamedTuple):
    """A record that could not be stored, and why.

    Attributes:
        topic, partition, offset: its original position.
        reason: why the consumer refused it.
        key: its key, or None.
        value: its bytes, unchanged, or None.
        result: the reason as one word of `empkit.server.answers`: `invalid`, `duplicate`,
            `too_large` or `unreadable`; "" from a consumer that sends no such header.
        resent: whether a corrected record was sent in its place (`send_again`).
    """

    topic: str
    partition: int
    offset: int
    reason: str
    key: bytes | None
    value: bytes | None
    result: str = ""
    resent: bool = False

    @property
    def position(self) -> str:
        """Its original position, as `topic/partition/offset`."""
        return f"{self.topic}/{self.partition}/{self.offset}"

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

    The value may have been repaired since; what is no text is encoded as JSON.

    Raises:
        ValueError: it should be base64, and is not.
    """
    if value is None:
        return None
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, dict) and value.keys() == {"base64"}:
        return base64.b64decode(value["base64"], validate=True)
    return json.dumps(value).encode()


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
    messages = await read_messages(settings, settings.dead_letter_topic, begin)
    read = [(_headers(message), message) for message in messages]
    resent = {headers[RESENT] for headers, _ in read if RESENT in headers}
    letters = [_letter(headers, message) for headers, message in read if RESENT not in headers]
    return [letter._replace(resent=letter.position in resent) for letter in letters]


def _headers(message: Any) -> dict[str, str]:
    return {name: (value or b"").decode(errors="replace") for name, value in message.headers}


def _letter(headers: dict[str, str], message: Any) -> DeadLetter:
    return DeadLetter(
        headers.get("topic", ""),
        _number(headers.get("partition")),
        _number(headers.get("offset")),
        headers.get("reason", ""),
        message.key,
        message.value,
        headers.get("result", ""),
    )


def _number(text: str | None) -> int:
    """Return the number in a header; -1 for one that another producer wrote differently."""
    try:
        return int(text or -1)
    except ValueError:
        return -1


async def send_again(
    settings: Settings, letters: Iterable[tuple[str | None, bytes | None, bytes]]
) -> int:
    """Send corrected records to the topic of the settings, and mark their letters as sent again.

    The mark is a message in the dead-letter topic, written after the broker has acked the record:
    a log is not rewritten. If the command is interrupted between the two, the record is sent once
    more the next time, and the store answers `same`.

    Args:
        settings: the brokers and the topic.
        letters: the position of the letter (`DeadLetter.position`; None leaves no mark), the key
            and the value of each.

    Returns:
        The number of records sent.
    """
    producer = AIOKafkaProducer(**kafka_arguments(settings), acks="all", enable_idempotence=True)
    count = 0
    async with producer:
        for position, key, value in letters:
            ledger.note(None, value)
            await producer.send_and_wait(settings.kafka_topic, value, key=key)
            if position is not None:
                mark = [(RESENT, position.encode())]
                await producer.send_and_wait(settings.dead_letter_topic, b"", headers=mark)
            count += 1
    return count
