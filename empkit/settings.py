"""All settings of the kit, each with its default and its meaning.

A setting is read from the environment variable `EMPKIT_<NAME>`; those that the first
description of the system named (`KAFKA_BOOTSTRAP_SERVERS`, `KAFKA_TOPIC`, `WS_URL`) are
accepted under their old names too. `Settings()` reads the environment, `Settings(kafka_topic=...)`
overrides it, and `Settings.environ()` returns the variables for a child process.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from empkit import addresses

PREFIX = "EMPKIT_"

AcksName = Literal["0", "1", "all"]
"""Whose acknowledgement a producer waits for: nobody's, the leader's, all in-sync replicas'."""

CommitName = Literal["after_store", "before_store"]
"""When a consumer commits its offset."""


class InResult(NamedTuple):
    """The mark of a setting that is included in a result; a setting without it never is.

    Args:
        side: the part that uses the setting: the `server` (with its consumer), the `client`,
            `both`, or only a `lab` that starts its own server.
    """

    side: Literal["server", "client", "both", "lab"]


_OF_SERVER, _OF_CLIENT, _OF_BOTH = InResult("server"), InResult("client"), InResult("both")
_OF_LAB = InResult("lab")
OLD_NAMES = {
    "kafka_bootstrap_servers": "KAFKA_BOOTSTRAP_SERVERS",
    "kafka_topic": "KAFKA_TOPIC",
    "ws_url": "WS_URL",
}


def _known_as(name: str) -> AliasChoices:
    """Return the accepted names of a setting: the present name, then the old one."""
    return AliasChoices(PREFIX + name.upper(), OLD_NAMES[name], name)


