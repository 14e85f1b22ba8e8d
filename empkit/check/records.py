"""A record that is sent over a protocol and read back from the server."""

from __future__ import annotations

import asyncio
import json
import secrets
from contextlib import suppress

from empkit.check.base import ANSWER_TIMEOUT_S, POLL_S, Check, FailedError
from empkit.check.server import connected
from empkit.clients import ClientError, connect
from empkit.clients.http1 import Response
from empkit.settings import Settings
from empkit.wire import EMPLOYEES, UNAUTHORIZED

STAYS = "which stays there, since the server deletes nothing"


async def send(check: Check, protocol: str) -> tuple[str, dict[str, str]]:
    """Send one record, once.

    Args:
        check: has the settings and the token.
        protocol: the protocol to send it over.

    Returns:
        Its id, and the record.
    """
    employee_id = f"check-{secrets.token_hex(4)}"
    record = {"employee_id": employee_id, "first_name": "Check", "last_name": "Only"}
    settings = check.settings.model_copy(
        update={
            "deadline_s": ANSWER_TIMEOUT_S, "attempt_timeout_s": ANSWER_TIMEOUT_S, "retries": 0
        }
    )  # fmt: skip
    try:
        async with connect(protocol, settings, check.token) as client:
            reply = await client.send(record)
    except ClientError as error:
        raise FailedError(str(error), "See the log of the other side.") from error
    if reply.result == UNAUTHORIZED:
        raise token_refused(check.settings, reply.message)
    if reply.outcome != "acked":
        raise FailedError(f"{reply.outcome}: {reply.message}", "See the server's log.")
    return employee_id, record


async def read_back(check: Check, employee_id: str, record: dict[str, str], advice: str) -> None:
    """Wait until the server shows the record.

    Args:
        check: has the settings and the token.
        employee_id: the id of the record.
        record: the record as it was sent.
        advice: what to do when the server does not show it.
    """
    response = Response(404, b"")
    with suppress(TimeoutError):
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            while response.code == 404:
                async with connected(check.settings, check.token) as control:
                    response = await control.response(f"{EMPLOYEES}/{employee_id}")
                await asyncio.sleep(POLL_S)
    if response.code == 404:
        raise FailedError(
            f"{employee_id} was acked, but is not stored after {ANSWER_TIMEOUT_S:g} s", advice
        )
    if response.code != 200:
        raise FailedError(f"reading {employee_id} is answered {response.code}", advice)
    content = json.loads(response.body)
    if {name: content.get(name) for name in record} != record:
        raise FailedError(f"{employee_id} was sent as {record}, stored as {content}", advice)


def token_refused(settings: Settings, words: str) -> FailedError:
    """Return the error for a token that the server has just issued and that is refused.

    Args:
        settings: where it came from.
        words: the refusal.
    """
    return FailedError(
        f"the token is refused ({words})",
        f"It came from {settings.server_url}: does WS_URL (EMPKIT_WS_URL) name the same server? "
        "Several servers behind one address need the same EMPKIT_SIGNING_KEY. Is "
        "EMPKIT_TOKEN_LIFETIME_S of the server very short?",
    )
