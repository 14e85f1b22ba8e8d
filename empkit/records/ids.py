"""Notes which ids a file has more than once, in little memory."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

from empkit.records.values import shown

_PARTS = 2
"""In how many parts the ids are looked at."""


class Ids:
    """The ids of a file's records, as their hashes: a million of them take 12 MB.

    Example:
        >>> ids = Ids()
        >>> for line, each in enumerate(["E1", "E2", "E1"], start=2):
        ...     ids.add(each, line)
        >>> ids.remarks([{"employee_id": "E1"}, {}, {}])
        ["Of the ids 1 occurs more than once, in 2 rows, such as 'E1' in lines 2 and 4."]
    """

    def __init__(self) -> None:
        self._hashes = array("q")
        self._lines = array("I")

    def add(self, employee_id: str, line: int) -> None:
        """Add the id of the next record."""
        self._hashes.append(hash(employee_id))
        self._lines.append(line)

    def remarks(self, records: Sequence[dict[str, Any]]) -> list[str]:
        """Return a sentence on the ids that occur more than once; nothing if none does.

        Args:
            records: those whose ids were added, in that order.
        """
        if not any(map(self._twice, range(_PARTS))):
            return []
        first: dict[int, int] = {}
        again: dict[int, int] = {}
        rows = 0
        for place, each in enumerate(self._hashes):
            if first.setdefault(each, place) != place:
                rows += 1
                again.setdefault(each, place)
        one = next(iter(again))
        name = records[first[one]]["employee_id"]
        many = len(again)
        return [
            f"Of the ids {many:,} occur{'s' * (many == 1)} more than once, in {rows + many:,} "
            f"rows, such as {shown(name)} in lines {self._lines[first[one]]} and "
            f"{self._lines[again[one]]}."
        ]

    def _twice(self, part: int) -> bool:
        """Return whether a part of the ids has one twice; a set of all would take much memory."""
        hashes = [each for each in self._hashes if each % _PARTS == part]
        return len(set(hashes)) < len(hashes)