class Settings(BaseSettings):
    """The settings of the server, the clients and the lab.

    Raises:
        pydantic.ValidationError: a value is not valid for its setting.

    Example:
        >>> Settings(ws_url=None, server_url="https://host:8443").websocket_url()
        'wss://host:8443/ws'
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, populate_by_name=True, extra="forbid", frozen=True
    )

    host: str = "127.0.0.1"
    """Address that the server listens on; by default loopback only."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    """Port that the server listens on; 0 takes a free one."""
    server_url: str = "http://127.0.0.1:8000"
    """URL of the server for clients."""
    ca_file: Path | None = None
    """Certificate of the authority that signed the server's certificate, for `https` and `wss`; by
    default the authorities of the system."""
    tls_cert_file: Path | None = None
    """Certificate of the server; with it and its key the server uses `https` and `wss`."""
    tls_key_file: Path | None = None
    """The key of that certificate."""
    ws_url: str | None = Field(default=None, validation_alias=_known_as("ws_url"))
    """URL of the WebSocket for clients; by default `/ws` of `server_url`."""

    consume_only: bool = False
    """Whether the server accepts no records over HTTP and WebSocket, but only consumes from Kafka,
    as `empkit consume` starts it."""

    database_url: str = "sqlite:///employees.db"
    """SQLAlchemy URL of the database: `sqlite:///FILE` or `postgresql+psycopg://...`."""
    timings_file: Path | None = None
    """File that the server appends its stamps to, so that they survive a crash; by default a
    temporary file that is removed with the server."""

    guess: Literal["asked", "none"] = "asked"
    """Whether the notebooks of the course stop where a guess is missing (`asked`), or go on without
    one (`none`), as for a test: then nothing is kept of it, and each solution is tried."""

    lab_broker: Literal["embedded", "apache", "external", "none"] = "embedded"
    """Broker that a lab uses by default; `none` runs without Kafka."""
    lab_database: str | None = None
    """URL of a PostgreSQL server on which each lab creates its own database, and drops it at the
    end; by default each lab has its own SQLite file."""

    kafka_bootstrap_servers: str | None = Field(
        default=None, validation_alias=_known_as("kafka_bootstrap_servers")
    )
    """The brokers, as `host:port,host:port`; without it the server runs no consumer."""
    kafka_security_protocol: Annotated[
        Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"], _OF_BOTH
    ] = "PLAINTEXT"
    """Security protocol for external brokers. With SSL their certificates are verified."""
    kafka_ca_file: Path | None = None
    """Certificate of the authority that signed the brokers' certificates; by default the
    authorities of the system."""
    kafka_sasl_mechanism: Annotated[
        Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"], _OF_BOTH
    ] = "PLAIN"
    """SASL mechanism for logging in to the brokers."""
    kafka_username: str | None = None
    """User for logging in to the brokers with SASL."""
    kafka_password: SecretStr | None = None
    """That user's password."""
    kafka_topic: str = Field(default="employee-records", validation_alias=_known_as("kafka_topic"))
    """The topic of employee records; refused records go to `<topic>.dlq`."""
    kafka_group: str = "empkit"
    """The consumer group of the server."""
    kafka_fetch_wait_ms: Annotated[int, Field(ge=1, le=10_000), _OF_SERVER] = 500
    """How long a broker without new records may hold the consumer's fetch request, in milliseconds.
    A broker responds as soon as it has a record, but the embedded broker only after this time; the
    lab sets 2 for the embedded broker and 100 for an Apache Kafka that it starts."""
    kafka_leader_wait_ms: Annotated[int, Field(ge=0, le=1_000), _OF_SERVER] = 0
    """How long the leader of the consumer group waits before it assigns the partitions, in
    milliseconds. The embedded broker refuses each member that requests its assignment after the
    leader has sent them, and the rebalance starts again; the lab sets 50 for it."""
    kafka_session_timeout_ms: Annotated[int, Field(ge=500), _OF_SERVER] = 6_000
    """How long a consumer may send no heartbeat before the group assigns its partitions to others,
    in milliseconds. 6 s is the minimum that a broker allows by default; the lab uses 1.5 s with
    brokers that it starts, so that a killed server rejoins soon."""
    kafka_commit: Annotated[CommitName, _OF_SERVER] = "after_store"
    """When the consumer commits its offsets. `after_store` is at least once, and with the primary
    key effectively once; `before_store` is at most once: a crash in between loses records."""

    receivers: Annotated[str, _OF_SERVER] = ""
    """Protocols of one's own whose receiving side the server has, too, as `module:Class`, separated
    by commas; a lab adds those that it compares."""

    username: str = "empkit"
    """The only user of the server."""
    password: SecretStr | None = None
    """That user's password. There is no default: `empkit serve` generates one if it is not set."""
    signing_key: SecretStr | None = None
    """Key that signs the tokens (HS256). Generated at each start if it is not set."""
    token_lifetime_s: Annotated[float, Field(gt=0), _OF_SERVER] = 3600.0
    """Lifetime of a token, in seconds."""

    max_record_bytes: Annotated[int, Field(ge=256), _OF_SERVER] = 65_536
    """Maximum size of a record, in bytes; a larger one is refused (HTTP 413)."""
    max_waiting_records: Annotated[int, Field(ge=1), _OF_SERVER] = 10_000
    """Maximum number of records that wait for the database; further ones are answered with 503 and
    Retry-After."""

    max_connections: Annotated[int, Field(ge=1), _OF_SERVER] = 2_000
    """Maximum number of connections of a server; a further one is answered with 503."""
    request_timeout_s: Annotated[float, Field(gt=0), _OF_SERVER] = 20.0
    """How long a request may take to arrive, in seconds; then its connection is closed (408)."""
    max_timings_bytes: Annotated[int, Field(ge=8_192), _OF_SERVER] = 2**30
    """Maximum size of the server's stamps, in bytes; the oldest are dropped first."""

    deadline_s: Annotated[float, Field(gt=0), _OF_CLIENT] = 10.0
    """Deadline of a client for one record, retries included, in seconds."""
    attempt_timeout_s: Annotated[float, Field(gt=0), _OF_CLIENT] = 3.0
    """Timeout of a client for the answer to one attempt, in seconds."""
    retries: Annotated[int, Field(ge=0), _OF_CLIENT] = 30
    """Maximum number of a client's retries after the first attempt."""
    kafka_acks: Annotated[AcksName, _OF_CLIENT] = "all"
    """Acknowledgements that the producer waits for: none, the leader, or all in-sync replicas."""
    kafka_idempotence: Annotated[bool, _OF_CLIENT] = True
    """Whether the producer numbers its records so that the broker can drop duplicates. Needs
    `kafka_acks=all`. The embedded broker does not check the numbers; Apache Kafka does."""
    kafka_linger_ms: Annotated[int, Field(ge=0), _OF_CLIENT] = 0
    """How long the producer waits for a batch to fill, in milliseconds."""

    kafka_batch_bytes: Annotated[int, Field(ge=1_024), _OF_CLIENT] = 131_072
    """Maximum size of a producer's batch, in bytes."""
    kafka_transactional: Annotated[bool, _OF_BOTH] = False
    """Whether the producer uses transactions and the consumer reads only committed records."""
    kafka_flush: Annotated[bool, _OF_LAB] = False
    """Whether a lab makes its brokers flush each record to disk before they ack."""

    def websocket_url(self) -> str:
        """Return the URL of the WebSocket: `ws_url`, or `/ws` of `server_url`.

        Raises:
            ValueError: the setting is not such a URL.
        """
        if self.ws_url is not None:
            return addresses.parse(self.ws_url, "ws", "wss").url
        return (
            addresses.parse(self.server_url, "http", "https").url.replace("http", "ws", 1) + "/ws"
        )

    @property
    def dead_letter_topic(self) -> str:
        """The topic of the records that can never be stored."""
        return f"{self.kafka_topic}.dlq"

    def in_result(self, *sides: Literal["server", "client", "both"]) -> dict[str, Any]:
        """Return the settings that may go into a result, by name: no secrets and no addresses.

        Args:
            sides: return only the settings of these sides; without any, all.
        """
        return {
            name: getattr(self, name)
            for name, field in type(self).model_fields.items()
            for mark in field.metadata
            if isinstance(mark, InResult) and (not sides or mark.side in sides)
        }

    def environ(self) -> dict[str, str | None]:
        """Return the settings as environment variables for a child process, with the secrets.

        A variable that must not be set is None, so that a child takes no setting from the
        environment of this process.
        """
        values: dict[str, str | None] = dict.fromkeys(OLD_NAMES.values())
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, SecretStr):
                value = value.get_secret_value()
            values[PREFIX + name.upper()] = None if value is None else str(value)
        return values
