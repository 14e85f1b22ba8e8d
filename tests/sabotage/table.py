"""Tables of sabotages: what is broken, by which edits, and the ordinary test that must find it.

A new row is one entry of such a table. That the test passes without the edits is for the rest of
the suite; here it must fail with them.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.parts import in_ci
from tests.sabotage.copies import run_python, sabotaged

ROOT = Path(__file__).parents[2]
BESIDE = ("tests", "benchmarks", "pyproject.toml")
"""What goes into the folder of the copy: pytest puts the folder of pyproject.toml first on the
path, and that must not be the checkout."""

Edit = tuple[str, str, str]
"""A file below `empkit/`, what stands in it once, and what takes its place."""


class Sabotage(NamedTuple):
    """A fault to plant, and the test that finds it.

    Args:
        promise: what the edits break, in a few words: the name of the case.
        edits: what is changed, each a file, old and new text.
        test: the ordinary test that fails then, as pytest names it.
        says: what must be in its report, so that it fails of this and of nothing else.
    """

    promise: str
    edits: tuple[Edit, ...]
    test: str
    says: str


def run_test(folder: Path, test: str) -> subprocess.CompletedProcess[str]:
    """Run one test with a copy, here and in every process that the test starts.

    Args:
        folder: of the copy.
        test: as pytest names it.
    """
    for name in BESIDE:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name)
        else:
            shutil.copy(ROOT / name, folder / name)
    # what is compiled already is taken along: Python compares the times of the sources, which the
    # copies keep, and compiles anew what was edited
    for compiled in (ROOT / "empkit").rglob("__pycache__"):
        shutil.copytree(compiled, folder / compiled.relative_to(ROOT), dirs_exist_ok=True)
    arguments = ("-m", "pytest", "-q", "-rs", "-o", "addopts=", "-p", "no:cacheprovider")
    # loading the plugins would take longer than many a test
    variables = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_XDIST_WORKER": "",
                 "PYTEST_ADDOPTS": ""}  # fmt: skip
    done: subprocess.CompletedProcess[str] = run_python(
        folder, *arguments, f"--basetemp={folder / 'tmp'}", test, **variables
    )
    return done


def finds(tmp_path: Path, sabotage: Sabotage) -> None:
    """Assert that the test of a sabotage fails of it.

    Args:
        tmp_path: an empty folder.
        sabotage: a row of a table.
    """
    done = run_test(sabotaged(tmp_path, *sabotage.edits), sabotage.test)
    report = done.stdout + done.stderr
    if not in_ci() and (skipped := re.search(r"^SKIPPED .*?: (.*)$", report, re.MULTILINE)):
        pytest.skip(skipped[1])
    # 1: it ran and failed; 4 and 5: there is no such test
    assert done.returncode == 1, f"{sabotage.test} does not find it: {sabotage.promise}\n{report}"
    assert sabotage.says in report, f"{sabotage.test} fails of something else\n{report}"
