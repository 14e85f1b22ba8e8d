"""What an answer of a server says of one record, over HTTP and over WebSocket.

An answer counts only for the record that it was asked about: its words are those of the kit
(`empkit.wire`), and where it names a record it names this one.
"""

from __future__ import annotations

import email.utils
import json
import time
from typing import Any

from empkit import wire
from empkit.clients.base import Answer
from empkit.records.employee import MAX_ID

_RESULTS = frozenset(
    (*wire.ACKS, *wire.REFUSALS, wire.UNAUTHORIZED, wire.UNAVAILABLE, wire.UNCERTAIN)
)

LONGEST_SHOWN = 80
"""How much of an answer that is not the kit's is shown, in characters."""


class ForeignAnswerError(ValueError):
    """What came is no answer of the kit to this record; the message says why, as a part of a
    sentence: "is ..."."""


class ContradictionError(ForeignAnswerError):
    """The answer names another record, or contradicts itself: nothing that it says counts for this
    record, its status code neither."""


def read(content: Any, employee_id: str | None, data: bytes) -> Answer:
    """Return what a decoded answer says.

    Args:
        content: the JSON value of the answer.
        employee_id: the id of the record that was sent; None if it has none that is text.
        data: the bytes of the answer.

    Raises:
        ForeignAnswerError: this is no answer of the kit, or one to another record.
    """
    if type(content) is not dict:
        raise ForeignAnswerError("is not a JSON object")
    result, message = content.get("result"), content.get("message")
    named = content.get("employee_id", employee_id)
    if named != employee_id or employee_id is None:
        _check_id(named, employee_id, result)
    if type(result) is not str or type(message) is not str:
        raise ForeignAnswerError("has no text as its `result` and `message`")
    if result not in _RESULTS:
        raise ForeignAnswerError(f"has {shown(result)} as its result, no word of the kit")
    status = "success" if result in wire.ACKS else "error"
    if content.get("status", status) != status:
        raise ContradictionError(f"says {result!r}, which its `status` contradicts")
    # one colon follows each key: where there are no more, none escaped, no key is there twice
    if data.count(b":") != len(content) + message.count(":") or b"\\" in data:
        _check_keys(data)
    return Answer(result, message)


def _check_id(named: object, employee_id: str | None, result: object) -> None:
    """Check the id in an answer, if it is not equal to that of the record.

    Raises:
        ContradictionError: the server does not answer this record so.
    """
    if named is None and (employee_id is None or result == wire.TOO_LARGE):
        return  # the server has found no id that is text, or has not read so large a record
    if type(named) is str and (employee_id is None or named == employee_id[:MAX_ID]):
        return  # the server names the start of an id that is too long
    asked = "one without an id" if employee_id is None else shown(employee_id)
    raise ContradictionError(f"is about record {shown(named)}, not {asked}")


def _check_keys(data: bytes) -> None:
    """Check that no object in an answer has a key twice, of which a reader would take either.

    Raises:
        ContradictionError: one has.
    """

    def unique(pairs: list[tuple[str, object]]) -> None:
        keys: set[str] = set()
        for key, _ in pairs:
            if key in keys:
                raise ContradictionError(f"has {shown(key)} twice")
            keys.add(key)

    try:
        json.loads(data, object_pairs_hook=unique)
    except RecursionError:
        raise ForeignAnswerError("has too many values in one another") from None


def shown(value: object) -> str:
    """Return a value of a foreign answer for a message: quoted, on one line, and not too long."""
    if isinstance(value, bytes | bytearray):
        value = bytes(value[: 4 * LONGEST_SHOWN]).decode(errors="replace")
    text = repr(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."


def retry_after_s(value: str) -> float:
    """Return how long a server asks to wait, in seconds; 0 when it does not say.

    Args:
        value: the header Retry-After: seconds, or a date.
    """
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, OverflowError, TypeError):
        return 0.0
