"""A bare loop from a full topic into SQLite, to hold the consumer against: nothing but aiokafka,
pydantic-core and `executemany`; no dead letters, no answers, no stamps."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import time

import uvloop
from aiokafka import AIOKafkaConsumer

from empkit.records import CONTENT, Employee, to_row
from empkit.settings import Settings


async def main(servers: str, count: int, path: str) -> float:
    """Records per second."""
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    columns = ", ".join(CONTENT)
    database.execute(f"CREATE TABLE employees ({columns}, PRIMARY KEY (employee_id))")
    marks = ", ".join("?" * len(CONTENT))
    insert = f"INSERT INTO employees VALUES ({marks}) ON CONFLICT DO NOTHING"
    consumer = AIOKafkaConsumer(
        Settings().kafka_topic, bootstrap_servers=servers, group_id="bare",
        auto_offset_reset="earliest", enable_auto_commit=False, fetch_max_wait_ms=2,
    )  # fmt: skip

    def write(rows: list[tuple[object, ...]]) -> None:
        database.execute("BEGIN")
        database.executemany(insert, rows)
        database.execute("COMMIT")

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
