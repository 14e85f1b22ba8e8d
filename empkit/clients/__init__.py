"""One client per protocol, all with one interface: `async with connect("http", ...) as client`."""

from __future__ import annotations

from typing import Literal, get_args
from typing import Protocol as TypingProtocol

from empkit.clients import plugin
from empkit.clients.base import Client, ClientError, Reply
from empkit.settings import Settings

Protocol = Literal["http", "websocket", "kafka"]
PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)

__all__ = ["PROTOCOLS", "Client", "ClientError", "Protocol", "Reply", "connect"]


class HasSettings(TypingProtocol):
    """An object with the settings of its parts: a running lab."""

    @property
    def settings(self) -> Settings:
        """The settings that its clients connect with."""


def connect(protocol: str, where: Settings | HasSettings, token: str | None = None) -> Client:
    """Return a client, to be opened with `async with`.

    Args:
        protocol: `"http"`, `"websocket"` or `"kafka"`; or a client of your own, `"module:Class"`.
        where: a running lab, or the settings of a server and brokers that run elsewhere.
        token: the token to begin with; without it, the client requests one with user and password.

    Raises:
        ValueError: there is no such protocol, or the class is not a complete client.
    """
    settings = where if isinstance(where, Settings) else where.settings
    if protocol == "http":
        from empkit.clients.http import HttpClient

        return HttpClient(settings, token)
    if protocol == "websocket":
        from empkit.clients.websocket import WebSocketClient

        return WebSocketClient(settings, token)
    if protocol == "kafka":
        from empkit.clients.kafka import KafkaClient

        return KafkaClient(settings)
    if plugin.is_own(protocol):
        client = plugin.load(protocol)
        if token is None:
            return client(settings)
        if not plugin.takes_token(client):
            raise ValueError(f"{protocol!r} takes no token: its __init__ has no `token`.")
        return client(settings, token)  # type: ignore[call-arg]
    raise ValueError(
        f"{protocol!r} is not a protocol of this kit; use one of {', '.join(PROTOCOLS)}, or a "
        "client of your own, module:Class."
    )


def through_kafka(protocol: str) -> bool:
    """Return whether records go through Kafka: acks come from the broker and not from the store."""
    if plugin.is_own(protocol):
        return plugin.load(protocol).through_kafka
    return protocol == "kafka"
