"""The one way into the database: a single writer that commits records in groups.

    add() --+                              +-- created | same | duplicate, and stored_ns
    add() --+--> pending --> one group ----+
    add() --+           one transaction    +-- StoreUnavailableError

While one transaction is being made durable, records for the next one gather: the higher the load,
the larger the groups. It uses SQLAlchemy Core, so that SQLite and PostgreSQL share one code path.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

import sqlalchemy as sa

from empkit.databases.employees import begins_with, fetch, insert_group
from empkit.databases.engine import database_of, make_engine
from empkit.databases.presence import Presence
from empkit.databases.table import EMPLOYEES, Result, Row, create_table
from empkit.server.stamps import StampLog
from empkit.shortage import descriptors_are_used_up
from empkit.wire import CREATED

LOGGER = logging.getLogger(__name__)

MAX_GROUP = 5_000
"""The most records in one transaction, which bounds the duration of a commit."""

READERS = 4
"""How many threads read; the health of the database is asked in another one."""

MOVED = "The database's files were removed or replaced, or cut short, while the server ran."
LOOKED_FOR = 100
"""How many of the records that were acked last are looked for when the database is opened again."""


class StoreUnavailableError(RuntimeError):
    """The database did not take the records.

    Args:
        reason: the error of the database, in one line.
        uncertain: the commit was sent and its answer lost, so that the records may be stored.
    """

    def __init__(self, reason: str, *, uncertain: bool = False) -> None:
        super().__init__(reason)
        self.uncertain = uncertain


class StoreFullError(RuntimeError):
    """The limit of records that wait for the database is reached."""


class Stored(NamedTuple):
    """The results of the records of one `add`."""

    results: list[Result]
    stored_ns: int


class _Job(NamedTuple):
    rows: Sequence[Row]
    received_ns: int
    protocol: str
    future: asyncio.Future[Stored]


_Outcome = list[Stored] | StoreUnavailableError


class Store:
    """The database, for one server.

    Args:
        url: SQLAlchemy URL of the database.
        stamps: the log of the stamps of stored records.
        max_waiting: the most records that may wait; any more are refused.
    """

    def __init__(self, url: str, stamps: StampLog, max_waiting: int) -> None:
        self._database = database_of(url)
        self._engine = make_engine(url)
        self._stamps = stamps
        self._max_waiting = max_waiting
        self._pending: list[_Job] = []
        self._scheduled = False
        self._executor = ThreadPoolExecutor(1, "empkit-store")
        self._readers = ThreadPoolExecutor(READERS, "empkit-read")
        self._checker = ThreadPoolExecutor(1, "empkit-health")
        self._connection: sa.Connection | None = None
        self._presence = Presence()
        self._acked: Sequence[Row] = ()  # those of the last commit
        self._lost: list[str] = []  # ids that were acked, and were gone when it was opened again
        self._loop: asyncio.AbstractEventLoop
        self.waiting = 0
        """Records that are not decided on yet."""
        self.failure: str | None = None
        """The error of the last commit; None if it succeeded."""
        self.commits = 0

    async def start(self) -> None:
        """Prepare for storing. Create the table now or, if the database is unavailable, later."""
        self._loop = asyncio.get_running_loop()
        try:
            await self._loop.run_in_executor(self._executor, create_table, self._engine)
        except sa.exc.SQLAlchemyError as error:
            LOGGER.error("The database is away; each record asks for it again: %s", _reason(error))

    async def stop(self) -> None:
        """Store the waiting records, then close the connections to the database."""
        if self._pending or self._scheduled:
            with contextlib.suppress(StoreUnavailableError):
                await self.add([], 0, "")  # done after everything added before it
        for executor in (self._executor, self._readers, self._checker):
            await asyncio.to_thread(executor.shutdown)
        self._disconnect()
        self._engine.dispose()

    def add(self, rows: Sequence[Row], received_ns: int, protocol: str) -> asyncio.Future[Stored]:
        """Store records, all in one transaction, together with others that wait.

        Args:
            rows: one per record, as `to_row` makes them.
            received_ns: when the server had received them completely.
            protocol: the protocol over which they arrived.

        Returns:
            A future of their results. It is done only after the commit is durable, and raises
            StoreUnavailableError if the commit failed.

        Raises:
            StoreFullError: too many records wait already.
        """
        if rows and self.waiting and self.waiting + len(rows) > self._max_waiting:
            raise StoreFullError(
                f"{self.waiting} records wait for the database; at most {self._max_waiting} may."
            )
        self.waiting += len(rows)
        future: asyncio.Future[Stored] = self._loop.create_future()
        self._pending.append(_Job(rows, received_ns, protocol, future))
        if not self._scheduled:
            self._scheduled = True
            # after the callbacks that are ready already, so that their records join this group
            self._loop.call_soon(self._loop.call_soon, self._flush)
        return future

    async def get(self, employee_id: str) -> Row | None:
        """Return the row of one employee, or None."""
        if "\0" in employee_id:  # no record has such an id, and PostgreSQL takes no such question
            return None
        rows: dict[str, Row] = await self._read(lambda connection: fetch(connection, [employee_id]))
        return rows.get(employee_id)

    async def page(self, after: str, limit: int, prefix: str = "") -> list[Row]:
        """Return rows in the order of their ids (keyset paging).

        Args:
            after: the last id of the page before, or "".
            limit: the most rows to return.
            prefix: only ids that begin with it.
        """
        ids = EMPLOYEES.c.employee_id
        select = sa.select(EMPLOYEES).where(ids > after).order_by(ids).limit(limit)
        if prefix:
            select = select.where(begins_with(prefix))
        rows: list[Row] = await self._read(
            lambda connection: [dict(row) for row in connection.execute(select).mappings()]
        )
        return rows

    @property
    def kind(self) -> str:
        """The kind of database, such as `sqlite`."""
        return self._database.name

    async def failure_now(self) -> str | None:
        """Return the error of the last commit or else of reading now; None if there is none."""
        if self.failure is not None:
            return self.failure
        if self._connection is not None and not self._presence.holds():
            return MOVED
        if self._lost:
            return (
                f"Records that were acked are gone, {self._lost[0]!r} for one: the database is not "
                "the one that took them, or was cut short. Records are stored in it as it is; put "
                "the other back, or restart the server to go on with this one."
            )
        one = sa.select(EMPLOYEES.c.employee_id).limit(1)
        try:
            await self._read(lambda connection: connection.execute(one).all(), self._checker)
        except StoreUnavailableError as error:
            return str(error)
        return None

    async def _read(self, query: Any, readers: ThreadPoolExecutor | None = None) -> Any:
        def run() -> Any:
            with self._engine.connect() as connection:
                return query(connection)

        try:
            return await self._loop.run_in_executor(readers or self._readers, run)
        except sa.exc.SQLAlchemyError as error:
            raise StoreUnavailableError(_reason(error)) from error

    def _flush(self) -> None:
        """Have the writer thread commit the next group."""
        jobs = self._take()
        commit = self._executor.submit(self._try, jobs)

        def committed(commit: Future[_Outcome]) -> None:
            self._loop.call_soon_threadsafe(self._settle, jobs, commit.result())

        commit.add_done_callback(committed)

    def _take(self) -> list[_Job]:
        """Return the jobs of the next group: all that wait, up to MAX_GROUP records."""
        count = 0
        for position, job in enumerate(self._pending):
            count += len(job.rows)
            if count > MAX_GROUP and position:
                jobs, self._pending = self._pending[:position], self._pending[position:]
                return jobs
        jobs, self._pending = self._pending, []
        return jobs

    def _try(self, jobs: list[_Job]) -> _Outcome:
        """In the writer thread, commit jobs as one group, and return the results or the error."""
        try:
            if self._connection is None:
                self._connect()
                assert self._connection is not None
            answers = self._commit(self._connection, jobs)
        except Exception as error:  # noqa: BLE001 - any error is passed on to the waiting jobs
            self._disconnect()
            if not isinstance(error, StoreUnavailableError):
                error = StoreUnavailableError(_reason(error))
            if self.failure != str(error):
                LOGGER.error("No records are stored: %s", error)
            self.failure = str(error)
            return error
        if self.failure is not None:
            LOGGER.warning("Records are stored again.")
            self.failure = None
        return answers

    def _connect(self) -> None:
        """Open the writer's connection, and note where its commits go."""
        self._engine.dispose()  # none that has open what may be taken away by now
        create_table(self._engine)
        self._connection = self._engine.connect()
        fetch(self._connection, [""])  # opens the database's files, as a commit does
        self._look_for_acked(self._connection)
        self._connection.rollback()
        self._presence = self._database.presence(self._connection)

    def _look_for_acked(self, connection: sa.Connection) -> None:
        """Note which of the records that were acked last are gone, or are there again."""
        last = (row["employee_id"] for row in self._acked[-LOOKED_FOR:])
        wanted = self._lost or list(last)
        held = fetch(connection, wanted) if wanted else {}
        self._lost = [employee_id for employee_id in wanted if employee_id not in held]
        if self._lost:
            LOGGER.error("Of %d records acked last %d are gone.", len(wanted), len(self._lost))

    def _give_up(self, connection: sa.Connection, *, uncertain: bool) -> StoreUnavailableError:
        """Return the error for a database that is no longer where the connection writes to.

        Args:
            connection: the writer's, outside a transaction.
            uncertain: records were committed, and may be lost.
        """
        with contextlib.suppress(sa.exc.SQLAlchemyError):
            self._database.rescue(connection)
        self._engine.dispose()  # readers must not use connections to what was taken away, either
        return StoreUnavailableError(MOVED, uncertain=uncertain)

    def _disconnect(self) -> None:
        """Close the writer's connection, whatever its state."""
        connection, self._connection = self._connection, None
        self._presence.close()
        if connection is not None:
            with contextlib.suppress(sa.exc.SQLAlchemyError):
                connection.invalidate()
            connection.close()

    def _commit(self, connection: sa.Connection, jobs: list[_Job]) -> list[Stored]:
        if not self._presence.holds_before():
            raise self._give_up(connection, uncertain=False)
        rows = [row for job in jobs for row in job.rows] if len(jobs) > 1 else jobs[0].rows
        results = insert_group(connection, self._database, rows) if rows else []
        try:
            connection.commit()
        except sa.exc.SQLAlchemyError as error:
            uncertain = not self._database.failed_commit_is_certain
            raise StoreUnavailableError(_reason(error), uncertain=uncertain) from error
        if not self._presence.holds_after():
            raise self._give_up(connection, uncertain=True)
        stored_ns = time.monotonic_ns()
        self.commits += 1
        self._acked = rows or self._acked
        answers: list[Stored] = []
        created: dict[str, list[tuple[str, int]]] = {}
        start = 0
        for job in jobs:
            of_job = results[start : start + len(job.rows)]
            start += len(job.rows)
            answers.append(Stored(of_job, stored_ns))
            created.setdefault(job.protocol, []).extend(
                (row["employee_id"], job.received_ns)
                for row, result in zip(job.rows, of_job, strict=True)
                if result == CREATED
            )
        for protocol, received in created.items():
            try:
                self._stamps.append(protocol, stored_ns, received)
            except OSError:  # the records are stored all the same
                LOGGER.exception("The stamps of %d records could not be kept.", len(received))
        return answers

    def _settle(self, jobs: list[_Job], outcome: _Outcome) -> None:
        """Resolve the futures of a group, and start the next group."""
        self.waiting -= sum(len(job.rows) for job in jobs)
        for position, job in enumerate(jobs):
            if job.future.done():  # cancelled
                continue
            if isinstance(outcome, StoreUnavailableError):
                job.future.set_exception(outcome)
            else:
                job.future.set_result(outcome[position])
        self._scheduled = bool(self._pending)
        if self._pending:
            self._loop.call_soon(self._flush)


def _reason(error: Exception) -> str:
    """Return the error of the database, without the statement and its values; a database says of a
    process that has no file descriptors left only that a file cannot be opened."""
    if descriptors_are_used_up():
        return "The server has no file descriptors left: close connections, or raise ulimit -n."
    cause = getattr(error, "orig", None) or error
    return f"{type(cause).__name__}: {str(cause).strip().splitlines()[0] if str(cause) else ''}"
