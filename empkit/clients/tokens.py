"""The request for a token."""

from __future__ import annotations

import json
from urllib.parse import urlencode

from empkit.clients.base import ClientError, NoAnswerError, NotSentError, UnauthorizedError
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
    form = {"username": settings.username, "password": settings.password.get_secret_value()}
    head = http.head("POST", TOKEN, {"Content-Type": "application/x-www-form-urlencoded"})
    try:
        response = await http.request(head, urlencode(form).encode())
    except NoAnswerError as error:  # the request was for a token: no record was sent
        raise NotSentError(str(error)) from error
    if response.code == 401:
        raise UnauthorizedError(
            f"The server refuses user {settings.username!r} or the password. "
            "Check EMPKIT_USERNAME and EMPKIT_PASSWORD."
        )
    try:
        token: str = json.loads(response.body)["access_token"]
    except (ValueError, KeyError, TypeError):
        raise ClientError(
            f"{settings.server_url}{TOKEN} answered {response.code} without a token: is this an "
            "empkit server?"
        ) from None
    return token
