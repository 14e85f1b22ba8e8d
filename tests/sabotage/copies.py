"""Copies of the kit with a fault planted in them, to see that a test names it.

A row of a table is a `Sabotage`: the promise that is broken, the edits that break it, and the
ordinary test that must fail then. That it passes without the edits is for the rest of the suite.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.parts import in_ci

ROOT = Path(__file__).parents[2]
PARTS = ("empkit", "tests", "benchmarks", "pyproject.toml")
TIMEOUT_S = 120.0
WITHOUT = ("-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:nbval", "-p", "no:schemathesis")
"""What one test does without, since it takes longer to begin than many a test to run."""

Edit = tuple[str, str, str]
"""A file, relative to the checkout, what stands in it once, and what takes its place."""


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
    says: str = "AssertionError"


def sabotaged(tmp_path: Path, *edits: Edit) -> Path:
    """A copy of the package and its tests with these edits.

    Args:
        tmp_path: an empty folder for the copy.
        edits: each a file, relative to the checkout, what stands in it once, and its replacement.

    Returns:
        The folder to put first on PYTHONPATH.

    Raises:
        ValueError: what is to be replaced is not there, or there more than once.
    """
    root = tmp_path / "copy"
    root.mkdir()
    unwanted = shutil.ignore_patterns("__pycache__", ".*", "results")
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, root / part, ignore=unwanted)
        else:
            shutil.copy(ROOT / part, root / part)
    for file, old, new in edits:
        path = root / file
        text = path.read_text()
        if (count := text.count(old)) != 1:
            raise ValueError(f"{file} has {old!r} {count} times; a sabotage wants it there once.")
        path.write_text(text.replace(old, new))
    return root


def run_test(root: Path, test: str) -> subprocess.CompletedProcess[str]:
    """Run one test of a copy, with the copy's package here and in every process it starts.

    Args:
        root: the copy.
        test: as pytest names it.
    """
    variables = {
        name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")
    }
    command = [sys.executable, "-m", "pytest", "-q", "-rs", "-o", "addopts=", *WITHOUT]
    return subprocess.run(
        [*command, f"--basetemp={root.parent / 'tmp'}", test],
        cwd=root, env=variables | {"PYTHONPATH": str(root)}, capture_output=True, text=True,
        timeout=TIMEOUT_S, check=False,
    )  # fmt: skip


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
