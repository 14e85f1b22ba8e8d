"""One function a figure. Each takes runs and returns a figure whose title states what was found.

A figure shows itself as the last line of a cell, is saved with `savefig`, and says in words what it
shows (`alt`). Colours are those of Okabe and Ito ("Color Universal Design", 2008), which people
with any colour vision can tell apart, and each comes with a marker or a line of its own.

    >>> plots.latency(runs).savefig("latency.png")
"""

from empkit.plots.journey import journey
from empkit.plots.latency import latency
from empkit.plots.register import drawers, figures
from empkit.plots.stages import stages
from empkit.plots.style import Picture
from empkit.plots.throughput import knee, rates, throughput
from empkit.plots.timeline import percentiles_over_time, timeline, timelines
from empkit.plots.verdicts import copies, verdicts

__all__ = [
    "Picture",
    "copies",
    "drawers",
    "figures",
    "journey",
    "knee",
    "latency",
    "percentiles_over_time",
    "rates",
    "stages",
    "throughput",
    "timeline",
    "timelines",
    "verdicts",
]
