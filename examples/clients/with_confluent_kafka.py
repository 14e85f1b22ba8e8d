"""Orders with confluent-kafka, in the shape of its "Getting started" page.

python with_confluent_kafka.py consume TOPIC GROUP DATABASE
python with_confluent_kafka.py produce TOPIC
"""

import sys

from confluent_kafka import Consumer, KafkaError, Message, Producer

from orders import IDEMPOTENT, SERVERS, SESSION_TIMEOUT_MS, acked, numbers, store, text_of


def consume(topic: str, group: str, database: str) -> None:
    """Store each order."""
    consumer = Consumer(
        {
            "bootstrap.servers": SERVERS,
            "group.id": group,
            "auto.offset.reset": "earliest",
            "session.timeout.ms": SESSION_TIMEOUT_MS,
        }
    )
    consumer.subscribe([topic])
    try:
        while True:
            message = consumer.poll(1.0)
            if message is None:
                continue
            if message.error():
                print("error:", message.error(), file=sys.stderr)
                continue
            store(database, message.value())
    finally:
        consumer.close()


def produce(topic: str) -> None:
    """Send an order for each line of the standard input."""
    options = {"enable.idempotence": True} if IDEMPOTENT else {}
    producer = Producer({"bootstrap.servers": SERVERS, **options})
    for number in numbers():
        producer.produce(topic, text_of(number), str(number), on_delivery=delivered)
        producer.flush()


def delivered(error: KafkaError | None, message: Message) -> None:
    """Say whether an order was sent."""
    if error is None:
        acked(int(message.key()))
    else:
        print("failed:", error, file=sys.stderr)


if __name__ == "__main__":
    {"consume": consume, "produce": produce}[sys.argv[1]](*sys.argv[2:])
