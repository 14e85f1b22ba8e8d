"""Records stored per second: over time, per protocol, and against the offered rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from empkit.clients import looks
from empkit.plots.kind import figure
from empkit.plots.style import (
    GOOD,
    SIZE,
    Picture,
    all_of,
    bars,
    described,
    faults_in_words,
    legend,
    logarithmic,
    ms,
    new_picture,
    numbers,
    otherwise,
    sentences,
    shade,
    small_print,
    titled,
    with_faults,
)
from empkit.plots.timeline import MOST_PANELS
from empkit.results import comparison
from empkit.results.runs import Runs

if TYPE_CHECKING:
    from empkit.experiment.search import RateSearch
    from empkit.results.info import RunInfo


@figure(
    "throughput",
    "faulted protocol",
    "Where the line is at 0, nothing was stored; a peak after it is the backlog. The dotted line "
    "is where the last record was stored that the fault had delayed.",
)
def throughput(run: Runs) -> Picture:
    """Draw the records stored per second over the time of a run, with its faults, the longest gap,
    and the end of the backlog.

    Args:
        run: one run or several; the first six get a panel each.

    Example:
        >>> plots.throughput(runs.of("http")).alt
        'HTTP: at most ... without a stored record. Most in ...'
    """
    infos = run.runs[:MOST_PANELS]
    picture, panels = new_picture(len(infos), max(SIZE[1], 0.8 + 1.9 * len(infos)))
    findings, peaks = [], []
    for axes, info in zip(panels, infos, strict=True):
        timings = run.of(info.protocol, info.round).timings
        colour = run.looks[info.protocol].colour
        finding, peak = _stored_over_time(axes, timings, info, colour)
        peaks.append(f"{described(run, info)}: {peak}" if peak and len(infos) > 1 else peak)
        findings.append(f"{described(run, info)}: {finding}")
        axes.set_ylabel("records stored / s" if len(infos) > 1 else "records stored per second")
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
        if len(infos) > 1:
            axes.set_title(findings[-1], fontsize=9, loc="left", pad=18 if info.timed_faults else 4)
    panels[-1].set_xlabel("seconds since the start")
    more_words = (*peaks, faults_in_words(run, infos))
    if len(infos) == 1:
        return titled(picture, with_faults(findings[0], infos[0]), sentences(*more_words), run)
    more = (
        f" (the first {len(infos)} of {len(run.runs)} runs)" if len(run.runs) > len(infos) else ""
    )
    title = "; ".join([f"Records stored over time{more}", *otherwise(run, infos)])
    return titled(picture, title, sentences("; ".join(findings), *more_words), run)


def _stored_over_time(
    axes: Axes, timings: pd.DataFrame, info: RunInfo, colour: str
) -> tuple[str, str]:
    """Draw one run, and return in words the longest time without a stored record, and the peak."""
    stored = np.sort(numbers(timings["stored_ns"].dropna()) - info.start_ns) / 1e9
    if not len(stored):
        axes.text(0.5, 0.5, "nothing", transform=axes.transAxes, ha="center")
        shade(axes, info)
        return "nothing was stored", ""
    last = max(float(stored[-1]), 1e-3)
    # at least 20 records and 20 ms per bin: with less, noise dominates
    bins = int(np.clip(min(len(stored) // 20, last / 0.02), 1, 100))
    counts, edges = np.histogram(stored, bins, (0, last))
    axes.stairs(counts / (last / bins), edges, color=colour, linewidth=1.4,
                baseline=None)  # fmt: skip
    peak = (
        f"Most in {ms(last / bins * 1e3)}: {counts.max() / (last / bins):,.0f} records per second; "
        f"in the median {np.median(counts) / (last / bins):,.0f}"
    )
    gaps = np.diff(stored, prepend=0)
    longest = int(gaps.argmax())
    begin, gap = stored[longest] - gaps[longest], float(gaps[longest])
    finding = f"at most {ms(gap * 1e3)} without a stored record"
    if gap >= 2 * last / bins:
        height = 0.5 * counts.max() / (last / bins)
        axes.annotate("", (begin, height), (begin + gap, height),
                      arrowprops={"arrowstyle": "<->", "color": "black"})  # fmt: skip
        axes.text(begin + gap / 2, height, f"{ms(gap * 1e3)}\n", ha="center", va="center",
                  fontsize=9, linespacing=1.4)  # fmt: skip
        finding += _caught_up(axes, timings, info, begin + gap)
    wanted = float(np.nanmax(numbers(timings["intended_ns"]) - info.start_ns)) / 1e9
    if wanted - stored[-1] > gap:
        finding = f"nothing was stored after {stored[-1]:.3g} s"
    axes.set_xlim(0, max(last, wanted) * 1.02)
    shade(axes, info)
    return finding, peak


def _caught_up(axes: Axes, timings: pd.DataFrame, info: RunInfo, until_s: float) -> str:
    """Mark when the last record was stored that the faults before `until_s` had delayed."""
    until_ns = info.start_ns + until_s * 1e9
    before = [fault for fault in info.timed_faults if fault.start_ns <= until_ns]
    if not before:
        return ""
    over_ns = max(info.end_ns if fault.end_ns is None else fault.end_ns for fault in before)
    late = timings[(timings["intended_ns"] <= over_ns) & (timings["stored_ns"] > over_ns)]
    if late.empty:
        return ""
    caught_ns = int(late["stored_ns"].max())
    at = (caught_ns - info.start_ns) / 1e9
    axes.axvline(at, color="black", linestyle=":", linewidth=1.2)
    axes.text(at, 0.97, " all that waited is stored", transform=axes.get_xaxis_transform(),
              fontsize=9, va="top")  # fmt: skip
    return f", caught up {ms((caught_ns - over_ns) / 1e6)} after the fault"


@figure(
    "rates",
    "comparison",
    "Stored records per second, from the start to the last one stored, in the valid rounds (in all "
    "rounds of a protocol that has no valid one). A dashed line is the "
    "offered rate: more than that cannot be stored, even if the protocol could store more.",
)
def rates(runs: Runs) -> Picture:
    """Draw the records stored per second: a mark per round, a bar for the median of the rounds.

    A dashed line is the offered rate, where a schedule set it: more cannot be stored.

    Example:
        >>> plots.rates(runs).alt
        '... Rounds, in records per second: HTTP: ...; Kafka: ...'
    """
    picture, axes = bars(len(runs.protocols), 0.6, 0.7)
    measured = {protocol: runs.rates(protocol) for protocol in runs.protocols}
    for place, (protocol, of_rounds) in enumerate(measured.items()):
        median = float(np.median(of_rounds))
        look = runs.looks[protocol]
        axes.barh(place, median, color=look.colour, alpha=0.55, height=0.6)
        axes.plot(of_rounds, [place] * len(of_rounds), look.marker, color=look.colour,
                   markeredgecolor="black", markersize=6)  # fmt: skip
        axes.text(max(of_rounds), place, f"   {median:,.0f}", va="center", fontsize=9)
    asked = [info.workload.get("rate") for info in runs.runs]
    offered = {float(rate) for rate in asked if rate} if all(asked) else set()
    for rate in offered:
        axes.axvline(rate, color="black", linestyle="--", linewidth=1, label="offered rate")
    axes.set_yticks(range(len(measured)), [runs.label(protocol) for protocol in measured])
    axes.set_xlabel("records stored per second (marks: rounds; bar: their median)")
    axes.set_xlim(
        0, max([1.0, *offered, *(max(of_rounds) for of_rounds in measured.values())]) * 1.15
    )
    if offered:
        legend(axes)
    words = "; ".join(
        f"{runs.label(protocol)}: {', '.join(f'{rate:,.0f}' for rate in of_rounds)}"
        for protocol, of_rounds in measured.items()
    )
    return titled(
        picture,
        _rate_finding(runs, measured, offered),
        f"Rounds, in records per second: {words}.",
        runs,
    )


def _rate_finding(runs: Runs, measured: dict[str, list[float]], offered: set[float]) -> str:
    """Return the protocol that stores most, or why none does."""
    medians = {protocol: float(np.median(of_rounds)) for protocol, of_rounds in measured.items()}
    order = sorted(medians, key=lambda protocol: -medians[protocol])
    best, *others = order
    rate = f"{medians[best]:,.0f} records per second"
    slowest = min(min(of_rounds) for of_rounds in measured.values())
    if len(offered) == 1 and slowest >= 0.95 * max(offered):
        subject = "Each protocol" if others else runs.label(best)
        return (
            f"{subject} keeps up with the {max(offered):,.0f} records per second that are offered"
        )
    if not others:
        return f"{runs.label(best)} stores {rate}"
    ranking = comparison.ranked(runs, runs.rates_per_round(), order, most=True)
    if ranking.reason:
        listed = ", ".join(f"{runs.label(name)} {medians[name]:,.0f}" for name in medians)
        return f"Records stored per second: {listed} ({ranking.reason})"
    if not all(comparison.claimed([ranking])):
        names = all_of([runs.label(name) for name in ranking.alike()])
        return f"{names} store with no difference that shows; the best median is {rate}"
    return (
        f"{runs.label(best)} stores most: {rate}, {runs.label(others[0])} {medians[others[0]]:,.0f}"
    )


def knee(search: RateSearch) -> Picture:
    """Draw latency against offered rate, and the highest rate that the system kept up with.

    Args:
        search: the result of `Lab.find_rate`.

    Example:
        >>> plots.knee(search).alt
        'HTTP keeps up with about 1,000 records per second at a p99 of ... or less. ...'
    """
    picture, (axes,) = new_picture()
    steps = search.steps.sort_values("rate")
    for column, style, label in (("p99_ms", "-", "p99"), ("p50_ms", "--", "p50")):
        axes.plot(steps["rate"], steps[column], style, color="#0072B2", label=label, zorder=2)
    for kept_up, marker, colour, label in (
        (True, "o", GOOD, "kept up"),
        (False, "X", "#D55E00", "not kept up"),
    ):
        some = steps[steps["kept_up"] == kept_up]
        axes.plot(some["rate"], some["p99_ms"], marker, color=colour, markersize=8, label=label,
                  markeredgecolor="black", zorder=3)  # fmt: skip
    axes.axhline(search.limit_ms, color="black", linestyle=":", label="limit of the p99")
    logarithmic(axes.xaxis, "offered rate, records per second")
    logarithmic(axes.yaxis, "milliseconds until stored")
    legend(axes, 3)
    name = looks([search.protocol])[search.protocol].label
    title = f"{name} does not keep up with {steps['rate'].min():,.0f} records per second"
    if not np.isnan(search.rate):
        about = float(f"{search.rate:.2g}")  # of one search: more digits would say too much
        title = (
            f"{name} keeps up with about {about:,.0f} records per second at a p99 of "
            f"{ms(search.limit_ms)} or less"
        )
    words = "; ".join(
        f"{row['rate']:,.0f} records per second: p50 {ms(row['p50_ms'])}, p99 {ms(row['p99_ms'])}"
        for _, row in steps.iterrows()
    )
    if search.gave_out:
        title += f"; {search.gave_out}"
    tried = f"{len(steps)} steps over {name}"
    return small_print(titled(picture, title, f"{words}."), tried, search.environment)
