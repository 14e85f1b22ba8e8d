"""The table of sabotages is only as good as what carries it out."""

import subprocess
import sys

import pytest

from tests.sabotage.copies import Sabotage, finds, sabotaged

EDIT = ("empkit/clock.py", '"""The one clock', '"""Another clock')


def test_a_copy_is_what_a_process_of_its_own_imports(tmp_path):
    text = "SABOTAGED = 1\n"
    root = sabotaged(tmp_path, ("empkit/server/__init__.py", '"""\n', f'"""\n{text}'))
    code = "import empkit.server as it; print(it.SABOTAGED, it.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(root)}, cwd=tmp_path,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == ["1", str(root / "empkit/server/__init__.py")]


def test_an_edit_that_no_longer_fits_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"has 'no such line' 0 times"):
        sabotaged(tmp_path, ("empkit/clock.py", "no such line", ""))


@pytest.mark.parametrize(
    "test", ["test_an_edit_that_no_longer_fits_is_refused", "no_such_test"], ids=["passes", "none"]
)
def test_a_test_that_does_not_find_the_fault_is_named(tmp_path, test):
    sabotage = Sabotage("", (EDIT,), f"tests/sabotage/test_copies.py::{test}")
    with pytest.raises(AssertionError, match="does not find it"):
        finds(tmp_path, sabotage)
