"""Faults of the database and of the disk below it."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass

from empkit.faults.base import NOT_OURS, FaultError, Plan, Scene, TimedFault, Undo, own_server


@dataclass(frozen=True)
class DatabaseLock(TimedFault):
    """Another process really holds the lock that the store needs.

    Example:
        >>> str(At(2.0, DatabaseLock(), until=5.0))
        'database-lock@2.0s..5.0s'
    """

    name = "database-lock"
    part = "database"

    def hindrance(self, plan: Plan) -> str:
        """Require a database that can be reached."""
        if plan.server is not None and not plan.database:
            return "the server's database is out of reach; give --database"
        return ""

    def strike(self, scene: Scene) -> Undo:
        """Take the lock, as another program would."""
        import sqlalchemy as sa  # noqa: PLC0415 - start-up time

        from empkit.databases.engine import database_of, make_engine  # noqa: PLC0415 - start-up time

        if scene.rig.database_url is None:
            raise FaultError("The lab did not start this server and cannot reach its database.")
        database, engine = database_of(scene.rig.database_url), make_engine(scene.rig.database_url)
        connection = engine.connect()
        try:
            release = database.lock(connection)
        except sa.exc.SQLAlchemyError as error:
            connection.close()
            engine.dispose()
            raise FaultError(f"The lock could not be taken: {error.args[0]}.") from error

        def undo() -> None:
            release()
            connection.close()
            engine.dispose()

        return undo


@dataclass(frozen=True)
class DiskFull(TimedFault):
    """The server cannot write another byte to any file, as on a full disk (RLIMIT_FSIZE).

    Example:
        >>> str(At(2.0, DiskFull(), until=5.0))
        'disk-full@2.0s..5.0s'
    """

    name = "disk-full"
    part = "database"

    def hindrance(self, plan: Plan) -> str:
        """Require a server that the lab started."""
        return NOT_OURS if plan.server is not None else ""

    def strike(self, scene: Scene) -> Undo:
        """Set the server's limit on the size of files to 0."""
        server = own_server(scene.rig)
        if sys.platform == "linux":
            from resource import RLIMIT_FSIZE, prlimit  # noqa: PLC0415 - Linux only

            before = prlimit(server.pid, RLIMIT_FSIZE)
            prlimit(server.pid, RLIMIT_FSIZE, (0, before[1]))

            def undo() -> None:
                with contextlib.suppress(ProcessLookupError):
                    prlimit(server.pid, RLIMIT_FSIZE, before)

            return undo
        raise FaultError("Only Linux can limit another process's files: leave disk-full out.")
