"""The figures of a folder of results: as PNG files, and embedded in the report."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from empkit.plots.style import Picture
    from empkit.results.runs import Runs

HOW_TO_READ = {
    "latency": "Each line says which share of the records took at most so long: above until their "
    "sender knew, below until they were durable. Further left is faster; from 90 to 99 % is the "
    "tail. Marks are p50, p90 and p99, with their 95 % intervals. Both axes of time are alike, "
    "so that the two can be compared.",
    "stages": "The median time of each stage of a record's way; in brackets, in their order, where "
    "there is no room for the numbers. Medians do not add up, so the "
    "median of the whole has a mark of its own. Kafka has two ways: its ack does not wait for the "
    "store.",
    "verdicts": "What became of the records; the parts of one bar add up to those offered. Counts "
    "too small to be seen in the bar stand below it.",
    "rates": "Stored records per second, from the start to the last one stored. A dashed line is "
    "the rate that was offered: more than that cannot be stored, whatever the protocol could do.",
    "timeline": "Every record is a mark, placed at the time at which it was wanted sent, and as "
    "high as its sender had to wait. What happened to the system at one moment shows as a column. "
    "In the row 'never' are those whose sender had no answer until it gave up.",
    "throughput": "Where the line lies at 0, nothing was stored; a peak after it is what had "
    "waited. The dotted line is where the last record was stored that the fault had held up.",
    "percentiles": "The latencies until acked in slices of time: how long a disturbance lasts. A "
    "slice with too few acked records has no mark.",
}
"""The caption of each figure; `timeline-kafka` has that of `timeline`."""


def write_figures(runs: Runs, folder: Path) -> tuple[dict[str, Picture], dict[str, str]]:
    """Draw the figures and write each as PNG; one that cannot be drawn does not stop the others.

    Args:
        runs: the runs to draw.
        folder: an existing folder for the files.

    Returns:
        The figures by name, for the report; and the reason for each that could not be drawn. The
        name `figures` stands for all, where matplotlib itself cannot be used.
    """
    drawn: dict[str, Picture] = {}
    missing: dict[str, str] = {}
    try:
        from empkit.plots.register import drawers

        todo = drawers(runs)
    except Exception as error:  # noqa: BLE001 - any error of matplotlib or of its settings
        return drawn, {"figures": _reason(error)}
    for name, draw in todo.items():
        try:
            picture = draw()
            picture.savefig(folder / f"{name}.png", dpi=150)
            drawn[name] = picture
        except Exception as error:  # noqa: BLE001 - see above
            (folder / f"{name}.png").unlink(missing_ok=True)
            missing[name] = _reason(error)
    return drawn, missing


def _reason(error: Exception) -> str:
    """The error in one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0] if lines else 'no reason given'}"


class Figure(NamedTuple):
    """A figure as the page embeds it.

    Attributes:
        alt: what it shows, in words.
        png: the picture, in base64.
        caption: how to read it; empty for a figure without one.
    """

    alt: str
    png: str
    caption: str


def embedded(name: str, picture: Picture) -> Figure:
    """Render a picture for the page.

    Args:
        name: the name of the figure, which decides the caption.
        picture: the figure, drawn.
    """
    data = io.BytesIO()
    picture.savefig(data, format="png", dpi=110)
    png = base64.b64encode(data.getvalue()).decode()
    return Figure(picture.alt, png, HOW_TO_READ.get(name.partition("-")[0], ""))
