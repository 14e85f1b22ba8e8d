"""Faults of the records themselves."""

from __future__ import annotations

import itertools
import random
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from empkit import plugins
from empkit.faults.base import Evidence, Offer, WholeRunFault
from empkit.records.raw import Raw


def _differs(after: Any, before: Any) -> bool:
    """Return whether other bytes are sent; dictionaries of another order of fields are equal."""
    reordered = isinstance(after, dict) and list(after) != list(before)
    return bool(after != before) or reordered


@dataclass(frozen=True)
class RecordFault(WholeRunFault):
    """A share of the records is not as it should be.

    Args:
        share: the share of the records that is changed, from 0 to 1.

    Example:
        >>> names = [{"employee_id": f"E{n}", "last_name": "Byron"} for n in range(1_000)]
        >>> sum("last_name" not in record for record in Invalid(share=0.2).alter(names, seed=0))
        182
    """

    part = "records"
    unit = "records changed"
    share: float = 0.1

    def __post_init__(self) -> None:
        if not isinstance(self.share, int | float) or not 0 <= self.share <= 1:
            raise ValueError(f"share is {self.share!r}; expected a number from 0 to 1.")

    def change(self, offer: Offer) -> Sequence[int]:
        """Change a share of the records."""
        places: list[int] = []
        offer.records = self.alter(offer.records, offer.seed, places)
        return places

    def count(self, evidence: Evidence, places: Sequence[int]) -> int | None:
        """Count the changed records that were offered."""
        return int(evidence.timings("seq")["seq"].isin(list(places)).sum())

    def alter(
        self, records: Iterable[Any], seed: int, struck: list[int] | None = None
    ) -> Iterator[Any]:
        """Yield the records, some of them changed; a `Raw` among them is sent unchanged.

        Args:
            records: the records without the fault.
            seed: chooses the records that are changed.
            struck: the places, from 0, of the changed records are appended to it.
        """
        chance = random.Random(f"{self.name}-{seed}")  # noqa: S311 - to choose, not to hide
        pairs = itertools.pairwise(itertools.chain([None], records))
        for place, (before, record) in enumerate(pairs):
            chosen = before is not None and isinstance(record, dict)
            after = record
            if chosen and chance.random() < self.share:
                after = self._changed(record, before)
            if struck is not None and _differs(after, record):
                struck.append(place)
            yield after

    def _changed(self, record: dict[str, Any], before: Any) -> Any:
        try:
            return self.changed(record, before)
        except Exception as error:
            raise ValueError(f"{self} cannot change a record: {plugins.said(error)}.") from error

    @abstractmethod
    def changed(self, record: dict[str, Any], before: Any) -> Any:
        """Return the changed record; `before` is the record that is sent before it."""


@dataclass(frozen=True)
class Duplicates(RecordFault):
    """Records with the id of another and content of their own.

    Example:
        >>> Duplicates().changed({"employee_id": "E2", "salary": 1.0}, {"employee_id": "E1"})
        {'employee_id': 'E1', 'salary': 1.0}
    """

    name = "duplicates"

    def changed(self, record: dict[str, Any], before: Any) -> Any:
        """Return the record with the id of the record before it."""
        if not isinstance(before, dict) or "employee_id" not in before:
            return record
        return {**record, "employee_id": before["employee_id"]}


@dataclass(frozen=True)
class Invalid(RecordFault):
    """Records without a last name.

    Example:
        >>> Invalid().changed({"employee_id": "E1", "last_name": "Byron"}, None)
        {'employee_id': 'E1'}
    """

    name = "invalid"

    def changed(self, record: dict[str, Any], before: Any) -> Any:
        """The last name goes."""
        return {name: value for name, value in record.items() if name != "last_name"}


@dataclass(frozen=True)
class Poison(RecordFault):
    """Bytes that are no JSON at all.

    Example:
        >>> str(Poison(share=0.05))
        'poison:share=0.05'
    """

    name = "poison"

    def changed(self, record: dict[str, Any], before: Any) -> Any:
        """Return half a record, and a byte that is not UTF-8."""
        half = f'{{"employee_id": "{record.get("employee_id")}", "first_name": "'
        return Raw(half.encode() + b"\xff")


@dataclass(frozen=True)
class TooLarge(RecordFault):
    """Records larger than the server takes (but not larger than a broker takes).

    Example:
        >>> len(TooLarge().changed({"employee_id": "E1"}, None)["remark"])
        100000
    """

    name = "too-large"

    def changed(self, record: dict[str, Any], before: Any) -> Any:
        """Return the record with a long field added."""
        return {**record, "remark": "x" * 100_000}
