"""User and password that `empkit serve` generated, for other commands of the same user.

A server without a password generates one. It is written to a file that only its owner can read and
that is removed when the server stops, so that it need not appear on a screen, in a shell's history
or in a log.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr

from empkit.addresses import parse
from empkit.settings import Settings


class CredentialsError(Exception):
    """The file with the password of a server cannot be used."""


def cache_folder() -> Path:
    """Return the user's folder for files that the kit keeps between commands."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "empkit"


def _file_of(server_url: str) -> Path:
    return cache_folder() / f"server-{parse(server_url, 'http', 'https').port}.json"


@contextmanager
def kept(settings: Settings, server_url: str) -> Iterator[Path]:
    """Keep the server's user and password in a file until the server stops.

    Args:
        settings: settings with a password.
        server_url: URL of the server.
    """
    assert settings.password is not None
    path = _file_of(server_url)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    content = {"username": settings.username, "password": settings.password.get_secret_value()}
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(content, file)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def found(settings: Settings) -> Settings:
    """Return the settings, with the password that `empkit serve` generated if they have none.

    Applies only to a server on this machine: the password is not sent to any other.

    Raises:
        ValueError: the settings have no URL of a server.
        CredentialsError: the file is not one of `empkit serve`.
    """
    path = _file_of(settings.server_url)
    local = parse(settings.server_url, "http", "https").host in {"127.0.0.1", "localhost", "::1"}
    if settings.password is not None or not local or not path.exists():
        return settings
    try:
        content = json.loads(path.read_text())
        username, password = content["username"], SecretStr(content["password"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CredentialsError(
            f"The password of {settings.server_url} cannot be read from {path} "
            f"({type(error).__name__}: {error}): remove that, and start the server again, or set "
            "EMPKIT_USERNAME and EMPKIT_PASSWORD."
        ) from None
    return settings.model_copy(update={"username": username, "password": password})
