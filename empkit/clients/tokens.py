"""The request for a token."""

from __future__ import annotations

import asyncio
import json
import re
from urllib.parse import urlencode

from empkit.clients.answers import shown
from empkit.clients.base import ClientError, NoAnswerError, NotSentError, UnauthorizedError, heard
from empkit.clients.http1 import Http1
from empkit.settings import Settings
from empkit.wire import TOKEN


async def fetch_token(settings: Settings, http: Http1) -> str:
    """Exchange user and password for a token (`POST /token`).

    Raises:
        UnauthorizedError: the server refuses user or password, or no password is set.
        NotSentError: the server cannot be reached, or its answer was lost.
        ClientError: the server is not one of this kit.
    """
    if settings.password is None:
        raise UnauthorizedError(
            "A token needs a password, and none is set. Set EMPKIT_USERNAME and EMPKIT_PASSWORD."
        )
    url = f"{http.url}{TOKEN}"
    form = {"username": settings.username, "password": settings.password.get_secret_value()}
    head = http.head("POST", TOKEN, {"Content-Type": "application/x-www-form-urlencoded"})
    try:
        # longer than an attempt, which bounds it in a run: a password takes a while to hash
        async with asyncio.timeout(settings.deadline_s):
            response = await http.request(head, urlencode(form).encode())
    except TimeoutError as error:
        said = heard(error.__cause__) or f"{url} did not answer"
        raise NotSentError(f"{said} within {settings.deadline_s:g} s.") from None
    except NoAnswerError as error:  # the request was for a token: no record was sent
        raise NotSentError(str(error)) from error
    if response.code == 401:
        raise UnauthorizedError(
            f"The server refuses user {settings.username!r} or the password. "
            "Check EMPKIT_USERNAME and EMPKIT_PASSWORD."
        )
    if response.code in {429, 503}:
        raise NotSentError(
            f"{url} answered {response.code}: it takes no log-in now.",
            response.retry_after_s,
        )
    try:
        return checked(json.loads(response.body)["access_token"])
    except (ValueError, KeyError, TypeError, RecursionError):
        more = f" It redirects to {shown(response.location)}." if response.location else ""
        raise ClientError(
            f"{url} answered {response.code} without a token: is this an empkit server?{more}"
        ) from None


def checked(token: object) -> str:
    """Return a token that a header can hold: visible ASCII characters.

    Raises:
        ValueError: it is not such a token.
    """
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise ValueError("A token must be text of visible ASCII characters, without blanks.")
    return token


_TOKEN = re.compile("[!-~]+")
