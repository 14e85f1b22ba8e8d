"""Registers the figures that are drawn for a folder of results and its report."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple, TypeVar, get_args

from empkit import plugins
from empkit.plots.style import Picture
from empkit.results.runs import Runs

Of = Literal["comparison", "protocol", "faulted protocol", "choices"]
Draw = TypeVar("Draw", bound=Callable[..., Picture])


class FigureKind(NamedTuple):
    """One entry of the register.

    Attributes:
        name: the file name without its suffix; a hyphen and the protocol's name follow it where
            there is one figure per protocol.
        of: whether there is one figure for all protocols, one per protocol, one per protocol whose
            run had faults, or one for all choices of guarantees.
        caption: how to read the figure.
        draw: the function that draws it from runs.
    """

    name: str
    of: Of
    caption: str
    draw: Callable[[Runs], Picture]


DEFINED: dict[str, FigureKind] = {}
"""All registered figures, by name."""


def figure(name: str, of: Of, caption: str) -> Callable[[Draw], Draw]:
    """Return a decorator that registers a function as a figure.

    Args:
        name, of, caption: see `FigureKind`.

    Raises:
        TypeError: another figure has the name, or `of` is none of those.
    """

    if of not in get_args(Of):
        raise TypeError(
            f"There is a figure of one of {', '.join(get_args(Of))}, and not of {of!r}."
        )

    def enter(draw: Draw) -> Draw:
        plugins.enter(DEFINED, name, FigureKind(name, of, caption, draw), lambda kind: kind.draw)
        return draw

    return enter
