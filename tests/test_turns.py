"""What is measured beside other programs is not asserted, and is said to be so."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.turns import SPOILED, Processors

MEASURES = """
import time

import pytest


@pytest.mark.alone
def test_it():
    began = time.monotonic()
    while time.monotonic() - began < 0.5:
        pass
    assert False, "too slow"
"""
PLAIN = {"PYTEST_ADDOPTS": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
BURNS = "print(flush=True)\nwhile True: pass"


@contextlib.contextmanager
def neighbours():
    """Other programs that keep all processors busy."""
    with contextlib.ExitStack() as ends:
        for _ in range(os.cpu_count() or 1):
            each = subprocess.Popen([sys.executable, "-c", BURNS], stdout=subprocess.PIPE)
            ends.callback(each.wait)
            ends.callback(each.kill)
            ends.callback(each.stdout.close)
            each.stdout.readline()  # it runs
        yield


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere tests are not measured alone")
def test_a_measurement_that_fails_beside_busy_neighbours_is_said_and_not_asserted(tmp_path):
    (tmp_path / "test_it.py").write_text(MEASURES)
    root = Path(__file__).parents[1]
    (tmp_path / "conftest.py").write_text(
        "from pathlib import Path\nfrom tests.turns import Turns\n"
        "def pytest_configure(config):\n"
        "    config.addinivalue_line('markers', 'alone')\n"
        f"    config.pluginmanager.register(Turns(Path({str(tmp_path)!r})))\n"
    )
    command = [sys.executable, "-m", "pytest", "-rs", "-p", "no:cacheprovider"]
    with neighbours():
        done, broken = (
            subprocess.run(
                [*command, "--rootdir", tmp_path, tmp_path],
                env={**os.environ, **PLAIN, "PYTHONPATH": str(root), SPOILED: spoiled},
                cwd=tmp_path, capture_output=True, text=True, check=False,
            )
            for spoiled in ("", "fails")
        )  # fmt: skip
    assert (broken.returncode, "too slow" in broken.stdout) == (1, True)
    assert "1 skipped" in done.stdout
    assert "Other programs took" in done.stdout
    assert "too slow" in done.stdout


@pytest.mark.parametrize(
    ("idle_s", "ours_s", "taken"), [(1.0, 1.0, 0.0), (0.0, 1.5, 0.25), (0.5, 0.5, 0.5)]
)
def test_what_others_took_is_neither_idle_nor_ours(idle_s, ours_s, taken):
    before = Processors(10.0, 2, 5.0, 7.0)
    after = Processors(11.0, 2, 5.0 + idle_s, 7.0 + ours_s)
    assert after.taken_since(before) == pytest.approx(taken)
