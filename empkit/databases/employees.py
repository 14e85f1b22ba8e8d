"""How employees go into the table and come out of it, whatever the database.

Nothing is asked before it is inserted, so that two writers cannot both find an id free.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import itemgetter

import sqlalchemy as sa

from empkit.databases.base import Database
from empkit.databases.table import EMPLOYEES, Result, Row
from empkit.wire import CREATED, DUPLICATE, SAME


def begins_with(prefix: str) -> sa.ColumnElement[bool]:
    """The condition that an id begins so, in a form that the index of the primary key serves."""
    ids = EMPLOYEES.c.employee_id
    return sa.and_(ids >= prefix, ids < prefix + "\U0010ffff")


def insert_group(
    connection: sa.Connection, database: Database, rows: Sequence[Row]
) -> list[Result]:
    """Insert rows in a transaction, which is left open, and say what became of each.

    Where the number of rows inserted shows that some ids were taken (seldom), the group is done
    again in a way that tells which. Rows go in in the order of their ids, so that two writers that
    have ids in common wait for each other and not each for the other.
    """
    ordered = sorted(rows, key=itemgetter("employee_id"))
    if database.insert_rows(connection, ordered) == len(rows):
        return [CREATED] * len(rows)
    connection.rollback()
    returning = database.insert_or_nothing().returning(EMPLOYEES.c.employee_id)
    inserted_ids = set(connection.execute(returning, ordered).scalars())
    return _results(connection, rows, inserted_ids)


def _results(connection: sa.Connection, rows: Sequence[Row], inserted: set[str]) -> list[Result]:
    held = fetch(connection, [row["employee_id"] for row in rows])
    results: list[Result] = []
    for row in rows:
        employee_id = row["employee_id"]
        if employee_id in inserted:
            inserted.discard(employee_id)  # the same id once more in this group is a repetition
            results.append(CREATED)
        else:
            results.append(SAME if held.get(employee_id) == row else DUPLICATE)
    return results


def fetch(connection: sa.Connection, employee_ids: Iterable[str]) -> dict[str, Row]:
    """The rows of these ids, by id; at most 500 ids go into one statement."""
    ids = list(dict.fromkeys(employee_ids))
    found: dict[str, Row] = {}
    for start in range(0, len(ids), 500):
        select = sa.select(EMPLOYEES).where(EMPLOYEES.c.employee_id.in_(ids[start : start + 500]))
        found |= {row["employee_id"]: dict(row) for row in connection.execute(select).mappings()}
    return found
