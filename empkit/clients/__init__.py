"""One client a protocol, all with one face: `async with connect("http", ...) as client`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args
from typing import Protocol as TypingProtocol

from empkit.settings import Settings

if TYPE_CHECKING:
    from empkit.clients.base import Client, ClientError, Reply

Protocol = Literal["http", "websocket", "kafka"]
PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)

__all__ = ["PROTOCOLS", "Client", "ClientError", "Protocol", "Reply", "connect"]


def __getattr__(name: str) -> Any:
    """Import what all clients share when it is first used: the command line needs names only."""
    if name in ("Client", "ClientError", "Reply"):
        from empkit.clients import base

        return getattr(base, name)
    raise AttributeError(f"module 'empkit.clients' has no attribute {name!r}")


class HasSettings(TypingProtocol):
    """Something that knows where its parts are: a running lab."""

    @property
    def settings(self) -> Settings:
        """The settings with which its clients reach it."""


def connect(protocol: str, where: Settings | HasSettings, token: str | None = None) -> Client:
    """A client, to be opened with `async with`.

    Args:
        protocol: `"http"`, `"websocket"` or `"kafka"`; or one's own, `"module:Class"`.
        where: a running lab, or the settings of a server and brokers that run elsewhere.
        token: a token to use; without one the client gets its own with user and password.

    Raises:
        ValueError: there is no such protocol, or one's own is no complete client.
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
    from empkit.clients import plugin

    if plugin.is_own(protocol):
        client = plugin.load(protocol)
        if token is None:
            return client(settings)
        if not plugin.takes_token(client):
            raise ValueError(f"{protocol!r} takes no token: its __init__ has no `token`.")
        return client(settings, token)  # type: ignore[call-arg]
    raise ValueError(
        f"{protocol!r} is no protocol of this kit; use one of {', '.join(PROTOCOLS)}, or one of "
        "your own, module:Class."
    )


def through_kafka(protocol: str) -> bool:
    """Whether records go through Kafka, so that an ack comes from the broker and not the store."""
    from empkit.clients import plugin

    if plugin.is_own(protocol):
        return plugin.load(protocol).through_kafka
    return protocol == "kafka"
