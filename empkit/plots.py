"""One function a figure. Each takes runs and returns a figure whose title states what was found.

A figure shows itself as the last line of a cell, is saved with `savefig`, and says in words what it
shows (`alt`). Colours are those of Okabe and Ito ("Color Universal Design", 2008), which people
with any colour vision can tell apart, and each comes with a marker of its own.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import XAxis, YAxis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from empkit.experiment.results import latencies_ms
from empkit.experiment.statistics import difference
from empkit.experiment.verdicts import VERDICTS

if TYPE_CHECKING:
    from empkit.experiment.results import RunInfo, Runs

PROTOCOL_COLOURS = {"http": "#0072B2", "websocket": "#009E73", "kafka": "#D55E00"}
PROTOCOL_NAMES = {"http": "HTTP", "websocket": "WebSocket", "kafka": "Kafka"}
VERDICT_COLOURS = {
    "stored": "#009E73",
    "refused": "#999999",
    "dead_lettered": "#56B4E9",
    "failed": "#E69F00",
    "unconfirmed": "#F0E442",
    "lost": "#D55E00",
    "corrupt": "#000000",
    "phantom": "#CC79A7",
}
VERDICT_MARKERS = dict(zip(VERDICTS, "o.sv^XDP", strict=True))
FAULT_COLOUR = "#CC79A7"
MOST_DOTS = 20_000
SIZE = (8.0, 4.5)


class Picture(Figure):
    """A figure that shows itself in a notebook, with `alt` as its text for who cannot see it."""

    alt: str = ""

    def _repr_png_(self) -> tuple[bytes, dict[str, str]]:
        data = io.BytesIO()
        self.savefig(data, format="png", dpi=110)
        return data.getvalue(), {"alt": self.alt}


def _picture(rows: int = 1, height: float = SIZE[1]) -> tuple[Picture, list[Axes]]:
    picture = Picture(figsize=(SIZE[0], height), layout="constrained", facecolor="white")
    FigureCanvasAgg(picture)
    axes = [picture.add_subplot(rows, 1, row + 1) for row in range(rows)]
    for each in axes:
        each.spines[["top", "right"]].set_visible(False)
        each.grid(axis="both", color="#DDDDDD", linewidth=0.6)
        each.set_axisbelow(True)
    return picture, axes


def _titled(picture: Picture, title: str, alt: str = "") -> Picture:
    picture.suptitle(title, fontsize=12, fontweight="bold", x=0.01, ha="left", wrap=True)
    picture.alt = f"{title}. {alt}".strip()
    return picture


def _name(protocol: str) -> str:
    return PROTOCOL_NAMES.get(protocol, protocol)


def _colour(protocol: str) -> str:
    return PROTOCOL_COLOURS.get(protocol, "#CC79A7")


def _ms(value: float) -> str:
    """Milliseconds with three digits that mean something."""
    return f"{value:,.0f} ms" if value >= 100 else f"{value:.3g} ms"


def _logarithmic(axis: XAxis | YAxis) -> None:
    """A logarithmic axis with numbers that can be read."""
    (axis.axes.set_xscale if axis.axis_name == "x" else axis.axes.set_yscale)("log")
    axis.set_major_locator(LogLocator(10, (1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def latency(runs: Runs) -> Picture:
    """How long records took until they were acked, and until they were stored.

    For each protocol the share of records that took at most so long, on a logarithmic axis; marks
    at p50, p90 and p99 with 95 % intervals.

    Args:
        runs: of one protocol or several.
    """
    picture, panels = _picture(2, 6.0)
    for axes, kind, label in zip(
        panels,
        ("ack", "stored"),
        ("acked: the sender knows", "stored: the record is durable"),
        strict=True,
    ):
        for protocol in runs.protocols:
            own = runs.timings[runs.timings["protocol"] == protocol]
            values = np.sort(latencies_ms(own, kind)["ms"].to_numpy())
            if not len(values):
                continue
            share = np.arange(1, len(values) + 1) / len(values) * 100
            axes.step(values, share, where="post", color=_colour(protocol), label=_name(protocol))
        _mark_percentiles(axes, runs, kind)
        _logarithmic(axes.xaxis)
        axes.set_ylabel("% of records")
        axes.set_xlabel(f"milliseconds until {label}")
        axes.set_ylim(0, 102)
        axes.legend(loc="lower right", frameon=False)
    return _titled(picture, _latency_finding(runs), _latency_words(runs))


def _mark_percentiles(axes: Axes, runs: Runs, kind: str) -> None:
    summary: dict[Any, Any] = runs.summary().to_dict("index")
    for protocol in runs.protocols:
        row = summary[protocol]
        for level, marker in ((50, "o"), (90, "s"), (99, "D")):
            value = row[f"{kind}_p{level}_ms"]
            if np.isnan(value):
                continue
            low, high = (row[f"{kind}_p{level}_ms_{side}"] for side in ("low", "high"))
            axes.errorbar(
                value, level, xerr=[[max(0, value - low)], [max(0, high - value)]],
                fmt=marker, color=_colour(protocol), markersize=5, capsize=3, zorder=3,
            )  # fmt: skip


def _latency_finding(runs: Runs) -> str:
    """Which protocol acks first, unless the difference is within its interval."""
    medians = runs.summary()["ack_p50_ms"].dropna().sort_values()
    if medians.empty:
        return "No record was acked"
    first = str(medians.index[0])
    if len(medians) == 1:
        return f"{_name(first)}: half of the records are acked within {_ms(medians.iloc[0])}"
    second = str(medians.index[1])
    samples = [
        latencies_ms(runs.timings[runs.timings["protocol"] == protocol], "ack")
        for protocol in (second, first)
    ]
    rounds = (samples[0]["round"].to_numpy(), samples[1]["round"].to_numpy())
    low, _ = difference(samples[0]["ms"].to_numpy(), samples[1]["ms"].to_numpy(), rounds=rounds)
    if low <= 0:
        return f"{_name(first)} and {_name(second)} ack equally fast, as far as this run can tell"
    return (
        f"{_name(first)} acks first: half within {_ms(medians.iloc[0])}, "
        f"{_name(second)} {_ms(medians.iloc[1])}"
    )


def _latency_words(runs: Runs) -> str:
    parts = []
    for protocol, row in runs.summary().iterrows():
        parts.append(
            f"{_name(str(protocol))}: acked p50 {row['ack_p50_ms']:.3g} ms, "
            f"stored p50 {row['stored_p50_ms']:.3g} ms"
        )
    return "; ".join(parts) + "."


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
        ("to the consumer", "sent_ns", "received_ns"),
        ("until durable", "received_ns", "stored_ns"),
    ),
}


def stages(runs: Runs) -> Picture:
    """Where the time of one record goes: the median of each stage, one bar a path.

    Kafka has two bars, since its ack does not wait for the store.
    """
    picture, (axes,) = _picture(1, 3.6)
    bars = [
        (f"{_name(protocol)}{suffix}", protocol, path)
        for protocol in runs.protocols
        for suffix, path in (
            ((", until acked", "ack"), (", until stored", "stored"))
            if protocol == "kafka"
            else (("", "direct"),)
        )
    ]
    colours = {
        "waits to be sent": "#BBBBBB",
        "to the server": "#56B4E9",
        "to the consumer": "#56B4E9",
        "to the broker and back": "#D55E00",
        "until durable": "#0072B2",
        "back to the sender": "#E69F00",
    }
    largest = (0.0, "", "")
    shown: set[str] = set()
    for place, (label, protocol, path) in enumerate(reversed(bars)):
        own = runs.timings[runs.timings["protocol"] == protocol]
        left = 0.0
        for stage, begin, end in _PATHS[path]:
            value = float(((own[end] - own[begin]).dropna().astype("float64") / 1e6).median())
            if np.isnan(value):
                continue
            axes.barh(
                place, value, left=left, color=colours[stage], edgecolor="white", height=0.6,
                label=stage if stage not in shown else None,
            )  # fmt: skip
            shown.add(stage)
            left += value
            largest = max(largest, (value, stage, label))
        axes.text(left, place, f"  {_ms(left)}", va="center", fontsize=9)
    axes.set_yticks(range(len(bars)), [label for label, _, _ in reversed(bars)])
    axes.set_xlabel("milliseconds, median of each stage")
    axes.margins(x=0.15)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22), ncols=3, frameon=False, fontsize=9)
    value, stage, label = largest
    return _titled(picture, f"The longest stage: {label}, {stage}, {_ms(value)}")


def verdicts(runs: Runs) -> Picture:
    """How many records got each verdict, a bar a protocol."""
    picture, (axes,) = _picture(1, 3.2)
    counts = runs.verdicts()
    left = np.zeros(len(counts))
    for verdict in VERDICTS:
        values = counts[verdict].to_numpy(dtype=float)
        if not values.any():
            continue
        axes.barh(
            range(len(counts)), values, left=left, color=VERDICT_COLOURS[verdict],
            edgecolor="white", label=verdict.replace("_", "-"), height=0.6,
        )  # fmt: skip
        for place, value in enumerate(values):
            if value > 0.04 * counts["offered"].max():
                axes.text(left[place] + value / 2, place, f"{value:,.0f}", ha="center", va="center",
                          color="black", fontsize=9, bbox={"facecolor": "white", "alpha": 0.7,
                          "edgecolor": "none", "pad": 1})  # fmt: skip
        left += values
    axes.set_yticks(range(len(counts)), [_name(str(name)) for name in counts.index])
    axes.invert_yaxis()
    axes.set_xlabel("records")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.25), ncols=4, frameon=False, fontsize=9)
    words = "; ".join(
        f"{_name(str(protocol))}: "
        + ", ".join(f"{row[name]} {name}" for name in VERDICTS if row[name])
        for protocol, row in counts.iterrows()
    )
    return _titled(picture, _verdict_finding(counts), words + ".")


def _verdict_finding(counts: pd.DataFrame) -> str:
    broken = int(counts[["lost", "corrupt", "phantom"]].to_numpy().sum())
    offered = int(counts["offered"].sum())
    if broken:
        return f"{broken:,} of {offered:,} records: a promise was broken"
    stored = int(counts["stored"].sum())
    if stored == offered:
        return f"All {offered:,} records are stored once, as sent"
    return f"{stored:,} of {offered:,} records stored; no promise broken"


def throughput(run: Runs) -> Picture:
    """Records stored per second over the time of a run, with its faults shaded.

    Args:
        run: a single run, or several of which each is a line.
    """
    picture, (axes,) = _picture()
    longest = 0.0
    for info in run.runs:
        own = run.of(info.protocol, info.round).timings
        seconds = np.sort((own["stored_ns"].dropna().astype("int64") - info.start_ns) / 1e9)
        if not len(seconds):
            continue
        width = max(0.05, float(seconds[-1]) / 100)
        edges = np.arange(0, seconds[-1] + 2 * width, width)
        counts, _ = np.histogram(seconds, edges)
        axes.step(edges[:-1], counts / width, where="post", color=_colour(info.protocol),
                  label=_name(info.protocol), linewidth=1.2)  # fmt: skip
        longest = max(longest, float(np.diff(seconds, prepend=0).max()))
    _shade(axes, run)
    axes.set_xlabel("seconds since the start")
    axes.set_ylabel("records stored per second")
    axes.set_ylim(bottom=0)
    _legend(axes)
    return _titled(picture, f"The longest time without a stored record: {_ms(longest * 1e3)}")


def timeline(run: Runs) -> Picture:
    """Every record a dot: when it was wanted sent against how long it took, coloured by verdict.

    The time is until acked, or for records that were never acked until stored; those that were
    neither stand on the upper edge. Faults are shaded.

    Args:
        run: a single run; of several the first is shown.
    """
    info = run.runs[0]
    own = run.of(info.protocol, info.round).timings
    picture, (axes,) = _picture()
    note = ""
    if len(own) > MOST_DOTS:
        rare = own["verdict"] != own["verdict"].mode()[0]
        own = pd.concat([own[rare], own[~rare].sample(MOST_DOTS, random_state=0)])
        note = f" ({MOST_DOTS:,} of the commonest verdict are drawn)"
    seconds = (own["intended_ns"] - info.start_ns).astype("float64") / 1e9
    until = own["acked_ns"].fillna(own["stored_ns"])
    took = (until - own["intended_ns"]).astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    took = took / 1e6
    top = np.nanmax(took) * 1.5 if np.isfinite(took).any() else 1.0
    took = np.where(np.isnan(took), top, took)
    for verdict in VERDICTS:
        mask = (own["verdict"] == verdict).to_numpy()
        if mask.any():
            axes.scatter(
                seconds[mask], took[mask], s=9 if verdict == "stored" else 22,
                color=VERDICT_COLOURS[verdict], marker=VERDICT_MARKERS[verdict], linewidths=0.3,
                edgecolors="black" if verdict == "unconfirmed" else "none",
                label=f"{verdict.replace('_', '-')} ({mask.sum():,})", rasterized=True,
                zorder=2 if verdict == "stored" else 3,
            )  # fmt: skip
    _logarithmic(axes.yaxis)
    _shade(axes, run.of(info.protocol, info.round))
    axes.set_xlabel("seconds since the start, when the record was wanted sent")
    axes.set_ylabel("milliseconds until the sender knew")
    _legend(axes)
    counts = run.of(info.protocol, info.round).verdicts()
    return _titled(picture, f"{_name(info.protocol)}: {_verdict_finding(counts)}{note}")


def percentiles_over_time(run: Runs) -> Picture:
    """p50, p90 and p99 of the ack latency, in slices of a run's time; needs 10, 10 and 100 records
    a slice."""
    info = run.runs[0]
    own = run.of(info.protocol, info.round).timings
    acked = own[own["acked_ns"].notna()]
    seconds = ((acked["intended_ns"] - info.start_ns).astype("float64") / 1e9).to_numpy()
    took = ((acked["acked_ns"] - acked["intended_ns"]).astype("float64") / 1e6).to_numpy()
    picture, (axes,) = _picture()
    worst = np.nan
    if len(seconds):
        edges = np.linspace(0, float(seconds.max()) + 1e-9, 41)
        slices = np.clip(np.digitize(seconds, edges) - 1, 0, 39)
        middles = (edges[:-1] + edges[1:]) / 2
        for level, least, line in ((50, 10, "-"), (90, 10, "--"), (99, 100, ":")):
            values = [
                np.percentile(took[slices == each], level)
                if (slices == each).sum() >= least
                else np.nan
                for each in range(40)
            ]
            axes.plot(middles, values, line, color=_colour(info.protocol), marker=".",
                      label=f"p{level}")  # fmt: skip
            if level == 90 and np.isfinite(values).any():
                worst = float(np.nanmax(values))
        _logarithmic(axes.yaxis)
    _shade(axes, run.of(info.protocol, info.round))
    axes.set_xlabel("seconds since the start")
    axes.set_ylabel("milliseconds until acked")
    _legend(axes)
    finding = "too few records for a percentile" if np.isnan(worst) else f"worst p90 {_ms(worst)}"
    return _titled(picture, f"{_name(info.protocol)}: {finding}")


def rates(runs: Runs) -> Picture:
    """Records stored per second: a dot a round, a bar for the median of the rounds."""
    picture, (axes,) = _picture(1, 3.2)
    medians = {}
    for place, protocol in enumerate(runs.protocols):
        of_rounds = [
            float(runs.of(protocol, info.round).summary()["records_per_s"].iloc[0])
            for info in runs.runs
            if info.protocol == protocol
        ]
        medians[protocol] = float(np.median(of_rounds))
        axes.barh(place, medians[protocol], color=_colour(protocol), alpha=0.6, height=0.6)
        axes.plot(of_rounds, [place] * len(of_rounds), "o", color="black", markersize=5)
        axes.text(max(of_rounds), place, f"   {medians[protocol]:,.0f}", va="center", fontsize=9)
    axes.set_yticks(range(len(medians)), [_name(protocol) for protocol in medians])
    axes.invert_yaxis()
    axes.set_xlabel("records stored per second (dots: rounds)")
    axes.margins(x=0.15)
    best = max(medians, key=lambda name: medians[name])
    return _titled(picture, f"{_name(best)} stores {medians[best]:,.0f} records per second")


LANES = ("client", "network", "broker", "server", "database")


def journey(run: Runs, employee_id: str) -> Picture:
    """The life of one record: where it was when, with every attempt, answer and fault.

    Time runs to the right; a line goes from lane to lane as the record does.

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
    zero = int(row["intended_ns"])
    picture, (axes,) = _picture()
    places = {lane: len(LANES) - 1 - number for number, lane in enumerate(LANES)}

    def at(stamp: Any) -> float:
        return (int(stamp) - zero) / 1e6

    tries = _attempts(run, row)
    middle = "broker" if row["protocol"] == "kafka" else "server"
    for number, (sent_ns, answered_ns, answer) in enumerate(tries, 1):
        good = answer in {"acked", "created", "same", "sent"}
        colour = "#009E73" if good else "#D55E00"
        axes.annotate(
            "", (at(answered_ns), places["client"]), (at(sent_ns), places["client"]),
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 5, "alpha": 0.4},
        )  # fmt: skip
        axes.text(at(sent_ns), places["client"] + 0.16, f"attempt {number}: {answer}", fontsize=9)
        axes.plot(at(sent_ns), places["client"], "o", color=colour)
        reached = row["received_ns"]
        arrives = not pd.isna(reached) and sent_ns <= int(reached) <= answered_ns
        if row["protocol"] == "kafka":
            half = (at(sent_ns) + at(answered_ns)) / 2
            _arrow(axes, at(sent_ns), places["client"], half, places[middle], colour)
            if good:
                _arrow(axes, half, places[middle], at(answered_ns), places["client"], colour)
        elif arrives:
            _arrow(axes, at(sent_ns), places["client"], at(reached), places["server"], colour)
        else:
            half = (at(sent_ns) + at(answered_ns)) / 2
            _arrow(axes, at(sent_ns), places["client"], half, places["network"], colour)
            axes.plot(half, places["network"], "x", color=colour, markersize=9)
    _journey_to_store(axes, row, places, at)
    if not pd.isna(row["acked_ns"]):
        axes.axvline(at(row["acked_ns"]), color="#009E73", linestyle=":", linewidth=1)
        axes.text(at(row["acked_ns"]), -0.45, "acked", fontsize=9, ha="center", color="#00664B")
    for fault in info.faults:
        end = fault.end_ns if fault.end_ns is not None else info.end_ns
        axes.axvspan(at(fault.start_ns), at(end), color=FAULT_COLOUR, alpha=0.2, label=fault.label)
    stamps = [int(row[name]) for name in ("intended_ns", "sent_ns", "received_ns", "stored_ns",
              "acked_ns") if not pd.isna(row[name])] + [each[1] for each in tries]  # fmt: skip
    span = max(at(max(stamps)), 0.01)
    axes.set_xlim(-0.05 * span, 1.12 * span)
    axes.set_ylim(-0.6, len(LANES) - 0.5)
    axes.set_yticks(list(places.values()), list(places))
    axes.set_xlabel("milliseconds since the record was wanted sent")
    _legend(axes)
    tried = f"{len(tries)} attempts" if len(tries) > 1 else "1 attempt"
    return _titled(
        picture,
        f"{employee_id} over {_name(str(row['protocol']))}: {row['verdict']} after {tried}",
    )


