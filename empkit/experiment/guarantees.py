"""What a sender and a consumer ask for: the choices that decide what can be lost or doubled."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from empkit.kafka.profiles import PROFILES, ProfileName
from empkit.settings import AcksName, CommitName, Settings


@dataclass(frozen=True)
class Guarantees:
    """The choices of one run; None leaves what the settings say.

    Args:
        acks: whose acknowledgement the producer waits for: `0` none, `1` the leader's, `all`.
        idempotence: whether the producer numbers its records, so that a broker that checks drops a
            repeated one. The embedded broker does not check.
        commit: whether the consumer commits its offset `after_store` or `before_store`.
        retries: how often a client tries again; 0 never.
        deadline_s: how long a client tries at the most, in seconds.
        attempt_timeout_s: how long it waits for one answer, in seconds.
        linger_ms: how long the producer waits for more records before it sends a batch, in ms: no
            promise, but what a sender pays for large batches.
        profile: a named set of Kafka's settings (`empkit.kafka.profiles`); the choices above go
            before.

    Example:
        >>> str(Guarantees(acks="1", retries=0))
        'acks=1 retries=0'
    """

    acks: AcksName | None = None
    idempotence: bool | None = None
    commit: CommitName | None = None
    retries: int | None = None
    deadline_s: float | None = None
    attempt_timeout_s: float | None = None
    linger_ms: int | None = None
    profile: ProfileName | None = None

    def __str__(self) -> str:
        chosen = [
            f"{each.name}={value}"
            for each in fields(self)
            if (value := getattr(self, each.name)) is not None
        ]
        return " ".join(chosen) or "as set"

    def applied(self, settings: Settings) -> Settings:
        """The settings with these choices."""
        names = {
            "acks": "kafka_acks",
            "idempotence": "kafka_idempotence",
            "commit": "kafka_commit",
            "linger_ms": "kafka_linger_ms",
        }
        changes: dict[str, Any] = PROFILES[self.profile].changes() if self.profile else {}
        changes |= {
            names.get(each.name, each.name): value
            for each in fields(self)
            if each.name != "profile" and (value := getattr(self, each.name)) is not None
        }
        return settings.model_copy(update=changes)


def why_loss(settings: Settings) -> str:
    """Why a record that Kafka acked may be lost, where that was asked for; empty where not."""
    reasons = []
    if settings.kafka_acks != "all":
        reasons.append(f"acks={settings.kafka_acks}")
    if settings.kafka_commit == "before_store":
        reasons.append("commit before the store")
    return " and ".join(reasons)


def may_lose(settings: Settings) -> bool:
    """Whether a record that Kafka acked may be lost, because that is what was asked for."""
    return bool(why_loss(settings))
