"""The time of a record, stage by stage."""

from __future__ import annotations

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
from empkit.results import comparison
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
    "The median time of each stage of a record's path, the mean of the rounds; in brackets, in "
    "their order, where there is no room for the numbers. Medians do not add up, so the median of "
    "the whole has its own mark. Kafka has two paths: its ack does not wait for the store.",
)
def stages(runs: Runs) -> Picture:
    """Draw where the time of a record goes: the median of each stage, one bar per path.

    Only acked records that took the whole path count. Medians of stages do not add up to the median
    of the whole, so that has its own mark. Kafka has two bars, since its ack does not wait for the
    store.

    Example:
        >>> plots.stages(runs).alt
        'The time of a record, stage by stage (one round: no ranking; ...). HTTP: ...'
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
    usable = runs.usable
    rounds = {
        label: _stage_medians(usable[usable["protocol"] == protocol], _PATHS[path])
        for label, protocol, path in paths
    }
    medians = {label: _means(of_rounds) for label, of_rounds in rounds.items()}
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
    finding = _stage_finding(runs, {label: protocol for label, protocol, _ in paths}, rounds)
    return titled(picture, finding, _stage_words(medians), runs)


_WHOLE = "whole"


def _stage_medians(timings: pd.DataFrame, path: tuple[tuple[str, str, str], ...]) -> pd.DataFrame:
    """Return the median of each stage and of the whole in milliseconds, over records that took the
    whole path: one row per round, one column per stage."""
    timings = timings[timings["outcome"] == "acked"].dropna(subset=[end for _, _, end in path])
    spans = {stage: (begin, end) for stage, begin, end in path}
    spans[_WHOLE] = (path[0][1], path[-1][2])
    took = {name: numbers(timings[end] - timings[begin]) for name, (begin, end) in spans.items()}
    medians: pd.DataFrame = pd.DataFrame(took).groupby(timings["round"].to_numpy()).median() / 1e6
    return medians


def _means(medians: pd.DataFrame) -> tuple[dict[str, float], float]:
    """Return each stage and the whole over all rounds; no stage where none went all the way."""
    if medians.empty:
        return {}, 0.0
    means = {
        str(name): comparison.between_rounds(medians[name].to_numpy(float)).value
        for name in medians
    }
    whole = means.pop(_WHOLE)
    return means, whole


def _stage_finding(runs: Runs, protocols: dict[str, str], rounds: dict[str, pd.DataFrame]) -> str:
    """Return the longest stage of each protocol until stored, or why none is the longest."""
    rankings = {}
    means = {}
    for label, medians in rounds.items():
        parts, _ = _means(medians)
        if parts and not label.endswith("acked"):
            name = label.partition(",")[0]
            order = sorted(parts, key=lambda stage: -parts[stage])
            count = comparison.valid_rounds(runs, [protocols[label]])
            means[name] = parts
            rankings[name] = comparison.ranking(medians, order, [count], most=True)
    if not rankings:
        return "No acked record went all the way"
    longest, reasons = [], []
    claims = comparison.claimed(list(rankings.values()))
    for (name, ranking), is_longest in zip(rankings.items(), claims, strict=True):
        share = means[name][ranking.best] / (sum(means[name].values()) or 1) * 100
        if is_longest:
            longest.append(f"{name} {ranking.best} ({share:.0f} %)")
        elif ranking.reason:
            reasons.append(ranking.reason)
        else:
            longest.append(f"{name} {' or '.join(ranking.alike(len(rankings)))}")
    title = f"Where most of the time goes: {', '.join(longest)}"
    title = title if longest else "The time of a record, stage by stage"
    return title + "".join(f" ({reason})" for reason in dict.fromkeys(reasons))


def _stage_words(medians: dict[str, tuple[dict[str, float], float]]) -> str:
    return " ".join(
        f"{label}: {', '.join(f'{stage} {ms(value)}' for stage, value in parts.items())}; "
        f"median of the whole {ms(whole)}."
        for label, (parts, whole) in medians.items()
        if parts
    )
