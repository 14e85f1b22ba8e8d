"""A bare loop from a full topic into a database, to compare the consumer with: only aiokafka,
pydantic-core and `executemany`; no dead letters, no answers, no stamps."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import time
from collections.abc import Callable

import uvloop
from aiokafka import AIOKafkaConsumer

from empkit.records.employee import CONTENT, Employee, to_row
from empkit.settings import Settings

Rows = list[tuple[object, ...]]


def into(database: str) -> Callable[[Rows], None]:
    """Return a function that stores a batch in one transaction.

    Args:
        database: an SQLite file, a PostgreSQL URL, or `nowhere`.
    """
    columns = ", ".join(CONTENT)
    if database == "nowhere":
        return lambda rows: None
    if database.startswith("postgresql"):
        import psycopg  # noqa: PLC0415 - start-up time

        postgres = psycopg.connect(database.replace("+psycopg", ""))
        types = ", ".join(f"{name} text" for name in CONTENT)
        postgres.execute(f"CREATE TABLE bare ({types}, PRIMARY KEY (employee_id))")
        postgres.commit()
        marks = ", ".join(["%s"] * len(CONTENT))
        insert = f"INSERT INTO bare VALUES ({marks}) ON CONFLICT DO NOTHING"

        def write(rows: Rows) -> None:
            with postgres.transaction(), postgres.cursor() as cursor:
                cursor.executemany(insert.encode(), rows)

        return write
    sqlite = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
    sqlite.execute("PRAGMA journal_mode=WAL")
    sqlite.execute("PRAGMA synchronous=FULL")
    sqlite.execute(f"CREATE TABLE employees ({columns}, PRIMARY KEY (employee_id))")
    marks = ", ".join("?" * len(CONTENT))

    def write_sqlite(rows: Rows) -> None:
        sqlite.execute("BEGIN")
        sqlite.executemany(f"INSERT INTO employees VALUES ({marks}) ON CONFLICT DO NOTHING", rows)
        sqlite.execute("COMMIT")

    return write_sqlite


async def main(servers: str, count: int, database: str) -> float:
    """Return the records per second."""
    write = into(database)
    consumer = AIOKafkaConsumer(
        Settings().kafka_topic, bootstrap_servers=servers, group_id=f"bare-{database == 'nowhere'}",
        auto_offset_reset="earliest", enable_auto_commit=False, fetch_max_wait_ms=2,
    )  # fmt: skip
    stored, began = 0, 0.0
    async with consumer:
        while stored < count:
            batch = await consumer.getmany(timeout_ms=200, max_records=5_000)
            began = began or time.perf_counter()
            rows = [
                tuple(to_row(Employee.model_validate_json(message.value)).values())
                for messages in batch.values()
                for message in messages
            ]
            if rows:
                await asyncio.to_thread(write, rows)
                await consumer.commit()
                stored += len(rows)
    return stored / (time.perf_counter() - began)


if __name__ == "__main__":
    print(uvloop.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3])))
