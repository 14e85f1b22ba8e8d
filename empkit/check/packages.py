"""The packages: which are installed, and whether those of a protocol can be imported."""

from __future__ import annotations

import importlib
import platform
import re
from contextlib import suppress
from functools import partial
from importlib.metadata import PackageNotFoundError, requires, version

from empkit.check.base import Check, FailedError, Planned


async def _versions(_: Check) -> str:
    versions = {"Python": platform.python_version()}
    for name in ("empkit", "fastapi", "uvicorn", "sqlalchemy", "uvloop"):
        with suppress(PackageNotFoundError):
            versions[name] = version(name)
    if "uvloop" not in versions:
        versions["uvloop"] = "missing (a server here would be slower)"
    return ", ".join(f"{name} {number}" for name, number in versions.items())


def package(protocol: str, name: str) -> Planned:
    """Return the step that imports a package and compares its version with the least one.

    Args:
        protocol: the protocol that needs it.
        name: the name of the package.
    """
    return Planned(protocol, f"package {name}", partial(_imported, name))


async def _imported(name: str, _: Check) -> str:
    least = _least_versions().get(name, "0")
    advice = f"python -m pip install '{name}>={least}'"
    try:
        importlib.import_module(name.replace("-", "_"))
        installed = version(name)
    except (ImportError, OSError) as error:  # OSError: of a library that it cannot load
        raise FailedError(f"cannot be imported ({error})", advice) from error
    if _numbers(installed) < _numbers(least):
        raise FailedError(f"{installed} is too old, {least} is needed", advice)
    return installed


def _least_versions() -> dict[str, str]:
    """Return the least version of each package that the kit requires, from its own metadata."""
    try:
        lines = requires("empkit") or []
    except PackageNotFoundError:  # run from its folder, not installed
        return {}
    matches = (re.match(r"([\w.-]+)>=([\d.]+)", line) for line in lines)
    return {match[1]: match[2] for match in matches if match}


def _numbers(text: str) -> tuple[int, ...]:
    """Return the leading numbers of a version, to be compared."""
    return tuple(int(number) for number in re.findall(r"\d+", text)[:3])


STEPS = (Planned("all", "packages", _versions),)
