"""The course: its notebooks, where they are, and what they have in common."""

from __future__ import annotations

import filecmp
import re
import shutil
from importlib.metadata import version
from pathlib import Path


def require(wanted: str) -> None:
    """Check that the installed kit is new enough for a notebook.

    Args:
        wanted: the oldest version that will do.

    Raises:
        RuntimeError: it is older; the message says how to get a newer one.
    """
    found = version("empkit")
    if _numbers(found) < _numbers(wanted):
        raise RuntimeError(
            f"This notebook wants empkit {wanted} or newer, and {found} is installed. In the "
            "project's folder: pip install -e ."
        )


def _numbers(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", text)]


def originals() -> Path:
    """The folder of the notebooks as they were published: in the installed package, or beside it
    in a checkout.

    Raises:
        FileNotFoundError: they are in neither place.
    """
    package = Path(__file__).parent.parent
    for folder in (package / "notebooks", package.parent / "notebooks"):
        if (folder / "00_start_here.ipynb").exists():
            return folder
    raise FileNotFoundError("The notebooks are missing in this installation: install empkit anew.")


def working_copy(folder: Path, *, fresh: bool = False) -> list[Path]:
    """Copy the notebooks to where a reader may change them.

    What the reader has changed stays as it is; `fresh` puts the original in its place and keeps
    the reader's as `NAME.mine.ipynb`, `NAME.mine-2.ipynb` and so on.

    Args:
        folder: where to; made when it is missing.
        fresh: begin anew.

    Returns:
        The reader's notebooks that were put aside, under their new names.

    Raises:
        FileNotFoundError: see `originals`.
        OSError: the folder cannot be written.
    """
    source, aside = originals(), []
    for original in sorted(source.rglob("*")):
        if original.is_dir() or {".ipynb_checkpoints", "figures"} & set(original.parts):
            continue
        copy = folder / original.relative_to(source)
        if copy.exists():
            if not fresh or filecmp.cmp(original, copy, shallow=False):
                continue
            aside.append(copy.rename(_free_name(copy)))
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(original, copy)
    return aside


def _free_name(path: Path) -> Path:
    """A name beside `path` that nobody has."""
    number = 1
    while True:
        suffix = ".mine" if number == 1 else f".mine-{number}"
        name = path.with_name(f"{path.stem}{suffix}{path.suffix}")
        if not name.exists():
            return name
        number += 1
