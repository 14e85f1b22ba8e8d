"""The settings with which clients and consumers reach the brokers of a rig."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from empkit.brokers import BrokerName

SESSION_TIMEOUT_MS = 1_500
FETCH_WAIT_MS = {"embedded": 2, "apache": 100}
"""A fetch that finds no records waits in the embedded broker until its timeout, even if records
arrive meanwhile; so the timeout is short. Apache Kafka answers when records arrive, but a request
for the lag on the same connection waits behind the fetch."""
EMBEDDED_LEADER_WAIT_MS = 50
"""Long enough for the other members of a group to send one request, also on a busy machine."""


def clients_of(name: BrokerName, servers: str) -> dict[str, Any]:
    """The settings with which clients reach the brokers.

    Args:
        name: which Kafka.
        servers: the addresses of its brokers.
    """
    changes: dict[str, Any] = {"kafka_bootstrap_servers": servers}
    if name != "external":
        changes["kafka_session_timeout_ms"] = SESSION_TIMEOUT_MS
        changes["kafka_security_protocol"] = "PLAINTEXT"
        changes["kafka_fetch_wait_ms"] = FETCH_WAIT_MS[name]
    if name == "embedded":
        changes["kafka_leader_wait_ms"] = EMBEDDED_LEADER_WAIT_MS
    return changes
