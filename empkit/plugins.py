"""Loads what other packages add to the kit, by entry points
(https://packaging.python.org/en/latest/specifications/entry-points/).

    [project.entry-points."empkit.faults"]
    solar-flare = "my_package.faults:SolarFlare"

Each group is a register of the kit; its entries are imported when the register is first used.
"""

from __future__ import annotations

import functools
from importlib.metadata import entry_points
from typing import Any, Literal, TypeVar

Register = Literal["protocols", "faults", "figures", "databases"]


T = TypeVar("T", bound=type[Any])


class PluginError(ImportError):
    """An entry point of a package cannot be imported; the message names both."""


def enter(register: dict[str, T], name: str, kind: T) -> None:
    """Put a class into a register; the same class defined again, as in a notebook, replaces itself.

    Args:
        register: of the kit, by name.
        name: of the class in it.
        kind: the class.

    Raises:
        TypeError: another class has the name.
    """
    known = register.get(name)
    if known is not None and known.__qualname__ != kind.__qualname__:
        raise TypeError(f"{kind.__qualname__} has the name of {known.__qualname__}: {name!r}.")
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
