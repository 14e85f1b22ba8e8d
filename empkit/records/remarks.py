"""What is to be said of how a file was read: values that were dropped, lines that were skipped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from empkit.records.form import Bad, Split
from empkit.records.values import shown

_MOST_LINES = 3
"""How many lines a sentence names at most."""


class DroppedValue(NamedTuple):
    """A value of a record that could not be used, and that the record is without.

    Where the whole column is the cause there is one for all of its values: the first one, and the
    reason says how many there are.

    Attributes:
        line: where its row begins, from 1.
        column: as the file names it.
        value: as the file has it.
        reason: what it is not, and what to do.
        element: the number of its row in a JSON list with several in a line, from 1; else 0.
    """

    line: int
    column: str
    value: Any
    reason: str
    element: int = 0


@dataclass
class _OfColumn:
    line: int
    value: Any
    reason: str
    place: int
    count: int = 1


class Drops:
    """Collects the values that were dropped.

    Attributes:
        count: how many there are.
    """

    def __init__(self) -> None:
        self.count = 0
        self._values: list[DroppedValue] = []
        self._columns: dict[tuple[str, str], _OfColumn] = {}

    def add(self, line: int, values: Iterable[Bad], element: int = 0) -> None:
        """Add the values of a row; see `DroppedValue`."""
        for bad in values:
            self.count += 1
            if bad.cause and (of := self._columns.get((bad.column, bad.cause))):
                of.count += 1
                continue
            if bad.cause:
                self._columns[bad.column, bad.cause] = _OfColumn(
                    line, bad.value, bad.reason, len(self._values)
                )
            self._values.append(DroppedValue(line, bad.column, bad.value, bad.reason, element))

    def all(self, by_element: bool) -> list[DroppedValue]:
        """Return them in the order of their lines; one stands for all of a column.

        Args:
            by_element: whether their elements are to be named.
        """
        for of in self._columns.values():
            if of.count > 1:
                self._values[of.place] = self._values[of.place]._replace(
                    reason=f"{of.reason} (so are {of.count:,} values of the column)"
                )
        if by_element:
            return self._values
        return [value._replace(element=0) for value in self._values]


def grouped(dropped: Iterable[DroppedValue]) -> list[str]:
    """Return a sentence for each column and reason of dropped values."""
    groups: dict[tuple[str, str], list[DroppedValue]] = {}
    for value in dropped:
        groups.setdefault((value.column, value.reason), []).append(value)
    sentences = []
    for (column, reason), values in groups.items():
        first = values[0]
        where = f"line {first.line}"
        if first.element:
            where += f", element {first.element}"
        if len(values) > 1:
            where = f"{len(values):,} values, the first in {where}"
        sentences.append(f"{shown(column)}: {shown(first.value)} ({where}) is dropped: {reason}.")
    return sentences


def of_skipped(skipped: Mapping[int, str]) -> list[str]:
    """Return sentences on the lines that were skipped, or of which something is to be said.

    Args:
        skipped: line -> what it is, or a sentence of it, which has a capital at its beginning.
    """
    lines: dict[str, list[int]] = {}
    for line, what in sorted(skipped.items()):
        lines.setdefault(what, []).append(line)
    sentences = []
    for what, of in lines.items():
        where = f"{'lines' if len(of) > 1 else 'line'} {some(of)}"
        sentence = what[:1].isupper()
        sentences.append(f"{what} ({where})." if sentence else f"Skipped: {what} in {where}.")
    return sentences


def some(of: Sequence[int]) -> str:
    """Return the first of some numbers, and how many more there are."""
    more = f" and {len(of) - _MOST_LINES:,} more" if len(of) > _MOST_LINES else ""
    return ", ".join(map(str, of[:_MOST_LINES])) + more


def of_splits(splits: Mapping[tuple[str, str], Split]) -> list[str]:
    """Return sentences on whole names that were split.

    Args:
        splits: of a column and a way, how it was done.
    """
    return [
        f"{shown(column)} has the whole name: {split.count:,} split {way}, such as "
        f"{shown(split.whole)} into first name {shown(split.first)} and last name "
        f"{shown(split.last)}."
        for (column, way), split in splits.items()
    ]
