"""One client per protocol, all with one interface: `async with connect("http", ...) as client`."""

from __future__ import annotations

from typing import Protocol as TypingProtocol

from empkit.clients import plugin
from empkit.clients.base import Client, ClientError, Reply
from empkit.clients.register import PROTOCOLS, Protocol, client_class, looks, protocols
from empkit.settings import Settings

__all__ = [
    "PROTOCOLS",
    "Client",
    "ClientError",
    "Protocol",
    "Reply",
    "client_class",
    "connect",
    "looks",
    "protocols",
]


class HasSettings(TypingProtocol):
    """An object with the settings of its parts: a running lab."""

    @property
    def settings(self) -> Settings:
        """The settings that its clients connect with."""


def connect(protocol: str, where: Settings | HasSettings, token: str | None = None) -> Client:
    """Make a client, to be opened with `async with`.

    Args:
        protocol: `"http"`, `"websocket"` or `"kafka"`; or a client of your own, `"module:Class"`.
        where: a running lab, or the settings of a server and brokers that run elsewhere.
        token: the token to begin with; without it, the client requests one with user and password.

    Raises:
        ValueError: there is no such protocol, or the class is not a complete client.
    """
    settings = where if isinstance(where, Settings) else where.settings
    client = client_class(protocol)
    if token is None or (client.through_kafka and not plugin.takes_token(client)):
        return client(settings)
    if not plugin.takes_token(client):
        raise ValueError(f"{protocol!r} takes no token: its __init__ has no `token`.")
    return client(settings, token)  # type: ignore[call-arg]
