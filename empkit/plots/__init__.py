"""One function per figure. Each takes runs and returns a figure whose title states the result.

A notebook displays a figure that is the last line of a cell; `savefig` saves it, and `alt`
describes it in words. The colours are those of Okabe and Ito ("Color Universal Design", 2008),
which people with any colour vision can distinguish; each is combined with a different marker or
line style.

    >>> plots.latency(runs).savefig("latency.png")
"""

from empkit.plots.choices import choices
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
    "choices",
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
