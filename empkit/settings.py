"""Every setting of the kit, once, with its default and its meaning.

A setting is read from the environment variable `EMPKIT_<NAME>`; those that the first
description of the system named (`KAFKA_BOOTSTRAP_SERVERS`, `KAFKA_TOPIC`, `WS_URL`) are
understood under their old names too. `Settings()` reads the environment, `Settings(topic=...)`
overrides it, and `Settings.environ()` writes it out for a child process.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "EMPKIT_"

AcksName = Literal["0", "1", "all"]
"""Whose acknowledgement a producer waits for: nobody's, the leader's, all in-sync replicas'."""

CommitName = Literal["after_store", "before_store"]
"""When a consumer commits its offset."""


class InResult(NamedTuple):
    """Marks a setting that goes into a result; one without a mark never does.

    Args:
        side: who goes by it: the `server` (its consumer, too), the `client`, `both`, or only a
            `lab` with a server of its own.
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
    """The names a setting answers to: its own, then the one of the first description."""
    return AliasChoices(PREFIX + name.upper(), OLD_NAMES[name], name)


class Settings(BaseSettings):
    """What the server, the clients and the lab need to know.

    Raises:
        pydantic.ValidationError: a variable holds something that its type does not allow.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, populate_by_name=True, extra="forbid", frozen=True
    )

    host: str = "127.0.0.1"
    """Address that the server listens on. Loopback unless you ask for more."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    """Port that the server listens on; 0 takes a free one."""
    server_url: str = "http://127.0.0.1:8000"
    """Where clients find the server."""
    ca_file: Path | None = None
    """Certificate of the authority that signed the server's, for `https` and `wss`; by default the
    system's."""
    tls_cert_file: Path | None = None
    """Certificate that the server shows; with it and its key the server talks `https` and `wss`."""
    tls_key_file: Path | None = None
    """The key of that certificate."""
    ws_url: str | None = Field(default=None, validation_alias=_known_as("ws_url"))
    """Where clients find the WebSocket; by default `/ws` of `server_url`."""

    consume_only: bool = False
    """Whether the server takes no records over HTTP and WebSocket: a member of the consumer group,
    as `empkit consume` starts it."""

    database_url: str = "sqlite:///employees.db"
    """SQLAlchemy URL of the database: `sqlite:///FILE` or `postgresql+psycopg://...`."""
    timings_file: Path | None = None
    """Where the server appends its stamps, so that they outlive a crash; by default a temporary
    file that goes with the server."""

    lab_broker: Literal["embedded", "apache", "external", "none"] = "embedded"
    """Which Kafka a lab starts when it is not told; `none` runs without."""
    lab_database: str | None = None
    """URL of a PostgreSQL server on which each lab makes a database of its own, and drops it in the
    end; by default a lab has an SQLite file of its own."""

    kafka_bootstrap_servers: str | None = Field(
        default=None, validation_alias=_known_as("kafka_bootstrap_servers")
    )
    """The brokers, as `host:port,host:port`; without it the server runs no consumer."""
    kafka_security_protocol: Annotated[
        Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"], _OF_BOTH
    ] = "PLAINTEXT"
    """How to talk to brokers that are not the lab's own. With SSL their certificates are verified.
    """
    kafka_ca_file: Path | None = None
    """Certificate of the authority that signed those of the brokers; by default the system's."""
    kafka_sasl_mechanism: Annotated[
        Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"], _OF_BOTH
    ] = "PLAIN"
    """How to log in to the brokers, with SASL."""
    kafka_username: str | None = None
    """The brokers' user, with SASL."""
    kafka_password: SecretStr | None = None
    """That user's password."""
    kafka_topic: str = Field(default="employee-records", validation_alias=_known_as("kafka_topic"))
    """The topic of employee records; refused ones go to `<topic>.dlq`."""
    kafka_group: str = "empkit"
    """The consumer group of the server."""
    kafka_fetch_wait_ms: Annotated[int, Field(ge=1, le=10_000), _OF_SERVER] = 500
    """How long a broker that has nothing new may hold the consumer's request, in milliseconds. A
    broker answers as soon as it has something, but the embedded one only when the time is over;
    there the lab sets 2, and 100 for an Apache Kafka of its own."""
    kafka_leader_wait_ms: Annotated[int, Field(ge=0, le=1_000), _OF_SERVER] = 0
    """How long the leader of the consumer group waits before it gives out the partitions, in
    milliseconds. The embedded broker refuses each member that asks for its own after the leader
    gave them out, and everything begins anew; there the lab sets 50."""
    kafka_session_timeout_ms: Annotated[int, Field(ge=500), _OF_SERVER] = 6_000
    """How long a consumer may be silent before the group gives its partitions to others, in
    milliseconds. 6 s is the least that a broker allows unless told otherwise; the lab's own brokers
    take 1.5 s, so that a killed server is back soon."""
    kafka_commit: Annotated[CommitName, _OF_SERVER] = "after_store"
    """When the consumer commits its offset. `after_store` is at least once, and with the primary
    key effectively once; `before_store` is at most once: a crash in between loses records."""

    username: str = "empkit"
    """The one user that the server knows."""
    password: SecretStr | None = None
    """That user's password. There is no default: `empkit serve` makes one when it is not set."""
    signing_key: SecretStr | None = None
    """Key that signs the tokens (HS256). Made anew at each start when it is not set."""
    token_lifetime_s: Annotated[float, Field(gt=0), _OF_SERVER] = 3600.0
    """How long a token is good for, in seconds."""

    max_record_bytes: Annotated[int, Field(ge=256), _OF_SERVER] = 65_536
    """A record longer than this is refused (HTTP 413)."""
    max_waiting_records: Annotated[int, Field(ge=1), _OF_SERVER] = 10_000
    """Records that may wait for the database; one more is answered 503 with Retry-After."""

    deadline_s: Annotated[float, Field(gt=0), _OF_CLIENT] = 10.0
    """How long a client tries to get one record accepted, retries included, in seconds."""
    attempt_timeout_s: Annotated[float, Field(gt=0), _OF_CLIENT] = 3.0
    """How long a client waits for the answer to one attempt, in seconds."""
    retries: Annotated[int, Field(ge=0), _OF_CLIENT] = 30
    """How many times a client tries again after the first attempt, at the most."""
    kafka_acks: Annotated[AcksName, _OF_CLIENT] = "all"
    """Whose acknowledgement the producer waits for: none, the leader's, all in-sync replicas."""
    kafka_idempotence: Annotated[bool, _OF_CLIENT] = True
    """Whether the producer numbers its records so that the broker can drop a repeated one. Needs
    `kafka_acks=all`. The embedded broker does not check the numbers; Apache Kafka does."""
    kafka_linger_ms: Annotated[int, Field(ge=0), _OF_CLIENT] = 0
    """How long the producer waits for a batch to fill, in milliseconds."""

    kafka_batch_bytes: Annotated[int, Field(ge=1_024), _OF_CLIENT] = 131_072
    """The most that the producer puts into one batch, in bytes."""
    kafka_transactional: Annotated[bool, _OF_BOTH] = False
    """Whether the producer sends in transactions and the consumer reads only what was committed."""
    kafka_flush: Annotated[bool, _OF_LAB] = False
    """Whether a lab has its brokers flush each record to the disk before they ack."""

    def websocket_url(self) -> str:
        """Where the WebSocket is: `ws_url`, or `/ws` beside `server_url`."""
        if self.ws_url is not None:
            return self.ws_url
        return self.server_url.replace("http", "ws", 1).rstrip("/") + "/ws"

    @property
    def dead_letter_topic(self) -> str:
        """The topic of the records that can never be stored."""
        return f"{self.kafka_topic}.dlq"

    def in_result(self, *sides: Literal["server", "client", "both"]) -> dict[str, Any]:
        """The settings that may go into a result, by name: nothing secret and no address.

        Args:
            sides: only those of these sides; without any, all.
        """
        return {
            name: getattr(self, name)
            for name, field in type(self).model_fields.items()
            for mark in field.metadata
            if isinstance(mark, InResult) and (not sides or mark.side in sides)
        }

    def environ(self) -> dict[str, str | None]:
        """These settings as environment variables for a child process; holds the secrets.

        A variable that is not to be there is None, so that a child of ours takes nothing from the
        environment that we were started in.
        """
        values: dict[str, str | None] = dict.fromkeys(OLD_NAMES.values())
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, SecretStr):
                value = value.get_secret_value()
            values[PREFIX + name.upper()] = None if value is None else str(value)
        return values
