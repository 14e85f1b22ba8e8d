"""The claims of the notebooks: each sentence that an assert of a notebook holds, and changes of the
data or of a setting that make it false.

cell of a notebook --nbval--> executed --plugin.py--> again.py, in the same kernel:
    for each claim of the cell and each of its changes:
        changed names --cells from `start` to this one--> the assert has to fail, with its message

An assert that holds although its sentence is false fails the cell, whenever pytest runs the
notebook. There is a module for each notebook; `table.py` writes them all into `README.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Names = dict[str, Any]
"""The names of a notebook's kernel and their values."""


@dataclass(frozen=True)
class Change:
    """A change under which the sentence of a claim is false.

    Attributes:
        what: what is changed, in words.
        make: gives names of the kernel other values. It leaves the old values as they are: they
            are put back afterwards.
        start: the id of the cell from which on the cells are executed again, up to that of the
            claim; by default only that of the claim.
    """

    what: str
    make: Callable[[Names], object]
    start: str = ""


@dataclass(frozen=True)
class Claim:
    """A sentence of a notebook that an assert holds.

    Attributes:
        cell: the id of the cell with the assert.
        says: the message of the assert.
        changes: under each of them the assert has to fail.
    """

    cell: str
    says: str
    changes: Sequence[Change]
