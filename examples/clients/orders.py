"""What every service here does with an order: store it in SQLite, as a quick start would.

The table has no unique key, so that an order that is handled twice is seen twice.
"""

import json
import os
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

SERVERS = os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "localhost:9092")
SESSION_TIMEOUT_MS = 6_000
"""The shortest that Apache Kafka allows, so that a restart does not wait for 45 s."""
LOCK_TIMEOUT_S = 60.0
IDEMPOTENT = bool(os.environ.get("IDEMPOTENT"))
"""Whether the producer is to be idempotent; where not, it has its library's default."""


def text_of(number: int) -> str:
    """Return an order as the value of its record."""
    return json.dumps({"number": number})


def store(database: str | Path, value: bytes) -> None:
    """Store the order that a record holds.

    Raises:
        ValueError: the value is not JSON.
        sqlite3.Error: the database refuses the order.
    """
    store_order(database, json.loads(value))


def store_order(database: str | Path, order: dict[str, int]) -> None:
    """Store an order.

    Raises:
        sqlite3.Error: the database refuses it.
    """
    connection = sqlite3.connect(database, timeout=LOCK_TIMEOUT_S)
    try:
        with connection:
            connection.execute("INSERT INTO orders VALUES (?)", (order["number"],))
    finally:
        connection.close()


def numbers() -> Iterator[int]:
    """Yield the numbers of the orders to send: one a line of the standard input."""
    for line in sys.stdin:
        yield int(line)


def acked(number: int) -> None:
    """Say that the library has told us that an order was sent."""
    print("acked", number, flush=True)
