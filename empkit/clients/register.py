"""The register of protocols: the client class of each name.

A protocol is one class, a `Client`, which has everything that the rest of the kit knows of it. The
kit's protocols are listed in `names`; other packages add theirs through the entry point group
`empkit.protocols`; a user's protocol is named by its class, `module:Class`. All are loaded in the
same way.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from empkit import plugins
from empkit.clients import plugin
from empkit.clients.base import Client
from empkit.clients.look import Look, plain
from empkit.clients.names import HOMES, SERVED


def protocols() -> tuple[str, ...]:
    """Return the names of all protocols, the kit's first."""
    return tuple(dict.fromkeys([*HOMES, *sorted(plugins.load("protocols"))]))


def client_class(protocol: str) -> type[Client]:
    """Return the client class of a protocol.

    Raises:
        ValueError: there is no such protocol, or its class is not a complete client.
    """
    if protocol in HOMES:
        return plugin.load(HOMES[protocol])
    if plugin.is_own(protocol):
        return plugin.load(protocol)
    others = plugins.load("protocols")
    if protocol not in others:
        raise ValueError(
            f"{protocol!r} is not a protocol of this kit; use one of {', '.join(protocols())}, "
            "or a client of your own, module:Class."
        )
    return plugin.checked(protocol, others[protocol])


def check_look(protocol: str) -> None:
    """Check what a protocol of others says of itself: its words, and how figures show it.

    Raises:
        ValueError: it cannot be shown so; the message says what to correct.
    """
    if protocol in HOMES:
        return
    from matplotlib.colors import is_color_like  # noqa: PLC0415 - start-up time
    from matplotlib.lines import Line2D  # noqa: PLC0415 - start-up time
    from matplotlib.markers import MarkerStyle  # noqa: PLC0415 - start-up time

    client = client_class(protocol)
    try:
        look = client.look()
        words = {**look._asdict(), "ack_means": client.ack_means}
    except Exception as error:
        raise ValueError(
            f"{protocol!r} cannot say how it is shown: {plugins.said(error)}."
        ) from error
    if wrong := [name for name, value in words.items() if not isinstance(value, str)]:
        raise ValueError(f"{protocol!r}: {wrong[0]} is {words[wrong[0]]!r}; it must be a text.")
    if look.colour and not is_color_like(look.colour):
        raise ValueError(f"{protocol!r}: colour is {look.colour!r}; give one like '#56B4E9'.")
    known: dict[str, Collection[Any]] = {"marker": MarkerStyle.markers, "line": Line2D.lineStyles}
    for name, values in known.items():
        if words[name] not in values:
            shown = " ".join(value for value in values if isinstance(value, str) and len(value) < 3)
            raise ValueError(f"{protocol!r}: {name} is {words[name]!r}; use one of {shown}")


def with_receiver(names: Iterable[str]) -> list[str]:
    """Return the protocols whose class has a receiving side of its own, for a server to mount.

    Args:
        names: the protocols to consider, beside all that have a name, which always are.
    """
    chosen = [name for name in dict.fromkeys([*protocols(), *names]) if name not in SERVED]
    return [name for name in chosen if _mounts(client_class(name))]


def _mounts(client: type[Client]) -> bool:
    return any("mount" in vars(kind) for kind in client.__mro__ if kind is not Client)


def looks(names: Iterable[str], *, load: bool = True) -> dict[str, Look]:
    """Return the looks of protocols, by name, from their classes; a colour may be missing.

    Args:
        names: the names of the protocols.
        load: whether `module:Class` is imported; must be False for names read from a file.
    """
    by_name = plain(names)
    for name in by_name:
        if load or not plugin.is_own(name):
            try:
                by_name[name] = client_class(name).look()
            except (ValueError, ImportError):
                continue  # a result of a protocol that is no longer installed
    return by_name