def _attempts(run: Runs, row: pd.Series[Any]) -> list[tuple[int, int, str]]:
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


def _journey_to_store(axes: Axes, row: pd.Series[Any], places: dict[str, int], at: Any) -> None:
    """The way from the server, or from the broker through the consumer, into the database."""
    if pd.isna(row["received_ns"]):
        return
    received = at(row["received_ns"])
    if row["protocol"] == "kafka":
        begin = at(row["sent_ns"]) if pd.isna(row["acked_ns"]) else at(row["acked_ns"])
        _arrow(axes, min(begin, received), places["broker"], received, places["server"], "#0072B2")
    axes.plot(received, places["server"], "s", color="#0072B2")
    axes.text(received, places["server"] + 0.16, "received", fontsize=9)
    if pd.isna(row["stored_ns"]):
        return
    stored = at(row["stored_ns"])
    _arrow(axes, received, places["server"], stored, places["database"], "#0072B2")
    axes.plot(stored, places["database"], "D", color="#0072B2")
    axes.text(stored, places["database"] + 0.16, "stored", fontsize=9)
    if row["protocol"] != "kafka" and not pd.isna(row["acked_ns"]):
        _arrow(axes, stored, places["database"], at(row["acked_ns"]), places["client"], "#009E73")


def _arrow(axes: Axes, x: float, y: float, to_x: float, to_y: float, colour: str) -> None:
    axes.annotate("", (to_x, to_y), (x, y), arrowprops={"arrowstyle": "->", "color": colour})


