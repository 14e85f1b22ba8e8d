"""The common style of all figures: size, colours, titles, axes, legend, shading of faults.

A figure is drawn once, on white. Where a page is dark, the page turns it dark: see `DARK`.
"""

from __future__ import annotations

import base64
import html
import io
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import XAxis, YAxis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from PIL import Image

from empkit.results import strikes
from empkit.results.load import load_of
from empkit.results.runs import Runs
from empkit.results.statistics import Floats

if TYPE_CHECKING:
    from empkit.results.info import RunInfo

FAULT_COLOUR = "#CC79A7"

GOOD, BAD, STORE = "#009E73", "#D55E00", "#0072B2"

SIZE = (8.0, 4.5)

WRONG = "#A33B00"
"""The colour of what is not valid."""

LINE_INCHES = 0.14
"""The height of a line of small print."""

TITLE_WIDTH = 78  # characters that fit on one line
SMALL_WIDTH = 120  # of small print, also in bold

DARK = "invert(0.9) hue-rotate(180deg)"
"""The CSS filter of figures on a dark page: white becomes a dark grey, black a light one, and every
other colour keeps its hue."""

_THEMED = (
    "<style>.empkit-figure{max-width:100%;height:auto}"
    f'@media screen{{[data-jp-theme-light="false"] .empkit-figure,'
    f".vscode-dark .empkit-figure{{filter:{DARK}}}}}</style>"
)
"""JupyterLab, its exports to HTML and VS Code name their theme in an attribute or a class."""


class Picture(Figure):
    """A figure that a notebook displays, with `alt` as its alternative text.

    JupyterLab and nbconvert drop the alternative text of an `image/png`, so there is HTML with an
    `img`, which they prefer.

    Example:
        >>> picture = plots.verdicts(runs)
        >>> isinstance(picture, plots.Picture), picture.alt[:43]
        (True, 'All 200 records are stored once, as sent. H')
    """

    alt: str = ""
    is_stamped: bool = False
    """Whether it says what was measured; see `stamped`."""

    def png(self) -> bytes:
        """Return the figure as PNG of 256 colours, which takes less than half of the space; no
        pixel differs visibly (`tests/plots/test_picture.py`)."""
        drawn, small = io.BytesIO(), io.BytesIO()
        self.savefig(drawn, format="png", dpi=110)
        with Image.open(drawn) as image:
            few = image.convert("RGB").quantize(
                256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE
            )
        few.save(small, format="png", optimize=True)
        return small.getvalue()

    def _repr_png_(self) -> tuple[bytes, dict[str, str]]:
        return self.png(), {"alt": self.alt}

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
        data = base64.b64encode(self.png()).decode()
        alt = html.escape(self.alt)
        image = f'<img class="empkit-figure" alt="{alt}" src="data:image/png;base64,{data}">'
        bundle = {"text/html": f"{_THEMED}{image}", "image/png": data}
        return bundle, {"image/png": {"alt": self.alt}}


def new_picture(rows: int = 1, height: float = SIZE[1]) -> tuple[Picture, list[Axes]]:
    """Return a new figure with `rows` panels below each other, all with the same x axis."""
    picture = Picture(figsize=(SIZE[0], height), layout="constrained", facecolor="white")
    FigureCanvasAgg(picture)
    panels: list[Axes] = []
    for row in range(rows):
        first = panels[0] if panels else None
        panels.append(picture.add_subplot(rows, 1, row + 1, sharex=first))
    for axes in panels:
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="both", color="#DDDDDD", linewidth=0.6)
        axes.set_axisbelow(True)
    return picture, panels


