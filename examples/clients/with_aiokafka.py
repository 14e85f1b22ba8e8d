"""Orders with aiokafka, in the shape of the examples of its README.

python with_aiokafka.py consume TOPIC GROUP DATABASE
python with_aiokafka.py produce TOPIC
"""

import asyncio
import sys

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from orders import IDEMPOTENT, SERVERS, SESSION_TIMEOUT_MS, acked, numbers, store, text_of


async def consume(topic: str, group: str, database: str) -> None:
    """Store each order."""
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=SERVERS,
        group_id=group,
        auto_offset_reset="earliest",
        session_timeout_ms=SESSION_TIMEOUT_MS,
    )
    await consumer.start()
    try:
        async for message in consumer:
            await asyncio.to_thread(store, database, message.value)
    finally:
        await consumer.stop()


async def produce(topic: str) -> None:
    """Send an order for each line of the standard input."""
    options = {"enable_idempotence": True} if IDEMPOTENT else {}
    producer = AIOKafkaProducer(bootstrap_servers=SERVERS, **options)
    await producer.start()
    try:
        orders = numbers()
        while (number := await asyncio.to_thread(next, orders, None)) is not None:
            await producer.send_and_wait(topic, text_of(number).encode(), str(number).encode())
            acked(number)
    finally:
        await producer.stop()


if __name__ == "__main__":
    asyncio.run({"consume": consume, "produce": produce}[sys.argv[1]](*sys.argv[2:]))
