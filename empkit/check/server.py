"""The server: whether its port is open and whether it is an empkit server; and requests to it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

from empkit.check.base import Check, FailedError, Planned
from empkit.check.reach import why_unreachable
from empkit.clients import ClientError
from empkit.clients.http1 import Http1, Response
from empkit.settings import Settings

WRONG_TOKEN = "not.a.token"  # noqa: S105 - that is its purpose
LETS_IN = "Do not expose this server: it takes records from anybody. Is it an empkit server?"


async def _port(check: Check) -> str:
    url = check.settings.server_url
    try:
        Http1(url)
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise FailedError(str(error), "Correct --server or EMPKIT_SERVER_URL.") from error
    reason = await why_unreachable(parts.hostname or "", port)
    if reason:
        raise FailedError(
            f"nothing answers at {parts.hostname}:{port} ({reason})",
            "Start a server with `empkit serve`, or say where one is: --server URL or "
            "EMPKIT_SERVER_URL.",
        )
    return f"open at {parts.hostname}:{port}"


async def _server(check: Check) -> str:
    state = await health(check)
    return f"empkit answers at {check.settings.server_url}, process {state['pid']}"


async def health(check: Check) -> dict[str, Any]:
    """Return the content of the server's answer to GET /health.

    Raises:
        FailedError: the answer is not that of an empkit server.
    """
    response = await ask(check, "GET", "/health")
    with suppress(ValueError, KeyError, TypeError):
        state: dict[str, Any] = json.loads(response.body)
        if {"failure", "kind", "waiting"} <= state["database"].keys() and state["pid"]:
            assert state["consumer"]["state"]
            return state
    raise FailedError(
        f"{check.settings.server_url}/health answers {response.code}, but not as an empkit "
        "server does",
        "Another program listens there: name the right server (--server URL or "
        "EMPKIT_SERVER_URL), or start one on another port (`empkit serve --port 0`).",
    )


async def ask(check: Check, method: str, path: str, token: str = "", body: bytes = b"") -> Response:
    """Send one request to the server.

    Args:
        check: has the server, and the token unless `token` is given.
        method: of the request.
        path: of the request.
        token: in place of the one that the check has.
        body: of the request.
    """
    headers = {"Authorization": f"Bearer {token or check.token}"}
    async with connected(check.settings) as http:
        return await http.request(http.head(method, path, headers), body)


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Http1]:
    """Connect to the server; an error of the connection fails the step."""
    http = Http1(settings.server_url, settings.ca_file)
    try:
        yield http
    except ClientError as error:
        raise FailedError(
            str(error),
            "The server may just have ended, or it is another program that listens there: check "
            "--server or EMPKIT_SERVER_URL.",
        ) from error
    finally:
        await http.close()


STEPS = (
    Planned("all", "server port", _port),
    Planned("all", "server", _server, ("server port",)),
)
