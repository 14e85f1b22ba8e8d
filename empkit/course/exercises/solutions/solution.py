"""The shape of a solution."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Solution:
    """The way to the answer of an exercise, in four steps.

    Attributes:
        hints: a direction, then what to look at, then how to do it.
        code: the cell that solves it, as a reader would write it below the cells of the notebook;
            it ends with `check`.
    """

    hints: tuple[str, str, str]
    code: str
