"""The workload: the records, and the times at which they are sent."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from empkit.experiment.arrivals import ARRIVALS, ArrivalsName
from empkit.records.files import RecordFile, read_records
from empkit.records.raw import Raw
from empkit.records.samples import make_up_records

Record = Mapping[str, Any]

DEFAULT_IN_FLIGHT = 8


@dataclass(frozen=True)
class Workload:
    """Records and the times at which they are offered.

    Either a closed loop (`in_flight`: each answer triggers the next record, so that the system sets
    the pace) or an open loop (`rate`: a schedule sets the pace, whatever the system does). With
    neither it is a closed loop of 8.

    Args:
        records: the number of made-up records; or records; or a file that `read_records` can read,
            or has read, with the options that it needs.
        in_flight: closed loop: how many records are in flight at any time.
        rate: open loop: offered rate in records per second.
        arrivals: open loop: `constant` gaps, or those of a `poisson` process, which models many
            independent senders.
        warm_up: records that are sent first and not counted.
        seed: for made-up records and for Poisson arrivals.
        origin: the file that the records are from, when it was read beforehand.
        surges: open loop: begin and end in seconds, and the factor by which the rate is multiplied;
            see `empkit.faults.Overload`.

    Raises:
        ValueError: a number is out of range, or both loops are asked for.

    Example:
        >>> Workload(records=3, rate=100).schedule_ns(3).tolist()
        [0, 10000000, 20000000]
    """

    MOST_IN_FLIGHT: ClassVar[int] = 1_000
    """How many records an open loop has in flight at most, so that memory stays bounded when the
    system takes less than it is offered. One that is due then waits; its response time counts from
    when it was due nevertheless."""

    records: int | str | Path | RecordFile | Sequence[Record | Raw] = 2_000
    in_flight: int | None = None
    rate: float | None = None
    arrivals: ArrivalsName = "constant"
    warm_up: int = 200
    seed: int = 0
    surges: tuple[tuple[float, float, float], ...] = ()
    origin: RecordFile | None = None

    def __post_init__(self) -> None:
        if isinstance(self.records, RecordFile):
            object.__setattr__(self, "origin", self.records)
            object.__setattr__(self, "records", self.records.records)
        if self.in_flight is not None and self.rate is not None:
            raise ValueError("Give in_flight (closed loop) or rate (open loop), not both.")
        if self.in_flight is not None and self.in_flight < 1:
            raise ValueError(f"in_flight is {self.in_flight}; at least 1 record must be in flight.")
        if self.rate is not None and not 0 < self.rate <= 1_000_000:
            raise ValueError(f"rate is {self.rate}; expected more than 0 and at most 1,000,000/s.")
        if self.arrivals not in ARRIVALS:
            expected = " or ".join(map(repr, ARRIVALS))
            raise ValueError(f"arrivals is {self.arrivals!r}; expected {expected}.")
        if isinstance(self.records, int) and self.records < 1:
            raise ValueError(f"records is {self.records}; at least 1 is needed.")
        if self.warm_up < 0:
            raise ValueError(f"warm_up is {self.warm_up}; expected 0 or more.")
        _check_surges(sorted(self.surges))

    def load(self) -> Iterator[Record | Raw]:
        """Return the records; made-up ones are made during the iteration.

        Raises:
            RecordError: a file cannot be read, or holds no record.
        """
        if isinstance(self.records, int):
            return make_up_records(self.records, self.seed)
        if isinstance(self.records, str | Path):
            return iter(read_records(self.records).records)
        assert not isinstance(self.records, RecordFile)  # see __post_init__
        return iter(self.records)

    def read(self) -> Workload:
        """Return the workload with the records of its file, which is read only here.

        Warns of rows that are no records and of values that were dropped.

        Raises:
            RecordError: the file cannot be read.
        """
        if not isinstance(self.records, str | Path):
            return self
        file = read_records(self.records)
        if file.unreadable or file.dropped:
            warnings.warn(
                f"{self.records}: {len(file.unreadable):,} rows were left out and "
                f"{file.values_dropped:,} values dropped. read_records({str(self.records)!r}) says "
                "which and why, and Workload takes what it returns.",
                stacklevel=2,
            )
        return replace(self, records=file)

    def closed_loop(self) -> int | None:
        """Return how many records are in flight at any time; None in an open loop."""
        return None if self.rate is not None else self.in_flight or DEFAULT_IN_FLIGHT

    def schedule_ns(self, count: int) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Return when each of `count` records is due in an open loop, in ns after the start."""
        assert self.rate is not None
        # in units of the mean gap, then stretched to time
        if self.arrivals == "constant":
            places = np.arange(count, dtype=np.float64)
        else:
            places = np.cumsum(np.random.default_rng(self.seed).exponential(1.0, count))
        seconds = places / self.rate
        for begin, end, times in sorted(self.surges):
            length = (end - begin) * times  # of the surge, at the usual rate
            inside = (seconds > begin) & (seconds <= begin + length)
            after = seconds > begin + length
            seconds[inside] = begin + (seconds[inside] - begin) / times
            seconds[after] += (end - begin) - length
        return (seconds * 1e9).astype(np.int64)

    def described(self, count: int) -> dict[str, Any]:
        """Return the workload in words and numbers, for the results of a run."""
        if self.origin is not None:
            source = "standard input" if self.origin.name == "-" else f"file {self.origin.name}"
        elif isinstance(self.records, str | Path):
            source = f"file {Path(self.records).name}"
        else:
            source = "made up" if isinstance(self.records, int) else "given"
        described = {
            "records": count,
            "source": source,
            "in_flight": self.closed_loop(),
            "rate": self.rate,
            "arrivals": self.arrivals if self.rate is not None else None,
            "warm_up": self.warm_up,
            "seed": self.seed,
        }
        return described if self.origin is None else described | _reading_of(self.origin)


def _reading_of(file: RecordFile) -> dict[str, Any]:
    """Return what is needed to read a file in the same way again, and what was not read."""
    return {
        "reading": file.reading.given(),
        "rows_left_out": len(file.unreadable),
        "values_dropped": file.values_dropped,
    }


def _check_surges(surges: Sequence[tuple[float, float, float]]) -> None:
    """Refuse overloads that are not valid or that overlap."""
    for begin, end, times in surges:
        if not (0 <= begin < end < math.inf and 0 < times < math.inf):
            raise ValueError(
                f"An overload of {times:g} times from {begin:g} s to {end:g} s is not valid: it "
                "has to end after it began, and to multiply the rate by more than 0."
            )
    for (begin, end, _), (later, last, _) in pairwise(surges):
        if later < end:
            raise ValueError(
                f"The overload from {begin:g} s to {end:g} s overlaps the one from {later:g} s to "
                f"{last:g} s: let each begin when the other has ended."
            )


def repeat_to(records: Sequence[Record], count: int) -> Iterator[Record]:
    """Yield `count` records by repeating those given; ids of later passes get a suffix."""
    for position in range(count):
        passes, index = divmod(position, len(records))
        record = records[index]
        yield {**record, "employee_id": f"{record['employee_id']}~{passes}"} if passes else record
