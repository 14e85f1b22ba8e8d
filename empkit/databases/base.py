"""The interface of a database: how rows are inserted, locked, and what a failed commit means.

    Database
      +-- Sqlite       (empkit.databases.sqlite)
      +-- PostgreSql   (empkit.databases.postgresql)

A class with a `name` enters the register by being defined; see `empkit.databases.engine`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import sqlalchemy as sa

from empkit import plugins
from empkit.databases.presence import Presence
from empkit.databases.table import Row

LOCK_TIMEOUT_S = 2.0
"""How long a commit waits for a lock that another process holds."""

DEFINED: dict[str, type[Database]] = {}
"""Every registered database, by the name of its SQLAlchemy dialect."""


class Database(ABC):
    """A kind of database, named after its SQLAlchemy dialect."""

    name: ClassVar[str]
    failed_commit_is_certain: ClassVar[bool]
    """Whether nothing is stored when a commit fails; over a network only its answer may have been
    lost, so that the records may be stored."""
    may_come_later: ClassVar[bool] = True
    """Whether a server starts without the database and waits for it."""

    def __init_subclass__(cls) -> None:
        if isinstance(name := cls.__dict__.get("name"), str):
            plugins.enter(DEFINED, name, cls)

    @abstractmethod
    def engine(self, url: str) -> sa.Engine:
        """Return an engine configured so that a commit is durable when it returns.

        Raises:
            sqlalchemy.exc.ArgumentError: the URL cannot be read.
            ModuleNotFoundError: the driver is missing.
        """

    @abstractmethod
    def insert_rows(self, connection: sa.Connection, rows: Sequence[Row]) -> int:
        """Insert rows unless their primary key is taken, as fast as the database can.

        Args:
            connection: in a transaction, which is left open.
            rows: in the order of their ids.

        Returns:
            The number of rows inserted.
        """

    @abstractmethod
    def insert_or_nothing(self) -> Any:
        """Return the statement that inserts a row unless its primary key is taken; it must permit
        RETURNING."""

    @abstractmethod
    def lock(self, connection: sa.Connection) -> Callable[[], object]:
        """Take the lock that the store needs, as another program would.

        Returns:
            A function that releases it; the connection is closed afterwards.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: the lock could not be taken.
        """

    @abstractmethod
    def create(self, server: str, name: str) -> str:
        """Create a database.

        Args:
            server: the URL of a place for databases to which the user may write.
            name: the name of the new one: letters, digits and underscores.

        Returns:
            Its URL.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: the server refuses.
        """

    @abstractmethod
    def drop(self, server: str, name: str) -> None:
        """Drop a database that `create` made, even if others are connected to it."""

    def presence(self, connection: sa.Connection) -> Presence:
        """Return the watch over what an open connection, which has read, commits to."""
        return Presence()

    def rescue(self, connection: sa.Connection) -> None:  # noqa: B027 - most have nothing to save
        """Save what can be saved of earlier commits, when `presence` no longer holds.

        Args:
            connection: the open connection; what it has not committed is given up.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: nothing can be saved.
        """

    def hindrance(self, engine: sa.Engine) -> str:
        """Return why the database cannot be used; empty if it can. Changes nothing in it."""
        try:
            engine.connect().close()
        except sa.exc.SQLAlchemyError as error:
            shown = engine.url.render_as_string(hide_password=True)
            reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
            return (
                f"no connection to {shown}: {reason}. Check the address, user and password, and "
                "that the database runs there."
            )
        return ""
