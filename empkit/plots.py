"""One function a figure. Each takes runs and returns a figure whose title states what was found.

A figure shows itself as the last line of a cell, is saved with `savefig`, and says in words what it
shows (`alt`). Colours are those of Okabe and Ito ("Color Universal Design", 2008), which people
with any colour vision can tell apart, and each comes with a marker or a line of its own.
"""

from __future__ import annotations

import io
import itertools
import textwrap
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import XAxis, YAxis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FuncFormatter, LogLocator, NullFormatter

from empkit.results import conclusion, strikes
from empkit.results.runs import Runs, latencies_ms
from empkit.results.statistics import Floats, Places, difference
from empkit.results.verdicts import BROKEN_PROMISES, KINDS, VERDICTS

if TYPE_CHECKING:
    from empkit.course.advice import Advice
    from empkit.experiment.search import RateSearch
    from empkit.results.info import RunInfo

PROTOCOL_COLOURS = {"http": "#0072B2", "websocket": "#009E73", "kafka": "#D55E00"}
PROTOCOL_MARKERS = {"http": "o", "websocket": "s", "kafka": "^"}
PROTOCOL_LINES = {"http": "-", "websocket": "--", "kafka": "-."}
PROTOCOL_NAMES = {"http": "HTTP", "websocket": "WebSocket", "kafka": "Kafka"}
OWN_COLOURS = ("#CC79A7", "#56B4E9", "#E69F00")
_OWN: dict[str, str] = {}  # the colours of the reader's own protocols, in the order they are seen
FAULT_COLOUR = "#CC79A7"
GOOD, BAD, STORE = "#009E73", "#D55E00", "#0072B2"
MOST_DOTS = 20_000  # of one verdict; more than that hide each other anyway
MOST_SLOWEST = 1_000
MOST_POINTS = 4_000  # of one line; more than there are pixels
MOST_PANELS = 6
SIZE = (8.0, 4.5)
TITLE_WIDTH = 78  # letters that fit on one line


class Picture(Figure):
    """A figure that shows itself in a notebook, with `alt` as its text for who cannot see it."""

    alt: str = ""

    def _repr_png_(self) -> tuple[bytes, dict[str, str]]:
        data = io.BytesIO()
        self.savefig(data, format="png", dpi=110)
        return data.getvalue(), {"alt": self.alt}


def _picture(rows: int = 1, height: float = SIZE[1]) -> tuple[Picture, list[Axes]]:
    """A figure of as many panels below each other, all with the same x axis."""
    picture = Picture(figsize=(SIZE[0], height), layout="constrained", facecolor="white")
    FigureCanvasAgg(picture)
    axes: list[Axes] = []
    for row in range(rows):
        first = axes[0] if axes else None
        axes.append(picture.add_subplot(rows, 1, row + 1, sharex=first))
    for each in axes:
        each.spines[["top", "right"]].set_visible(False)
        each.grid(axis="both", color="#DDDDDD", linewidth=0.6)
        each.set_axisbelow(True)
    return picture, axes


