"""The progress of the runs: a bar on standard error; in a notebook a small figure that grows, and
a line of text at the end."""

from __future__ import annotations

import html
import itertools
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from empkit.clients import looks
from empkit.clients.look import coloured

Progress = Callable[[str, int, int], None]
"""Called with the name of a run, how many of its records are done, and how many there are."""

SILENT_S = 2.0
"""The bar appears after this time; a shorter comparison needs none."""


@contextmanager
def shown(progress: Progress | None, total: int) -> Iterator[Progress]:
    """Provide the caller's progress, or a visible one of the kit.

    Args:
        progress: the caller's; None for the kit's.
        total: the number of records of all runs.
    """
    if progress is not None:
        yield progress
    elif _in_notebook():
        yield from _live(total)
    else:
        yield from _bar(total)


def _in_notebook() -> bool:
    """Return whether a Jupyter kernel runs this process. tqdm would use a widget there, which a
    saved notebook cannot show."""
    ipython = sys.modules.get("IPython")
    shell: Any = ipython.get_ipython() if ipython else None
    return shell is not None and hasattr(shell, "kernel")


def _live(total: int) -> Iterator[Progress]:
    from IPython.display import display  # noqa: PLC0415 - only where it is used

    began = time.monotonic()
    live = Live(total)
    show: Any = display  # IPython has no types
    handle = show(_Text("starting ..."), display_id=True)

    def update(name: str, records: int, _of: int) -> None:
        live.add(name, records, time.monotonic())
        handle.update(live)

    try:
        yield update
    finally:
        took = time.monotonic() - began
        handle.update(_Text(f"{live.done:,} records in {took:.1f} s"))


class _Text:
    """A line that a notebook shows as plain text."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


class Live:
    """A figure of the records per second of each run so far, updated during the run.

    The SVG is written by hand: that takes 0.1 ms, where matplotlib takes 100 ms and would disturb
    the measured processes. A front end without figures shows the text instead.

    Args:
        total: the number of records of all runs.
    """

    WIDTH, HEIGHT = 640, 110

    def __init__(self, total: int) -> None:
        self._total = total
        self._reports: dict[str, list[tuple[float, int]]] = {}

    @property
    def done(self) -> int:
        """How many records are done."""
        return sum(reports[-1][1] for reports in self._reports.values())

    def add(self, name: str, records: int, at_s: float) -> None:
        """Add a report.

        Args:
            name: of the run: its protocol, then its round.
            records: how many of its records are done.
            at_s: the time of the report, on any clock, in seconds.
        """
        self._reports.setdefault(name, []).append((at_s, records))

    def rates(self) -> dict[str, list[tuple[float, float]]]:
        """Return, per run, the records per second between reports, and when, since the first."""
        begin = min((reports[0][0] for reports in self._reports.values()), default=0.0)
        return {
            name: [
                (later - begin, (after - before) / (later - earlier))
                for (earlier, before), (later, after) in itertools.pairwise(reports)
                if later > earlier
            ]
            for name, reports in self._reports.items()
        }

    def __repr__(self) -> str:
        now = next(reversed(self._reports), "")
        return f"{now}: {self.done:,} of {self._total:,} records"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self.svg()}

    def svg(self) -> str:
        """Return the figure; its text and axes take the colour of the page, light or dark."""
        rates = self.rates()
        points = [point for curve in rates.values() for point in curve]
        width = max([1.0, *(at_s for at_s, _ in points)])
        height = max([1.0, *(rate for _, rate in points)])
        colours = coloured(looks({name.partition(" ")[0] for name in rates}))
        lines = []
        for name, curve in rates.items():
            places = " ".join(
                f"{at_s / width * self.WIDTH:.0f},{self.HEIGHT - rate / height * self.HEIGHT:.0f}"
                for at_s, rate in curve
            )
            colour = colours[name.partition(" ")[0]].colour
            lines.append(
                f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="2"/>'
            )
        text = html.escape(f"{self!r}; the highest so far: {height:,.0f} records per second")
        return (
            f'<svg viewBox="-5 -5 {self.WIDTH + 10} {self.HEIGHT + 30}" width="{self.WIDTH}" '
            f'role="img" aria-label="{text}">'
            f'<path d="M0 0V{self.HEIGHT}H{self.WIDTH}" fill="none" stroke="currentColor"/>'
            f"{''.join(lines)}"
            f'<text x="0" y="{self.HEIGHT + 18}" fill="currentColor" font-size="13">{text}</text>'
            "</svg>"
        )


def _bar(total: int) -> Iterator[Progress]:
    from tqdm import tqdm  # noqa: PLC0415 - only where it is used

    before: dict[str, int] = {}
    interval_s = 0.1 if sys.stderr.isatty() else 2.0  # in a file every update is a line
    with tqdm(
        total=total, unit="rec", delay=SILENT_S, mininterval=interval_s, leave=False,
        dynamic_ncols=True,
    ) as bar:  # fmt: skip

        def update(name: str, records: int, _of: int) -> None:
            bar.set_description(name, refresh=False)
            bar.update(records - before.get(name, 0))
            before[name] = records

        yield update
