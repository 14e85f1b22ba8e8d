"""Nobody is there to guess when pytest runs the notebooks: they go on without one, keep nothing,
and try each solution where its check stands. Kernels and other children inherit the variable.

After each cell, its claims are held against changes that make them false."""

import os

import pytest

os.environ["EMPKIT_GUESS"] = "none"
pytest_plugins = ["tests.course.claims.plugin"]

LONG_NOTEBOOKS = ("04_latency", "05_load", "09_choose", "10_your_experiment")
"""The notebooks that take longest: `nox -s slow` and the gate run them, `pytest` alone does not."""


@pytest.hookimpl(tryfirst=True)  # before those with the marker are left out
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the cells of the long notebooks as slow."""
    for item in items:
        if item.path.suffix == ".ipynb" and item.path.stem in LONG_NOTEBOOKS:
            item.add_marker("slow")
