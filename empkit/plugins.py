"""Loads what other packages add to the kit, by entry points
(https://packaging.python.org/en/latest/specifications/entry-points/).

    [project.entry-points."empkit.faults"]
    solar-flare = "my_package.faults:SolarFlare"

Each group is a register of the kit; its entries are imported when the register is first used.
"""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any, Literal, TypeVar

Register = Literal["protocols", "faults", "figures", "databases"]


T = TypeVar("T")


class PluginError(ImportError):
    """An entry point of a package cannot be imported; the message names both."""


def enter(
    register: dict[str, T], name: str, kind: T, source: Callable[[T], Any] = lambda kind: kind
) -> None:
    """Put an entry into a register; the same one defined again, as in a notebook, replaces itself.

    Args:
        register: of the kit, by name.
        name: of the entry in it.
        kind: the entry.
        source: returns the class or function that defines an entry; by default the entry itself.

    Raises:
        TypeError: another entry has the name.
    """
    if name in register:
        new, known = (
            f"{made.__module__}.{made.__qualname__}" for made in map(source, (kind, register[name]))
        )
        if new != known:
            raise TypeError(f"{new} has the name of {known}: {name!r}. Give it another one.")
    register[name] = kind


def require_words(name: str, kind: type) -> None:
    """Check that a class says what it is for: its docstring is its line in `empkit faults`.

    Raises:
        TypeError: it has no docstring.
    """
    if not (kind.__dict__.get("__doc__") or "").strip():
        raise TypeError(
            f"{kind.__qualname__} ({name!r}) has no docstring: its first paragraph says what "
            "happens, for the lists of people."
        )


@functools.cache
def load(register: Register) -> dict[str, Any]:
    """Import the entry points of other packages for a register; later calls use the first result.

    Returns:
        The object of each entry point, by the name of the entry point.

    Raises:
        PluginError: an entry point cannot be imported; the message names it and its package.
    """
    loaded = {}
    for entry in entry_points(group=f"empkit.{register}"):
        try:
            loaded[entry.name] = entry.load()
        except Exception as error:  # the code of others may raise anything
            package = entry.dist.name if entry.dist else "a package"
            reason = str(error).rstrip(".") or type(error).__name__
            raise PluginError(
                f"{entry.value}, which {package} has for the register empkit.{register}, cannot be "
                f"imported: {reason}. Mend or uninstall that package."
            ) from error
    return loaded


def said(error: BaseException) -> str:
    """Return what went wrong in the code of others, and in which line, as one sentence.

    Args:
        error: as it was raised; of an exception group the first counts.
    """
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg}, line {error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    words = f"{type(error).__name__}: {error}".rstrip(": ")
    return f"{words}, line {frames[-1].lineno} of {frames[-1].filename}" if frames else words
