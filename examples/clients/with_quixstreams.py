"""Orders with Quix Streams, in the shape of its README.

python with_quixstreams.py consume TOPIC GROUP DATABASE
python with_quixstreams.py produce TOPIC
"""

import sys
import tempfile

from quixstreams import Application

from orders import IDEMPOTENT, SERVERS, SESSION_TIMEOUT_MS, acked, numbers, store_order, text_of


def consume(topic: str, group: str, database: str) -> None:
    """Store each order."""
    app = Application(
        broker_address=SERVERS,
        consumer_group=group,
        auto_offset_reset="earliest",
        consumer_extra_config={"session.timeout.ms": SESSION_TIMEOUT_MS},
        state_dir=tempfile.gettempdir(),
    )
    orders = app.dataframe(topic=app.topic(topic, value_deserializer="json"))
    orders.update(lambda order: store_order(database, order))
    app.run()


def produce(topic: str) -> None:
    """Send an order for each line of the standard input."""
    options = {"enable.idempotence": True} if IDEMPOTENT else {}
    app = Application(broker_address=SERVERS, producer_extra_config=options)
    with app.get_producer() as producer:
        for number in numbers():
            producer.produce(topic, key=str(number), value=text_of(number))
            producer.flush()
            acked(number)


if __name__ == "__main__":
    {"consume": consume, "produce": produce}[sys.argv[1]](*sys.argv[2:])
