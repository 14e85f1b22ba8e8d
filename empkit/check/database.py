"""The database of the server."""

from __future__ import annotations

from empkit.check.base import Check, FailedError, Planned
from empkit.check.server import health


async def _database(check: Check) -> str:
    database = (await health(check)).database
    if database.failure:
        raise FailedError(
            f"{database.kind} fails: {database.failure}",
            "Where the server runs, check EMPKIT_DATABASE_URL, that the database runs, and "
            "that its disk is not full.",
        )
    return f"{database.kind}, {database.waiting} records wait for it"


STEPS = (Planned("all", "database", _database, ("server",)),)
