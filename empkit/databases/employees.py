"""Inserts employees into the table and reads them, with any database.

No id is looked up before it is inserted, so that two writers cannot both find it free.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import itemgetter

import sqlalchemy as sa

from empkit.databases.base import Database
from empkit.databases.table import EMPLOYEES, Result, Row
from empkit.wire import CREATED, DUPLICATE, SAME


def begins_with(prefix: str) -> sa.ColumnElement[bool]:
    """Return the condition that an id has a prefix, in a form that uses the primary key's index."""
    ids = EMPLOYEES.c.employee_id
    return sa.and_(ids >= prefix, ids < prefix + "\U0010ffff")


def insert_group(
    connection: sa.Connection, database: Database, rows: Sequence[Row]
) -> list[Result]:
    """Insert rows in a transaction, which is left open, and return the result of each.

    If the number of inserted rows shows that some ids were taken (seldom), the group is inserted
    again, with a statement that returns the ids inserted. Rows are inserted in the order of their
    ids, so that two writers with ids in common cannot deadlock.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: a row is neither inserted nor there, and the database
            reported no error.
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
        elif employee_id in held:
            results.append(SAME if held[employee_id] == row else DUPLICATE)
        else:
            raise sa.exc.SQLAlchemyError(
                "The database took a row and did not keep it: a trigger or a rule may drop rows of "
                f"the table {EMPLOYEES.name}; remove it"
            )
    return results


def fetch(connection: sa.Connection, employee_ids: Iterable[str]) -> dict[str, Row]:
    """Return the rows of these ids, by id; at most 100 ids go into one statement."""
    ids = list(dict.fromkeys(employee_ids))
    by_id: dict[str, Row] = {}
    for start in range(0, len(ids), 100):
        select = sa.select(EMPLOYEES).where(EMPLOYEES.c.employee_id.in_(ids[start : start + 100]))
        by_id |= {row["employee_id"]: dict(row) for row in connection.execute(select).mappings()}
    return by_id