def _shade(axes: Axes, runs: Runs) -> None:
    """The faults of the runs, from when to when they really were."""
    for info in runs.runs:
        for fault in info.faults:
            end = fault.end_ns if fault.end_ns is not None else info.end_ns
            begin_s, end_s = ((each - info.start_ns) / 1e9 for each in (fault.start_ns, end))
            axes.axvspan(begin_s, end_s, color=FAULT_COLOUR, alpha=0.25, linewidth=0,
                         label=f"fault: {fault.label}")  # fmt: skip


def _legend(axes: Axes) -> None:
    """A legend below the axes, each entry once."""
    handles, labels = axes.get_legend_handles_labels()
    once = dict(zip(labels, handles, strict=True))
    if once:
        axes.legend(
            once.values(), once.keys(), loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=4,
            frameon=False, fontsize=9,
        )  # fmt: skip


def figures(runs: Runs) -> dict[str, Picture]:
    """The figures that a folder of results gets, by name."""
    drawn = {
        "latency": latency(runs),
        "stages": stages(runs),
        "verdicts": verdicts(runs),
        "rates": rates(runs),
    }
    infos: Sequence[RunInfo] = runs.runs
    for info in {info.protocol: info for info in infos}.values():
        one = runs.of(info.protocol, info.round)
        drawn[f"timeline-{info.protocol}"] = timeline(one)
        if info.faults:
            drawn[f"throughput-{info.protocol}"] = throughput(one)
            drawn[f"percentiles-{info.protocol}"] = percentiles_over_time(one)
    return drawn
