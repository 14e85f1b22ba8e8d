"""What the server says of a record, in the same words over HTTP and WebSocket.

Each answer is a JSON object: `status` and `message` as the first description of the system has
them, and `employee_id`. HTTP, and WebSocket clients that ask for it, also get `result`, one word
for programs:

    created | same | duplicate | invalid | too_large | unauthorized | unavailable | uncertain
    authenticated

`same` is a success: the same content was stored before, as when a retry follows a lost answer.
"""

from __future__ import annotations

from typing import NamedTuple

import orjson
from pydantic import ValidationError

from empkit.databases.table import Result
from empkit.records.employee import MAX_ID, Employee, validation_reason
from empkit.server.store import StoreFullError, StoreUnavailableError

RETRY_AFTER_S = 1

MISSING_TOKEN = "Unauthorized: Missing or invalid token"  # noqa: S105 - a message
INVALID_TOKEN = "Unauthorized: Invalid token"  # noqa: S105 - a message


class Answer(NamedTuple):
    """An answer, for HTTP with its status code."""

    code: int
    result: str
    message: str
    employee_id: str | None = None
    field: str | None = None

    def content(self) -> dict[str, str | int | None]:
        """The answer in the shape that the first description of the system has."""
        return {
            "status": "success" if self.code < 300 else "error",
            "message": self.message,
            "employee_id": self.employee_id,
        }

    def body(self) -> bytes:
        """The JSON object for HTTP, with `result`, and `field` where one is wrong."""
        content = self.content() | {"result": self.result}
        if self.field is not None:
            content["field"] = self.field
        return orjson.dumps(content)

    def numbered(self, number: int) -> bytes:
        """The JSON object for the WebSocket's subprotocol, with `result` and `number`."""
        return orjson.dumps(self.content() | {"result": self.result, "number": number})


AUTHENTICATED = Answer(200, "authenticated", "Authenticated")
"""To a WebSocket's first message, when it was a good token."""


def of_result(employee_id: str, result: Result) -> Answer:
    """The answer for a record that the store has decided on."""
    if result == "created":
        return Answer(201, result, f"Employee created: {employee_id}", employee_id)
    if result == "same":
        message = f"Employee ID {employee_id} is stored already, with the same content"
        return Answer(200, result, message, employee_id)
    return Answer(409, result, f"Employee ID {employee_id} already exists", employee_id)


def invalid(error: ValidationError, data: bytes | str) -> Answer:
    """The answer for a record that is no employee."""
    field, message = validation_reason(error)
    return Answer(422, "invalid", message, _employee_id(data), field)


def too_large(size: int, limit: int, data: bytes | str = b"") -> Answer:
    """The answer for a record of `size` bytes, longer than the server takes.

    Args:
        data: the record, where it was read all the same, so that the answer can name it.
    """
    message = f"Error: a record of {size} bytes; at most {limit} are taken"
    return Answer(413, "too_large", message, _employee_id(data))


def unavailable(error: StoreFullError | StoreUnavailableError, employee: Employee) -> Answer:
    """The answer while the database takes nothing.

    When the commit's own answer was lost nobody knows whether the record is stored: `uncertain`.
    """
    uncertain = isinstance(error, StoreUnavailableError) and error.uncertain
    result = "uncertain" if uncertain else "unavailable"
    return Answer(503, result, f"Error: the database is away: {error}", employee.employee_id)


def unauthorized(message: str) -> Answer:
    """The answer for a sender without a good token."""
    return Answer(401, "unauthorized", message)


def _employee_id(data: bytes | str) -> str | None:
    """The employee_id of a record that is otherwise wrong, so that its sender knows which."""
    try:
        record = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    employee_id = record.get("employee_id") if isinstance(record, dict) else None
    return employee_id[:MAX_ID] if isinstance(employee_id, str) else None
