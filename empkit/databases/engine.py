"""Engines for the databases that the kit supports, and temporary PostgreSQL databases."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

LOCK_TIMEOUT_S = 2.0
"""How long a commit waits for a lock that another process holds."""
POSTGRESQL: dict[str, Any] = {
    "connect_timeout": 3,
    "options": f"-c synchronous_commit=on -c lock_timeout={int(LOCK_TIMEOUT_S * 1000)}",
    # a server that has vanished is detected after 5 s, not after a quarter of an hour
    "tcp_user_timeout": 5_000,
}


def make_engine(url: str) -> sa.Engine:
    """Return an engine for the database at `url`, set so that a commit is durable when it returns.

    SQLite: write-ahead log with `synchronous=FULL` (https://www.sqlite.org/pragma.html): each
    commit is flushed to the disk. PostgreSQL: `synchronous_commit=on`, whatever its default
    (https://www.postgresql.org/docs/current/runtime-config-wal.html).

    Raises:
        ValueError: the kit does not support the database of the URL, or its driver is missing.
    """
    try:
        kind = sa.make_url(url).get_backend_name()
        if kind not in {"sqlite", "postgresql"}:
            raise ValueError(f"{kind!r} is not a database of this kit: use sqlite or postgresql.")
        if kind == "sqlite":
            engine = sa.create_engine(url, connect_args={"timeout": LOCK_TIMEOUT_S})
            sa.event.listen(engine, "connect", _set_up_sqlite)
            return engine
        if url.startswith("postgresql://"):
            url = url.replace("postgresql://", "postgresql+psycopg://", 1)
        return sa.create_engine(url, pool_pre_ping=True, connect_args=POSTGRESQL)
    except sa.exc.ArgumentError:
        raise ValueError(
            "The database URL cannot be read: use sqlite:///FILE or postgresql://..."
        ) from None
    except ModuleNotFoundError as error:
        raise ValueError(f"{error}. Run: pip install 'empkit[postgresql]'") from None


def _set_up_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()


def create_database(server: str, name: str) -> str:
    """Create a PostgreSQL database.

    Args:
        server: URL of any database of the server to which its user may connect.
        name: of the new database: letters, digits and underscores.

    Returns:
        Its URL.

    Raises:
        ValueError: this is not the URL of a PostgreSQL database, or its driver is missing.
        sqlalchemy.exc.SQLAlchemyError: the server refuses.
    """
    _administer(server, f'CREATE DATABASE "{name}"')
    return sa.make_url(server).set(database=name).render_as_string(hide_password=False)


def drop_database(server: str, name: str) -> None:
    """Drop a PostgreSQL database and end its connections; raises what `create_database` raises."""
    _administer(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _administer(server: str, statement: str) -> None:
    engine = make_engine(server)
    try:
        with engine.connect() as connection:
            autonomous = connection.execution_options(isolation_level="AUTOCOMMIT")
            autonomous.exec_driver_sql(statement)
    finally:
        engine.dispose()
