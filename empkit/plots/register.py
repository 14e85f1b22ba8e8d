"""The figures that a folder of results gets.

A figure is a function under `@figure(...)`, which says its name and its caption: it is in the
register once it has been defined. The kit's own are in the modules that are imported here; those of
other packages come by the entry point `empkit.figures`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial

from empkit import plugins
from empkit.plots.kind import DEFINED, FigureKind
from empkit.plots.style import Picture
from empkit.results.runs import Runs

FAMILIES = ("latency", "stages", "verdicts", "timeline", "throughput")
"""The modules of the kit's own figures, in the order of a report."""

# by name, since the package has functions that are named like their modules
MODULES = [importlib.import_module(f"empkit.plots.{name}").__name__ for name in FAMILIES]


def figures(runs: Runs) -> dict[str, Picture]:
    """The figures that a folder of results gets, by name.

    Example:
        >>> plots.figures(runs)["verdicts"].savefig("verdicts.png")
    """
    return {name: draw() for name, draw in drawers(runs).items()}


def drawers(runs: Runs) -> dict[str, Callable[[], Picture]]:
    """What draws each figure of a folder of results, by name.

    Example:
        >>> list(plots.drawers(runs))
        ['latency', 'stages', 'verdicts', 'rates', 'timeline-...', 'timeline-...']
    """
    if runs.timings.empty:
        return {}  # there is nothing to be seen
    kinds = _in_order()
    todo: dict[str, Callable[[], Picture]] = {
        kind.name: partial(kind.draw, runs) for kind in kinds if kind.of == "comparison"
    }
    for info in {info.protocol: info for info in runs.runs}.values():
        one = runs.of(info.protocol, info.round)
        for kind in kinds:
            if kind.of == "protocol" or (kind.of == "faulted protocol" and info.timed_faults):
                todo[f"{kind.name}-{info.protocol}"] = partial(kind.draw, one)
    return todo


def caption_of(name: str) -> str:
    """How to read a figure of a folder of results, such as `latency` or `timeline-kafka`."""
    return next(kind.caption for kind in _in_order() if f"{name}-".startswith(f"{kind.name}-"))


def _in_order() -> list[FigureKind]:
    """All figures, those of other packages last."""
    plugins.load("figures")

    def place(kind: FigureKind) -> int:
        home = kind.draw.__module__
        return MODULES.index(home) if home in MODULES else len(MODULES)

    return sorted(DEFINED.values(), key=place)
