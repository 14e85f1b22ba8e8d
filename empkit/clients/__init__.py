"""One client a protocol, all with one face: `async with connect("http", ...) as client`.

The names of the protocols are here at once; all else is imported when it is first used, since the
command line needs the names only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Protocol as TypingProtocol

from empkit.clients.names import PROTOCOLS
from empkit.lazy import lazily
from empkit.settings import Settings

if TYPE_CHECKING:
    from empkit.clients.base import Answer, Client, ClientError, Reply
    from empkit.clients.http1 import MOST_CONNECTIONS, Http1
    from empkit.clients.register import client_class, looks, protocols
    from empkit.clients.tokens import fetch_token

__all__ = [
    "MOST_CONNECTIONS",
    "PROTOCOLS",
    "Answer",
    "Client",
    "ClientError",
    "Http1",
    "Reply",
    "client_class",
    "connect",
    "fetch_token",
    "looks",
    "protocols",
]

__getattr__ = lazily(
    __name__,
    {
        "MOST_CONNECTIONS": "empkit.clients.http1",
        "Answer": "empkit.clients.base",
        "Client": "empkit.clients.base",
        "ClientError": "empkit.clients.base",
        "Http1": "empkit.clients.http1",
        "Reply": "empkit.clients.base",
        "client_class": "empkit.clients.register",
        "fetch_token": "empkit.clients.tokens",
        "looks": "empkit.clients.register",
        "protocols": "empkit.clients.register",
    },
)


class HasSettings(TypingProtocol):
    """Something that knows where its parts are: a running lab."""

    @property
    def settings(self) -> Settings:
        """The settings with which its clients reach it."""


def connect(protocol: str, where: Settings | HasSettings, token: str | None = None) -> Client:
    """Make a client, to be opened with `async with`.

    Args:
        protocol: `"http"`, `"websocket"` or `"kafka"`; or a client of your own, `"module:Class"`.
        where: a running lab, or the settings of a server and brokers that run elsewhere.
        token: the token to begin with; without it, the client requests one with user and password.

    Raises:
        ValueError: there is no such protocol, or the class is not a complete client.

    Example:
        >>> async def send(record):
        ...     async with connect("http", lab) as client:
        ...         return await client.send(record)
        >>> ada = {"employee_id": "E1", "first_name": "Ada", "last_name": "Byron"}
        >>> asyncio.run(send(ada)).outcome
        'acked'
    """
    from empkit.clients import plugin, register  # noqa: PLC0415 - start-up time

    settings = where if isinstance(where, Settings) else where.settings
    client = register.client_class(protocol)
    if token is None or (client.through_kafka and not plugin.takes_token(client)):
        return client(settings)
    if not plugin.takes_token(client):
        raise ValueError(f"{protocol!r} takes no token: its __init__ has no `token`.")
    return client(settings, token)  # type: ignore[call-arg]
