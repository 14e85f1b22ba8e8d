"""The server's answers to a record, the same over HTTP and WebSocket.

Each answer is a JSON object: `status` and `message` as in the first description of the system, and
`employee_id`. HTTP, and WebSocket clients that ask for it, also get `result`, one word for
programs:

    created | same | duplicate | invalid | too_large | unauthorized | unavailable | uncertain
    authenticated

`same` is a success: the same content was stored before, as when a retry follows a lost answer.
"""

from __future__ import annotations

from typing import NamedTuple

import orjson
from pydantic import ValidationError

from empkit import wire
from empkit.databases.table import Result
from empkit.records.employee import INVALID_DATA, MAX_ID, MISSING_ID, Employee, validation_reason
from empkit.server.store import StoreFullError, StoreUnavailableError

RETRY_AFTER_S = 1

MISSING_TOKEN = "Unauthorized: Missing or invalid token"  # noqa: S105 - a message
INVALID_TOKEN = "Unauthorized: Invalid token"  # noqa: S105 - a message


class Answer(NamedTuple):
    """An answer; `code` is its HTTP status code."""

    code: int
    result: str
    message: str
    employee_id: str | None = None
    field: str | None = None

    def content(self) -> dict[str, str | int | None]:
        """Return the answer in the form of the first description of the system."""
        return {
            "status": "success" if self.code < 300 else "error",
            "message": self.message,
            "employee_id": self.employee_id,
        }

    def first_described(self) -> bytes:
        """Return the JSON object for a WebSocket without the subprotocol: of a record that is not
        valid only a missing id has words of its own, all else is an error."""
        content = self.content()
        if self.result == wire.INVALID and self.message != MISSING_ID:
            content["message"] = f"Error: {self.message.removeprefix(INVALID_DATA)}"
        return orjson.dumps(content)

    def body(self) -> bytes:
        """Return the JSON object for HTTP, with `result`, and `field` if a field is invalid."""
        content = self.content() | {"result": self.result}
        if self.field is not None:
            content["field"] = self.field
        return orjson.dumps(content)

    def numbered(self, number: int) -> bytes:
        """Return the JSON object for the WebSocket's subprotocol, with `result` and `number`."""
        return orjson.dumps(self.content() | {"result": self.result, "number": number})


AUTHENTICATED = Answer(200, wire.AUTHENTICATED, "Authenticated")
"""The answer to a WebSocket's first message, if it was a valid token."""


def of_result(employee_id: str, result: Result) -> Answer:
    """Return the answer for the store's result."""
    if result == wire.CREATED:
        return Answer(201, result, f"Employee created: {employee_id}", employee_id)
    if result == wire.SAME:
        message = f"Employee ID {employee_id} is stored already, with the same content"
        return Answer(200, result, message, employee_id)
    return Answer(409, result, f"Employee ID {employee_id} already exists", employee_id)


def invalid(error: ValidationError, data: bytes | str) -> Answer:
    """Return the answer for a record that is not a valid employee."""
    field, message = validation_reason(error)
    return Answer(422, wire.INVALID, message, _employee_id(data), field)


def too_large(size: int, limit: int, data: bytes | str = b"") -> Answer:
    """Return the answer for a record that exceeds the server's limit.

    Args:
        size: size of the record, in bytes.
        limit: the maximum size, in bytes.
        data: the record, if it was read nevertheless, so that the answer can name its id.
    """
    message = f"Error: a record of {size} bytes; at most {limit} are taken"
    return Answer(413, wire.TOO_LARGE, message, _employee_id(data))


def unavailable(error: StoreFullError | StoreUnavailableError, employee: Employee) -> Answer:
    """Return the answer while the database is unavailable or the queue is full.

    When the response to a commit was lost, it is unknown whether the record is stored: the result
    is `uncertain`.
    """
    uncertain = isinstance(error, StoreUnavailableError) and error.uncertain
    result = wire.UNCERTAIN if uncertain else wire.UNAVAILABLE
    return Answer(503, result, f"Error: the database is away: {error}", employee.employee_id)


def unauthorized(message: str) -> Answer:
    """Return the answer to a sender without a valid token."""
    return Answer(401, wire.UNAUTHORIZED, message)


def _employee_id(data: bytes | str) -> str | None:
    """Return the employee_id of an invalid record, so that the answer can name it; or None."""
    try:
        record = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    employee_id = record.get("employee_id") if isinstance(record, dict) else None
    return employee_id[:MAX_ID] if isinstance(employee_id, str) else None
