"""The kit's own pytest plugin, for tests that use its fixtures or run pytest with it.

The kit's own runs leave its entry point out (`-p no:empkit`): pytest would import the package by it
before it knows which copy of the package it is to test. So the modules of tests name the plugin.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

MODULE = "empkit.pytest_plugin"
PLUGINS = [] if MODULE in sys.modules else [MODULE]
"""For `pytest_plugins` of a module of tests."""

_OF_THIS_RUN = re.compile("PYTEST_|COV_|COVERAGE_")


def run_pytest(folder: Path, test: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run pytest with the plugin and no other on one file, in a folder and a process of its own."""
    (folder / "test_it.py").write_text(test)
    (folder / "pytest.ini").write_text("[pytest]\n")
    environment = {
        name: value for name, value in os.environ.items() if not _OF_THIS_RUN.match(name)
    }
    root = str(Path(__file__).parents[1])
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # others take seconds to be imported
    environment["PYTHONPATH"] = os.pathsep.join([root, environment.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", MODULE, *options],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
