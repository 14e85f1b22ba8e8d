"""The rows of a run in the database, read by the audit's own statements and not by the server."""

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
"""Sorts after every other character: each id of a run sorts before the run's prefix with this."""

_ROWS = sa.text("SELECT * FROM employees WHERE employee_id >= :first AND employee_id < :past")
_IDS = sa.text(
    "SELECT employee_id FROM employees WHERE employee_id >= :first AND employee_id < :past"
)

Rows = AsyncIterator[dict[str, Any]]
IsSame = Callable[[Mapping[str, Any], Mapping[str, Any] | None], bool]


class Ids:
    """The records of a run by id; nearly always one per id.

    They are looked up in a sorted array of hashes: a dictionary of a million ids would take 170 MB.

    Args:
        records: the records of the run, in order.
    """

    def __init__(self, records: Payloads) -> None:
        self._records = records
        hashes = np.fromiter((hash(employee_id) for employee_id, _ in records), np.int64)
        self._order = np.argsort(hashes, kind="stable")
        self._hashes = hashes[self._order]

    def of(self, employee_id: str) -> list[int]:
        """Return the positions of the records with this id."""
        wanted = hash(employee_id)
        begin, end = (
            int(np.searchsorted(self._hashes, wanted, side)) for side in ("left", "right")
        )
        places = (int(place) for place in self._order[begin:end])
        return [place for place in places if self._records[place][0] == employee_id]

    def repeated(self) -> Iterator[list[int]]:
        """Yield the positions of the records that share an id, for each such id."""
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
    """Yield the rows of a run, read page by page."""
    with _connected(url) as connection:
        paged = connection.execution_options(yield_per=PAGE)
        for row in paged.execute(_ROWS, {"first": prefix, "past": prefix + LAST}).mappings():
            yield dict(row)


def ids_outside(url: str, run_ids: Iterable[str], run_id: str) -> set[str]:
    """Return the ids in a database that neither these runs nor their warm-ups have sent.

    It queries the ranges of the primary key between the runs, so that the runs' rows, perhaps a
    million, are not read.

    Args:
        url: of the database.
        run_ids: of all runs there were; the ids of a run begin with its run id and `-` or `~`.
        run_id: of the audited run; the ids of its warm-up are returned, too, since the caller knows
            their names.
    """
    ids: set[str] = set()
    first = ""
    with _connected(url) as connection:
        prefixes = {f"{name}{mark}" for name in run_ids for mark in "-~"} - {f"{run_id}~"}
        for past in sorted(prefixes):
            ids.update(connection.execute(_IDS, {"first": first, "past": past}).scalars())
            first = past + LAST
        ids.update(connection.execute(_IDS, {"first": first, "past": LAST}).scalars())
    return ids


def is_of_run(employee_id: str, run_ids: Collection[str]) -> bool:
    """Return whether an id belongs to a run: it begins with the run id and `-` or `~`."""
    return employee_id[6:7] in ("-", "~") and employee_id[:6] in run_ids


async def hold_against(
    rows: Rows, records: Payloads, ids: Ids, is_same: IsSame, offered: Collection[bool]
) -> tuple[list[Held], list[str]]:
    """Compare the stored rows with the offered records, row by row, so that memory holds one row.

    Args:
        rows: the stored rows, in the form that `is_same` takes.
        records: the records of the run.
        ids: of these records.
        is_same: whether a row has the content of a record.
        offered: for each record, whether it was offered.

    Returns:
        The state of each record in the database, and the stored ids of the run that were never
        offered.
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
