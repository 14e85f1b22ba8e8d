"""Orders with FastStream, in the shape of its README.

python with_faststream.py consume TOPIC GROUP DATABASE
python with_faststream.py produce TOPIC
"""

import asyncio
import sys

from faststream import FastStream
from faststream.kafka import KafkaBroker

from orders import IDEMPOTENT, SERVERS, SESSION_TIMEOUT_MS, acked, numbers, store_order


async def consume(topic: str, group: str, database: str) -> None:
    """Store each order."""
    broker = KafkaBroker(SERVERS)

    @broker.subscriber(
        topic,
        group_id=group,
        auto_offset_reset="earliest",
        session_timeout_ms=SESSION_TIMEOUT_MS,
    )
    def handle(order: dict[str, int]) -> None:
        store_order(database, order)

    await FastStream(broker).run()


async def produce(topic: str) -> None:
    """Send an order for each line of the standard input."""
    options = {"enable_idempotence": True} if IDEMPOTENT else {}
    async with KafkaBroker(SERVERS, **options) as broker:
        orders = numbers()
        while (number := await asyncio.to_thread(next, orders, None)) is not None:
            await broker.publish({"number": number}, topic, key=str(number).encode())
            acked(number)


if __name__ == "__main__":
    asyncio.run({"consume": consume, "produce": produce}[sys.argv[1]](*sys.argv[2:]))
