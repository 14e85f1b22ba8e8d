"""Runs the server unchanged (`store`), without its store (`no-store`), or with the store of the
first description of the system (`seed`), or without its bounds on senders that are not known
(`unbounded`); a child process of the benchmarks."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import sqlalchemy as sa

from empkit.databases.engine import make_engine
from empkit.databases.table import EMPLOYEES
from empkit.server import guarded, logins, run
from empkit.server.stamps import StampLog
from empkit.server.store import Store, Stored
from empkit.settings import Settings


def _add_nothing(store: Store, rows: Sequence[Any], received_ns: int, protocol: str) -> Any:
    """Return a future that reports all records as stored, and store nothing."""
    future = store._loop.create_future()
    future.set_result(Stored(["created"] * len(rows), time.monotonic_ns()))
    return future


class _OneByOne:
    """Looks up whether each record exists, then inserts it: one transaction per record.

    Everything else is the kit's, so that only the writing to the database differs.
    """

    def __init__(self) -> None:
        self._engine = make_engine(str(Settings().database_url))
        self._thread = ThreadPoolExecutor(1)

    def stand_in(self) -> Any:
        """Return the replacement of `Store.add`."""

        def add(store: Store, rows: Sequence[Any], received_ns: int, protocol: str) -> Any:
            return asyncio.get_running_loop().run_in_executor(
                self._thread, self._store, rows, received_ns, protocol, store._stamps
            )

        return add

    def _store(
        self, rows: Sequence[Any], received_ns: int, protocol: str, stamps: StampLog
    ) -> Stored:
        results: list[Any] = []
        for row in rows:
            with self._engine.begin() as connection:
                ids = EMPLOYEES.c.employee_id
                known = connection.execute(sa.select(ids).where(ids == row["employee_id"])).first()
                if known is None:
                    connection.execute(sa.insert(EMPLOYEES), [row])
                results.append("duplicate" if known else "created")
            stamps.append(protocol, time.monotonic_ns(), [(row["employee_id"], received_ns)])
        return Stored(results, time.monotonic_ns())


def _without_bounds() -> None:
    """Lift the bounds that no setting lifts."""
    logins.MOST_WAITING = logins.MOST_WRONG = sys.maxsize
    guarded.MAX_AUTH_BYTES = run.LARGEST_MESSAGE
    guarded.SPARE_DESCRIPTORS = -sys.maxsize


if __name__ == "__main__":
    if sys.argv[1] == "no-store":
        Store.add = _add_nothing  # type: ignore[assignment, method-assign]
    elif sys.argv[1] == "seed":
        Store.add = _OneByOne().stand_in()  # type: ignore[method-assign]
    elif sys.argv[1] == "unbounded":
        _without_bounds()
    run.main()
