"""The control plane: requests to a server beside its records, outside any measurement.

with_control(settings, lambda control: control.health())    from code without an event loop
async with ControlPlane(settings) as control: ...           from code with one
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import urlencode

import tenacity
from pydantic import ValidationError

from empkit import wire
from empkit.clients.base import ClientError, NoAnswerError
from empkit.clients.http1 import Http1, Response
from empkit.clients.tokens import fetch_token
from empkit.processes.apart import run_apart
from empkit.processes.context import Closing
from empkit.settings import Settings

TIMEOUT_S = 10.0
PAGE = 5_000
"""Rows in one answer."""
POLL_S = 0.01

T = TypeVar("T")


class NotThisKitError(ClientError):
    """Something answers that is not a server of this kit.

    Attributes:
        code: the HTTP status of its answer.
    """

    def __init__(self, url: str, path: str, code: int) -> None:
        super().__init__(f"{url}{path} answered {code}, and not as an empkit server does.")
        self.code = code


class ControlPlane(Closing):
    """Requests to a server for its health, its stamps, its records.

    Args:
        settings: the server, and user and password.
        token: the token to begin with; when it is refused, a new one is requested. (A server takes
            0.15 s to check a password, on purpose: as long as some runs.)

    Raises:
        ValueError: the settings have no URL of a server, or a certificate cannot be read.
    """

    def __init__(self, settings: Settings, token: str = "") -> None:
        self._settings = settings
        self._http = Http1(settings.server_url, settings.ca_file)
        self.token = token

    async def close(self) -> None:
        """Close all connections."""
        await self._http.close()

    async def log_in(self) -> str:
        """Get a new token with user and password, and use it from now on; see `fetch_token`."""
        self.token = await fetch_token(self._settings, self._http)
        return self.token

    @tenacity.retry(
        retry=tenacity.retry_if_exception_type(NoAnswerError),
        stop=tenacity.stop_after_attempt(3),
        reraise=True,
    )
    async def response(self, path: str, method: str = "GET", body: bytes = b"") -> Response:
        """Send one request, again when its connection was lost: a server may close an idle one.

        Raises:
            ClientError: no answer.
        """
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return await self._http.request(self._http.head(method, path, headers), body)

    async def get(self, path: str, **query: Any) -> Any:
        """Return the JSON in the answer to a path.

        Raises:
            NotThisKitError: the answer is not JSON with status 200.
            ClientError: no answer.
        """
        target = f"{path}?{urlencode(query)}" if query else path
        response = await self.response(target)
        if response.code == 401:
            await self.log_in()
            response = await self.response(target)
        try:
            if response.code == 200:
                return json.loads(response.body)
        except ValueError:
            pass
        raise NotThisKitError(self._settings.server_url, path, response.code)

    async def health(self, late_s: float | None = None) -> wire.Health:
        """Return how the server is.

        Args:
            late_s: how far back `loop_late_ms` goes, in seconds; None for all that is kept.

        Raises:
            NotThisKitError: the answer is not that of an empkit server.
            ClientError: no answer.
        """
        content = await self.get(wire.HEALTH, **({} if late_s is None else {"late_s": late_s}))
        try:
            return wire.Health.model_validate(content)
        except ValidationError:
            raise NotThisKitError(self._settings.server_url, wire.HEALTH, 200) from None

    async def about(self) -> wire.About:
        """Return the description of the server for a result; empkit 0.1.0 answers 404.

        Raises:
            NotThisKitError: the server has no such description.
            ClientError: no answer.
        """
        return wire.About.model_validate(await self.get(wire.ABOUT))

    async def wait_until(self, ready: Callable[[wire.Health], bool], timeout_s: float) -> bool:
        """Wait until the server's health meets a condition.

        Args:
            ready: the condition; it may raise, to give up at once.
            timeout_s: how long to wait, in seconds.

        Returns:
            Whether the condition was met in time.

        Raises:
            ClientError: no answer.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        while not ready(await self.health()):
            if loop.time() > deadline:
                return False
            await asyncio.sleep(POLL_S)
        return True

    async def stamps(
        self, after: int, on_dropped: Callable[[], None]
    ) -> AsyncIterator[tuple[dict[str, Any], int]]:
        """Yield the stamps after a position, each with the position of the end of its page.

        Args:
            after: the position.
            on_dropped: called when the server has dropped some of them, which are passed over.

        Raises:
            ClientError: no answer.
        """
        while True:
            page = await self.get(wire.TIMINGS, after=after, limit=PAGE)
            if page.get("begins", 0) > after:
                on_dropped()
            if not page["timings"]:
                return
            after = page["next"]
            for stamp in page["timings"]:
                yield stamp, after


def with_control(
    settings: Settings,
    use: Callable[[ControlPlane], Awaitable[T]],
    token: str = "",
    timeout_s: float = TIMEOUT_S,
) -> T:
    """Use the control plane from code without an event loop, or beside one that runs.

    Args:
        settings: the server, and user and password.
        use: sends the requests.
        token: the token to begin with.
        timeout_s: the timeout of all requests together, in seconds.

    Raises:
        ClientError: no answer, or not in time.
        ValueError: the settings have no URL of a server.
    """

    async def work() -> T:
        async with ControlPlane(settings, token) as control:
            try:
                async with asyncio.timeout(timeout_s):
                    return await use(control)
            except TimeoutError:
                raise NoAnswerError(
                    f"{settings.server_url} did not answer within {timeout_s:g} s."
                ) from None

    return run_apart(work())
