"""Latencies of several choices of guarantees, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from empkit.plots.kind import figure
from empkit.plots.style import Picture, logarithmic, ms, new_picture, titled
from empkit.results.load import UNEQUAL, load_of
from empkit.results.runs import Runs

LEVELS = {50: "o", 90: "s", 99: "^"}
"""The marker of each percentile."""
ROW = 0.34
"""The height of a row, in inches."""


@figure(
    "choices",
    "choices",
    "A row for each protocol and choice: above until its sender knew, below until it was durable. "
    "Further left is faster. Where a mark has a bar, the bar is its interval between the rounds.",
)
def choices(crossed: Sequence[Runs]) -> Picture:
    """Draw p50, p90 and p99 of several choices, a row for each protocol and choice.

    Args:
        crossed: one result per choice, such as `Lab.cross` returns, all at the same load.

    Example:
        >>> plots.choices([runs]).alt
        'Latency of each choice, ... HTTP, as set: acked p50 ...'
    """
    summaries = {id(runs): runs.summary().to_dict("index") for runs in crossed}
    protocols = list(dict.fromkeys(protocol for runs in crossed for protocol in runs.protocols))
    rows = [
        (f"{runs.label(protocol)}, {runs.guarantees}", row, runs.looks[protocol])
        for protocol in protocols
        for runs in crossed
        for row in [summaries[id(runs)].get(protocol)]
        if row is not None
    ]
    picture, panels = new_picture(2, 1.6 + 2 * (0.6 + ROW * len(rows)))
    for axes, kind, label in zip(
        panels,
        ("ack", "stored"),
        ("acked: the sender knows", "stored: the record is durable"),
        strict=True,
    ):
        for place, (_, row, look) in enumerate(rows):
            _mark(axes, place, row, kind, look.colour)
        logarithmic(axes.xaxis, f"milliseconds until {label}")
        axes.tick_params(axis="x", labelbottom=True)
        axes.set_yticks(range(len(rows)), [name for name, _, _ in rows])
        axes.set_ylim(len(rows) - 0.5, -0.5)
    picture.legend(
        handles=[
            Line2D([], [], marker=marker, color="black", linestyle="none", label=f"p{level}")
            for level, marker in LEVELS.items()
        ],
        loc="outside lower center", ncols=len(LEVELS), frameon=False, fontsize=9,
    )  # fmt: skip
    words = " ".join(
        f"{name}: "
        + "; ".join(
            f"{word} " + ", ".join(f"p{level} {ms(row[f'{kind}_p{level}_ms'])}" for level in LEVELS)
            for kind, word in (("ack", "acked"), ("stored", "stored"))
        )
        + "."
        for name, row, _ in rows
    )
    load = load_of(crossed[0])
    title = f"Latency of each choice, {load}"
    if not load.equal:
        title += f": {UNEQUAL}"
    return titled(picture, title, words, crossed)


def _mark(axes: Axes, place: int, row: dict[Any, Any], kind: str, colour: str) -> None:
    """Draw the percentiles of one row, with their intervals where there are any."""
    known = [level for level in LEVELS if not np.isnan(row[f"{kind}_p{level}_ms"])]
    values = [row[f"{kind}_p{level}_ms"] for level in known]
    axes.plot(values, [place] * len(values), color=colour, linewidth=1, alpha=0.5)
    for level, value in zip(known, values, strict=True):
        low, high = (row[f"{kind}_p{level}_ms_{side}"] for side in ("low", "high"))
        sides = [[0], [0]] if np.isnan(low) else [[max(0, value - low)], [max(0, high - value)]]
        axes.errorbar(value, place, xerr=sides, fmt=LEVELS[level], color=colour, capsize=3)
