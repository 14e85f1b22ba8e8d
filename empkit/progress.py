"""How far a run is: a bar on standard error, one changing line in a notebook."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Progress = Callable[[str, int, int], None]
"""Told which run, how many of its records are done, and how many there are."""

SILENT_S = 2.0
"""What is over sooner needs no bar."""


@contextmanager
def shown(progress: Progress | None, total: int) -> Iterator[Progress]:
    """The caller's own progress, or one that people can see.

    Args:
        progress: the caller's; None for the kit's.
        total: the records of all runs.
    """
    if progress is not None:
        yield progress
    elif _in_notebook():
        yield from _line(total)
    else:
        yield from _bar(total)


def _in_notebook() -> bool:
    """Whether a Jupyter kernel runs us. tqdm would want a widget there, which stays in the saved
    notebook as a stump."""
    ipython = sys.modules.get("IPython")
    shell: Any = ipython.get_ipython() if ipython else None
    return shell is not None and hasattr(shell, "kernel")


def _line(total: int) -> Iterator[Progress]:
    from IPython.display import display

    began = time.monotonic()
    done: dict[str, int] = {}
    show: Any = display  # IPython has no types
    handle = show(_Text("starting ..."), display_id=True)

    def update(name: str, records: int, _of: int) -> None:
        done[name] = records
        handle.update(_Text(f"{name}: {sum(done.values()):,} of {total:,} records"))

    try:
        yield update
    finally:
        took = time.monotonic() - began
        handle.update(_Text(f"{sum(done.values()):,} records in {took:.1f} s"))


class _Text:
    """A line that a notebook shows as it is."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def _bar(total: int) -> Iterator[Progress]:
    from tqdm import tqdm

    before: dict[str, int] = {}
    often_s = 0.1 if sys.stderr.isatty() else 2.0  # a file gets a line each time
    with tqdm(
        total=total, unit="rec", delay=SILENT_S, mininterval=often_s, leave=False,
        dynamic_ncols=True,
    ) as bar:  # fmt: skip

        def update(name: str, records: int, _of: int) -> None:
            bar.set_description(name, refresh=False)
            bar.update(records - before.get(name, 0))
            before[name] = records

        yield update