def _bars(rows: int, row_height: float, below: float) -> tuple[Picture, Axes]:
    """A figure of horizontal bars: `row_height` inches for each, `below` for axis and legend."""
    picture, (axes,) = _picture(1, 0.5 + row_height * rows + below)
    axes.grid(visible=False, axis="y")
    axes.set_ylim(rows - 0.4, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    return picture, axes


def _titled(picture: Picture, title: str, alt: str = "") -> Picture:
    picture.suptitle(
        textwrap.fill(title, TITLE_WIDTH), fontsize=12, fontweight="bold", x=0.01, ha="left"
    )
    picture.alt = f"{title}. {alt}".strip()
    return picture


def _name(protocol: str) -> str:
    return PROTOCOL_NAMES.get(protocol, protocol.rpartition(":")[2])


def _colour(protocol: str) -> str:
    if protocol not in PROTOCOL_COLOURS:
        _OWN.setdefault(protocol, OWN_COLOURS[len(_OWN) % len(OWN_COLOURS)])
    return PROTOCOL_COLOURS.get(protocol) or _OWN[protocol]


def _through_kafka(runs: Runs, protocol: str) -> bool:
    """Whether an ack came from a broker."""
    return protocol == "kafka" or any(
        info.through_kafka for info in runs.runs if info.protocol == protocol
    )


def _with_faults(finding: str, info: RunInfo) -> str:
    """A finding, and the faults that did not last as long as asked: how long they really did."""
    words = strikes.in_title(info)
    return f"{finding}; {words}" if words else finding


def _otherwise(infos: Sequence[RunInfo]) -> list[str]:
    """How long the faults of several runs really lasted, where that is not what was asked."""
    return [f"{_described(info)}: {words}" for info in infos if (words := strikes.in_title(info))]


def _described(info: RunInfo) -> str:
    """A run's protocol, and its round where there may be others."""
    return _name(info.protocol) + (f", round {info.round}" if info.round > 1 else "")


def _ms(value: float) -> str:
    """Milliseconds, or seconds, with three digits that mean something; never on two lines."""
    if value >= 9_999.5:
        number, unit = f"{value / 1e3:,.1f}", "s"
    else:
        number, unit = f"{value:,.0f}" if value >= 99.95 else f"{value:.3g}", "ms"
    return f"{number}\N{NO-BREAK SPACE}{unit}"


def _logarithmic(axis: XAxis | YAxis) -> None:
    """A logarithmic axis with numbers that can be read."""
    (axis.axes.set_xscale if axis.axis_name == "x" else axis.axes.set_yscale)("log")
    axis.set_major_locator(LogLocator(10, (1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axis.set_minor_formatter(NullFormatter())


def _numbers(stamps: pd.Series[Any]) -> Floats:
    """Stamps, or differences of them, as floats; NaN where they are missing."""
    numbers = stamps.astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    return np.asarray(numbers, dtype=np.float64)


def latency(runs: Runs) -> Picture:
    """How long records took until they were acked, and until they were stored.

    For each protocol the share of records that took at most so long, on a logarithmic axis; marks
    at p50, p90 and p99 with 95 % intervals. Records that were never acked, or never stored, have no
    such time; the legend says how many are drawn.

    Args:
        runs: of one protocol or several.
    """
    picture, panels = _picture(2, 6.4)
    summary: dict[Any, Any] = runs.summary().to_dict("index")
    for axes, kind, label in zip(
        panels,
        ("ack", "stored"),
        ("acked: the sender knows", "stored: the record is durable"),
        strict=True,
    ):
        for protocol in runs.protocols:
            own = runs.timings[runs.timings["protocol"] == protocol]
            values = np.sort(latencies_ms(own, kind)["ms"].to_numpy())
            if len(values):
                row = summary[protocol]
                text = f"{_name(protocol)}: p50 {_ms(row[f'{kind}_p50_ms'])}"
                text = text if len(values) > 1 else f"{_name(protocol)}: {_ms(values[0])}"
                if len(values) < len(own):
                    text += f" ({len(values):,} of {len(own):,})"
                _distribution(axes, values, protocol, text)
                _mark_percentiles(axes, row, protocol, kind)
        _logarithmic(axes.xaxis)
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
    return _titled(picture, finding[:1].upper() + finding[1:], _latency_words(summary))


def _distribution(axes: Axes, values: Floats, protocol: str, label: str) -> None:
    """The share of values up to each, from sorted ones."""
    places = np.arange(len(values))
    if len(values) > MOST_POINTS:
        places = np.unique(np.linspace(0, len(values) - 1, MOST_POINTS).astype(int))
    axes.step(
        np.append(values[0], values[places]), np.append(0, (places + 1) / len(values) * 100),
        where="post", color=_colour(protocol), linestyle=PROTOCOL_LINES.get(protocol, ":"),
        linewidth=1.6, label=label, marker=PROTOCOL_MARKERS.get(protocol, "D"), markersize=5,
        markevery=[],
    )  # fmt: skip


def _mark_percentiles(axes: Axes, row: dict[str, Any], protocol: str, kind: str) -> None:
    for level in (50, 90, 99):
        value, low, high = (row[f"{kind}_p{level}_ms{side}"] for side in ("", "_low", "_high"))
        if not np.isnan(value):
            axes.errorbar(
                value, level, xerr=[[max(0, value - low)], [max(0, high - value)]],
                fmt=PROTOCOL_MARKERS.get(protocol, "D"), color=_colour(protocol), markersize=5,
                capsize=3, zorder=3,
            )  # fmt: skip


def _latency_finding(runs: Runs, summary: dict[Any, Any]) -> str:
    """Which protocol is first, with acks and with stored records; of one its name, once."""
    acked, stored = (_first(runs, summary, kind) for kind in ("ack", "stored"))
    if len(summary) == 1 and acked.startswith(name := f"{_name(str(next(iter(summary))))}: "):
        stored = stored.removeprefix(name)
    return f"{acked}; {stored}"


def _first(runs: Runs, summary: dict[Any, Any], kind: str) -> str:
    """The protocol with the least median, unless the difference is within its interval."""
    verb, done = {"ack": ("ack", "acked"), "stored": ("store", "stored")}[kind]
    medians = pd.Series({name: row[f"{kind}_p50_ms"] for name, row in summary.items()})
    medians = medians.dropna().sort_values()
    if medians.empty:
        many = len(latencies_ms(runs.timings, kind))
        return f"too few {done} for a median" if many else f"nothing was {done}"
    first, least = str(medians.index[0]), _ms(medians.iloc[0])
    if len(medians) == 1:
        return f"{_name(first)}: {done} p50 {least}"
    second = str(medians.index[1])
    a, b = (
        latencies_ms(runs.timings[runs.timings["protocol"] == protocol], kind)
        for protocol in (second, first)
    )
    rounds = (a["round"].to_numpy(), b["round"].to_numpy())
    low, _ = difference(a["ms"].to_numpy(), b["ms"].to_numpy(), rounds=rounds)
    if low <= 0:
        return f"{_name(first)} and {_name(second)} {verb} with no difference that shows"
    return f"{_name(first)} {verb}s first: p50 {least}, {_name(second)} {_ms(medians.iloc[1])}"


def _latency_words(summary: dict[Any, Any]) -> str:
    def words(row: dict[str, Any], kind: str) -> str:
        known = [
            f"p{level} {_ms(row[f'{kind}_p{level}_ms'])}"
            for level in (50, 90, 99)
            if not np.isnan(row[f"{kind}_p{level}_ms"])
        ]
        return ", ".join(known) or "too few to say"

    return " ".join(
        f"{_name(str(protocol))}: acked {words(row, 'ack')}; stored {words(row, 'stored')}."
        for protocol, row in summary.items()
    )


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


def stages(runs: Runs) -> Picture:
    """Where the time of one record goes: the median of each stage, one bar a path.

    Only acked records that went the whole path count. Medians of stages do not add up to the median
    of the whole, so that has a mark of its own. Kafka has two bars, since its ack does not wait for
    the store.
    """
    bars = [
        (f"{_name(protocol)}{suffix}", protocol, path)
        for protocol in runs.protocols
        for suffix, path in (
            ((", until acked", "ack"), (", until stored", "stored"))
            if _through_kafka(runs, protocol)
            else (("", "direct"),)
        )
    ]
    picture, axes = _bars(len(bars), 0.55, 1.2)
    found = {
        label: _stage_medians(runs.timings[runs.timings["protocol"] == protocol], _PATHS[path])
        for label, protocol, path in bars
    }
    widest = max([0.0, *(max(sum(parts.values()), whole) for parts, whole in found.values())])
    shown: set[str] = set()
    for place, (parts, whole) in enumerate(found.values()):
        left = 0.0
        small = any(value <= 0.12 * widest for value in parts.values())
        for stage, value in parts.items():
            axes.barh(
                place, value, left=left, color=_STAGE_COLOURS[stage], edgecolor="white", height=0.6,
                label=stage if stage not in shown else None,
            )  # fmt: skip
            if value > 0.12 * widest:
                axes.text(left + value / 2, place, _ms(value), ha="center", va="center", fontsize=9,
                          color="white" if stage == "until durable" else "black")  # fmt: skip
            shown.add(stage)
            left += value
        if parts:
            axes.plot(whole, place, "D", color="black", markersize=6, zorder=4, linestyle="none",
                      label="median of the whole" if "whole" not in shown else None)  # fmt: skip
            each = " + ".join(f"{value:.2g}" for value in parts.values())
            beside = f"   {_ms(whole)}" + (f"  ({each})" if small else "")
            axes.text(max(left, whole), place, beside, va="center", fontsize=9)
            shown.add("whole")
        else:
            axes.text(0, place, " no acked record went all the way", va="center", fontsize=9)
    axes.set_yticks(range(len(bars)), list(found))
    axes.set_xlim(0, widest * 1.5 or 1)
    axes.set_xlabel("milliseconds, median of the whole (and of each stage, in their order)")
    _legend(axes, 3)
    return _titled(picture, _stage_finding(found), _stage_words(found))


def _stage_medians(
    own: pd.DataFrame, path: tuple[tuple[str, str, str], ...]
) -> tuple[dict[str, float], float]:
    """The median of each stage and of the whole, of the records that went the whole path."""
    own = own[own["outcome"] == "acked"].dropna(subset=[end for _, _, end in path])
    if own.empty:
        return {}, 0.0

    def median(begin: str, end: str) -> float:
        return float(np.median(_numbers(own[end] - own[begin]))) / 1e6

    parts = {stage: median(begin, end) for stage, begin, end in path}
    return parts, median(path[0][1], path[-1][2])


def _stage_finding(found: dict[str, tuple[dict[str, float], float]]) -> str:
    longest = []
    for label, (parts, _) in found.items():
        if parts and not label.endswith("acked"):
            stage = max(parts, key=lambda name: parts[name])
            share = parts[stage] / (sum(parts.values()) or 1) * 100
            longest.append(f"{label.partition(',')[0]} {stage} ({share:.0f} %)")
    if not longest:
        return "No acked record went all the way"
    return f"Where most of the time goes: {', '.join(longest)}"


def _stage_words(found: dict[str, tuple[dict[str, float], float]]) -> str:
    return " ".join(
        f"{label}: {', '.join(f'{stage} {_ms(value)}' for stage, value in parts.items())}; "
        f"median of the whole {_ms(whole)}."
        for label, (parts, whole) in found.items()
        if parts
    )


def verdicts(runs: Runs | Sequence[Runs]) -> Picture:
    """How many records got each verdict, with every count below its bar.

    Args:
        runs: a bar a protocol; of several, such as `Lab.cross` returns, also one for each choice of
            guarantees.
    """
    several = [runs] if isinstance(runs, Runs) else list(runs)
    counts = pd.concat([each.verdicts() for each in several])
    names = [
        _name(protocol) + (f"\n{each.runs[0].guarantees}" if len(several) > 1 else "")
        for each in several
        for protocol in each.protocols
    ]
    allowed = [
        conclusion.allowed_losses(each.of(name)) for each in several for name in each.protocols
    ]
    broken_any = bool(counts[list(BROKEN_PROMISES)].to_numpy().any())
    picture, axes = _bars(len(counts), 1.0 if broken_any else 0.75, 1.1)
    left = np.zeros(len(counts))
    places = np.arange(len(counts))
    for verdict in VERDICTS:
        values = counts[verdict].to_numpy(dtype=float)
        if values.any():
            axes.barh(places, values, left=left, color=KINDS[verdict].colour,
                      label=verdict.replace("_", "-"), height=0.4)  # fmt: skip
        left += values
    words = []
    for place, (name, (_, row)) in enumerate(zip(names, counts.iterrows(), strict=True)):
        fine, broken = _in_words(row, allowed[place])
        axes.annotate(fine, (0, place + 0.2), (2, -3), textcoords="offset points", fontsize=9,
                      va="top")  # fmt: skip
        if broken:
            axes.annotate(f"broken promises:  {broken}", (0, place + 0.2), (2, -16), fontsize=9,
                          textcoords="offset points", va="top", fontweight="bold",
                          color="#A33B00")  # fmt: skip
        words.append(f"{name}: {fine}{', ' if fine and broken else ''}{broken}.")
    axes.set_yticks(places, names)
    axes.set_xlim(0, max(1.0, float(left.max())) * 1.01)
    axes.set_xlabel("records")
    _legend(axes)
    alt = " ".join(words).replace(",  ", ", ").replace("\n", ", ")
    return _titled(picture, _verdict_finding(several), alt)


def _in_words(row: pd.Series[int], allowed: int) -> tuple[str, str]:
    """How many got each verdict: what is no broken promise, and what is one.

    Args:
        row: the counts of one protocol.
        allowed: of its lost records, those that the guarantees or a fault allow to be lost.
    """
    fine: list[str] = []
    broken: list[str] = []
    for verdict in VERDICTS:
        count, name = int(row[verdict]), verdict.replace("_", "-")
        of_them = allowed if verdict == "lost" else 0
        if of_them:
            fine.append(f"{of_them:,} {name} as allowed")
        if count > of_them:
            sink = broken if verdict in BROKEN_PROMISES else fine
            sink.append(f"{count - of_them:,} {name}")
    return ",  ".join(fine), ",  ".join(broken)


def _verdict_finding(several: Sequence[Runs]) -> str:
    """What became of the records, in the words of the conclusion."""
    counts = pd.concat([each.verdicts() for each in several])
    offered, stored = int(counts["offered"].sum()), int(counts["stored"].sum())
    allowed = [conclusion.allowed_losses(each) for each in several]
    bad = [_broken_records(each) for each in several]
    if len(several) > 1 and any(bad):
        return "Promises broken: " + _with_choices(bad, several)
    if sum(bad):
        return f"{sum(bad):,} of {offered:,} records: a promise was broken"
    if any(each.broken for each in several):
        return f"{stored:,} of {offered:,} records stored; a promise was broken"
    if len(several) > 1 and any(allowed):
        return f"No promise broken; lost as allowed: {_with_choices(allowed, several)}"
    if any(allowed):
        return f"{sum(allowed):,} of {offered:,} records lost as allowed; no promise broken"
    if stored == offered:
        everything = f"All {offered:,} records are" if offered > 1 else "The one record is"
        return f"{everything} stored once, as sent"
    return f"{stored:,} of {offered:,} records stored; no promise broken"


def _broken_records(runs: Runs) -> int:
    """How many records had a promise broken."""
    counts = runs.verdicts()[list(BROKEN_PROMISES)]
    return int(counts.to_numpy().sum()) - conclusion.allowed_losses(runs)


def _with_choices(counts: Sequence[int], several: Sequence[Runs]) -> str:
    """How many records each choice of guarantees has of something."""
    words = []
    for count, runs in zip(counts, several, strict=True):
        many = f"{count:,} of {sum(run.offered for run in runs.runs):,}" if count else "none"
        choice = runs.runs[0].guarantees
        words.append(f"{many} {choice}" if choice == "as set" else f"{many} with {choice}")
    return ", ".join(words)


def throughput(run: Runs) -> Picture:
    """Records stored per second over the time of a run, with its faults, the longest gap, and when
    what had waited was stored.

    Args:
        run: a single run, or several: a panel each, of the first six.
    """
    infos = run.runs[:MOST_PANELS]
    picture, panels = _picture(len(infos), max(SIZE[1], 0.8 + 1.9 * len(infos)))
    findings = []
    for axes, info in zip(panels, infos, strict=True):
        own = run.of(info.protocol, info.round).timings
        found = f"{_described(info)}: {_stored_over_time(axes, own, info)}"
        findings.append(found)
        axes.set_ylabel("records stored / s" if len(infos) > 1 else "records stored per second")
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
        if len(infos) > 1:
            axes.set_title(findings[-1], fontsize=9, loc="left", pad=18 if info.timed_faults else 4)
    panels[-1].set_xlabel("seconds since the start")
    if len(infos) == 1:
        return _titled(picture, _with_faults(findings[0], infos[0]))
    more = (
        f" (the first {len(infos)} of {len(run.runs)} runs)" if len(run.runs) > len(infos) else ""
    )
    title = "; ".join([f"Records stored over time{more}", *_otherwise(infos)])
    return _titled(picture, title, "; ".join(findings) + ".")


def _stored_over_time(axes: Axes, own: pd.DataFrame, info: RunInfo) -> str:
    """Draw one run, and say what the longest time without a stored record was."""
    stored = np.sort(_numbers(own["stored_ns"].dropna()) - info.start_ns) / 1e9
    if not len(stored):
        axes.text(0.5, 0.5, "nothing", transform=axes.transAxes, ha="center")
        _shade(axes, info)
        return "nothing was stored"
    last = max(float(stored[-1]), 1e-3)
    # at least 20 records and 20 ms a bin, or chance is all that is seen
    bins = int(np.clip(min(len(stored) // 20, last / 0.02), 1, 100))
    counts, edges = np.histogram(stored, bins, (0, last))
    axes.stairs(counts / (last / bins), edges, color=_colour(info.protocol), linewidth=1.4,
                baseline=None)  # fmt: skip
    gaps = np.diff(stored, prepend=0)
    longest = int(gaps.argmax())
    begin, gap = stored[longest] - gaps[longest], float(gaps[longest])
    finding = f"at most {_ms(gap * 1e3)} without a stored record"
    if gap >= 2 * last / bins:
        height = 0.5 * counts.max() / (last / bins)
        axes.annotate("", (begin, height), (begin + gap, height),
                      arrowprops={"arrowstyle": "<->", "color": "black"})  # fmt: skip
        axes.text(begin + gap / 2, height, f"{_ms(gap * 1e3)}\n", ha="center", va="center",
                  fontsize=9, linespacing=1.4)  # fmt: skip
        finding += _caught_up(axes, own, info, begin + gap)
    wanted = float(np.nanmax(_numbers(own["intended_ns"]) - info.start_ns)) / 1e9
    if wanted - stored[-1] > gap:
        finding = f"nothing was stored after {stored[-1]:.3g} s"
    axes.set_xlim(0, max(last, wanted) * 1.02)
    _shade(axes, info)
    return finding


def _caught_up(axes: Axes, own: pd.DataFrame, info: RunInfo, until_s: float) -> str:
    """Mark when the last record was stored that the faults up to then had held up."""
    before = [each for each in info.timed_faults if each.start_ns - info.start_ns <= until_s * 1e9]
    if not before:
        return ""
    over_ns = max(info.end_ns if each.end_ns is None else each.end_ns for each in before)
    late = own[(own["intended_ns"] <= over_ns) & (own["stored_ns"] > over_ns)]
    if late.empty:
        return ""
    caught_ns = int(late["stored_ns"].max())
    at = (caught_ns - info.start_ns) / 1e9
    axes.axvline(at, color="black", linestyle=":", linewidth=1.2)
    axes.text(at, 0.97, " all that waited is stored", transform=axes.get_xaxis_transform(),
              fontsize=9, va="top")  # fmt: skip
    return f", caught up {_ms((caught_ns - over_ns) / 1e6)} after the fault"


def timeline(run: Runs) -> Picture:
    """Every record a dot: when it was wanted sent against how long until its sender knew.

    Coloured by verdict. Records whose outcome their sender never knew stand in a row above the
    others. Faults are shaded. Of very many records with the same verdict the slowest and a random
    choice of the others are drawn. The title says what became of them, and how long the slowest
    took.

    Args:
        run: a single run; of several the first is shown.
    """
    info = run.runs[0]
    one = run.of(info.protocol, info.round)
    own = one.timings
    took = _numbers(own["acked_ns"] - own["intended_ns"]) / 1e6
    seconds = (_numbers(own["intended_ns"]) - info.start_ns) / 1e9
    picture, (axes,) = _picture(1, 5.0)
    highest = float(np.nanmax(took)) if np.isfinite(took).any() else 1.0
    dots = 0
    for verdict in VERDICTS:
        places = np.flatnonzero(own["verdict"] == verdict)
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
    _logarithmic(axes.yaxis)
    if np.isnan(took).any():
        axes.axhline(highest * 1.6, color="#888888", linewidth=0.8)
        axes.annotate("never", (0, highest * 2.4), (-7, 0), textcoords="offset points", ha="right",
                      va="center", xycoords=axes.get_yaxis_transform())  # fmt: skip
        axes.set_ylim(top=highest * 3.6)
        axes.yaxis.set_major_formatter(
            FuncFormatter(lambda value, _: f"{value:,g}" if value < highest * 1.6 else "")
        )
    _shade(axes, info)
    note = ""
    if dots < len(own):
        note = f"drawn: {dots:,} of {len(own):,}, the slowest among them"
        axes.text(0.995, 0.01, note, transform=axes.transAxes, fontsize=9, ha="right")
    axes.set_xlabel("seconds since the start, when the record was wanted sent")
    axes.set_ylabel("milliseconds until the sender knew")
    _legend(axes)
    finding = f"{_described(info)}: {_verdict_finding([one])}"
    if len(took) and np.isfinite(took).all():
        finding += f"; the slowest took {_ms(highest)}"
    elif np.isfinite(took).any():
        finding += f"; the slowest that is known took {_ms(highest)}"
    return _titled(picture, _with_faults(finding, info), note)


def _some(places: Places, took: Floats) -> Places:
    """Of very many dots the slowest, and a random choice of the others."""
    if len(places) <= MOST_DOTS:
        return places
    by_time = places[np.argsort(took[places])]
    others = np.random.default_rng(0).choice(
        by_time[:-MOST_SLOWEST], MOST_DOTS - MOST_SLOWEST, replace=False
    )
    return np.concatenate([others, by_time[-MOST_SLOWEST:]])


def percentiles_over_time(run: Runs) -> Picture:
    """p50, p90 and p99 of the ack latency in slices of a run's time.

    A slice needs 10 acked records for p50 and p90 and 100 for p99, or has no point.

    Args:
        run: a single run; of several the first is shown.
    """
    info = run.runs[0]
    own = run.of(info.protocol, info.round).timings
    own = own[(own["outcome"] == "acked") & own["acked_ns"].notna()]
    seconds = (_numbers(own["intended_ns"]) - info.start_ns) / 1e9
    took = _numbers(own["acked_ns"] - own["intended_ns"]) / 1e6
    picture, (axes,) = _picture()
    finding = "too few acked records for a percentile over time"
    if len(own) >= 10:
        # enough slices to see a fault, and where it goes 100 records in each
        count = int(np.clip(len(own) // 100, 8, 40))
        edges = np.linspace(0, float(seconds.max()) + 1e-9, count + 1)
        slices = np.clip(np.digitize(seconds, edges) - 1, 0, count - 1)
        groups = [took[slices == each] for each in range(count)]
        middles = (edges[:-1] + edges[1:]) / 2
        for level, least, line in ((50, 10, "o-"), (90, 10, "s--"), (99, 100, "^:")):
            values = np.array(
                [np.percentile(each, level) if len(each) >= least else np.nan for each in groups]
            )
            if np.isfinite(values).any():
                axes.plot(middles, values, line, color=_colour(info.protocol), markersize=4,
                          drawstyle="steps-mid", label=f"p{level}")  # fmt: skip
            if level == 90 and np.isfinite(values).any():
                finding = (
                    f"p90 {_ms(np.nanmedian(values))} in the median slice of "
                    f"{edges[1]:.2g} s, {_ms(np.nanmax(values))} in the worst"
                )
        _logarithmic(axes.yaxis)
    _shade(axes, info)
    axes.set_xlabel("seconds since the start, when the record was wanted sent")
    axes.set_ylabel("milliseconds until acked")
    _legend(axes)
    return _titled(picture, _with_faults(f"{_described(info)}: {finding}", info))


def rates(runs: Runs) -> Picture:
    """Records stored per second: a dot a round, a bar for the median of the rounds.

    A dashed line is the rate that was offered, where a schedule set it: more cannot be stored.
    """
    picture, axes = _bars(len(runs.protocols), 0.6, 0.7)
    found: dict[str, list[float]] = {protocol: [] for protocol in runs.protocols}
    for info in runs.runs:
        one = runs.of(info.protocol, info.round)
        found[info.protocol].append(float(one.summary()["records_per_s"].iloc[0]))
    for place, (protocol, of_rounds) in enumerate(found.items()):
        median = float(np.median(of_rounds))
        axes.barh(place, median, color=_colour(protocol), alpha=0.55, height=0.6)
        axes.plot(of_rounds, [place] * len(of_rounds), PROTOCOL_MARKERS.get(protocol, "D"),
                  color=_colour(protocol), markeredgecolor="black", markersize=6)  # fmt: skip
        axes.text(max(of_rounds), place, f"   {median:,.0f}", va="center", fontsize=9)
    asked = [info.workload.get("rate") for info in runs.runs]
    offered = {float(rate) for rate in asked if rate} if all(asked) else set()
    for rate in offered:
        axes.axvline(rate, color="black", linestyle="--", linewidth=1, label="offered rate")
    axes.set_yticks(range(len(found)), [_name(protocol) for protocol in found])
    axes.set_xlabel("records stored per second (marks: rounds; bar: their median)")
    axes.set_xlim(0, max([1.0, *offered, *(max(each) for each in found.values())]) * 1.15)
    if offered:
        _legend(axes)
    words = "; ".join(
        f"{_name(protocol)}: {', '.join(f'{rate:,.0f}' for rate in of_rounds)}"
        for protocol, of_rounds in found.items()
    )
    return _titled(
        picture, _rate_finding(found, offered), f"Rounds, in records per second: {words}."
    )


def _rate_finding(found: dict[str, list[float]], offered: set[float]) -> str:
    """The protocol that stores most, if it does in each round, and by 5 % or more."""
    medians = {protocol: float(np.median(of_rounds)) for protocol, of_rounds in found.items()}
    best, *others = sorted(medians, key=lambda protocol: -medians[protocol])
    rate = f"{medians[best]:,.0f} records per second"
    slowest = min(min(of_rounds) for of_rounds in found.values())
    if len(offered) == 1 and slowest >= 0.95 * max(offered):
        who = "Each protocol" if others else _name(best)
        return f"{who} keeps up with the {max(offered):,.0f} records per second that are offered"
    if not others:
        return f"{_name(best)} stores {rate}"
    if min(found[best]) < 1.05 * max(max(found[protocol]) for protocol in others):
        return f"None stores clearly more than the others; the best median is {rate}"
    return f"{_name(best)} stores most: {rate}, {_name(others[0])} {medians[others[0]]:,.0f}"


LANES = ("client", "network", "broker", "server", "database")

Tries = Sequence[tuple[int, int, str]]  # of each attempt: sent_ns, answered_ns, answer
UNANSWERED = {"no_answer", "not_sent", "unknown", "failed"}


def journey(run: Runs, employee_id: str) -> Picture:
    """The life of one record: where it was when, with every attempt, answer and fault.

    Time runs to the right; a line goes from lane to lane as the record does. A line is dashed where
    nothing was measured, such as when the broker had it or where it got lost.

    Args:
        run: a run.
        employee_id: as it is in `run.timings`.

    Raises:
        KeyError: the run has no such record.
    """
    found = run.timings[run.timings["employee_id"] == employee_id]
    if found.empty:
        raise KeyError(f"No record {employee_id!r} in this run; see run.timings['employee_id'].")
    row = found.iloc[0]
    info = next(
        each for each in run.runs if (each.protocol, each.round) == (row["protocol"], row["round"])
    )
    picture, (axes,) = _picture()
    kafka = _through_kafka(run, str(row["protocol"]))
    lanes = [lane for lane in LANES if lane != "broker" or kafka]
    places = {lane: len(lanes) - 1 - number for number, lane in enumerate(lanes)}
    zero = int(row["intended_ns"])
    tries = _attempts(run, row)
    ends = [int(row[name]) for name in ("received_ns", "stored_ns", "acked_ns")
            if not pd.isna(row[name])] + [answered for _, answered, _ in tries]  # fmt: skip
    span = max((max(ends) - zero) / 1e6, 0.01)
    axes.set_xlim(-0.03 * span, 1.2 * span)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.set_ylim(-0.6, len(lanes) - 0.3)
    axes.set_yticks(list(places.values()), list(places))
    drawn = _Journey(axes, row, places, zero, kafka=kafka)
    drawn.draw(tries)
    note = " (dashed: not measured)" if drawn.dashed else ""
    axes.set_xlabel(f"milliseconds since the record was wanted sent{note}")
    _shade(axes, info, zero, 1e6)
    tried = f"{len(tries)} attempts" if len(tries) > 1 else "1 attempt"
    verdict = str(row["verdict"]).replace("_", "-")
    known = f"{row['outcome']} after {_ms((ends[-1] - zero) / 1e6)} and {tried}"
    words = "; ".join(
        f"attempt {number} at {_ms((sent - zero) / 1e6)}: {answer.replace('_', ' ')}"
        for number, (sent, _, answer) in enumerate(tries, 1)
    )
    return _titled(
        picture, f"{employee_id} over {_name(str(row['protocol']))}: {verdict}; {known}",
        f"{words[:1].upper()}{words[1:]}. {_stamps_in_words(row, zero)}",
    )  # fmt: skip


def _stamps_in_words(row: pd.Series[Any], zero: int) -> str:
    """When the record was received, stored and acked, as far as it was."""
    found = [
        f"{name} at {_ms((int(row[f'{name}_ns']) - zero) / 1e6)}"
        for name in ("received", "stored", "acked")
        if not pd.isna(row[f"{name}_ns"])
    ]
    return f"{', '.join(found).capitalize()}." if found else ""


def _attempts(run: Runs, row: pd.Series[Any]) -> Tries:
    """When each attempt was sent and answered, and how."""
    own = run.attempts
    own = own[
        (own["protocol"] == row["protocol"])
        & (own["round"] == row["round"])
        & (own["seq"] == row["seq"])
    ]
    if len(own):
        columns = own[["sent_ns", "answered_ns", "answer"]].itertuples(index=False, name=None)
        return [(int(sent), int(answered), str(answer)) for sent, answered, answer in columns]
    sent = int(row["intended_ns"] if pd.isna(row["sent_ns"]) else row["sent_ns"])
    answered = sent if pd.isna(row["acked_ns"]) else int(row["acked_ns"])
    return [(sent, answered, str(row["outcome"]))]


class _Journey:
    """Draws one record's way between the lanes.

    Args:
        axes: with limits that are set.
        row: of the timings.
        places: the height of each lane.
        zero: the stamp that is 0 on the axis.
        kafka: whether the record went through Kafka.
    """

    def __init__(
        self,
        axes: Axes,
        row: pd.Series[Any],
        places: dict[str, int],
        zero: int,
        *,
        kafka: bool,
    ) -> None:
        self.axes = axes
        self.places = places
        self.kafka = kafka
        self.outcome = str(row["outcome"])
        self.sent, self.received, self.stored, self.acked = (
            None if pd.isna(row[name]) else (int(row[name]) - zero) / 1e6
            for name in ("sent_ns", "received_ns", "stored_ns", "acked_ns")
        )
        self.zero = zero
        self.levels: list[float] = []
        self.dashed = False

    def draw(self, tries: Tries) -> None:
        """Every attempt, then the way into the database, then what the sender was told."""
        times = [((sent - self.zero) / 1e6, (end - self.zero) / 1e6, word)
                 for sent, end, word in tries]  # fmt: skip
        carriers = [number for number, (sent, _, word) in enumerate(times)
                    if self.received is not None and sent <= self.received
                    and word not in ("not_sent", "failed")]  # fmt: skip
        names = _names_of_attempts([word for _, _, word in times])
        for number, (name, (sent, end, word)) in enumerate(zip(names, times, strict=True)):
            carried = bool(carriers) and number == carriers[-1]
            self._attempt(name, sent, end, word, carried=carried)
        self._stamp(self.received, "server", "s", "received")
        self._stamp(self.stored, "database", "D", "stored")
        if self.received is not None and self.stored is not None:
            self._line(self.received, "server", self.stored, "database", STORE)
        if self.acked is not None:
            colour = GOOD if self.outcome == "acked" else BAD
            self.axes.axvline(self.acked, color=colour, linestyle=":", linewidth=1.2)
            word = "acked" if self.outcome == "acked" else f"told: {self.outcome}"
            self.axes.annotate(f"{word}\n{_ms(self.acked)}", (self.acked, self.places["client"]),
                               (5, 0), textcoords="offset points", fontsize=9,
                               va="center")  # fmt: skip

    def _attempt(self, name: str, sent: float, end: float, word: str, *, carried: bool) -> None:
        """One attempt: as far as it is known to have come, and back if it was answered."""
        answered = word not in UNANSWERED
        colour = GOOD if word in {"acked", "created", "same", "sent"} else BAD
        height = self.places["client"]
        self.axes.plot([sent, end], [height, height], color=colour, linewidth=5, alpha=0.4,
                       solid_capstyle="butt")  # fmt: skip
        self.axes.plot(sent, height, "o", color=colour)
        if name:
            self._label(sent, name)
        target = "broker" if self.kafka else "server"
        half = (sent + end) / 2
        if carried and self.received is not None:
            if self.kafka:
                half = (sent + min(end, self.received)) / 2 if end > sent else self.received
                self._line(half, "broker", self.received, "server", STORE, dashed=True)
                self._line(sent, "client", half, "broker", colour, dashed=True)
            else:
                self._line(sent, "client", self.received, "server", colour)
        elif answered:
            self._line(sent, "client", half, target, colour, dashed=True)
        else:
            self._lost(sent, "client", half, colour)
            return
        self._answer(half, end, colour, answered=answered, carried=carried)

    def _answer(
        self, half: float, end: float, colour: str, *, answered: bool, carried: bool
    ) -> None:
        """The way back: from the store, if that is what answered; lost, if the client had none."""
        begin, lane, known = half, "broker" if self.kafka else "server", False
        if carried and not self.kafka and self.received is not None:
            begin, lane, known = self.received, "server", True
            if self.stored is not None:
                begin, lane = self.stored, "database"
        if answered:
            self._line(begin, lane, end, "client", colour, dashed=not known)
        else:
            self._lost(begin, lane, max(begin, (begin + end) / 2), colour)

    def _line(
        self, x: float, lane: str, to_x: float, to_lane: str, colour: str, *, dashed: bool = False
    ) -> None:
        self.dashed |= dashed
        style = {"arrowstyle": "->", "color": colour, "linewidth": 1.4, "shrinkA": 0, "shrinkB": 2,
                 "linestyle": "--" if dashed else "-"}  # fmt: skip
        self.axes.annotate("", (to_x, self.places[to_lane]), (x, self.places[lane]),
                           arrowprops=style)  # fmt: skip

    def _lost(self, x: float, lane: str, to_x: float, colour: str) -> None:
        """A line that ends in the network, nobody knows where and when."""
        self._line(x, lane, to_x, "network", colour, dashed=True)
        self.axes.plot(to_x, self.places["network"], "x", color=colour, markersize=9,
                       markeredgewidth=2)  # fmt: skip

    def _stamp(self, at: float | None, lane: str, marker: str, word: str) -> None:
        """A mark with its name, beside it where no line comes or goes."""
        if at is None:
            return
        left, right = self.axes.get_xlim()
        late = at > left + 0.6 * (right - left)
        below = late or lane == "database"
        self.axes.plot(at, self.places[lane], marker, color=STORE)
        self.axes.annotate(f"{word} {_ms(at)}", (at, self.places[lane]),
                           (-7 if late else 7, -6 if below else 6), textcoords="offset points",
                           fontsize=9, ha="right" if late else "left",
                           va="top" if below else "bottom")  # fmt: skip

    def _label(self, x: float, words: str) -> None:
        """Words above the client's lane, on the first of three levels that is free."""
        left, right = self.axes.get_xlim()
        width = (len(words) + 2) * 0.0115 * (right - left)
        late = x > left + 0.6 * (right - left)
        begin, end = (x - width, x) if late else (x, x + width)
        level = next(
            (each for each, last in enumerate(self.levels) if last <= begin), len(self.levels)
        )
        if level > 2:
            return
        self.levels[level : level + 1] = [end]
        self.axes.text(x, self.places["client"] + 0.17 + 0.17 * level, words, fontsize=9,
                       ha="right" if late else "left")  # fmt: skip


def _names_of_attempts(answers: Sequence[str]) -> list[str]:
    """Number and answer of each attempt; of more than three alike in a row the first says it for
    all of them, since there is room for three above each other.
    """
    names: list[str] = []
    for answer, alike in itertools.groupby(answers):
        first, count, word = len(names) + 1, len(list(alike)), answer.replace("_", " ")
        if count > 3:
            names += [f"{first} to {first + count - 1}: {word}", *[""] * (count - 1)]
        else:
            names += [f"{number}: {word}" for number in range(first, first + count)]
    return names


def _shade(axes: Axes, info: RunInfo, zero_ns: int | None = None, unit_ns: float = 1e9) -> None:
    """The faults of a run, from when to when they really were, each named above the axes.

    Args:
        axes: with everything else drawn.
        info: of the run.
        zero_ns: the stamp that is 0 on the axis; the run's start if left out.
        unit_ns: nanoseconds of one unit of the axis.
    """
    zero = info.start_ns if zero_ns is None else zero_ns
    left, right = axes.get_xlim()
    ends: list[float] = []  # of the last name on each level
    for fault in sorted(info.timed_faults, key=lambda each: each.start_ns):
        end_ns = info.end_ns if fault.end_ns is None else fault.end_ns
        begin, end = ((each - zero) / unit_ns for each in (fault.start_ns, end_ns))
        if zero_ns is None:
            left, right = min(left, begin), max(right, end)
        elif end < left or begin > right:
            continue
        begin, end = max(begin, left), min(end, right)
        axes.axvspan(begin, end, color=FAULT_COLOUR, alpha=0.25, linewidth=0, zorder=0)
        axes.axvline(begin, color=FAULT_COLOUR, linewidth=1.2, zorder=0)
        width = (len(fault.label) + 2) * 0.0115 * (right - left)
        start = max(left, min(begin, right - width))
        level = next((each for each, last in enumerate(ends) if last <= start), len(ends))
        if level > 2:
            continue  # no room for another name
        ends[level : level + 1] = [start + width]
        axes.annotate(fault.label, (start, 1), (0, 3 + 12 * level), fontsize=9, color="#7A3B5E",
                      xycoords=axes.get_xaxis_transform(), textcoords="offset points",
                      annotation_clip=False)  # fmt: skip
    axes.set_xlim(left, right)


def _legend(axes: Axes, columns: int = 4) -> None:
    """A legend below the axes, each entry once."""
    handles, labels = axes.get_legend_handles_labels()
    once = dict(zip(labels, handles, strict=True))
    figure = axes.get_figure()
    if once and figure is not None:
        figure.legend(
            once.values(), once.keys(), loc="outside lower center", ncols=columns, frameon=False,
            fontsize=9,
        )  # fmt: skip


def figures(runs: Runs) -> dict[str, Picture]:
    """The figures that a folder of results gets, by name."""
    return {name: draw() for name, draw in drawers(runs).items()}


def drawers(runs: Runs) -> dict[str, Callable[[], Picture]]:
    """What draws each figure of a folder of results, by name."""
    if runs.timings.empty:
        return {}  # there is nothing to be seen
    found: dict[str, Callable[[], Picture]] = {
        "latency": partial(latency, runs),
        "stages": partial(stages, runs),
        "verdicts": partial(verdicts, runs),
        "rates": partial(rates, runs),
    }
    infos: Sequence[RunInfo] = runs.runs
    for info in {info.protocol: info for info in infos}.values():
        one = runs.of(info.protocol, info.round)
        found[f"timeline-{info.protocol}"] = partial(timeline, one)
        if info.timed_faults:
            found[f"throughput-{info.protocol}"] = partial(throughput, one)
            found[f"percentiles-{info.protocol}"] = partial(percentiles_over_time, one)
    return found


def timelines(runs: Runs) -> Picture:
    """The same faults over several protocols, a panel each: every record a dot, when it was wanted
    sent against how long until its sender knew, coloured by verdict.

    Records whose outcome their sender never knew stand at the upper edge. Of several rounds the
    first is shown; `timeline` shows a single run larger.

    Args:
        runs: of one protocol or several, up to six.
    """
    first = [
        next(info for info in runs.runs if info.protocol == protocol)
        for protocol in runs.protocols[:MOST_PANELS]
    ]
    picture, panels = _picture(len(first), 1.3 + 1.6 * len(first))
    taken = {info.protocol: _known_after_ms(runs, info) for info in first}
    known = [took[np.isfinite(took)].max() for took in taken.values() if np.isfinite(took).any()]
    top = 3 * max(known, default=1.0)
    least = [took[np.isfinite(took)].min() for took in taken.values() if np.isfinite(took).any()]
    bottom = max(0.01, 0.7 * min(least, default=0.1))
    longest = []
    for axes, info in zip(panels, first, strict=True):
        own = runs.of(info.protocol, info.round).timings
        took = taken[info.protocol]
        seconds = (_numbers(own["intended_ns"]) - info.start_ns) / 1e9
        for verdict in VERDICTS:
            some = _some(np.flatnonzero(own["verdict"] == verdict), took)
            if len(some):
                axes.scatter(
                    seconds[some], np.where(np.isnan(took[some]), top, took[some]),
                    s=9 if verdict == "stored" else 26, color=KINDS[verdict].colour,
                    marker=KINDS[verdict].marker, linewidths=0.4, rasterized=True,
                    edgecolors="none" if verdict == "stored" else "black",
                    label=verdict.replace("_", "-"), zorder=2 if verdict == "stored" else 3,
                )  # fmt: skip
        most = float(np.nanmax(took)) if np.isfinite(took).any() else np.nan
        word = _ms(most) if np.isfinite(most) else "never"
        longest.append(f"{_name(info.protocol)}\N{NO-BREAK SPACE}{word}")
        _logarithmic(axes.yaxis)
        axes.yaxis.set_major_locator(LogLocator(10, (1,), numticks=9))
        axes.set_ylim(bottom, top * 1.6)
        axes.set_ylabel("ms until known", fontsize=9)
        axes.set_title(_name(info.protocol), fontsize=10, loc="right", pad=4)
    left, right = panels[
        0
    ].get_xlim()  # shared; a name above is placed by what there is to the right
    ends = [each.end_ns or info.end_ns for info in first for each in info.timed_faults]
    starts = [info.start_ns for info in first for _ in info.timed_faults]
    lasts = [(end - start) / 1e9 for end, start in zip(ends, starts, strict=True)]
    panels[0].set_xlim(left, max([right, *(1.03 * last for last in lasts)]))
    for axes, info in zip(panels, first, strict=True):
        _shade(axes, info)
    panels[-1].set_xlabel("seconds since the start, when the record was wanted sent")
    handles: dict[str, Any] = {}
    for axes in panels:
        found, labels = axes.get_legend_handles_labels()
        handles |= dict(zip(labels, found, strict=True))
    if handles:
        picture.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=4,
                       frameon=False, fontsize=9)  # fmt: skip
    return _titled(
        picture,
        "; ".join([f"Longest until the sender knew: {', '.join(longest)}", *_otherwise(first)]),
        f"{_verdict_finding([runs])}.",
    )


def _known_after_ms(runs: Runs, info: RunInfo) -> Floats:
    """How long until each sender knew, of one run; NaN where it never did."""
    own = runs.of(info.protocol, info.round).timings
    return _numbers(own["acked_ns"] - own["intended_ns"]) / 1e6


def copies(crossed: Sequence[Runs]) -> Picture:
    """How many copies of the records there are at each place: sent, in Kafka's log, stored.

    Args:
        crossed: runs over Kafka, each with its choice of guarantees, such as `Lab.cross` returns.
    """
    infos = [info for runs in crossed for info in runs.runs if info.appended is not None]
    stored = [
        int(runs.of(info.protocol, info.round).timings["stored_ns"].notna().sum())
        for runs in crossed
        for info in runs.runs
        if info.appended is not None
    ]
    picture, axes = _bars(3 * max(1, len(infos)), 0.33, 1.0)
    group = 3.6  # three bars, and a gap to the next three
    axes.set_ylim(group * max(1, len(infos)) - 1.0, -0.5)
    names, extra, words = [], [], []
    for number, (info, kept) in enumerate(zip(infos, stored, strict=True)):
        appended = info.appended or 0
        counts = {"sent": info.offered, "in the log": appended, "stored": kept}
        for step, (name, count) in enumerate(counts.items()):
            place = group * number + step
            axes.barh(place, count, height=0.7, color=_COPY_COLOURS[name], label=name)
            beyond = f"{count:,}" if count == info.offered else (
                f"{count:,}  ({count - info.offered:+,})"
            )  # fmt: skip
            axes.text(count, place, f"  {beyond}", va="center", fontsize=9)
        names.append(info.guarantees.replace(" ", "\n"))
        extra.append(appended - info.offered)
        words.append(f"{info.guarantees}: {', '.join(f'{v:,} {k}' for k, v in counts.items())}.")
    axes.set_yticks([group * number + 1 for number in range(len(names))], names)
    axes.set_xlim(0, max([1, *(info.appended or 0 for info in infos)]) * 1.2)
    axes.set_xlabel("records")
    _legend(axes)
    most = max(extra, default=0)
    many = f"{'up to ' if len(infos) > 1 else ''}{most:,} cop{'ies' if most > 1 else 'y'} too many"
    title = f"The log holds {many if most > 0 else 'no copy too many'}"
    if most > 0 and max(stored) <= max(info.offered for info in infos):
        title += ", the database none"
    return _titled(picture, title, " ".join(words))


_COPY_COLOURS = {"sent": "#BBBBBB", "in the log": "#D55E00", "stored": "#009E73"}


def fit(advice: Advice) -> Picture:
    """Which protocol meets which need: a cell each, with what was measured.

    Args:
        advice: from `empkit.course.advice.advise`.
    """
    met, measured = advice.met, advice.measured
    picture, axes = _bars(max(1, len(met)), 0.55, 0.5)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    for row, need in enumerate(met.index):
        for column, protocol in enumerate(met.columns):
            good, value = bool(met.loc[need, protocol]), measured.loc[need, protocol]
            word = "yes" if good else "no"
            if not isinstance(value, bool | np.bool_):
                word += f": {value:,.3g}" if value < 1_000 else f": {value:,.0f}"
            axes.barh(row, 0.94, left=column + 0.03, height=0.8, color=GOOD if good else "#F3D9C8")
            axes.text(column + 0.5, row, word, ha="center", va="center", fontsize=10,
                      color="white" if good else "#7A2E00", fontweight="bold")  # fmt: skip
    axes.set_yticks(range(len(met)), [textwrap.fill(str(need), 26) for need in met.index])
    axes.set_xlim(0, max(1, len(met.columns)))
    places = [column + 0.5 for column in range(len(met.columns))]
    axes.set_xticks(places, [_name(str(each)) for each in met.columns])
    axes.xaxis.set_major_formatter(FixedFormatter([_name(str(each)) for each in met.columns]))
    axes.tick_params(length=0, labeltop=True, labelbottom=False)
    names = ", ".join(_name(each) for each in advice.recommended)
    title = f"All needs are met by: {names}" if names else "No protocol meets all of these needs"
    words = [
        f"{need}: {', '.join(_name(str(p)) for p in met.columns if met.loc[need, p]) or 'none'}"
        for need in met.index
    ]
    return _titled(picture, title, f"{'; '.join(words)}.")


def members(shares: Mapping[str, Mapping[str, int]]) -> Picture:
    """How the partitions of a topic are shared among the members of a consumer group.

    Args:
        shares: by moment, in words: the partitions of each member, as `Lab.members` returns them.
    """
    picture, axes = _bars(max(1, len(shares)), 0.6, 1.0)
    names = list(dict.fromkeys(name for each in shares.values() for name in each))
    colours = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00"]
    light = {"#E69F00", "#CC79A7", "#56B4E9"}  # white is hard to read on these
    for row, found in enumerate(shares.values()):
        left = 0
        for name, count in found.items():
            colour = colours[names.index(name) % len(colours)]
            axes.barh(row, count, left=left, height=0.6, edgecolor="white", label=name,
                      color=colour)  # fmt: skip
            if count:
                axes.text(left + count / 2, row, f"{count}", ha="center", va="center", fontsize=10,
                          color="black" if colour in light else "white",
                          fontweight="bold")  # fmt: skip
            left += count
    axes.set_yticks(range(len(shares)), list(shares))
    axes.set_xlabel("partitions")
    _legend(axes)
    totals = {sum(each.values()) for each in shares.values()}
    whole = f"All {totals.pop()} partitions" if len(totals) == 1 else "The partitions"
    by = [len(found) for found in shares.values()] or [0]
    many = "member" if by[-1] == 1 else "members"
    title = f"{whole} are shared by {', then by '.join(map(str, by))} {many}"
    words = "; ".join(
        f"{moment}: {', '.join(f'{name} {count}' for name, count in found.items())}"
        for moment, found in shares.items()
    )
    return _titled(picture, title, words)


def callers(timed: pd.DataFrame) -> Picture:
    """What an HTTP library costs, and what a new connection costs: median round trips.

    Args:
        timed: from `empkit.course.callers.time_callers`.
    """
    medians = timed.groupby(["caller", "connection"])["round_trip_ms"].median().unstack()
    medians = medians.sort_values("kept")
    picture, axes = _bars(len(medians), 0.8, 1.0)
    looks = {
        "kept": ("#0072B2", "o", "connection kept", -0.15),
        "new": ("#E69F00", "D", "new each time", 0.15),
    }
    for kind, (colour, marker, label, shift) in looks.items():
        places = [place + shift for place in range(len(medians))]
        axes.plot(medians[kind], places, marker, color=colour, label=label, markersize=9)
        for place, value in zip(places, medians[kind], strict=True):
            axes.text(value, place, f"   {_ms(value)}", va="center", fontsize=9)
    axes.set_yticks(range(len(medians)), [str(name) for name in medians.index])
    _logarithmic(axes.xaxis)
    axes.set_xlim(medians.to_numpy().min() / 1.3, medians.to_numpy().max() * 1.6)
    axes.set_xlabel("milliseconds, median of a round trip (logarithmic)")
    _legend(axes)
    kept = medians["kept"]
    title = (
        f"Connection kept: {kept.iloc[-1] / kept.iloc[0]:.1f} times as long through "
        f"{kept.index[-1]} as through {kept.index[0]}"
    )
    words = "; ".join(
        f"{name}: {_ms(row['kept'])} on a connection that is kept, {_ms(row['new'])} on a new one"
        for name, row in medians.iterrows()
    )
    return _titled(picture, title, f"{words}.")


def knee(search: RateSearch) -> Picture:
    """Latency against offered rate, and the highest rate that was kept up with.

    Args:
        search: from `Lab.find_rate`.
    """
    picture, (axes,) = _picture()
    steps = search.steps.sort_values("rate")
    for column, style, label in (("p99_ms", "-", "p99"), ("p50_ms", "--", "p50")):
        axes.plot(steps["rate"], steps[column], style, color="#0072B2", label=label, zorder=2)
    for kept, marker, colour, label in (
        (True, "o", GOOD, "kept up"),
        (False, "X", "#D55E00", "not kept up"),
    ):
        own = steps[steps["kept_up"] == kept]
        axes.plot(own["rate"], own["p99_ms"], marker, color=colour, markersize=8, label=label,
                  markeredgecolor="black", zorder=3)  # fmt: skip
    axes.axhline(search.limit_ms, color="black", linestyle=":", label="limit of the p99")
    axes.set_xscale("log")
    axes.set_yscale("log")
    _logarithmic(axes.xaxis)
    _logarithmic(axes.yaxis)
    axes.set_xlabel("offered rate, records per second")
    axes.set_ylabel("milliseconds until stored")
    _legend(axes, 3)
    name = _name(search.protocol)
    title = f"{name} does not keep up with {steps['rate'].min():,.0f} records per second"
    if not np.isnan(search.rate):
        title = (
            f"{name} keeps up with {search.rate:,.0f} records per second at a p99 of "
            f"{_ms(search.limit_ms)} or less"
        )
    words = "; ".join(
        f"{row['rate']:,.0f} records per second: p50 {_ms(row['p50_ms'])}, p99 {_ms(row['p99_ms'])}"
        for _, row in steps.iterrows()
    )
    return _titled(picture, title, f"{words}.")


def scaling(stored_per_s: Mapping[int, Sequence[float]]) -> Picture:
    """Records stored per second against the number of consumers: a mark a round, a line through
    the medians.

    Args:
        stored_per_s: by the number of members of the consumer group, one value a round.
    """
    picture, (axes,) = _picture()
    counts = sorted(stored_per_s)
    values = [float(np.median(stored_per_s[count])) for count in counts]
    ideal = [values[0] * count / counts[0] for count in counts]
    axes.plot(counts, ideal, ":", color="#777777", label="if each added as much as the first")
    axes.plot(counts, values, "-", color="#D55E00", label="median of the rounds")
    for count in counts:
        of_rounds = list(stored_per_s[count])
        axes.plot([count] * len(of_rounds), of_rounds, "o", color="#D55E00",
                  markeredgecolor="black", label="rounds")  # fmt: skip
    for count, value in zip(counts, values, strict=True):
        first = count == counts[0]  # the lines go to the right from there
        axes.annotate(f"{value:,.0f}", (count, value), xytext=(-9 if first else 9, 0), fontsize=9,
                      va="center", ha="right" if first else "left",
                      textcoords="offset points")  # fmt: skip
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.set_xlim(counts[0] - 0.3, counts[-1] + 0.3)
    axes.set_ylim(0, 1.1 * max(*ideal, *(max(each) for each in stored_per_s.values())))
    axes.set_xlabel("consumers in the group")
    axes.set_ylabel("records stored per second")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    _legend(axes)
    words = "; ".join(
        f"{count}: {', '.join(f'{rate:,.0f}' for rate in stored_per_s[count])}" for count in counts
    )
    return _titled(
        picture,
        _scaling_finding(stored_per_s),
        f"Rounds, in records per second, by the number of consumers: {words}.",
    )


def _scaling_finding(stored_per_s: Mapping[int, Sequence[float]]) -> str:
    """How many times as many the most consumers store, if each round says so, by 5 % or more."""
    few, many = min(stored_per_s), max(stored_per_s)
    least, most = stored_per_s[few], stored_per_s[many]
    if not (min(most) > 1.05 * max(least) or max(most) < min(least) / 1.05):
        return f"{many} consumers store neither clearly more nor clearly less than {few}"
    times = float(np.median(most) / np.median(least))
    return f"{many} consumers store {times:.1f} times as many records per second as {few}"
