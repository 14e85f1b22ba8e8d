"""A protocol of one's own: a client named by where its class is, `module:Class`.

    my_client.py: class MyClient(Client) --"my_client:MyClient"--> lab.compare, connect

The module is looked for where Python looks for any, the working folder included.
"""

from __future__ import annotations

import importlib
import inspect
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from empkit.clients.base import Client


def is_own(protocol: str) -> bool:
    """Whether this is meant as `module:Class`."""
    return ":" in protocol


def load(protocol: str) -> type[Client]:
    """The class that `module:Class` names, as its file is now.

    Raises:
        ValueError: there is no such module or class, or it is no complete client; the message says
            what is missing.
    """
    name, _, wanted = protocol.partition(":")
    if not name or not wanted.isidentifier():
        raise ValueError(f"{protocol!r} is not written like 'my_client:MyClient'.")
    importlib.invalidate_caches()
    try:
        module = importlib.import_module(name)
        written = _written(module)
        if _LOADED.setdefault(name, written) != written:
            module = importlib.reload(module)
            _LOADED[name] = written
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise ValueError(
                f"{protocol!r}: {name} wants {error.name!r}, which is not here."
            ) from None
        raise ValueError(
            f"{protocol!r}: there is no module {name!r} in this folder or on sys.path. Write the "
            f"class into {name}.py, in a notebook with %%writefile {name}.py."
        ) from None
    except Exception as error:
        raise ValueError(f"{protocol!r}: {name} cannot be imported: {said(error)}.") from error
    return checked(protocol, vars(module).get(wanted), _classes(module.__name__))


_LOADED: dict[str, float] = {}
"""When the file of each module was written that was loaded here."""


def _written(module: ModuleType) -> float:
    file = getattr(module, "__file__", None)
    return Path(file).stat().st_mtime if file else 0.0


def _classes(module: str) -> list[str]:
    """The clients that a module defines."""
    return sorted(
        name
        for name, value in vars(sys.modules[module]).items()
        if isinstance(value, type) and issubclass(value, Client) and value.__module__ == module
    )


def checked(protocol: str, found: object, others: Sequence[str] = ()) -> type[Client]:
    """What a name of a protocol stands for, once it is known to be a complete client.

    Args:
        protocol: `module:Class`, or the name of an entry point.
        found: what is there.
        others: the clients that the module has.

    Raises:
        ValueError: it is not a client, or not a complete one; the message says what is missing.
    """
    name, _, wanted = protocol.partition(":")
    if found is None:
        instead = f"it has {', '.join(others)}" if others else "it has no client at all"
        raise ValueError(f"{protocol!r}: {name} has no class {wanted!r}; {instead}.")
    if not isinstance(found, type) or not issubclass(found, Client):
        raise ValueError(
            f"{protocol!r} is no client: write `class {wanted}(Client)`, with "
            "`from empkit.clients.base import Client`."
        )
    missing: frozenset[str] = getattr(found, "__abstractmethods__", frozenset())
    if missing:
        raise ValueError(
            f"{protocol!r} is not complete: it has no {' and no '.join(sorted(missing))}."
        )
    return found


def takes_token(client: type[Client]) -> bool:
    """Whether it can be given a token to begin with."""
    return "token" in inspect.signature(client).parameters


def said(error: BaseException) -> str:
    """What went wrong in a client's own code, and in which line, in one sentence.

    Args:
        error: as it was raised; of a group of several the first.
    """
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg}, line {error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    words = f"{type(error).__name__}: {error}".rstrip(": ")
    return f"{words}, line {frames[-1].lineno} of {frames[-1].filename}" if frames else words
