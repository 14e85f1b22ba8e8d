"""A pytest plugin for mutation testing in one process. It leaves out the tests that start a lab or
a database server, since a mutant of this process is none of theirs, and those marked slow, since a
mutant that survives would take as long; of the others those that took least in mutmut's first run
begin, since one that fails is enough.

    pytest -p benchmarks.in_process tests/results
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

STARTED = {"lab", "embedded", "apache", "kafka_jars", "postgres", "new_database"}
"""The fixtures of `tests/conftest.py` that start processes, or are used to store thousands."""
STATS = Path("mutmut-stats.json")
"""What mutmut measured of each test, in its folder, where it runs the tests."""


@pytest.hookimpl(trylast=True)  # after tests/conftest.py has sorted them
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out each test that uses one of these fixtures or is slow; begin with the quickest."""
    left_out = [item for item in items if _is_left_out(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
    took = json.loads(STATS.read_text())["duration_by_test"] if STATS.exists() else {}
    rest = (item for item in items if item not in left_out)
    items[:] = sorted(rest, key=lambda item: took.get(item.nodeid, 0.0))


def _is_left_out(item: pytest.Item) -> bool:
    starts = STARTED.intersection(getattr(item, "fixturenames", ()))
    return bool(starts) or item.get_closest_marker("slow") is not None
