"""Imports the names of a package when they are first used, so that importing it takes no time.

__getattr__ = lazily(__name__, {"Lab": "empkit.lab"})
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any


def lazily(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the `__getattr__` of a package (https://peps.python.org/pep-0562/).

    Args:
        package: the name of the package.
        homes: the module of each name; a submodule with the name itself is the value.
    """

    def get(name: str) -> Any:
        home = homes.get(name)
        if home is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module = importlib.import_module(home)
        return module if home == f"{package}.{name}" else getattr(module, name)

    return get
