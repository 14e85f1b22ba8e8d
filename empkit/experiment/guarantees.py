"""What a sender and a consumer ask for: the choices that decide what can be lost or doubled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from typing import Any, NamedTuple, get_args, get_type_hints

from pydantic import ValidationError

from empkit.kafka.profiles import PROFILES, ProfileName
from empkit.results.info import AS_SET
from empkit.settings import AcksName, CommitName, Settings


class Choice(NamedTuple):
    """The properties of one choice, beside its name and its values.

    Attributes:
        setting: the setting that it overrides; empty for a choice that changes several.
        option: its option of `empkit compare`; empty if the command line does not have it.
        help: the help text of that option.
        risks: the values with which a record that Kafka acked may be lost, each with the reason.
    """

    setting: str
    option: str = ""
    help: str = ""
    risks: Mapping[str, str] = {}


def choice(
    setting: str, option: str = "", words: str = "", risks: Mapping[str, str] | None = None
) -> Any:
    """Return a field of `Guarantees`; see `Choice`."""
    return field(default=None, metadata={"choice": Choice(setting, option, words, risks or {})})


@dataclass(frozen=True)
class Guarantees:
    """The choices of one run; None keeps the value of the settings.

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

    def __post_init__(self) -> None:
        if self.profile is not None and self.profile not in PROFILES:
            raise ValueError(f"profile is {self.profile!r}; there are {', '.join(PROFILES)}.")
        settings = Settings.model_construct()
        for name, choice in choices().items():
            value = getattr(self, name)
            if choice.setting and value is not None:
                try:
                    Settings.__pydantic_validator__.validate_assignment(
                        settings, choice.setting, value
                    )
                except ValidationError as error:
                    message = error.errors()[0]["msg"]
                    raise ValueError(f"{name} is {value!r}: {message}.") from None

    def __str__(self) -> str:
        chosen = [
            f"{name}={value}" for name in choices() if (value := getattr(self, name)) is not None
        ]
        return " ".join(chosen) or AS_SET

    def applied(self, settings: Settings) -> Settings:
        """Return the settings with these choices applied."""
        changes: dict[str, Any] = PROFILES[self.profile].changes() if self.profile else {}
        changes |= {
            choice.setting: value
            for name, choice in choices().items()
            if choice.setting and (value := getattr(self, name)) is not None
        }
        return settings.model_copy(update=changes)


def choices() -> dict[str, Choice]:
    """Return every choice of `Guarantees`, by its name."""
    return {made.name: _choice_of(made) for made in fields(Guarantees)}


def values_of(name: str) -> tuple[Any, ...] | type[Any]:
    """Return the values of a choice if they are listed, else their type."""
    types = [kind for kind in get_args(get_type_hints(Guarantees)[name]) if kind is not type(None)]
    return get_args(types[0]) or types[0]


def _choice_of(made: Field[Any]) -> Choice:
    choice: Choice = made.metadata["choice"]
    return choice


def why_loss(settings: Settings) -> str:
    """Return why the settings allow a record that Kafka acked to be lost; empty if they do not."""
    reasons = [
        choice.risks.get(getattr(settings, choice.setting), "")
        for choice in choices().values()
        if choice.risks
    ]
    return " and ".join(filter(None, reasons))


def may_lose(settings: Settings) -> bool:
    """Return whether the settings allow a record that Kafka acked to be lost."""
    return bool(why_loss(settings))
