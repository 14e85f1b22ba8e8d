"""The figures of a folder of results: as PNG files, and embedded in the report."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from empkit.results.answer import by_load

if TYPE_CHECKING:
    from empkit.plots.style import Picture
    from empkit.results.runs import Runs


def write_figures(runs: Runs, folder: Path) -> tuple[dict[str, Picture], dict[str, str]]:
    """Draw the figures and write each as PNG; one that cannot be drawn does not stop the others.

    Args:
        runs: the runs to draw.
        folder: an existing folder for the files.

    Returns:
        The figures by name, for the report; and the reason for each that could not be drawn. The
        name `figures` stands for all, where matplotlib itself cannot be used.
    """
    try:
        from empkit.plots.register import drawers  # noqa: PLC0415 - an unusable matplotlib is reported

        todo = drawers(runs)
    except Exception as error:  # noqa: BLE001 - any error of matplotlib or of its settings
        return {}, {"figures": _reason(error)}
    return _write(todo, folder)


def write_together(
    crossed: Sequence[Runs], folder: Path
) -> tuple[dict[str, Picture], dict[str, str]]:
    """Draw the figures of several choices of guarantees together; see `write_figures`.

    With one choice there is nothing to draw together.
    """
    if len({runs.guarantees for runs in crossed}) < 2:
        return {}, {}
    try:
        from empkit import plots  # noqa: PLC0415 - an unusable matplotlib is reported
    except Exception as error:  # noqa: BLE001 - any error of matplotlib or of its settings
        return {}, {"choices": _reason(error)}
    todo: dict[str, Callable[[], Picture]] = {
        f"choices-{load.name}": partial(plots.choices, of_load)
        for load, of_load in by_load(crossed).items()
    }
    return _write(todo | {"verdicts": partial(plots.verdicts, list(crossed))}, folder)


def _write(
    todo: Mapping[str, Callable[[], Picture]], folder: Path
) -> tuple[dict[str, Picture], dict[str, str]]:
    """Draw each figure and write it as PNG."""
    drawn: dict[str, Picture] = {}
    missing: dict[str, str] = {}
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
        caption: how to read it.
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
    from empkit.plots.register import caption_of  # noqa: PLC0415 - an unusable matplotlib is reported

    png = base64.b64encode(picture.png()).decode()
    return Figure(picture.alt, png, caption_of(name))
