"""What makes a figure one of those that a folder of results and its report get."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple, TypeVar

from empkit.plots.style import Picture
from empkit.results.runs import Runs

Of = Literal["comparison", "protocol", "faulted protocol"]
Draw = TypeVar("Draw", bound=Callable[..., Picture])


class FigureKind(NamedTuple):
    """One entry of the register.

    Attributes:
        name: of its file, without the ending; with the protocol's name behind it where there is a
            figure for each.
        of: whether there is one figure for all, one for each protocol, or one for each whose run
            had faults.
        caption: how to read it.
        draw: what draws it from runs.
    """

    name: str
    of: Of
    caption: str
    draw: Callable[[Runs], Picture]


DEFINED: dict[str, FigureKind] = {}
"""Every figure that has been defined, by its name."""


def figure(name: str, of: Of, caption: str) -> Callable[[Draw], Draw]:
    """Enter the function below into the register of figures.

    Args:
        name, of, caption: see `FigureKind`.
    """

    def enter(draw: Draw) -> Draw:
        DEFINED[name] = FigureKind(name, of, caption, draw)
        return draw

    return enter
