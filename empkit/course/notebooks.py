"""The notebooks of the course: the version that they need, their folder, and working copies.

originals (executed) --without outputs--> working copy: what was measured is not yet to be seen
"""

from __future__ import annotations

import filecmp
import json
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

from packaging.version import Version

from empkit.course import ledger

NOTEBOOK = ".ipynb"
_LEFT_OUT = {".ipynb_checkpoints", "figures", ledger.NAME}


def require(wanted: str) -> None:
    """Check that the installed kit is new enough for a notebook.

    Args:
        wanted: the minimum version.

    Raises:
        RuntimeError: the installed kit is older; the message says how to get a newer one.

    Example:
        >>> require("0.1")
    """
    installed = version("empkit")
    if Version(installed) < Version(wanted):
        raise RuntimeError(
            f"This notebook needs empkit {wanted} or newer, and {installed} is installed. In the "
            "project's folder: pip install -e ."
        )


def originals() -> Path:
    """Return the folder of the published notebooks: in the installed package, or beside it in a
    checkout.

    Raises:
        FileNotFoundError: they are in neither place.
    """
    package = Path(__file__).parent.parent
    for folder in (package / "notebooks", package.parent / "notebooks"):
        if (folder / "00_start_here.ipynb").exists():
            return folder
    raise FileNotFoundError("The notebooks are missing in this installation: reinstall empkit.")


def working_copy(folder: Path, *, fresh: bool = False) -> list[Path]:
    """Copy the notebooks, without outputs, to a folder in which a reader may change them.

    A notebook that is there already stays as it is. `fresh` restores the original; a notebook whose
    cells the reader has changed is renamed to `NAME.mine.ipynb`, `NAME.mine-2.ipynb` and so on, and
    one that was only executed is not. Progress (`empkit-progress.json`) stays.

    Args:
        folder: the destination; created when it is missing.
        fresh: whether to restore the originals.

    Returns:
        The reader's notebooks that were renamed, under their new names.

    Raises:
        FileNotFoundError: see `originals`.
        OSError: the folder cannot be written.

    Example:
        >>> working_copy(Path("course")), Path("course/00_start_here.ipynb").exists()
        ([], True)
    """
    source, renamed = originals(), []
    for original in sorted(source.rglob("*")):
        if original.is_dir() or _LEFT_OUT & {*original.parts}:
            continue
        copy = folder / original.relative_to(source)
        if copy.exists():
            if not fresh or filecmp.cmp(original, copy, shallow=False):
                continue
            if _is_changed(copy, original):
                renamed.append(copy.rename(_free_name(copy)))
        copy.parent.mkdir(parents=True, exist_ok=True)
        if original.suffix == NOTEBOOK:
            copy.write_text(written(without_outputs(read(original))), encoding="utf-8")
        else:
            shutil.copyfile(original, copy)
    return renamed


def read(path: Path) -> dict[str, Any]:
    """Return the JSON of a notebook.

    Args:
        path: its file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no JSON.
    """
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def written(notebook: dict[str, Any]) -> str:
    """Return the text of a notebook, in the form in which Jupyter writes it.

    Args:
        notebook: its JSON.
    """
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def without_outputs(notebook: dict[str, Any]) -> dict[str, Any]:
    """Return a notebook as if no cell had been executed.

    Args:
        notebook: its JSON.
    """
    cells = [
        {**cell, "outputs": [], "execution_count": None} if cell["cell_type"] == "code" else cell
        for cell in notebook["cells"]
    ]
    return {**notebook, "cells": cells}


def _is_changed(copy: Path, original: Path) -> bool:
    """Return whether a reader has changed a copy: the cells of a notebook, or any other file.

    Outputs, and what Jupyter notes about cells and kernel, are no change.
    """
    if original.suffix != NOTEBOOK:
        return True  # their bytes differ
    try:
        return _cells(copy) != _cells(original)
    except (OSError, ValueError, KeyError, TypeError):
        return True


def _cells(path: Path) -> list[tuple[str, str]]:
    return [(cell["cell_type"], "".join(cell["source"])) for cell in read(path)["cells"]]


def _free_name(path: Path) -> Path:
    """Return an unused name beside `path`."""
    number = 1
    while True:
        suffix = ".mine" if number == 1 else f".mine-{number}"
        name = path.with_name(f"{path.stem}{suffix}{path.suffix}")
        if not name.exists():
            return name
        number += 1
