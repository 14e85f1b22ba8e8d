"""Billing: stores each order of a topic once, in SQLite.

    KAFKA_BOOTSTRAP_SERVERS=HOST:PORT python -m orders.billing TOPIC DEAD_LETTERS DATABASE GROUP

An offset is committed when the order is stored: after a crash orders are read again, and the
database knows those that it has. What is no order goes to the dead-letter topic.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from typing import Any

from confluent_kafka import Consumer, KafkaException, Producer

MOST = 100
SESSION_TIMEOUT_MS = 6_000
"""After this time the partitions of a process that was killed are assigned to another; librdkafka's
default is 45 s."""


def bill(
    servers: str,
    topic: str,
    dead_letter_topic: str,
    database: str,
    group: str,
    ended: Callable[[], bool],
) -> None:
    """Store orders until the end.

    Args:
        servers: the brokers' addresses, `host:port,host:port`.
        topic: the topic of the orders.
        dead_letter_topic: the topic for what is no order.
        database: the file of the database.
        group: the consumer group.
        ended: says whether to end.
    """
    consumer = Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": group,
            "session.timeout.ms": SESSION_TIMEOUT_MS,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,  # an offset is committed when its order is stored
        }
    )
    dead_letters = Producer({"bootstrap.servers": servers})
    bills = sqlite3.connect(database)
    bills.execute("CREATE TABLE IF NOT EXISTS bills (number INTEGER PRIMARY KEY, cents INTEGER)")
    consumer.subscribe([topic])
    try:
        while not ended():
            messages = [each for each in consumer.consume(MOST, timeout=0.1) if not each.error()]
            if not messages:
                continue
            _store(messages, bills, dead_letters, dead_letter_topic)
            try:
                consumer.commit(asynchronous=False)
            except KafkaException as error:  # the next commit covers it, or it is read again
                print(f"Not committed: {error}", file=sys.stderr)
    finally:
        consumer.close()
        bills.close()


def _store(
    messages: list[Any], bills: sqlite3.Connection, dead_letters: Any, dead_letter_topic: str
) -> None:
    """Store orders in one transaction; returns when the dead letters are acked, too."""
    with bills:
        for message in messages:
            try:
                order = json.loads(message.value())
                row = int(order["number"]), int(order["cents"])
            except (ValueError, KeyError, TypeError) as error:
                headers = {"reason": f"{type(error).__name__}: {error}"}
                dead_letters.produce(
                    dead_letter_topic, message.value(), message.key(), headers=headers
                )
                continue
            bills.execute("INSERT OR IGNORE INTO bills VALUES (?, ?)", row)
        if dead_letters.flush(10):
            raise RuntimeError("A dead letter was not acked; its order is read again.")


def main() -> None:
    """Run until SIGTERM."""
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
    bill(os.environ["KAFKA_BOOTSTRAP_SERVERS"], *sys.argv[1:], lambda: bool(stopped))


if __name__ == "__main__":
    main()
