"""The server: whether its port is open and whether it is an empkit server; and requests to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from empkit import addresses
from empkit.check.base import Check, FailedError, Planned
from empkit.check.reach import why_unreachable
from empkit.clients.base import ClientError, UnauthorizedError
from empkit.clients.control import ControlPlane, NotThisKitError
from empkit.clients.http1 import Http1
from empkit.settings import Settings
from empkit.wire import Health

WRONG_TOKEN = "not.a.token"  # noqa: S105 - that is its purpose
LETS_IN = "Do not expose this server: it takes records from anybody. Is it an empkit server?"


async def _port(check: Check) -> str:
    url = check.settings.server_url
    try:
        Http1(url)
        address = addresses.parse(url, "http", "https")
    except ValueError as error:
        raise FailedError(str(error), "Correct --server or EMPKIT_SERVER_URL.") from error
    reason = await why_unreachable(address.host, address.port)
    if reason:
        raise FailedError(
            f"nothing answers at {address.host}:{address.port} ({reason})",
            "Start a server with `empkit serve`, or say where one is: --server URL or "
            "EMPKIT_SERVER_URL.",
        )
    return f"open at {address.host}:{address.port}"


async def _server(check: Check) -> str:
    state = await health(check)
    return f"empkit answers at {check.settings.server_url}, process {state.pid}"


async def health(check: Check) -> Health:
    """Return how the server is.

    Raises:
        FailedError: the answer is not that of an empkit server.
    """
    try:
        async with connected(check.settings) as control:
            return await control.health()
    except NotThisKitError as error:
        raise FailedError(
            f"{check.settings.server_url}/health answers {error.code}, but not as an empkit "
            "server does",
            "Another program listens there: name the right server (--server URL or "
            "EMPKIT_SERVER_URL), or start one on another port (`empkit serve --port 0`).",
        ) from None


@asynccontextmanager
async def connected(settings: Settings, token: str = "") -> AsyncIterator[ControlPlane]:
    """Connect to the server; an error of the connection fails the step."""
    async with ControlPlane(settings, token) as control:
        try:
            yield control
        except (NotThisKitError, UnauthorizedError):
            raise
        except ClientError as error:
            raise FailedError(
                str(error),
                "The server may just have ended, or it is another program that listens there: "
                "check --server or EMPKIT_SERVER_URL.",
            ) from error


STEPS = (
    Planned("all", "server port", _port),
    Planned("all", "server", _server, ("server port",)),
)
