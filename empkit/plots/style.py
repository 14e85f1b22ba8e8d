"""What all figures share: size, colours, markers, titles, axes, legend, the shade of a fault."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import XAxis, YAxis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from empkit.results import strikes
from empkit.results.runs import Runs
from empkit.results.statistics import Floats

if TYPE_CHECKING:
    from empkit.results.info import RunInfo

FAULT_COLOUR = "#CC79A7"

GOOD, BAD, STORE = "#009E73", "#D55E00", "#0072B2"

SIZE = (8.0, 4.5)

TITLE_WIDTH = 78  # letters that fit on one line


class Picture(Figure):
    """A figure that shows itself in a notebook, with `alt` as its text for who cannot see it.

    Example:
        >>> picture = plots.verdicts(runs)
        >>> isinstance(picture, plots.Picture), picture.alt[:43]
        (True, 'All 200 records are stored once, as sent. H')
    """

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


def _through_kafka(runs: Runs, protocol: str) -> bool:
    """Whether an ack came from a broker."""
    return any(info.through_kafka for info in runs.runs if info.protocol == protocol)


def _with_faults(finding: str, info: RunInfo) -> str:
    """A finding, and the faults that did not last as long as asked: how long they really did."""
    words = strikes.in_title(info)
    return f"{finding}; {words}" if words else finding


def _otherwise(runs: Runs, infos: Sequence[RunInfo]) -> list[str]:
    """How long the faults of several runs really lasted, where that is not what was asked."""
    return [
        f"{_described(runs, info)}: {words}" for info in infos if (words := strikes.in_title(info))
    ]


def _described(runs: Runs, info: RunInfo) -> str:
    """A run's protocol, and its round where there may be others."""
    return runs.label(info.protocol) + (f", round {info.round}" if info.round > 1 else "")


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
