"""The figures that a folder of results gets, by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from empkit.plots.latency import latency
from empkit.plots.stages import stages
from empkit.plots.style import Picture
from empkit.plots.throughput import rates, throughput
from empkit.plots.timeline import percentiles_over_time, timeline
from empkit.plots.verdicts import verdicts
from empkit.results.runs import Runs

if TYPE_CHECKING:
    from empkit.results.info import RunInfo


def figures(runs: Runs) -> dict[str, Picture]:
    """The figures that a folder of results gets, by name."""
    return {name: draw() for name, draw in drawers(runs).items()}


def drawers(runs: Runs) -> dict[str, Callable[[], Picture]]:
    """What draws each figure of a folder of results, by name."""
    if runs.timings.empty:
        return {}  # there is nothing to be seen
    found: dict[str, Callable[[], Picture]] = {
        "latency": partial(latency, runs),
        "stages": partial(stages, runs),
        "verdicts": partial(verdicts, runs),
        "rates": partial(rates, runs),
    }
    infos: Sequence[RunInfo] = runs.runs
    for info in {info.protocol: info for info in infos}.values():
        one = runs.of(info.protocol, info.round)
        found[f"timeline-{info.protocol}"] = partial(timeline, one)
        if info.timed_faults:
            found[f"throughput-{info.protocol}"] = partial(throughput, one)
            found[f"percentiles-{info.protocol}"] = partial(percentiles_over_time, one)
    return found
