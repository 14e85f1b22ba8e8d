"""uvicorn's WebSocket protocol, which before authentication takes in no more than a token."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Any, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

MAX_AUTH_BYTES = 16_384
"""The largest message of a client that is not known yet; a longer one closes the connection."""
_LIFT = "empkit.authenticated"


class GuardedWebSocket(WebSocketsSansIOProtocol):
    """One connection; the application calls `authenticated` when it knows the client.

    Example:
        >>> issubclass(GuardedWebSocket, WebSocketsSansIOProtocol)
        True
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._most = self.conn.max_message_size
        self.conn.max_message_size = MAX_AUTH_BYTES

    def handle_connect(self, event: Request) -> None:
        """Let the application lift the limit."""
        super().handle_connect(event)
        if hasattr(self, "scope"):  # there is none for a bad handshake
            cast("MutableMapping[str, Any]", self.scope)[_LIFT] = self._lift

    def _lift(self) -> None:
        self.conn.max_message_size = self._most


def authenticated(scope: MutableMapping[str, Any]) -> None:
    """Take in messages of every permitted size from now on.

    Args:
        scope: that of the connection (ASGI).
    """
    lift: Callable[[], None] | None = scope.get(_LIFT)
    if lift is not None:
        lift()
