"""The time of a record, stage by stage."""

from __future__ import annotations

import numpy as np
import pandas as pd

from empkit.plots.kind import figure
from empkit.plots.style import (
    Picture,
    bars,
    legend,
    ms,
    numbers,
    through_kafka,
    titled,
)
from empkit.results.runs import Runs

_PATHS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "direct": (
        ("waits to be sent", "intended_ns", "sent_ns"),
        ("to the server", "sent_ns", "received_ns"),
        ("until durable", "received_ns", "stored_ns"),
        ("back to the sender", "stored_ns", "acked_ns"),
    ),
    "ack": (
        ("waits to be sent", "intended_ns", "sent_ns"),
        ("to the broker and back", "sent_ns", "acked_ns"),
    ),
    "stored": (
        ("waits to be sent", "intended_ns", "sent_ns"),
        ("through the broker to the server", "sent_ns", "received_ns"),
        ("until durable", "received_ns", "stored_ns"),
    ),
}

_STAGE_COLOURS = {
    "waits to be sent": "#BBBBBB",
    "to the server": "#56B4E9",
    "through the broker to the server": "#CC79A7",
    "until durable": "#0072B2",
    "back to the sender": "#E69F00",
    "to the broker and back": "#F0E442",
}


@figure(
    "stages",
    "comparison",
    "The median time of each stage of a record's path; in brackets, in their order, where "
    "there is no room for the numbers. Medians do not add up, so the median of the whole has "
    "its own mark. Kafka has two paths: its ack does not wait for the store.",
)
def stages(runs: Runs) -> Picture:
    """Draw where the time of a record goes: the median of each stage, one bar per path.

    Only acked records that took the whole path count. Medians of stages do not add up to the median
    of the whole, so that has its own mark. Kafka has two bars, since its ack does not wait for the
    store.

    Example:
        >>> plots.stages(runs).alt
        'Where most of the time goes: HTTP ... (... %), Kafka ... (... %). HTTP: ...'
    """
    paths = [
        (f"{runs.label(protocol)}{suffix}", protocol, path)
        for protocol in runs.protocols
        for suffix, path in (
            ((", until acked", "ack"), (", until stored", "stored"))
            if through_kafka(runs, protocol)
            else (("", "direct"),)
        )
    ]
    picture, axes = bars(len(paths), 0.55, 1.2)
    medians = {
        label: _stage_medians(runs.timings[runs.timings["protocol"] == protocol], _PATHS[path])
        for label, protocol, path in paths
    }
    widest = max([0.0, *(max(sum(parts.values()), whole) for parts, whole in medians.values())])
    shown: set[str] = set()
    for place, (parts, whole) in enumerate(medians.values()):
        left = 0.0
        small = any(value <= 0.12 * widest for value in parts.values())
        for stage, value in parts.items():
            axes.barh(
                place, value, left=left, color=_STAGE_COLOURS[stage], edgecolor="white", height=0.6,
                label=stage if stage not in shown else None,
            )  # fmt: skip
            if value > 0.12 * widest:
                axes.text(left + value / 2, place, ms(value), ha="center", va="center", fontsize=9,
                          color="white" if stage == "until durable" else "black")  # fmt: skip
            shown.add(stage)
            left += value
        if parts:
            axes.plot(whole, place, "D", color="black", markersize=6, zorder=4, linestyle="none",
                      label="median of the whole" if "whole" not in shown else None)  # fmt: skip
            sums = " + ".join(f"{value:.2g}" for value in parts.values())
            beside = f"   {ms(whole)}" + (f"  ({sums})" if small else "")
            axes.text(max(left, whole), place, beside, va="center", fontsize=9)
            shown.add("whole")
        else:
            axes.text(0, place, " no acked record went all the way", va="center", fontsize=9)
    axes.set_yticks(range(len(paths)), list(medians))
    axes.set_xlim(0, widest * 1.5 or 1)
    axes.set_xlabel("milliseconds, median of the whole (and of each stage, in their order)")
    legend(axes, 3)
    return titled(picture, _stage_finding(medians), _stage_words(medians), runs)


def _stage_medians(
    timings: pd.DataFrame, path: tuple[tuple[str, str, str], ...]
) -> tuple[dict[str, float], float]:
    """Return the median of each stage and of the whole, over records that took the whole path."""
    timings = timings[timings["outcome"] == "acked"].dropna(subset=[end for _, _, end in path])
    if timings.empty:
        return {}, 0.0

    def median(begin: str, end: str) -> float:
        return float(np.median(numbers(timings[end] - timings[begin]))) / 1e6

    parts = {stage: median(begin, end) for stage, begin, end in path}
    return parts, median(path[0][1], path[-1][2])


def _stage_finding(medians: dict[str, tuple[dict[str, float], float]]) -> str:
    longest = []
    for label, (parts, _) in medians.items():
        if parts and not label.endswith("acked"):
            stage = max(parts, key=lambda name: parts[name])
            share = parts[stage] / (sum(parts.values()) or 1) * 100
            longest.append(f"{label.partition(',')[0]} {stage} ({share:.0f} %)")
    if not longest:
        return "No acked record went all the way"
    return f"Where most of the time goes: {', '.join(longest)}"


def _stage_words(medians: dict[str, tuple[dict[str, float], float]]) -> str:
    return " ".join(
        f"{label}: {', '.join(f'{stage} {ms(value)}' for stage, value in parts.items())}; "
        f"median of the whole {ms(whole)}."
        for label, (parts, whole) in medians.items()
        if parts
    )
