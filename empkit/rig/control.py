"""The requests of a rig to its server, and the exception of a lab."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from empkit.clients.base import ClientError
from empkit.clients.control import ControlPlane, NotThisKitError, with_control
from empkit.settings import Settings

T = TypeVar("T")


class LabError(RuntimeError):
    """A part of the lab did not start, or a run could not be carried out.

    Attributes:
        runs: the `Runs` that were carried out before it, if any.

    Example:
        >>> Lab("none").lag()
        Traceback (most recent call last):
        empkit.rig.control.LabError: This lab has no Kafka, and so no consumer group.
    """

    runs: Any = None


def ask(
    settings: Settings,
    use: Callable[[ControlPlane], Awaitable[T]],
    token: str = "",
    timeout_s: float = 10.0,
) -> T:
    """Ask the server something; see `empkit.clients.control.with_control`.

    Raises:
        LabError: no server answers, or it answers with an error.
    """
    try:
        return with_control(settings, use, token, timeout_s)
    except NotThisKitError as error:
        raise LabError(str(error)) from None
    except ClientError as error:
        raise LabError(f"No server answers at {settings.server_url}: {error}") from error


def ask_token(settings: Settings) -> str:
    """Exchange user and password of the settings for a token.

    Raises:
        LabError: there is no password, or the server does not accept it.
    """
    if settings.password is None:
        raise LabError("A server that already runs needs EMPKIT_USERNAME and EMPKIT_PASSWORD.")
    return ask(settings, lambda control: control.log_in())


def ask_about(settings: Settings, token: str) -> dict[str, Any]:
    """Ask the server for its database, settings and versions; empty if it does not tell them, as
    in empkit 0.1.0.

    Raises:
        LabError: no server answers, or it answers with an error.
    """

    async def about(control: ControlPlane) -> dict[str, Any]:
        try:
            return (await control.about()).model_dump()
        except NotThisKitError as error:
            if error.code != 404:
                raise
            return {}

    return ask(settings, about, token)
