"""What the server and its clients agree on: paths, words, the WebSocket's subprotocol and close
code, and the shape of what the server says of itself."""

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
"""Words of an ack: stored now, stored before with the same content, and held by a broker."""
DUPLICATE: Final = "duplicate"
INVALID: Final = "invalid"
TOO_LARGE: Final = "too_large"
"""Words of a refusal: another try would be refused, too."""
UNAUTHORIZED: Final = "unauthorized"
UNAVAILABLE: Final = "unavailable"
UNCERTAIN: Final = "uncertain"
"""Words of a failure: no valid token, nothing stored, and nobody knows whether it is stored."""
AUTHENTICATED: Final = "authenticated"
"""The word for a WebSocket's first message, when it had a valid token."""

ACKS = (CREATED, SAME, SENT)
REFUSALS = (DUPLICATE, INVALID, TOO_LARGE)

NUMBERED = "empkit.numbered"
"""The subprotocol in which each answer carries the number of its message."""
POLICY_VIOLATION = 1008
"""The close code for a sender without a valid token (RFC 6455, section 7.4.1)."""


class DatabaseHealth(BaseModel):
    """How the server's database is.

    Attributes:
        kind: such as `sqlite`.
        failure: why it does not take records; None when it does.
        waiting: records that wait for it.
        commits: transactions so far.
    """

    kind: str
    failure: str | None
    waiting: int
    commits: int = 0


class ConsumerHealth(BaseModel):
    """How the server's Kafka consumer is.

    Attributes:
        state: `off`, `connecting`, `running` or `failing`.
        failure: why it does not run; None when it does.
        partitions: how many of the topic's partitions are assigned to it.
        lag: records after the committed offsets of its group; None when that is not known.
    """

    state: str
    failure: str | None = None
    partitions: int = 0
    lag: int | None = None


class Health(BaseModel):
    """What `GET /health` answers.

    Attributes:
        status: `ok`, or `degraded` when a part is away.
        database, consumer: the parts.
        loop_late_ms: the lag of the server's event loop, by percentile, in ms.
        websockets: how many are connected.
        timings_end: where the stamps of `/timings` end.
        clock: which clock the stamps are of.
        pid: of the process.
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
    """What a result says of the server that it was measured on; the answer to `GET /about`.

    Attributes:
        database: its kind.
        settings: those that the server goes by and that may go into a result.
        versions: of the server and its packages.
    """

    database: str
    settings: dict[str, Any]
    versions: dict[str, str]
