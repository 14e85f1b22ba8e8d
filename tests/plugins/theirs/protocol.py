"""A protocol with a receiving side of its own: a record is the body of a PUT, the token a query."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, ClassVar

from empkit.clients.base import Answer, Client, NoAnswerError, Receiver, UnauthorizedError
from empkit.clients.http1 import Http1
from empkit.clients.tokens import fetch_token

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

PATH = "/theirs"


class TheirClient(Client):
    """Sends each record as `PUT /theirs?token=...`."""

    protocol: ClassVar[str] = "theirs"
    ack_means: ClassVar[str] = "the record is stored"
    label: ClassVar[str] = "Their PUT"
    colour: ClassVar[str] = "#882255"
    marker: ClassVar[str] = "*"
    line: ClassVar[str] = "-."

    @classmethod
    def mount(cls, receiver: Receiver) -> None:
        """Add the route that takes the records."""
        from starlette.responses import JSONResponse

        async def take(request: Request) -> Response:
            if not receiver.token_is_good(request.query_params["token"]):
                return JSONResponse(None, 401)
            return JSONResponse(await receiver.store(await request.body()))

        receiver.app.add_route(PATH, take, methods=["PUT"])

    async def open(self) -> None:
        """Request a token."""
        self._http = Http1(self.settings.server_url, self.settings.ca_file)
        token = await fetch_token(self.settings, self._http)
        self._head = self._http.head("PUT", f"{PATH}?token={token}", {})

    async def close(self) -> None:
        """Close all connections."""
        self.reconnections = self._http.connections
        await self._http.close()

    async def _attempt(self, employee_id: str | None, payload: bytes) -> Answer:
        response = await self._http.request(self._head, payload)
        if response.code == 401:
            raise UnauthorizedError("The server refuses the token.")
        try:
            return Answer(*json.loads(response.body))
        except (ValueError, TypeError):
            raise NoAnswerError(f"The answer cannot be read: {response.body!r}") from None
