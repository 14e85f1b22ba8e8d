"""Latencies of records: distribution and percentiles per protocol."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from empkit.clients.look import Look
from empkit.plots.kind import figure
from empkit.plots.style import (
    Picture,
    all_of,
    logarithmic,
    ms,
    new_picture,
    titled,
)
from empkit.results import comparison
from empkit.results.runs import Runs, latencies_ms
from empkit.results.statistics import Floats

MOST_POINTS = 4_000  # per line; more than there are pixels


@figure(
    "latency",
    "comparison",
    "Each line shows the share of the records that took at most the time on the axis: above until "
    "their sender knew, below until they were durable. Further left is faster; from 90 to 99 % is "
    "the tail. Marks are p50, p90 and p99: the mean of the rounds, with the 95 % interval between "
    "rounds from three rounds on, and the range of two. Both time axes are the same, so that the "
    "two can be compared.",
)
def latency(runs: Runs) -> Picture:
    """Draw the time until records were acked, and until they were stored.

    Shows a cumulative distribution per protocol on a logarithmic axis, with marks at p50, p90 and
    p99 and their intervals between rounds, as in `Runs.summary`. Records that were never acked, or
    never stored, have no such time; the legend says how many are drawn. The title names a first one
    only where it differs from each of the others: see `empkit.results.comparison`.

    Args:
        runs: runs of one or more protocols.

    Example:
        >>> plots.latency(runs).alt
        '... HTTP: acked p50 ...; stored p50 ... Kafka: acked p50 ...; stored p50 ...'
    """
    picture, panels = new_picture(2, 6.4)
    summary: dict[Any, Any] = runs.summary().to_dict("index")
    usable = runs.usable
    for axes, kind, label in zip(
        panels,
        ("ack", "stored"),
        ("acked: the sender knows", "stored: the record is durable"),
        strict=True,
    ):
        for protocol in runs.protocols:
            timings = usable[usable["protocol"] == protocol]
            values = np.sort(latencies_ms(timings, kind)["ms"].to_numpy())
            if len(values):
                row = summary[protocol]
                text = f"{runs.label(protocol)}: p50 {ms(row[f'{kind}_p50_ms'])}"
                text = text if len(values) > 1 else f"{runs.label(protocol)}: {ms(values[0])}"
                if len(values) < len(timings):
                    text += f" ({len(values):,} of {len(timings):,})"
                _distribution(axes, values, runs.looks[protocol], text)
                _mark_percentiles(axes, row, runs.looks[protocol], kind)
        logarithmic(axes.xaxis, f"milliseconds until {label}")
        axes.tick_params(axis="x", labelbottom=True)
        axes.set_yticks([0, 25, 50, 75, 90, 99])
        axes.set_ylabel("% of records")
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
            ends = None if np.isnan(low) else [[max(0, value - low)], [max(0, high - value)]]
            axes.errorbar(
                value, level, xerr=ends, fmt=look.marker, color=look.colour, markersize=5,
                capsize=3, zorder=3,
            )  # fmt: skip


_VERBS = {"ack": ("ack", "acked"), "stored": ("store", "stored")}


def _latency_finding(runs: Runs, summary: dict[Any, Any]) -> str:
    """Return the first protocol by acks and by stored records, or why none is the first."""
    orders = {kind: _by_median(summary, kind) for kind in _VERBS}
    rankings = {
        kind: comparison.ranked_latencies(runs, runs.per_round(kind), order)
        for kind, order in orders.items()
        if len(order) > 1
    }
    claims = dict(zip(rankings, comparison.claimed(list(rankings.values())), strict=True))
    parts = {}
    for kind, order in orders.items():
        medians = {
            name: f"{runs.label(name)} {ms(summary[name][f'{kind}_p50_ms'])}" for name in order
        }
        verb, done = _VERBS[kind]
        if not order:
            many = len(latencies_ms(runs.timings, kind))
            parts[kind] = f"too few {done} for a median" if many else f"nothing was {done}"
        elif kind not in rankings:
            median = ms(summary[order[0]][f"{kind}_p50_ms"])
            parts[kind] = f"{runs.label(order[0])}: {done} p50 {median}"
        elif claims[kind]:
            median = ms(summary[order[0]][f"{kind}_p50_ms"])
            parts[kind] = f"{runs.label(order[0])} {verb}s first: p50 {median}, {medians[order[1]]}"
        elif rankings[kind].reason:
            listed = ", ".join(medians[name] for name in runs.protocols if name in medians)
            parts[kind] = f"{done} p50: {listed}"
        else:
            names = [runs.label(name) for name in rankings[kind].alike(len(rankings))]
            parts[kind] = f"{all_of(names)} {verb} with no difference that shows"
    name = f"{runs.label(str(next(iter(summary))))}: "
    if len(summary) == 1 and parts["ack"].startswith(name):
        parts["stored"] = parts["stored"].removeprefix(name)
    reasons = dict.fromkeys(ranking.reason for ranking in rankings.values() if ranking.reason)
    return "; ".join(parts.values()) + "".join(f" ({reason})" for reason in reasons)


def _by_median(summary: dict[Any, Any], kind: str) -> list[str]:
    """Return the protocols that have a median, the fastest first."""
    medians = {str(name): float(row[f"{kind}_p50_ms"]) for name, row in summary.items()}
    known = [name for name, median in medians.items() if not np.isnan(median)]
    return sorted(known, key=medians.__getitem__)


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
