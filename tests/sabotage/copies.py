"""Copies of the package with a fault planted in them, to prove that the fault is noticed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import empkit

PACKAGE = Path(empkit.__file__).parent

CLI = ("-c", "from empkit.cli import main; main()")
"""What runs the command line: `run_python(folder, *CLI, "compare", ...)`."""


def sabotaged(tmp_path, *edits):
    """Copy the package and change the copy.

    Args:
        tmp_path: where the copy goes, in a folder of its own.
        edits: (file below `empkit/`, old text, new text) of each change, one after the other; the
            old text must then be in the file exactly once, so that a fault that cannot be planted
            any more is noticed.

    Returns:
        A folder to put first on PYTHONPATH.
    """
    number = sum(1 for _ in tmp_path.glob("sabotaged-*"))
    folder = tmp_path / f"sabotaged-{number}"
    # what is compiled already is taken along: Python compares the times of the sources, which the
    # copies keep, and compiles anew what was edited
    shutil.copytree(PACKAGE, folder / "empkit", ignore=shutil.ignore_patterns("notebooks"))
    for name, old, new in edits:
        path = folder / "empkit" / name
        text = path.read_text()
        count = text.count(old)
        assert count == 1, f"{old!r} is {count} times in empkit/{name}, expected once"
        path.write_text(text.replace(old, new))
    return folder


def environment_of(folder, **more):
    """The environment in which a process, and its children, import the copy in `folder`."""
    path = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", **more}


def run_python(folder, *arguments, cwd=None, timeout_s=120, **more):
    """Run Python with the copy in `folder`.

    Args:
        arguments: of the interpreter: `-c` and a text, or `*CLI` and a command
        cwd: where; by default in `folder`, so that no other copy is found first.
        timeout_s: a process that takes longer is killed, in seconds.
        more: variables of the environment.

    Returns:
        The finished process, with its output as text.
    """
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd or folder,
        env=environment_of(folder, **more),
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
