"""WebSocket: the path, the token, a record, and a wrong token."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

from empkit.check.base import ANSWER_TIMEOUT_S, POLL_S, REACH_TIMEOUT_S, Check, FailedError, Planned
from empkit.check.packages import package
from empkit.check.records import STAYS, read_back, send, token_refused
from empkit.check.server import LETS_IN, WRONG_TOKEN
from empkit.tls import verified

SILENCE_S = 0.3
"""A server that sends nothing for that long has accepted the token; a refusal takes a few ms."""


async def _path(check: Check) -> str:
    words = await _first_words(check)
    if not words.startswith("Unauthorized"):
        raise FailedError(f"a sender without a token is told {words or 'nothing'!r}", LETS_IN)
    return f"{check.settings.websocket_url()} answers, and refuses a sender without a token"


async def _token(check: Check) -> str:
    words = await _first_words(check, check.token, SILENCE_S)
    if words:
        raise token_refused(check.settings, words)
    return "accepted"


async def _wrong_token(check: Check) -> str:
    words = await _first_words(check, WRONG_TOKEN)
    if not words.startswith("Unauthorized"):
        raise FailedError(f"its sender is told {words or 'nothing'!r}", LETS_IN)
    return f"refused with {words!r}, as it should be"


async def _first_words(check: Check, token: str = "", wait_s: float = REACH_TIMEOUT_S) -> str:
    """Return what a connection is told before it has sent a record; nothing, if it may stay."""
    from websockets.asyncio.client import connect as ws_connect  # noqa: PLC0415 - a missing package is reported
    from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException  # noqa: PLC0415 - a missing package is reported

    try:
        url = check.settings.websocket_url()
    except ValueError as error:
        raise FailedError(str(error), "Correct WS_URL (EMPKIT_WS_URL), or unset it.") from error
    try:
        async with ws_connect(
            url,
            additional_headers={"Authorization": f"Bearer {token}"} if token else None,
            proxy=None,  # as the client does
            ssl=verified(check.settings.ca_file) if url.startswith("wss:") else None,
            open_timeout=ANSWER_TIMEOUT_S,
            close_timeout=POLL_S,
        ) as connection:
            if not token:
                await connection.send("{}")  # in place of the message that would bring one
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    return str(json.loads(await connection.recv())["message"])
            return ""
    except InvalidStatus as error:
        raise _no_websocket(url, error.response.status_code) from error
    except ConnectionClosed as error:
        raise FailedError(
            f"{url} closed the connection without a message ({error})", "See the server's log."
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise FailedError(
            f"{url} answers, but not as an empkit server does",
            "Another program listens there: correct WS_URL (EMPKIT_WS_URL), or unset it.",
        ) from error
    except (OSError, WebSocketException) as error:
        raise FailedError(
            f"no WebSocket of empkit at {url} ({error})",
            "Correct WS_URL (EMPKIT_WS_URL), or unset it: the path is /ws of the server.",
        ) from error


def _no_websocket(url: str, code: int) -> FailedError:
    """Return the error for an HTTP status that came in place of a WebSocket."""
    seen = f"{url} answers {code} instead of a WebSocket"
    if code in (403, 404):  # an ASGI server answers 403 where it has no such path
        return FailedError(
            seen,
            "The path is wrong, it is /ws: unset WS_URL (EMPKIT_WS_URL), or set it to "
            "ws://HOST:PORT/ws.",
        )
    return FailedError(
        seen,
        "A proxy before the server must pass the Upgrade and Connection headers on; or WS_URL "
        "(EMPKIT_WS_URL) names another program.",
    )


async def _record(check: Check) -> str:
    employee_id, record = await send(check, "websocket")
    await read_back(
        check, employee_id, record, "Do WS_URL and EMPKIT_SERVER_URL name the same server?"
    )
    return f"stored and read back as {employee_id}, {STAYS}"


STEPS = (
    package("websocket", "websockets"),
    Planned("websocket", "WebSocket path", _path, ("package websockets", "server")),
    Planned("websocket", "token over WebSocket", _token, ("WebSocket path", "token")),
    Planned(
        "websocket", "a record over WebSocket", _record, ("token over WebSocket", "database")
    ),
    Planned("websocket", "a wrong token over WebSocket", _wrong_token, ("WebSocket path",)),
)  # fmt: skip
