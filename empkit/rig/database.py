"""The database that a rig creates for itself and drops when it stops."""

from __future__ import annotations

import secrets
from pathlib import Path

from empkit.rig.control import LabError


class OwnDatabase:
    """A new database at each start: on a server, or an SQLite file in the rig's folder.

    Args:
        server: URL of the server; None takes a file.
    """

    def __init__(self, server: str | None) -> None:
        self._server = server
        self._name: str | None = None

    def create(self, folder: Path) -> str:
        """Create the database.

        Args:
            folder: the rig's folder.

        Returns:
            Its URL.

        Raises:
            LabError: the server refuses.
        """
        if self._server is None:
            # no import of SQLAlchemy: beside the server's own imports it cost 0.2 s of the start
            return f"sqlite:///{folder / 'employees.db'}"  # removed with the folder
        from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415 - start-up time

        from empkit.databases.engine import database_of  # noqa: PLC0415 - start-up time

        name = f"empkit_{secrets.token_hex(6)}"
        try:
            url = database_of(self._server).create(self._server, name)
        except SQLAlchemyError as error:
            raise LabError(
                f"EMPKIT_LAB_DATABASE does not permit creating a database: {error}"
            ) from error
        self._name = name
        return url

    def drop(self) -> None:
        """Drop the database from its server; a file is removed with the rig's folder."""
        name, self._name = self._name, None
        if name is not None and self._server is not None:
            from empkit.databases.engine import database_of  # noqa: PLC0415 - start-up time

            database_of(self._server).drop(self._server, name)