def bars(rows: int, row_height: float, below: float) -> tuple[Picture, Axes]:
    """Return a new figure for horizontal bars.

    Args:
        rows: the number of bars.
        row_height: the height of one bar with its gap, in inches.
        below: the height of axis and legend, in inches.
    """
    picture, (axes,) = new_picture(1, 0.5 + row_height * rows + below)
    axes.grid(visible=False, axis="y")
    axes.set_ylim(rows - 0.4, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    return picture, axes


def titled(
    picture: Picture, title: str, alt: str = "", runs: Runs | Sequence[Runs] | None = None
) -> Picture:
    """Set the title, and as the alternative text the title, `alt` and what the axes show.

    Args:
        picture: the figure, drawn.
        title: the result.
        alt: the series and their main values, for those who do not see the figure.
        runs: what is shown; see `stamped`. None for a figure that shows no runs.
    """
    picture.suptitle(
        textwrap.fill(title, TITLE_WIDTH), fontsize=12, fontweight="bold", x=0.01, ha="left"
    )
    picture.alt = sentences(title, alt, *_axes_in_words(picture))
    return picture if runs is None else stamped(picture, runs)


def sentences(*parts: str) -> str:
    """Return the parts that are not empty as sentences, each with its full stop."""
    return " ".join(part if part.endswith(".") else f"{part}." for part in parts if part)


def _axes_in_words(picture: Picture) -> list[str]:
    """Return what the axes of a figure show, each label once."""
    panels = picture.get_axes()
    directions = {
        "Horizontally": [axes.get_xlabel() for axes in panels],
        "Vertically": [axes.get_ylabel() for axes in panels],
    }
    return [
        f"{direction}: {', '.join(named)}"
        for direction, labels in directions.items()
        if (named := dict.fromkeys(" ".join(label.split()) for label in labels if label))
    ]


def stamped(picture: Picture, runs: Runs | Sequence[Runs]) -> Picture:
    """Write below a figure, in small print, what was measured, where and when; pictures travel
    alone. If no round of a protocol is valid, say so and draw a frame; a figure is stamped once.

    Args:
        picture: the figure, drawn.
        runs: what is shown.
    """
    several = [runs] if isinstance(runs, Runs) else list(runs)
    infos = [info for one in several for info in one.runs]
    if not infos:
        return picture
    marked = {
        (one.looks[name].label, mark)
        for one in several
        for name in one.protocols
        if (mark := one.mark(name))
    }
    wrong = sorted(name for name, mark in marked if mark == "not valid")
    out = sorted(f"{name} ({mark})" for name, mark in marked if mark != "not valid")
    counts = {f"{info.offered:,}" for info in infos}
    records = f"{counts.pop()} records" if len(counts) == 1 else (
        f"{sum(info.offered for info in infos):,} records in {len(infos)} runs"
    )  # fmt: skip
    rounds = {info.round for info in infos}
    which = f"{len(rounds)} rounds" if len(rounds) > 1 else f"round {max(rounds)}"
    loads = [str(load) for load in dict.fromkeys(load_of(one) for one in several if one.runs)]
    what = f"{which}, {records}, {' and '.join(loads)}"
    if out:
        what = f"{what}; left out: {', '.join(out)}"
    return small_print(picture, what, several[0].environment, wrong)


def small_print(
    picture: Picture, what: str, environment: Mapping[str, Any], wrong: Sequence[str] = ()
) -> Picture:
    """Write below a figure what was measured, on which machine and when; see `stamped`.

    Args:
        picture: the figure, drawn.
        what: what was measured, in words.
        environment: the machine and the date.
        wrong: the names of what is not valid.
    """
    if picture.is_stamped:
        return picture
    picture.is_stamped = True
    picture.alt = sentences(picture.alt, f"Measured: {what}")
    machine = environment.get("machine", {})
    cores = f"{machine['cores']} cores" if machine.get("cores") else ""
    date = str(environment.get("date", ""))[:16].replace("T", " ")
    words = (what, machine.get("processor", ""), cores, machine.get("system", ""), date)
    lines = _wrapped(", ".join(filter(None, words)), {"color": "#666666"})
    if wrong:
        mark = f"Not valid, do not use: {', '.join(wrong)}"
        lines += _wrapped(mark, {"color": WRONG, "fontweight": "bold"})
        picture.patch.set(edgecolor=WRONG, linewidth=6)
        picture.alt = sentences(picture.alt, mark)
    strip = LINE_INCHES * (len(lines) + 0.5)
    height = picture.get_figheight() + strip
    picture.set_figheight(height)
    _make_room(picture, strip / height)
    for number, (text, look) in enumerate(lines):
        place = LINE_INCHES * (number + 0.5) / height
        picture.text(0.012, place, text, fontsize=7, **look)  # type: ignore[arg-type]
    return picture


def _wrapped(text: str, look: dict[str, str]) -> list[tuple[str, dict[str, str]]]:
    """Return the lines of small print, the lowest first."""
    return [(line, look) for line in reversed(textwrap.wrap(text, SMALL_WIDTH))]


def _make_room(picture: Picture, below: float) -> None:
    """Keep a share of a figure's height free at its lower edge; the legend goes above it.

    The layout knows the place of a legend only at the edge, so it gets room for it here.
    """
    room = below
    for one in picture.legends:
        extent = one.get_window_extent()
        room = max(room, below + extent.height / picture.bbox.height + 0.01)
        one.set_bbox_to_anchor((0, below, 1, 1 - below), transform=picture.transFigure)
    layout = picture.get_layout_engine()
    if layout is not None:
        layout.set(rect=(0.008, room, 0.984, 1 - room))  # type: ignore[call-arg]


def through_kafka(runs: Runs, protocol: str) -> bool:
    """Return whether a protocol's acks come from a broker."""
    return any(info.through_kafka for info in runs.runs if info.protocol == protocol)


def with_faults(finding: str, info: RunInfo) -> str:
    """Add to a finding how long the faults lasted that did not last as long as planned."""
    words = strikes.in_title(info)
    return f"{finding}; {words}" if words else finding


def faults_in_words(runs: Runs, infos: Sequence[RunInfo]) -> str:
    """Return the shaded faults of several runs, with begin and end; empty without any."""
    spans = []
    for info in infos:
        name = f"{described(runs, info)}: " if len(infos) > 1 else ""
        for fault in info.timed_faults:
            begin, end = strikes.seconds(fault, info)
            spans.append(f"{name}{fault.label} from {begin:.2f} s to {end:.2f} s")
    return f"Shaded: {'; '.join(spans)}" if spans else ""


def otherwise(runs: Runs, infos: Sequence[RunInfo]) -> list[str]:
    """Return how long the faults of several runs lasted, where that differs from the plan."""
    return [
        f"{described(runs, info)}: {words}" for info in infos if (words := strikes.in_title(info))
    ]


def described(runs: Runs, info: RunInfo) -> str:
    """Return a run's protocol, and its round unless it is the first."""
    return runs.label(info.protocol) + (f", round {info.round}" if info.round > 1 else "")


def all_of(names: Sequence[str]) -> str:
    """Return names as a list in words: `A, B and C`."""
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)


