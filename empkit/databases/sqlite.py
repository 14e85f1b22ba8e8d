"""SQLite: a file, written by one process at a time."""

from __future__ import annotations

import contextlib
import itertools
import os
import sqlite3
import urllib.parse
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite as dialect

from empkit.databases.base import LOCK_TIMEOUT_S, Database
from empkit.databases.presence import FilePresence, Presence, identity_of
from empkit.databases.table import EMPLOYEES, INSERT_INTO, Row
from empkit.records.employee import CONTENT

ROWS_A_STATEMENT = 32
"""The most rows in one INSERT statement. A connection keeps its last 128 statements prepared, one
for each number of rows, with their last values: with 32 rows they take 1 MiB, with 100 rows 7 MiB,
with 1,000 (SQLAlchemy's own choice) 45 MiB."""
_OPENED = "empkit.opened"
"""Where a connection keeps which file it has opened."""
MAGIC = b"SQLite format 3\0"
"""The first bytes of a file of SQLite (https://www.sqlite.org/fileformat.html)."""


class Sqlite(Database):
    """SQLite, with a write-ahead log and `synchronous=FULL`: each commit is flushed to the disk
    (https://www.sqlite.org/pragma.html)."""

    name = "sqlite"
    failed_commit_is_certain = True  # what cannot be committed is rolled back
    may_come_later = False  # a folder that is missing is a wrong path

    def engine(self, url: str) -> sa.Engine:
        """Return an engine whose connections wait for a lock, and flush each commit."""
        engine = sa.create_engine(
            url,
            connect_args={"timeout": LOCK_TIMEOUT_S},
            insertmanyvalues_page_size=ROWS_A_STATEMENT,
        )
        if file := engine.url.database:
            _Opening(file).attach(engine)
        sa.event.listen(engine, "connect", _set_up)
        return engine

    def presence(self, connection: sa.Connection) -> Presence:
        """Return the watch over the file that the connection opened, and its write-ahead log."""
        file = connection.engine.url.database
        if not file:
            return Presence()
        # an engine of another package's does not note which file it opened
        noted = _OPENED in connection.info
        opened = connection.info[_OPENED] if noted else identity_of(file)
        return FilePresence(file, opened)

    def insert_rows(self, connection: sa.Connection, rows: Sequence[Row]) -> int:
        """Insert many rows in one statement.

        Plain SQL, since SQLAlchemy's insert of many rows took 60 % of the time of a commit, and one
        statement for many rows, since the driver releases the interpreter's lock for each
        statement: this inserts 450,000 rows per second, row by row 330,000, and
        `execute(insert, rows)` 160,000.
        """
        inserted = 0
        for start in range(0, len(rows), ROWS_A_STATEMENT):
            part = rows[start : start + ROWS_A_STATEMENT]
            values = tuple(itertools.chain.from_iterable(row.values() for row in part))
            inserted += connection.exec_driver_sql(_many_rows(len(part)), values).rowcount
        return inserted

    def insert_or_nothing(self) -> dialect.Insert:
        """`INSERT ... ON CONFLICT DO NOTHING`."""
        return dialect.insert(EMPLOYEES).on_conflict_do_nothing()

    def lock(self, connection: sa.Connection) -> Callable[[], object]:
        """Begin a transaction that writes."""
        driver: Any = connection.connection.dbapi_connection
        driver.isolation_level = None  # so that the driver begins no transaction of its own
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        return lambda: connection.exec_driver_sql("ROLLBACK")

    def create(self, server: str, name: str) -> str:
        """Return the URL of a file, which the first connection creates.

        Args:
            server: `sqlite:///FOLDER`.
            name: the name of the file, without its suffix.
        """
        return f"{server}/{name}.db"

    def drop(self, server: str, name: str) -> None:
        """Remove the file and those of its write-ahead log."""
        file = sa.make_url(self.create(server, name)).database or ""
        for ending in ("", "-wal", "-shm"):
            Path(f"{file}{ending}").unlink(missing_ok=True)

    def rescue(self, connection: sa.Connection) -> None:
        """Copy what a removed write-ahead log holds into the file, if that is still there."""
        connection.rollback()
        connection.exec_driver_sql("PRAGMA wal_checkpoint(FULL)")

    def hindrance(self, engine: sa.Engine) -> str:
        """Return why the file cannot be used; it is neither created nor changed."""
        database = engine.url.database
        if not database or database == ":memory:":
            return (
                "a database in memory is visible to one process only: name a file, sqlite:///FILE."
            )
        file = Path(database)
        if not file.parent.is_dir():
            return f"there is no folder {file.parent.absolute()}. Create it first."
        if file.is_dir():
            return f"{file} is a folder. Name a file in it."
        if not file.exists():
            writable = os.access(file.parent, os.W_OK | os.X_OK)
            return "" if writable else f"the folder {file.parent} cannot be written."
        try:
            with file.open("r+b") as content:
                begin = content.read(len(MAGIC))
        except OSError as error:
            return f"{file} cannot be written: {error.strerror}."
        if begin not in (b"", MAGIC):
            return f"{file} is not a SQLite database. Name another file."
        return ""


class _Opening:
    """Opens the file of an engine: the first time it may be created, after that it must be there.

    Args:
        file: its path.
    """

    def __init__(self, file: str) -> None:
        self._file = file
        self._opened = False

    def attach(self, engine: sa.Engine) -> None:
        """Open each connection of an engine."""
        sa.event.listen(engine, "do_connect", self._open)
        sa.event.listen(engine, "connect", self._note)

    def _open(self, driver: Any, record: Any, _arguments: object, options: dict[str, Any]) -> Any:
        if not self._opened:
            folder = Path(self._file).parent
            if folder.is_dir() and not Path(self._file).exists():  # else SQLite says what is wrong
                with contextlib.suppress(OSError):
                    Path(self._file).touch(mode=0o600)  # records of people: not for other users
            record.info[_OPENED] = identity_of(self._file)
            return None  # SQLAlchemy opens it
        record.info[_OPENED] = identity_of(self._file)
        where = f"file:{urllib.parse.quote(self._file)}?mode=rw"
        try:
            return driver.connect(where, uri=True, **options)
        except sqlite3.OperationalError:
            if Path(self._file).exists():
                raise
            raise sqlite3.OperationalError(
                f"the file {self._file} is gone, with the records in it: put it back, or restart "
                "the server to begin a new one"
            ) from None

    def _note(self, _connection: object, record: Any) -> None:
        self._opened = True
        if identity_of(self._file) != record.info[_OPENED]:  # which of the two is open?
            record.info[_OPENED] = None


@lru_cache(maxsize=2 * ROWS_A_STATEMENT)
def _many_rows(count: int) -> str:
    row = f"({', '.join('?' * len(CONTENT))})"
    return f"{INSERT_INTO} VALUES {', '.join([row] * count)} ON CONFLICT DO NOTHING"


def _set_up(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()
