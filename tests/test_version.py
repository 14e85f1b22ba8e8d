"""Which version this is, and that asking costs nothing."""

import os
import statistics
import subprocess
import sys

import pytest

import empkit
from tests.test_project import PROJECT


@pytest.mark.parametrize("command", [["empkit"], ["empkit.cli"]])
def test_the_version_is_printed(command):
    done = subprocess.run(
        [sys.executable, "-m", *command, "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"empkit {PROJECT['version']}\n"


def test_the_package_knows_its_version():
    assert empkit.__version__ == PROJECT["version"]
    assert "__version__" in dir(empkit)


def test_importing_the_package_imports_no_other_package_and_does_not_read_its_version():
    code = "import sys, empkit; print('importlib.metadata' in sys.modules)"
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True,
                          check=True, env=os.environ | {"PYTHONPATH": os.pathsep.join(
                              [str(empkit.__path__[0] + "/..")])})  # fmt: skip
    assert done.stdout == "False\n"


@pytest.mark.alone
def test_importing_the_package_takes_less_than_a_twentieth_of_a_second():
    def seconds():
        code = "import time; a = time.perf_counter(); import empkit; print(time.perf_counter() - a)"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
        return float(done.stdout)

    assert statistics.median(seconds() for _ in range(5)) < 0.05
