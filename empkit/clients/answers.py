"""What an answer of a server says of one record, over HTTP and over WebSocket.

An answer counts only for the record that it was asked about: its words are those of the kit
(`empkit.wire`), and where it names a record it names this one.
"""

from __future__ import annotations

import email.utils
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


def read(content: Any, employee_id: str | None) -> Answer:
    """Return what a decoded answer says.

    Args:
        content: the JSON value of the answer.
        employee_id: the id of the record that was sent; None if it has none.

    Raises:
        ForeignAnswerError: this is no answer of the kit, or one to another record.
    """
    if type(content) is not dict:
        raise ForeignAnswerError("is not a JSON object")
    result, message = content.get("result"), content.get("message")
    if type(result) is not str or type(message) is not str:
        raise ForeignAnswerError("has no text as its `result` and `message`")
    if result not in _RESULTS:
        raise ForeignAnswerError(f"has {shown(result)} as its result, no word of the kit")
    named = content.get("employee_id")
    # the server names the start of an id that is too long
    if type(named) is str and employee_id is not None and named != employee_id[:MAX_ID]:
        raise ForeignAnswerError(f"is about record {shown(named)}, not {shown(employee_id)}")
    return Answer(result, message)


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
