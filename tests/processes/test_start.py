"""Children are started so that no file of the working folder takes the place of a module."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from empkit.processes.child import Processes

ROOT = Path(__file__).parents[2]
SHADOWS = ("random", "typing", "json", "socket", "asyncio", "queue", "signal", "numpy", "empkit")
SCRIPT = 'raise SystemExit("the user\'s own {}")\n'


@pytest.fixture
def folder(tmp_path):
    """A folder with scripts of the user's own that have the names of modules."""
    for name in SHADOWS:
        (tmp_path / f"{name}.py").write_text(SCRIPT.format(name))
    return tmp_path


def test_a_child_runs_whatever_the_working_folder_holds(folder, monkeypatch):
    monkeypatch.chdir(folder)
    with Processes() as processes:
        child = processes.start_module("broker", "empkit.brokers.embedded")
        assert child.expect("ready", 30)["ready"]


def test_a_child_is_of_the_same_copy_as_its_owner(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "empkit").mkdir()
    (tmp_path / "empkit" / "__init__.py").write_text(SCRIPT.format("empkit"))
    with Processes() as processes:
        child = processes.start_module("broker", "empkit.brokers.embedded")
        assert child.expect("ready", 30)["ready"]


@pytest.mark.slow
@pytest.mark.parametrize("safe_path", [{}, {"PYTHONSAFEPATH": "1"}])
def test_the_command_line_runs_whatever_the_working_folder_holds(folder, safe_path):
    (folder / "empkit.py").unlink()  # where Python itself looks for what `-m` names
    done = subprocess.run(
        [sys.executable, "-m", "empkit", "faults"], cwd=folder, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), **safe_path}, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "server-crash" in done.stdout
