"""The figures that are drawn for a folder of results.

A figure is a function decorated with `@figure(...)`, which sets its name and caption and registers
it. The kit's figures are in the modules imported here; other packages add figures through the entry
point group `empkit.figures`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial

from empkit import plugins
from empkit.plots.kind import DEFINED, FigureKind
from empkit.plots.style import Picture, stamped
from empkit.results.runs import Runs

FAMILIES = ("latency", "choices", "stages", "verdicts", "timeline", "throughput")
"""The modules of the kit's figures, in the order of a report."""

# imported by name: the package also has functions with the names of the modules
MODULES = [importlib.import_module(f"empkit.plots.{name}").__name__ for name in FAMILIES]


def figures(runs: Runs) -> dict[str, Picture]:
    """Return the figures for a folder of results, by name.

    Example:
        >>> plots.figures(runs)["verdicts"].savefig("verdicts.png")
    """
    return {name: draw() for name, draw in drawers(runs).items()}


def drawers(runs: Runs) -> dict[str, Callable[[], Picture]]:
    """Return the functions that draw the figures for a folder of results, by name.

    Example:
        >>> list(plots.drawers(runs))
        ['latency', 'stages', 'verdicts', 'rates', 'timeline-...', 'timeline-...']
    """
    if runs.timings.empty:
        return {}  # there is nothing to show
    kinds = _in_order()
    todo: dict[str, Callable[[], Picture]] = {
        kind.name: partial(_drawn, kind, runs) for kind in kinds if kind.of == "comparison"
    }
    for info in {info.protocol: info for info in runs.runs}.values():
        one = runs.of(info.protocol, info.round)
        for kind in kinds:
            if kind.of == "protocol" or (kind.of == "faulted protocol" and info.timed_faults):
                todo[f"{kind.name}-{info.protocol}"] = partial(_drawn, kind, one)
    return todo


def _drawn(kind: FigureKind, runs: Runs) -> Picture:
    """Draw a figure, and stamp one of another package that does not do so itself."""
    return stamped(kind.draw(runs), runs)


def caption_of(name: str) -> str:
    """Return the caption of a figure, given its name, such as `latency` or `timeline-kafka`."""
    return next(kind.caption for kind in _in_order() if f"{name}-".startswith(f"{kind.name}-"))


def _in_order() -> list[FigureKind]:
    """Return all figures, those of other packages last."""
    plugins.load("figures")

    def place(kind: FigureKind) -> int:
        home = kind.draw.__module__
        return MODULES.index(home) if home in MODULES else len(MODULES)

    return sorted(DEFINED.values(), key=place)
