"""Puts the notebooks into the wheel, below the package; pyproject.toml has all the rest."""

from pathlib import Path
from shutil import copytree, ignore_patterns

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithNotebooks(build_py):
    """The package, and the notebooks as `empkit/notebooks`, so that `empkit lab` finds them."""

    def run(self) -> None:
        """Build, then copy them."""
        super().run()
        if not self.editable_mode:  # then they are found in the checkout
            target = Path(self.build_lib, "empkit", "notebooks")
            unwanted = ignore_patterns(".ipynb_checkpoints", "__pycache__", "figures")
            copytree("notebooks", target, ignore=unwanted, dirs_exist_ok=True)


setup(cmdclass={"build_py": BuildWithNotebooks})
