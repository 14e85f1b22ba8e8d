"""A figure of a folder of results."""

from __future__ import annotations

from empkit.plots.kind import figure
from empkit.plots.style import Picture
from empkit.results.runs import Runs


@figure(
    "attempts",
    "comparison",
    "How often a record had to be sent, on average: 1 is without any retry.",
)
def attempts(runs: Runs) -> Picture:
    """The mean number of attempts, a bar a protocol."""
    means = runs.timings.groupby("protocol")["attempts"].mean()
    picture = Picture(figsize=(8.0, 3.0), layout="constrained")
    axes = picture.add_subplot()
    for protocol in runs.protocols:
        axes.barh(runs.label(protocol), means[protocol], color=runs.looks[protocol].colour)
    axes.set_xlabel("attempts a record, mean")
    words = [f"{runs.label(protocol)} {means[protocol]:.2f}" for protocol in runs.protocols]
    picture.alt = f"Attempts a record: {', '.join(words)}."
    return picture
