"""Which versions are installed: of the package, and of what it depends on directly."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement


def versions() -> dict[str, str]:
    """Each version by the name of its distribution."""
    return dict(_installed())


@cache
def _installed() -> dict[str, str]:
    """Read the versions once: it takes 40 ms, and every result of a run has them."""
    names = ["empkit"]
    for text in requires("empkit") or ():
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            names.append(requirement.name)
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found
