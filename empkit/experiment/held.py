"""What the database holds of a run, read past the server by statements of the audit's own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import sqlalchemy as sa

from empkit.databases.engine import make_engine
from empkit.experiment.content import read
from empkit.experiment.payloads import Payloads
from empkit.results.verdicts import Held

PAGE = 5_000
LAST = "\U0010ffff"
"""Behind every other character, so that an id of a run comes before the run's prefix with this."""

_ROWS = sa.text("SELECT * FROM employees WHERE employee_id >= :first AND employee_id < :past")
_IDS = sa.text(
    "SELECT employee_id FROM employees WHERE employee_id >= :first AND employee_id < :past"
)

Rows = AsyncIterator[dict[str, Any]]
IsSame = Callable[[Mapping[str, Any], Mapping[str, Any] | None], bool]


class Ids:
    """Which records of a run have which id; nearly always one.

    By hash, in sorted order: a dictionary of a million ids would take 170 MB.

    Args:
        records: what was offered, in order.
    """

    def __init__(self, records: Payloads) -> None:
        self._records = records
        hashes = np.fromiter((hash(employee_id) for employee_id, _ in records), np.int64)
        self._order = np.argsort(hashes, kind="stable")
        self._hashes = hashes[self._order]

    def of(self, employee_id: str) -> list[int]:
        """The places of the records with this id."""
        wanted = hash(employee_id)
        begin, end = (
            int(np.searchsorted(self._hashes, wanted, side)) for side in ("left", "right")
        )
        places = (int(place) for place in self._order[begin:end])
        return [place for place in places if self._records[place][0] == employee_id]

    def repeated(self) -> Iterator[list[int]]:
        """The places of the records that share their id, by id."""
        again = self._hashes[1:] == self._hashes[:-1]
        for shared in np.unique(self._hashes[1:][again]):
            begin, end = (
                int(np.searchsorted(self._hashes, shared, side)) for side in ("left", "right")
            )
            by_id: dict[str, list[int]] = {}
            for place in self._order[begin:end].tolist():
                employee_id = self._records[place][0]
                if employee_id is not None:
                    by_id.setdefault(employee_id, []).append(place)
            yield from (places for places in by_id.values() if len(places) > 1)


@contextmanager
def _connected(url: str) -> Iterator[sa.Connection]:
    engine = make_engine(url)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


async def rows_in_database(url: str, prefix: str) -> Rows:
    """The rows of a run, page by page."""
    with _connected(url) as connection:
        paged = connection.execution_options(yield_per=PAGE)
        for row in paged.execute(_ROWS, {"first": prefix, "past": prefix + LAST}).mappings():
            yield dict(row)


def ids_outside(url: str, run_ids: Iterable[str], run_id: str) -> set[str]:
    """The ids in a database that none of these runs has sent, nor their warm-ups.

    Asks for the ranges of the primary key between the runs, so that a million rows of theirs cost
    nothing.

    Args:
        url: of the database.
        run_ids: of all runs there were; the ids of a run begin with its own and `-` or `~`.
        run_id: of the run that is audited; of its warm-up, whose names are known, the ids are
            among those that are returned.
    """
    found: set[str] = set()
    first = ""
    with _connected(url) as connection:
        prefixes = {f"{each}{mark}" for each in run_ids for mark in "-~"} - {f"{run_id}~"}
        for past in sorted(prefixes):
            found.update(connection.execute(_IDS, {"first": first, "past": past}).scalars())
            first = past + LAST
        found.update(connection.execute(_IDS, {"first": first, "past": LAST}).scalars())
    return found


def is_of_run(employee_id: str, run_ids: Collection[str]) -> bool:
    """Whether an id is one that a run gave: the run's own and `-` or `~`, then the rest."""
    return employee_id[6:7] in ("-", "~") and employee_id[:6] in run_ids


async def hold_against(
    rows: Rows, records: Payloads, ids: Ids, is_same: IsSame, offered: Collection[bool]
) -> tuple[list[Held], list[str]]:
    """Hold what is stored against what was offered, row by row, so that neither is kept twice.

    Args:
        rows: what is stored, in the form that `is_same` takes.
        records: what was to be offered.
        ids: of these.
        is_same: whether a row has the content of a record.
        offered: of each record whether it was.

    Returns:
        What the database holds of each record, and the ids that it holds and nobody offered.
    """
    sent = np.asarray(offered, bool)
    held: list[Held] = ["nothing"] * len(records)
    strays = []
    async for row in rows:
        seqs = [seq for seq in ids.of(row["employee_id"]) if sent[seq]]
        if not seqs:
            strays.append(row["employee_id"])
        for seq in seqs:
            held[seq] = "same" if is_same(row, read(records[seq][1])) else "other"
    return held, strays
