"""Kafka code that servers, clients and audit share: topics, the dead-letter topic, profiles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from empkit.lazy import lazily

if TYPE_CHECKING:
    from empkit.kafka.dead_letters import read_dead_letters
    from empkit.kafka.topics import log_ends, read_topic

__all__ = ["log_ends", "read_dead_letters", "read_topic"]

__getattr__ = lazily(
    __name__,
    {
        "log_ends": "empkit.kafka.topics",
        "read_dead_letters": "empkit.kafka.dead_letters",
        "read_topic": "empkit.kafka.topics",
    },
)
