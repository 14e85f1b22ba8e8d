"""Employee records over HTTP."""

from __future__ import annotations

import asyncio
from typing import ClassVar

import orjson

from empkit.clients.base import Answer, Client, NoAnswerError, UnauthorizedError
from empkit.clients.http1 import Http1
from empkit.clients.tokens import fetch_token
from empkit.settings import Settings
from empkit.wire import EMPLOYEES


class HttpClient(Client):
    """Sends each record as `POST /employees`, over persistent connections.

    Args:
        settings: the server, and user and password.
        token: the token to begin with; without it, the client requests one.
    """

    protocol: ClassVar[str] = "http"
    ack_means: ClassVar[str] = "the record is stored"
    label: ClassVar[str] = "HTTP"
    colour: ClassVar[str] = "#0072B2"
    marker: ClassVar[str] = "o"
    line: ClassVar[str] = "-"

    def __init__(self, settings: Settings, token: str | None = None) -> None:
        super().__init__(settings)
        self._token = token
        self._http = Http1(settings.server_url, settings.ca_file)
        self._head = b""  # empty: the token was refused and is not replaced yet
        self._renewing = asyncio.Lock()

    async def open(self) -> None:
        """Request a token, unless one was given."""
        if self._token is None:
            await self._renew()
        else:
            self._use(self._token)

    async def close(self) -> None:
        """Close all connections."""
        self.reconnections = self._http.connections
        await self._http.close()

    async def _renew(self) -> None:
        async with self._renewing:  # one new token serves all refused requests
            if not self._head:
                self._use(await fetch_token(self.settings, self._http))

    def _use(self, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._head = self._http.head("POST", EMPLOYEES, headers)

    async def _attempt(self, employee_id: str | None, payload: bytes) -> Answer:
        if not self._head:
            await self._renew()
        head = self._head
        response = await self._http.request(head, payload)
        if response.code == 401:
            if self._head is head:
                self._head = b""
            raise UnauthorizedError("The server refuses the token.")
        try:
            content = orjson.loads(response.body)
            return Answer(content["result"], content["message"])
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise NoAnswerError(
                f"The server answered {response.code} with a body that is not an empkit answer."
            ) from None
