"""The table of employees, and the possible results of storing a row."""

from __future__ import annotations

from typing import Any, Literal

import sqlalchemy as sa

from empkit.records.employee import CONTENT, MAX_ID

Row = dict[str, Any]
Result = Literal["created", "same", "duplicate"]

METADATA = sa.MetaData()
EMPLOYEES = sa.Table(
    "employees",
    METADATA,
    # by bytes, as SQLite does: so ids have one order, and an index finds those with a prefix
    sa.Column(
        "employee_id",
        sa.String(MAX_ID).with_variant(sa.String(MAX_ID, collation="C"), "postgresql"),
        primary_key=True,
    ),
    sa.Column("first_name", sa.Text, nullable=False),
    sa.Column("last_name", sa.Text, nullable=False),
    sa.Column("email", sa.Text),
    sa.Column("department", sa.Text),
    sa.Column("position", sa.Text),
    sa.Column("salary", sa.Float(53)),
    sa.Column("hire_date", sa.String(10)),
    sa.Column("extra", sa.Text),
)
COLUMNS = [column.name for column in EMPLOYEES.columns]
INSERT_INTO = f"INSERT INTO {EMPLOYEES.name} ({', '.join(CONTENT)})"


def create_table(engine: sa.Engine) -> None:
    """Create the table unless it is there.

    Another server or consumer may create it at the same moment; then this one finds it. IF NOT
    EXISTS is not enough: in PostgreSQL two such statements can collide, too.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: the database is not there, or does not allow it.
    """
    try:
        METADATA.create_all(engine)
    except sa.exc.SQLAlchemyError:
        if not sa.inspect(engine).has_table(EMPLOYEES.name):
            raise
