"""The receiving sides that protocols bring along, beside the server's own routes.

a protocol's own routes --> Receiver.store --> the same check, store and answer as over HTTP
"""

from __future__ import annotations

from fastapi import FastAPI

from empkit import wire
from empkit.clients import client_class
from empkit.clients.base import Answer
from empkit.clients.register import with_receiver
from empkit.clock import now_ns
from empkit.server.http import accept
from empkit.server.state import State
from empkit.settings import Settings


class AppReceiver:
    """The interface of the server for the receiving side of a protocol.

    Args:
        app: the application, for routes.
        protocol: the name under which its records are stamped.
    """

    def __init__(self, app: FastAPI, protocol: str) -> None:
        self.app = app
        self._protocol = protocol

    @property
    def _state(self) -> State:
        state: State = self.app.state.empkit
        return state

    def token_is_good(self, token: str) -> bool:
        """Return whether a token permits its sender to send records."""
        return self._state.authenticator.accepts(token)

    async def store(self, payload: bytes) -> Answer:
        """Check a record and store it.

        Args:
            payload: the record as JSON; it is stamped as received now.

        Returns:
            The answer, once the record is durable or refused.
        """
        received_ns = now_ns()
        limit = self._state.settings.max_record_bytes
        if len(payload) > limit:
            return Answer(wire.TOO_LARGE, f"Error: {len(payload)} bytes; at most {limit} are taken")
        answer = await accept(self._state, payload, received_ns, self._protocol)
        return Answer(answer.result, answer.message)


def mount_receivers(app: FastAPI, settings: Settings) -> None:
    """Mount the receiving side of each protocol that has one.

    Raises:
        ValueError: a protocol of the settings cannot be loaded.
    """
    for protocol in with_receiver(filter(None, settings.receivers.split(","))):
        client_class(protocol).mount(AppReceiver(app, protocol))
