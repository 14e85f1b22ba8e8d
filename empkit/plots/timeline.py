"""Records and latencies over the time of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.ticker import FuncFormatter, LogLocator

from empkit.plots.kind import figure
from empkit.plots.style import (
    Picture,
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
    titled,
    with_faults,
)
from empkit.plots.verdicts import verdict_finding
from empkit.results.runs import Runs
from empkit.results.statistics import Floats, Places
from empkit.results.verdicts import KINDS, VERDICTS

if TYPE_CHECKING:
    from empkit.results.info import RunInfo

MOST_DOTS = 20_000  # per verdict; more would hide each other
MOST_SLOWEST = 1_000
MOST_PANELS = 6


@figure(
    "timeline",
    "protocol",
    "Every record is a mark: horizontally the time at which it was due, vertically how "
    "long its sender waited. An event that affects many records at once shows as a column. The "
    "row 'never' has the records whose sender had no answer until it gave up.",
)
def timeline(run: Runs) -> Picture:
    """Draw every record as a dot: when it was due, and how long until its sender knew.

    The colour is the verdict. Records whose outcome their sender never knew are in a row above the
    others. Faults are shaded. Of more than 20,000 records with the same verdict the slowest and a
    random sample of the others are drawn. The title states the verdicts and the slowest time.

    Args:
        run: a single run; of several, the first is shown.

    Example:
        >>> plots.timeline(runs.of("http")).alt
        'HTTP: All 100 records are stored once, as sent; the slowest took ...'
    """
    info = run.runs[0]
    one = run.of(info.protocol, info.round)
    timings = one.timings
    took = numbers(timings["acked_ns"] - timings["intended_ns"]) / 1e6
    seconds = (numbers(timings["intended_ns"]) - info.start_ns) / 1e9
    picture, (axes,) = new_picture(1, 5.0)
    highest = float(np.nanmax(took)) if np.isfinite(took).any() else 1.0
    dots = 0
    for verdict in VERDICTS:
        places = np.flatnonzero(timings["verdict"] == verdict)
        some = _some(places, took)
        dots += len(some)
        if len(some):
            axes.scatter(
                seconds[some], np.where(np.isnan(took[some]), highest * 2.4, took[some]),
                s=9 if verdict == "stored" else 26, color=KINDS[verdict].colour,
                marker=KINDS[verdict].marker, linewidths=0.4, rasterized=True,
                edgecolors="none" if verdict == "stored" else "black",
                label=f"{verdict.replace('_', '-')} ({len(places):,})",
                zorder=2 if verdict == "stored" else 3,
            )  # fmt: skip
    logarithmic(axes.yaxis, "milliseconds until the sender knew")
    if np.isnan(took).any():
        axes.axhline(highest * 1.6, color="#888888", linewidth=0.8)
        axes.annotate("never", (0, highest * 2.4), (-7, 0), textcoords="offset points", ha="right",
                      va="center", xycoords=axes.get_yaxis_transform())  # fmt: skip
        axes.set_ylim(top=highest * 3.6)
        axes.yaxis.set_major_formatter(
            FuncFormatter(lambda value, _: f"{value:,g}" if value < highest * 1.6 else "")
        )
    shade(axes, info)
    note = ""
    if dots < len(timings):
        note = f"drawn: {dots:,} of {len(timings):,}, the slowest among them"
        axes.text(0.995, 0.01, note, transform=axes.transAxes, fontsize=9, ha="right")
    axes.set_xlabel("seconds since the start, when the record was due")
    legend(axes)
    finding = f"{described(run, info)}: {verdict_finding([one])}"
    if len(took) and np.isfinite(took).all():
        finding += f"; the slowest took {ms(highest)}"
    elif np.isfinite(took).any():
        finding += f"; the slowest that is known took {ms(highest)}"
    words = sentences(_waits_in_words(timings, took), faults_in_words(one, [info]), note)
    return titled(picture, with_faults(finding, info), words, one)


def _waits_in_words(timings: pd.DataFrame, took: Floats) -> str:
    """Return for each verdict the number of its records and how long their senders waited."""
    words = []
    for verdict in VERDICTS:
        waits = took[(timings["verdict"] == verdict).to_numpy()]
        known = waits[np.isfinite(waits)]
        if len(known):
            middle, most = ms(float(np.median(known))), ms(float(known.max()))
            several = f"{middle} in the median, {most} at most"
            known_after = f"known after {several if len(known) > 1 else most}"
            if len(known) < len(waits):
                known_after += f", {len(waits) - len(known):,} never"
        else:
            known_after = "never known"
        if len(waits):
            words.append(f"{len(waits):,} {verdict.replace('_', '-')}, {known_after}")
    return "; ".join(words)


def _some(places: Places, took: Floats) -> Places:
    """Return all places, or of too many the slowest and a random sample of the others."""
    if len(places) <= MOST_DOTS:
        return places
    by_time = places[np.argsort(took[places])]
    others = np.random.default_rng(0).choice(
        by_time[:-MOST_SLOWEST], MOST_DOTS - MOST_SLOWEST, replace=False
    )
    return np.concatenate([others, by_time[-MOST_SLOWEST:]])


@figure(
    "percentiles",
    "faulted protocol",
    "The latencies until acked, in slices of time, show how long a disturbance lasts. A slice with "
    "too few acked records has no mark.",
)
def percentiles_over_time(run: Runs) -> Picture:
    """Draw p50, p90 and p99 of the ack latency in slices of a run's time.

    A slice needs 10 acked records for p50 and p90 and 100 for p99; with fewer it has no mark.

    Args:
        run: a single run; of several, the first is shown.

    Example:
        >>> plots.percentiles_over_time(runs.of("http")).alt
        'HTTP: p90 ... in the median slice of ... s, ... in the worst. ...'
    """
    info = run.runs[0]
    one = run.of(info.protocol, info.round)
    timings = one.timings
    timings = timings[(timings["outcome"] == "acked") & timings["acked_ns"].notna()]
    seconds = (numbers(timings["intended_ns"]) - info.start_ns) / 1e9
    took = numbers(timings["acked_ns"] - timings["intended_ns"]) / 1e6
    picture, (axes,) = new_picture()
    axes.set_ylabel("milliseconds until acked")
    finding, words = "too few acked records for a percentile over time", []
    if len(timings) >= 10:
        # enough slices to show a fault and, where possible, 100 records in each
        count = int(np.clip(len(timings) // 100, 8, 40))
        edges = np.linspace(0, float(seconds.max()) + 1e-9, count + 1)
        slices = np.clip(np.digitize(seconds, edges) - 1, 0, count - 1)
        groups = [took[slices == number] for number in range(count)]
        middles = (edges[:-1] + edges[1:]) / 2
        for level, least, line in ((50, 10, "o-"), (90, 10, "s--"), (99, 100, "^:")):
            values = np.array(
                [np.percentile(group, level) if len(group) >= least else np.nan for group in groups]
            )
            if np.isfinite(values).any():
                axes.plot(
                    middles, values, line, color=run.looks[info.protocol].colour, markersize=4,
                    drawstyle="steps-mid", label=f"p{level}",
                )  # fmt: skip
                words.append(
                    f"p{level} {ms(np.nanmedian(values))} in the median slice of "
                    f"{edges[1]:.2g} s, {ms(np.nanmax(values))} in the worst"
                )
                finding = words[-1] if level == 90 else finding
        logarithmic(axes.yaxis, "milliseconds until acked")
    shade(axes, info)
    axes.set_xlabel("seconds since the start, when the record was due")
    legend(axes)
    title = with_faults(f"{described(run, info)}: {finding}", info)
    return titled(picture, title, sentences("; ".join(words), faults_in_words(one, [info])), one)


def timelines(runs: Runs) -> Picture:
    """Draw the timelines of several protocols, a panel each: every record as a dot, at the time
    when it was due and how long until its sender knew, coloured by verdict.

    Records whose outcome their sender never knew are at the upper edge. Of several rounds the first
    is shown; `timeline` shows a single run larger.

    Args:
        runs: runs of one or more protocols; the first six are shown.

    Example:
        >>> plots.timelines(runs).alt
        'Longest until the sender knew: HTTP... Kafka... All 200 records are stored once, as ...'
    """
    first = [
        next(info for info in runs.runs if info.protocol == protocol)
        for protocol in runs.protocols[:MOST_PANELS]
    ]
    picture, panels = new_picture(len(first), 1.3 + 1.6 * len(first))
    taken = {info.protocol: _known_after_ms(runs, info) for info in first}
    known = [took[np.isfinite(took)].max() for took in taken.values() if np.isfinite(took).any()]
    top = 3 * max(known, default=1.0)
    least = [took[np.isfinite(took)].min() for took in taken.values() if np.isfinite(took).any()]
    bottom = max(0.01, 0.7 * min(least, default=0.1))
    longest, words = [], []
    for axes, info in zip(panels, first, strict=True):
        timings = runs.of(info.protocol, info.round).timings
        took = taken[info.protocol]
        seconds = (numbers(timings["intended_ns"]) - info.start_ns) / 1e9
        for verdict in VERDICTS:
            some = _some(np.flatnonzero(timings["verdict"] == verdict), took)
            if len(some):
                axes.scatter(
                    seconds[some], np.where(np.isnan(took[some]), top, took[some]),
                    s=9 if verdict == "stored" else 26, color=KINDS[verdict].colour,
                    marker=KINDS[verdict].marker, linewidths=0.4, rasterized=True,
                    edgecolors="none" if verdict == "stored" else "black",
                    label=verdict.replace("_", "-"), zorder=2 if verdict == "stored" else 3,
                )  # fmt: skip
        most = float(np.nanmax(took)) if np.isfinite(took).any() else np.nan
        word = ms(most) if np.isfinite(most) else "never"
        words.append(f"{runs.label(info.protocol)}: {_waits_in_words(timings, took)}")
        longest.append(f"{runs.label(info.protocol)}\N{NO-BREAK SPACE}{word}")
        logarithmic(axes.yaxis, "ms until known\n")
        axes.yaxis.label.set_fontsize(9)
        axes.yaxis.set_major_locator(LogLocator(10, (1,), numticks=9))
        axes.set_ylim(bottom, top * 1.6)
        axes.set_title(runs.label(info.protocol), fontsize=10, loc="right", pad=4)
    # the axis is shared; the label of a fault needs to know its right end
    left, right = panels[0].get_xlim()
    ends = [fault.end_ns or info.end_ns for info in first for fault in info.timed_faults]
    starts = [info.start_ns for info in first for _ in info.timed_faults]
    lasts = [(end - start) / 1e9 for end, start in zip(ends, starts, strict=True)]
    panels[0].set_xlim(left, max([right, *(1.03 * last for last in lasts)]))
    for axes, info in zip(panels, first, strict=True):
        shade(axes, info)
    panels[-1].set_xlabel("seconds since the start, when the record was due")
    handles: dict[str, Any] = {}
    for axes in panels:
        of_panel, labels = axes.get_legend_handles_labels()
        handles |= dict(zip(labels, of_panel, strict=True))
    if handles:
        picture.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=4,
                       frameon=False, fontsize=9)  # fmt: skip
    return titled(
        picture,
        "; ".join(
            [f"Longest until the sender knew: {', '.join(longest)}", *otherwise(runs, first)]
        ),
        sentences(verdict_finding([runs]), *words, faults_in_words(runs, first)),
        runs,
    )


def _known_after_ms(runs: Runs, info: RunInfo) -> Floats:
    """Return how long until the sender of each record of a run knew; NaN where it never did."""
    timings = runs.of(info.protocol, info.round).timings
    return numbers(timings["acked_ns"] - timings["intended_ns"]) / 1e6
