"""What the kit asks of a database: how rows go in, what a lock is, what a failed commit means.

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
from empkit.databases.table import Row

LOCK_TIMEOUT_S = 2.0
"""How long a commit waits for a lock that another process holds."""

DEFINED: dict[str, type[Database]] = {}
"""Every database that has been defined, by the name of its SQLAlchemy dialect."""


class Database(ABC):
    """A kind of database, by the name of its SQLAlchemy dialect."""

    name: ClassVar[str]
    failed_commit_is_certain: ClassVar[bool]
    """Whether nothing is stored when a commit fails; over a network its answer may be what failed,
    so that the records may be stored."""

    def __init_subclass__(cls) -> None:
        if isinstance(name := cls.__dict__.get("name"), str):
            plugins.enter(DEFINED, name, cls)

    @abstractmethod
    def engine(self, url: str) -> sa.Engine:
        """An engine set so that a commit is durable when it returns.

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
            How many went in.
        """

    @abstractmethod
    def insert_or_nothing(self) -> Any:
        """The statement that inserts a row unless its primary key is taken (RETURNING works)."""

    @abstractmethod
    def lock(self, connection: sa.Connection) -> Callable[[], object]:
        """Take the lock that the store needs, as another program would.

        Returns:
            What releases it; the connection is closed afterwards.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: the lock cannot be had.
        """

    @abstractmethod
    def create(self, server: str, name: str) -> str:
        """Make a database.

        Args:
            server: URL of a place for databases that we may write to.
            name: of the new one: letters, digits and underscores.

        Returns:
            Its URL.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: the server does not let us.
        """

    @abstractmethod
    def drop(self, server: str, name: str) -> None:
        """Drop a database that `create` made, though others may be connected to it."""

    def hindrance(self, engine: sa.Engine) -> str:
        """Why the database cannot be used, in a sentence; empty where it can. Leaves no trace."""
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
