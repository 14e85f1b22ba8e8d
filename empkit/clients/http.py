"""Employee records over HTTP."""

from __future__ import annotations

import asyncio
from typing import ClassVar

import orjson

from empkit import wire
from empkit.clients.answers import ContradictionError, ForeignAnswerError, read, shown
from empkit.clients.base import (
    Answer,
    Client,
    ClientError,
    NoAnswerError,
    NotSentError,
    UnauthorizedError,
    when_it_may,
)
from empkit.clients.http1 import Http1, Response
from empkit.clients.tokens import checked, fetch_token
from empkit.settings import Settings


class HttpClient(Client):
    """Sends each record as `POST /employees`, over persistent connections.

    Args:
        settings: the server, and user and password.
        token: the token to begin with; without it, the client requests one.

    Raises:
        ValueError: the URL of the server, its certificate or the token cannot be used.
    """

    protocol: ClassVar[str] = "http"
    ack_means: ClassVar[str] = "the record is stored"
    label: ClassVar[str] = "HTTP"
    colour: ClassVar[str] = "#0072B2"
    marker: ClassVar[str] = "o"
    line: ClassVar[str] = "-"

    def __init__(self, settings: Settings, token: str | None = None) -> None:
        super().__init__(settings)
        self._token = None if token is None else checked(token)
        self._http = Http1(settings.server_url, settings.ca_file)
        self._head = b""  # empty: the token was refused and is not replaced yet
        self._renewing = asyncio.Lock()

    async def open(self) -> None:
        """Request a token, unless one was given."""
        if self._token is None:
            await when_it_may(self._renew, self.settings.deadline_s)
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
        self._head = self._http.head("POST", wire.EMPLOYEES, headers)

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
            answer = read(orjson.loads(response.body), employee_id, response.body)
            if response.code // 100 not in _CLASSES[answer.result]:
                raise ContradictionError(f"says {answer.result!r}, which its status contradicts")
            return answer
        except ContradictionError as error:
            response.close()  # the answers that follow may be those to other records, too
            raise _unusable(response, str(error)) from None
        except ForeignAnswerError as error:
            return _foreign(response, str(error))
        except orjson.JSONDecodeError:
            return _foreign(response, "is not JSON")


def _foreign(response: Response, why: str) -> Answer:
    """Return what an answer means that is not the kit's own, from its status code.

    Raises:
        NotSentError: the server did not take the record, but may take it later.
        NoAnswerError: the status code does not say what became of the record.
    """
    code = response.code
    if code in _MEANT:
        words = f"{_NOT_OURS.format(code, why)} ({shown(response.body)})."
        return Answer(_MEANT[code], words, of_all=False)
    raise _unusable(response, why)


def _unusable(response: Response, why: str) -> ClientError:
    """Return the error for an answer that does not say what became of the record."""
    words = _NOT_OURS.format(response.code, why)
    if response.retry_after_s:
        words += f"; it asks to wait {response.retry_after_s:,.3g} s"
    if response.location:
        words += f"; it redirects to {shown(response.location)}"
    error = NotSentError if response.code == 429 else NoAnswerError
    return error(f"{words}.", response.retry_after_s)


_NOT_OURS = "The server answered {} with a body that is not an empkit answer: it {}"

_CLASSES = {
    **dict.fromkeys(wire.ACKS, (2,)),
    **dict.fromkeys(wire.REFUSALS, (4,)),
    wire.UNAUTHORIZED: (4,),
    wire.UNAVAILABLE: (4, 5),
    wire.UNCERTAIN: (4, 5),
}
"""The first digits of the status codes that go with a result; the others contradict it."""

_MEANT = {409: wire.DUPLICATE, 413: wire.TOO_LARGE, 422: wire.INVALID}
"""The status codes that refuse a record, whoever sends them."""
