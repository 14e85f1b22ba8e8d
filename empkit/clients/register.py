"""Every protocol by its name: where its client is.

A protocol is one class, a `Client`, which says all that the rest of the kit knows of it. The kit's
own are listed in `names`, those of other packages come by the entry point `empkit.protocols`, and
one's own is named by its class, `module:Class`. All are loaded in the same way.
"""

from __future__ import annotations

from collections.abc import Iterable

from empkit import plugins
from empkit.clients import plugin
from empkit.clients.base import Client
from empkit.clients.look import Look, plain
from empkit.clients.names import HOMES


def protocols() -> tuple[str, ...]:
    """The names of all protocols, the kit's own first."""
    return tuple(dict.fromkeys([*HOMES, *sorted(plugins.load("protocols"))]))


def client_class(protocol: str) -> type[Client]:
    """The client of a protocol.

    Raises:
        ValueError: there is no such protocol, or its class is no complete client.
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


def with_receiver(names: Iterable[str]) -> list[str]:
    """The protocols whose class brings a receiving side of its own, for a server to mount.

    Args:
        names: of protocols, beside those of other packages, which are always looked at.
    """
    others = [name for name in protocols() if name not in HOMES]
    chosen = dict.fromkeys([*others, *(name for name in names if name not in HOMES)])
    return [name for name in chosen if _mounts(client_class(name))]


def _mounts(client: type[Client]) -> bool:
    return any("mount" in vars(kind) for kind in client.__mro__ if kind is not Client)


def looks(names: Iterable[str], *, load: bool = True) -> dict[str, Look]:
    """How protocols are shown, by name; each class says so itself, and may leave out its colour.

    Args:
        names: of the protocols.
        load: whether `module:Class` is imported; not for names that come out of a file.
    """
    found = plain(names)
    for name in found:
        if load or not plugin.is_own(name):
            try:
                found[name] = client_class(name).look()
            except (ValueError, ImportError):
                continue  # a result of a protocol that is not here any more
    return found
