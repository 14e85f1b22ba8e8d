"""Many records in little memory: each is the JSON that is sent, in one buffer."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import Any, overload

import orjson

SHOWN = 3
"""How many records the text form of a sequence shows."""


class EncodedRecords(Sequence[dict[str, Any]]):
    """Records as the JSON that is sent; one is decoded when it is asked for.

    A list of a million dictionaries would take more than 1 GB, this takes as much as their JSON. A
    part of it (`records[10:20]`) shares its buffer.

    Example:
        >>> records = EncodedRecords()
        >>> records.append(b'{"employee_id":"E1"}')
        >>> records[0], len(records[1:])
        ({'employee_id': 'E1'}, 0)
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._ends = array("Q", [0])
        self._places: range | None = None  # of a part

    def append(self, payload: bytes) -> None:
        """Add a record that is JSON already."""
        if self._places is not None:
            raise TypeError("A part of other records cannot grow: copy it by list().")
        self._buffer += payload
        self._ends.append(len(self._buffer))

    def payloads(self) -> Iterator[bytes]:
        """Yield the records as JSON."""
        return map(self._payload, self._range())

    def __len__(self) -> int:
        return len(self._range())

    @overload
    def __getitem__(self, place: int) -> dict[str, Any]: ...

    @overload
    def __getitem__(self, place: slice) -> EncodedRecords: ...

    def __getitem__(self, place: int | slice) -> dict[str, Any] | EncodedRecords:
        if isinstance(place, slice):
            part = EncodedRecords()
            part._buffer, part._ends = self._buffer, self._ends
            part._places = self._range()[place]
            return part
        record: dict[str, Any] = orjson.loads(self._payload(self._range()[place]))
        return record

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return map(orjson.loads, self.payloads())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str | bytes):
            return NotImplemented
        return len(self) == len(other) and all(
            one == another for one, another in zip(self, other, strict=True)
        )

    __hash__ = None  # type: ignore[assignment] # as a list's

    def __repr__(self) -> str:
        first = ", ".join(map(repr, self[:SHOWN]))
        more = f", ... ({len(self):,} records)" if len(self) > SHOWN else ""
        return f"[{first}{more}]"

    def _range(self) -> range:
        return range(len(self._ends) - 1) if self._places is None else self._places

    def _payload(self, number: int) -> bytes:
        return bytes(self._buffer[self._ends[number] : self._ends[number + 1]])
