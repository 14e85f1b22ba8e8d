"""Requests to a server outside any measurement, and the error of a lab."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from empkit.settings import Settings
from empkit.tls import verified


class LabError(RuntimeError):
    """A part of the lab did not come up, or a run could not be carried out.

    Attributes:
        runs: the `Runs` that were carried out before it, where there are some.
    """

    runs: Any = None


def ask(settings: Settings, path: str, body: bytes | None = None, token: str = "") -> Any:
    """Send a request to the server and read its JSON.

    Args:
        settings: where the server is, and how its certificate is verified.
        path: of the request, such as `/health`.
        body: of a POST; without one the request is a GET.
        token: a bearer token, where one is needed.

    Raises:
        LabError: no server answers, or it answers with an error.
    """
    url = settings.server_url.rstrip("/") + path
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}),
        urllib.request.HTTPSHandler(context=verified(settings.ca_file)),
    )
    try:
        request = urllib.request.Request(url, body, headers)  # noqa: S310 - of the settings
        with opener.open(request, timeout=10) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            raise LabError(f"{url} answered {error.code}: {error.read(200)!r}.") from None
    except urllib.error.URLError as error:
        raise LabError(f"No server answers at {url}: {error.reason}.") from error


def ask_token(settings: Settings) -> str:
    """Exchange user and password of the settings for a token.

    Raises:
        LabError: there is no password, or the server does not take it.
    """
    if settings.password is None:
        raise LabError("A server that already runs wants EMPKIT_USERNAME and EMPKIT_PASSWORD.")
    form = {"username": settings.username, "password": settings.password.get_secret_value()}
    token: str = ask(settings, "/token", urllib.parse.urlencode(form).encode())["access_token"]
    return token
