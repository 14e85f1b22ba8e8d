"""Loads what other packages add to the kit, by entry points
(https://packaging.python.org/en/latest/specifications/entry-points/).

    [project.entry-points."empkit.faults"]
    solar-flare = "my_package.faults:SolarFlare"

Each group is a register of the kit; its entries are imported when the register is first used.
"""

from __future__ import annotations

import functools
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
