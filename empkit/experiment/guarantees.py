"""What a sender and a consumer ask for: the choices that decide what can be lost or doubled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from typing import Any, NamedTuple, get_args, get_type_hints

from empkit.kafka.profiles import PROFILES, ProfileName
from empkit.settings import AcksName, CommitName, Settings


class Choice(NamedTuple):
    """What there is to know of one choice, beside its name and its values.

    Attributes:
        setting: the setting that it goes before; empty for one that changes several.
        option: of `empkit compare`; empty for a choice that the command line does not have.
        help: the words for that option.
        risks: the values with which a record that Kafka acked may be lost, each with the reason.
    """

    setting: str
    option: str = ""
    help: str = ""
    risks: Mapping[str, str] = {}


def choice(
    setting: str, option: str = "", words: str = "", risks: Mapping[str, str] | None = None
) -> Any:
    """A field of `Guarantees`; see `Choice`."""
    return field(default=None, metadata={"choice": Choice(setting, option, words, risks or {})})


@dataclass(frozen=True)
class Guarantees:
    """The choices of one run; None leaves what the settings say.

    Args:
        acks: whose acknowledgement the producer waits for: `0` none, `1` the leader's, `all`.
        idempotence: whether the producer numbers its records, so that a broker that checks drops a
            repeated one. The embedded broker does not check.
        commit: whether the consumer commits its offset `after_store` or `before_store`.
        retries: how often a client tries again; 0 never.
        deadline_s: how long a client tries at most, in seconds.
        attempt_timeout_s: how long it waits for one answer, in seconds.
        linger_ms: how long the producer waits for more records before it sends a batch, in ms: no
            promise, but what a sender pays for large batches.
        profile: a named set of Kafka's settings (`empkit.kafka.profiles`); the other choices take
            precedence.

    Example:
        >>> str(Guarantees(acks="1", retries=0))
        'acks=1 retries=0'
    """

    acks: AcksName | None = choice(
        "kafka_acks",
        "--acks",
        "Whose ack the producer waits for; several are crossed.",
        {"0": "acks=0", "1": "acks=1"},
    )
    idempotence: bool | None = choice("kafka_idempotence")
    commit: CommitName | None = choice(
        "kafka_commit",
        "--commit",
        "When the consumer commits its offset; several are crossed.",
        {"before_store": "commit before the store"},
    )
    retries: int | None = choice(
        "retries", "--retries", "How often a client tries again; several are crossed."
    )
    deadline_s: float | None = choice("deadline_s")
    attempt_timeout_s: float | None = choice("attempt_timeout_s")
    linger_ms: int | None = choice("kafka_linger_ms")
    profile: ProfileName | None = choice(
        "",
        "--kafka-profile",
        "A named set of Kafka's settings; several are crossed. sync and exactly-once need Apache "
        "Kafka.",
    )

    def __str__(self) -> str:
        chosen = [
            f"{name}={value}" for name in choices() if (value := getattr(self, name)) is not None
        ]
        return " ".join(chosen) or "as set"

    def applied(self, settings: Settings) -> Settings:
        """The settings with these choices."""
        changes: dict[str, Any] = PROFILES[self.profile].changes() if self.profile else {}
        changes |= {
            choice.setting: value
            for name, choice in choices().items()
            if choice.setting and (value := getattr(self, name)) is not None
        }
        return settings.model_copy(update=changes)


def choices() -> dict[str, Choice]:
    """Every choice of `Guarantees`, by its name."""
    return {made.name: _choice_of(made) for made in fields(Guarantees)}


def values_of(name: str) -> tuple[Any, ...] | type[Any]:
    """What a choice can be: its values, where it is one of a few, else their type."""
    allowed = [
        each for each in get_args(get_type_hints(Guarantees)[name]) if each is not type(None)
    ]
    return get_args(allowed[0]) or allowed[0]


def _choice_of(made: Field[Any]) -> Choice:
    choice: Choice = made.metadata["choice"]
    return choice


def why_loss(settings: Settings) -> str:
    """Why a record that Kafka acked may be lost, where that was asked for; empty where not."""
    reasons = [
        choice.risks.get(getattr(settings, choice.setting), "")
        for choice in choices().values()
        if choice.risks
    ]
    return " and ".join(filter(None, reasons))


def may_lose(settings: Settings) -> bool:
    """Whether a record that Kafka acked may be lost, because that is what was asked for."""
    return bool(why_loss(settings))
