"""Starts a module of this package as a child: `python -P start.py MODULE ARGUMENTS`.

`python -m` would put the working folder before everything else, and a user's `random.py` there in
the place of Python's own. So the package is loaded from where this file is, as the process that
starts the child has it, whatever the working folder holds.
"""

from __future__ import annotations

import importlib.util
import os
import runpy
import sys


def _load_package() -> None:
    """Import the package that this file is in."""
    folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 - start-up time
    name = os.path.basename(folder)  # noqa: PTH119 - start-up time
    if name in sys.modules:
        return
    home = os.path.join(folder, "__init__.py")  # noqa: PTH118 - start-up time
    spec = importlib.util.spec_from_file_location(name, home, submodule_search_locations=[folder])
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = package = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(package)


if __name__ == "__main__":
    _load_package()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
