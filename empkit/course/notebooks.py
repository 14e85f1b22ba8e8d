"""The notebooks of the course: the version that they need, their folder, and working copies."""

from __future__ import annotations

import filecmp
import shutil
from importlib.metadata import version
from pathlib import Path

from packaging.version import Version


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
    """Copy the notebooks to a folder in which a reader may change them.

    A notebook that the reader has changed stays as it is; `fresh` restores the original and renames
    the reader's to `NAME.mine.ipynb`, `NAME.mine-2.ipynb` and so on.

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
        if original.is_dir() or {".ipynb_checkpoints", "figures"} & set(original.parts):
            continue
        copy = folder / original.relative_to(source)
        if copy.exists():
            if not fresh or filecmp.cmp(original, copy, shallow=False):
                continue
            renamed.append(copy.rename(_free_name(copy)))
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(original, copy)
    return renamed


def _free_name(path: Path) -> Path:
    """Return an unused name beside `path`."""
    number = 1
    while True:
        suffix = ".mine" if number == 1 else f".mine-{number}"
        name = path.with_name(f"{path.stem}{suffix}{path.suffix}")
        if not name.exists():
            return name
        number += 1
