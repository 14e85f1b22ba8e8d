"""The protocol between the server and its clients: paths, words, the WebSocket's subprotocol and
close code, and the models of what the server reports about itself."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel

EMPLOYEES = "/employees"
WEBSOCKET = "/ws"
TOKEN = "/token"  # noqa: S105 - a path
HEALTH = "/health"
ABOUT = "/about"
TIMINGS = "/timings"

CREATED: Final = "created"
SAME: Final = "same"
SENT: Final = "sent"
"""Words of an ack: stored now, stored before with the same content, and appended by a broker."""
NOT_STORED_NS = 0
"""In the stamps, of a record that a consumer read and the database held already: no moment."""
DUPLICATE: Final = "duplicate"
INVALID: Final = "invalid"
TOO_LARGE: Final = "too_large"
UNREADABLE: Final = "unreadable"
"""Words of a refusal: another attempt would be refused, too."""
UNAUTHORIZED: Final = "unauthorized"
UNAVAILABLE: Final = "unavailable"
UNCERTAIN: Final = "uncertain"
"""Words of a failure: no valid token, nothing stored, and not known whether it is stored."""
AUTHENTICATED: Final = "authenticated"
"""The word for a WebSocket's first message, when it had a valid token."""

ACKS = (CREATED, SAME, SENT)
REFUSALS = (DUPLICATE, INVALID, TOO_LARGE)

NUMBERED = "empkit.numbered"
"""The subprotocol in which each answer carries the number of its message."""
POLICY_VIOLATION = 1008
"""The close code for a sender without a valid token (RFC 6455, section 7.4.1)."""


class DatabaseHealth(BaseModel):
    """The state of the server's database.

    Attributes:
        kind: the kind of database, such as `sqlite`.
        failure: why it does not accept records; None if it does.
        waiting: the number of records that wait for it.
        commits: the number of transactions so far.
    """

    kind: str
    failure: str | None
    waiting: int
    commits: int = 0


class ConsumerHealth(BaseModel):
    """The state of the server's Kafka consumer.

    Attributes:
        state: `off`, `connecting`, `running` or `failing`.
        failure: why it does not run; None when it does.
        partitions: how many of the topic's partitions are assigned to it.
        lag: records after the committed offsets of its group; None when that is not known.
        unreadable: how many records it has stepped over since its start, because their bytes
            cannot be decoded; the dead-letter topic has their positions.
    """

    state: str
    failure: str | None = None
    partitions: int = 0
    lag: int | None = None
    unreadable: int = 0


class Health(BaseModel):
    """The answer to `GET /health`.

    Attributes:
        status: `ok`, or `degraded` if a part is unavailable.
        database, consumer: the states of the parts.
        loop_late_ms: the lag of the server's event loop, by percentile, in ms.
        websockets: the number of connections.
        timings_end: the position of the end of the stamps of `/timings`.
        clock: the id of the clock of the stamps.
        pid: the id of the process.
    """

    status: str
    database: DatabaseHealth
    consumer: ConsumerHealth
    loop_late_ms: dict[str, float]
    websockets: int
    timings_end: int
    clock: str
    pid: int


class About(BaseModel):
    """The description of the server for a result; the answer to `GET /about`.

    Attributes:
        database: the kind of the database.
        settings: the server's settings that may go into a result.
        versions: the versions of the server and its packages.
    """

    database: str
    settings: dict[str, Any]
    versions: dict[str, str]
