"""Every toxic by its name: a class with a `kind` is in the register once it has been defined.

The kit's own are in the modules that are imported here; a toxic of another package comes, as the
fault that it is, by the entry point `empkit.faults`.
"""

from __future__ import annotations

from collections.abc import Mapping

from empkit import plugins
from empkit.proxy.toxics import delay, end, hold
from empkit.proxy.toxics.base import DEFINED, Toxic

FAMILIES = (delay, hold, end)
"""The modules of the kit's own toxics."""


def toxic_kinds() -> Mapping[str, type[Toxic]]:
    """Every kind of toxic by the name that an order gives it."""
    plugins.load("faults")
    return dict(DEFINED)
