"""Orders with kafka-python, in the shape of the examples of its README.

python with_kafka_python.py consume TOPIC GROUP DATABASE
python with_kafka_python.py produce TOPIC
"""

import os
import sys

from kafka import KafkaConsumer, KafkaProducer

from orders import IDEMPOTENT, SERVERS, SESSION_TIMEOUT_MS, acked, numbers, store, text_of

VERSION = tuple(int(part) for part in os.environ.get("KAFKA_API_VERSION", "").split(".") if part)
"""Of the broker; empty: ask it. The embedded broker cannot be asked: see README.md."""


def consume(topic: str, group: str, database: str) -> None:
    """Store each order."""
    consumer = KafkaConsumer(
        topic,
        bootstrap_servers=SERVERS,
        group_id=group,
        auto_offset_reset="earliest",
        session_timeout_ms=SESSION_TIMEOUT_MS,
        heartbeat_interval_ms=SESSION_TIMEOUT_MS // 3,
        api_version=VERSION or None,
    )
    for message in consumer:
        store(database, message.value)


def produce(topic: str) -> None:
    """Send an order for each line of the standard input."""
    options = {"enable_idempotence": True} if IDEMPOTENT else {}
    producer = KafkaProducer(bootstrap_servers=SERVERS, api_version=VERSION or None, **options)
    for number in numbers():
        future = producer.send(topic, text_of(number).encode(), str(number).encode())
        future.get(timeout=60)
        acked(number)


if __name__ == "__main__":
    {"consume": consume, "produce": produce}[sys.argv[1]](*sys.argv[2:])
