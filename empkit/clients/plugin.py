"""A protocol of the user's own: a client named by the location of its class, `module:Class`.

    my_client.py: class MyClient(Client) --"my_client:MyClient"--> lab.compare, connect

The module is imported like any other, from `sys.path`; the working folder is the last on it, so
that no file there takes the place of a module of Python or of another package.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from empkit import plugins
from empkit.clients.base import Client


def is_own(protocol: str) -> bool:
    """Return whether a protocol is named as `module:Class`."""
    return ":" in protocol


def load(protocol: str) -> type[Client]:
    """Return the class that `module:Class` names; a file that has changed is loaded again.

    Raises:
        ValueError: there is no such module or class, or it is not a complete client; the message
            says what is missing.
    """
    name, _, wanted = protocol.partition(":")
    if not name or not wanted.isidentifier():
        raise ValueError(f"{protocol!r} is not written like 'my_client:MyClient'.")
    importlib.invalidate_caches()
    _search_here()
    try:
        module = importlib.import_module(name)
        written = _written(module)
        if _LOADED.setdefault(name, written) != written:
            module = importlib.reload(module)
            _LOADED[name] = written
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise ValueError(
                f"{protocol!r}: {name} imports {error.name!r}, which is not installed."
            ) from None
        raise ValueError(
            f"{protocol!r}: there is no module {name!r} in this folder or on sys.path. Write the "
            f"class into {name}.py, in a notebook with %%writefile {name}.py."
        ) from None
    except Exception as error:
        raise ValueError(
            f"{protocol!r}: {name} cannot be imported: {plugins.said(error)}."
        ) from error
    return checked(protocol, vars(module).get(wanted), _classes(module.__name__))


def _search_here() -> None:
    """Put the working folder on `sys.path`, unless it is there."""
    here = Path.cwd()
    if not any(Path(folder or ".").absolute() == here for folder in sys.path):
        sys.path.append(str(here))


_LOADED: dict[str, float] = {}
"""The modification time of the file of each loaded module."""


def _written(module: ModuleType) -> float:
    file = getattr(module, "__file__", None)
    return Path(file).stat().st_mtime if file else 0.0


def _classes(module: str) -> list[str]:
    """Return the names of the clients that a module defines."""
    return sorted(
        name
        for name, value in vars(sys.modules[module]).items()
        if isinstance(value, type) and issubclass(value, Client) and value.__module__ == module
    )


def checked(protocol: str, value: object, others: Sequence[str] = ()) -> type[Client]:
    """Return the class of a protocol, after checking that it is a complete client.

    Args:
        protocol: `module:Class`, or the name of an entry point.
        value: the object of that name; None if there is none.
        others: the names of the clients that the module has.

    Raises:
        ValueError: it is not a client, or not a complete one; the message says what is missing.
    """
    name, _, wanted = protocol.partition(":")
    if value is None:
        instead = f"it has {', '.join(others)}" if others else "it has no client at all"
        home = getattr(sys.modules.get(name), "__file__", None)
        if home and Path(f"{name}.py").exists() and not Path(f"{name}.py").samefile(home):
            instead = f"another module of that name goes before {name}.py of this folder: rename it"
        raise ValueError(f"{protocol!r}: {name} has no class {wanted!r}; {instead}.")
    if not isinstance(value, type) or not issubclass(value, Client):
        raise ValueError(
            f"{protocol!r} is not a client: write `class {wanted}(Client)`, with "
            "`from empkit.clients.base import Client`."
        )
    missing: frozenset[str] = getattr(value, "__abstractmethods__", frozenset())
    if missing:
        raise ValueError(
            f"{protocol!r} is not complete: it has no {' and no '.join(sorted(missing))}."
        )
    return value


def takes_token(client: type[Client]) -> bool:
    """Return whether a client accepts a token to begin with."""
    return "token" in inspect.signature(client).parameters
