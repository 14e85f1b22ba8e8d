"""How a protocol is shown: its name for people, and its colour, marker and line in figures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

PALETTE = ("#CC79A7", "#56B4E9", "#E69F00")
"""The colours of protocols that set none, in the order of their names (Okabe and Ito, 2008)."""


class Look(NamedTuple):
    """How one protocol is shown.

    Attributes:
        label: its name for people.
        colour: the colour of its bars and lines, for matplotlib.
        marker: the marker of its points.
        line: the style of its lines.
    """

    label: str
    colour: str = ""
    marker: str = "D"
    line: str = ":"


def coloured(looks: dict[str, Look]) -> dict[str, Look]:
    """Return the looks, each with a colour: the same names always get the same colours.

    Args:
        looks: the looks, by protocol.
    """
    without = sorted(name for name, look in looks.items() if not look.colour)
    colours = {name: PALETTE[place % len(PALETTE)] for place, name in enumerate(without)}
    return {
        name: look._replace(colour=look.colour or colours[name]) for name, look in looks.items()
    }


def plain(protocols: Iterable[str]) -> dict[str, Look]:
    """Return the looks of protocols of which only the name is known, such as `module:Class`."""
    return {protocol: Look(protocol.rpartition(":")[2]) for protocol in protocols}