def ms(value: float) -> str:
    """Return milliseconds as text, in ms or s, with three significant digits and no line break."""
    if value >= 9_999.5:
        number, unit = f"{value / 1e3:,.1f}", "s"
    else:
        number, unit = f"{value:,.0f}" if value >= 99.95 else f"{value:.3g}", "ms"
    return f"{number}\N{NO-BREAK SPACE}{unit}"


def logarithmic(axis: XAxis | YAxis, label: str) -> None:
    """Make an axis logarithmic, with plain numbers at 1, 2 and 5, and a label that says so.

    Args:
        axis: the axis.
        label: what it shows; if it ends with a line break, "(logarithmic)" is on the next line.
    """
    (axis.axes.set_xscale if axis.axis_name == "x" else axis.axes.set_yscale)("log")
    axis.set_major_locator(LogLocator(10, (1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axis.set_minor_formatter(NullFormatter())
    axis.set_label_text(f"{label}{'' if label.endswith(chr(10)) else ' '}(logarithmic)")


def numbers(stamps: pd.Series[Any]) -> Floats:
    """Return time stamps, or their differences, as floats; NaN where they are missing."""
    values = stamps.astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    return np.asarray(values, dtype=np.float64)


def shade(axes: Axes, info: RunInfo, zero_ns: int | None = None, unit_ns: float = 1e9) -> None:
    """Shade the actual span of each fault of a run, with its name above the axes.

    Args:
        axes: the axes, with everything else drawn.
        info: the run.
        zero_ns: the time stamp that is 0 on the axis; by default the run's start.
        unit_ns: one unit of the axis, in nanoseconds.
    """
    zero = info.start_ns if zero_ns is None else zero_ns
    left, right = axes.get_xlim()
    ends: list[float] = []  # where the last name on each level ends
    for fault in sorted(info.timed_faults, key=lambda fault: fault.start_ns):
        end_ns = info.end_ns if fault.end_ns is None else fault.end_ns
        begin, end = ((stamp - zero) / unit_ns for stamp in (fault.start_ns, end_ns))
        if zero_ns is None:
            left, right = min(left, begin), max(right, end)
        elif end < left or begin > right:
            continue
        begin, end = max(begin, left), min(end, right)
        axes.axvspan(begin, end, color=FAULT_COLOUR, alpha=0.25, linewidth=0, zorder=0)
        axes.axvline(begin, color=FAULT_COLOUR, linewidth=1.2, zorder=0)
        width = (len(fault.label) + 2) * 0.0115 * (right - left)
        start = max(left, min(begin, right - width))
        level = next((level for level, last in enumerate(ends) if last <= start), len(ends))
        if level > 2:
            continue  # no room for another name
        ends[level : level + 1] = [start + width]
        axes.annotate(fault.label, (start, 1), (0, 3 + 12 * level), fontsize=9, color="#7A3B5E",
                      xycoords=axes.get_xaxis_transform(), textcoords="offset points",
                      annotation_clip=False)  # fmt: skip
    axes.set_xlim(left, right)


def legend(axes: Axes, columns: int = 4) -> None:
    """Draw a legend below the axes, each entry once."""
    handles, labels = axes.get_legend_handles_labels()
    once = dict(zip(labels, handles, strict=True))
    figure = axes.get_figure()
    if once and figure is not None:
        figure.legend(
            once.values(), once.keys(), loc="outside lower center", ncols=columns, frameon=False,
            fontsize=9,
        )  # fmt: skip
