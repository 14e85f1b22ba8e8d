"""Latencies of records: distribution and percentiles per protocol."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from empkit.clients.look import Look
from empkit.plots.kind import figure
from empkit.plots.style import (
    Picture,
    logarithmic,
    ms,
    new_picture,
    titled,
)
from empkit.results.runs import Runs, latencies_ms
from empkit.results.statistics import Floats, difference

MOST_POINTS = 4_000  # per line; more than there are pixels


@figure(
    "latency",
    "comparison",
    "Each line shows the share of the records that took at most the time on the axis: above until "
    "their sender knew, below until they were durable. Further left is faster; from 90 to 99 % is "
    "the tail. Marks are p50, p90 and p99, with their 95 % intervals. Both time axes are the "
    "same, so that the two can be compared.",
)
def latency(runs: Runs) -> Picture:
    """Draw the time until records were acked, and until they were stored.

    Shows a cumulative distribution per protocol on a logarithmic axis, with marks at p50, p90 and
    p99 and their 95 % intervals. Records that were never acked, or never stored, have no such time;
    the legend says how many are drawn.

    Args:
        runs: runs of one or more protocols.

    Example:
        >>> plots.latency(runs).alt
        '... HTTP: acked p50 ...; stored p50 ... Kafka: acked p50 ...; stored p50 ...'
    """
    picture, panels = new_picture(2, 6.4)
    summary: dict[Any, Any] = runs.summary().to_dict("index")
    for axes, kind, label in zip(
        panels,
        ("ack", "stored"),
        ("acked: the sender knows", "stored: the record is durable"),
        strict=True,
    ):
        for protocol in runs.protocols:
            timings = runs.timings[runs.timings["protocol"] == protocol]
            values = np.sort(latencies_ms(timings, kind)["ms"].to_numpy())
            if len(values):
                row = summary[protocol]
                text = f"{runs.label(protocol)}: p50 {ms(row[f'{kind}_p50_ms'])}"
                text = text if len(values) > 1 else f"{runs.label(protocol)}: {ms(values[0])}"
                if len(values) < len(timings):
                    text += f" ({len(values):,} of {len(timings):,})"
                _distribution(axes, values, runs.looks[protocol], text)
                _mark_percentiles(axes, row, runs.looks[protocol], kind)
        logarithmic(axes.xaxis)
        axes.tick_params(axis="x", labelbottom=True)
        axes.set_yticks([0, 25, 50, 75, 90, 99])
        axes.set_ylabel("% of records")
        axes.set_xlabel(f"milliseconds until {label}")
        axes.set_ylim(0, 103)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(loc="best", frameon=True, framealpha=0.85, edgecolor="none",
                        fontsize=9, handlelength=3)  # fmt: skip
        else:
            axes.text(0.5, 0.5, "none", transform=axes.transAxes, ha="center")
    finding = _latency_finding(runs, summary)
    return titled(picture, finding[:1].upper() + finding[1:], _latency_words(runs, summary), runs)


def _distribution(axes: Axes, values: Floats, look: Look, label: str) -> None:
    """Draw the cumulative distribution of sorted values."""
    places = np.arange(len(values))
    if len(values) > MOST_POINTS:
        places = np.unique(np.linspace(0, len(values) - 1, MOST_POINTS).astype(int))
    axes.step(
        np.append(values[0], values[places]), np.append(0, (places + 1) / len(values) * 100),
        where="post", color=look.colour, linestyle=look.line,
        linewidth=1.6, label=label, marker=look.marker, markersize=5,
        markevery=[],
    )  # fmt: skip


def _mark_percentiles(axes: Axes, row: dict[str, Any], look: Look, kind: str) -> None:
    for level in (50, 90, 99):
        value, low, high = (row[f"{kind}_p{level}_ms{side}"] for side in ("", "_low", "_high"))
        if not np.isnan(value):
            axes.errorbar(
                value, level, xerr=[[max(0, value - low)], [max(0, high - value)]],
                fmt=look.marker, color=look.colour, markersize=5,
                capsize=3, zorder=3,
            )  # fmt: skip


def _latency_finding(runs: Runs, summary: dict[Any, Any]) -> str:
    """Return the fastest protocol by acks and by stored records, naming a single one only once."""
    acked, stored = (_first(runs, summary, kind) for kind in ("ack", "stored"))
    name = f"{runs.label(str(next(iter(summary))))}: "
    if len(summary) == 1 and acked.startswith(name):
        stored = stored.removeprefix(name)
    return f"{acked}; {stored}"


def _first(runs: Runs, summary: dict[Any, Any], kind: str) -> str:
    """Return the protocol with the lowest median, if the difference exceeds its interval."""
    verb, done = {"ack": ("ack", "acked"), "stored": ("store", "stored")}[kind]
    medians = pd.Series({name: row[f"{kind}_p50_ms"] for name, row in summary.items()})
    medians = medians.dropna().sort_values()
    if medians.empty:
        many = len(latencies_ms(runs.timings, kind))
        return f"too few {done} for a median" if many else f"nothing was {done}"
    first, least = str(medians.index[0]), ms(medians.iloc[0])
    if len(medians) == 1:
        return f"{runs.label(first)}: {done} p50 {least}"
    second = str(medians.index[1])
    a, b = (
        latencies_ms(runs.timings[runs.timings["protocol"] == protocol], kind)
        for protocol in (second, first)
    )
    rounds = (a["round"].to_numpy(), b["round"].to_numpy())
    low, _ = difference(a["ms"].to_numpy(), b["ms"].to_numpy(), rounds=rounds)
    if low <= 0:
        return f"{runs.label(first)} and {runs.label(second)} {verb} with no difference that shows"
    others = f"{runs.label(second)} {ms(medians.iloc[1])}"
    return f"{runs.label(first)} {verb}s first: p50 {least}, {others}"


def _latency_words(runs: Runs, summary: dict[Any, Any]) -> str:
    def words(row: dict[str, Any], kind: str) -> str:
        known = [
            f"p{level} {ms(row[f'{kind}_p{level}_ms'])}"
            for level in (50, 90, 99)
            if not np.isnan(row[f"{kind}_p{level}_ms"])
        ]
        return ", ".join(known) or "too few to say"

    return " ".join(
        f"{runs.label(str(protocol))}: acked {words(row, 'ack')}; stored {words(row, 'stored')}."
        for protocol, row in summary.items()
    )
