"""A database: SQLite under another name, with a rollback journal in place of a write-ahead log."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from empkit.databases.base import LOCK_TIMEOUT_S
from empkit.databases.sqlite import Sqlite


class TheirDialect(SQLiteDialect_pysqlite):
    """What SQLAlchemy makes of `theirs:///FILE`, by the entry point `sqlalchemy.dialects`."""

    name = "theirs"
    supports_statement_cache = True


class Theirs(Sqlite):
    """A file of SQLite with a rollback journal; each commit is flushed to the disk."""

    name = "theirs"
    failed_commit_is_certain = True

    def engine(self, url: str) -> sa.Engine:
        """An engine whose connections wait for a lock, and flush each commit."""
        engine = sa.create_engine(url, connect_args={"timeout": LOCK_TIMEOUT_S})

        @sa.event.listens_for(engine, "connect")
        def set_up(connection: sa.engine.interfaces.DBAPIConnection, _record: object) -> None:
            cursor = connection.cursor()
            cursor.execute("PRAGMA journal_mode=DELETE")
            cursor.execute("PRAGMA synchronous=FULL")
            cursor.close()

        return engine
