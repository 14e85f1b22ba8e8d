"""The receiving side of a bare loop of aiokafka: reads a topic in a process of its own, as the
kit's server does, and prints the median latency of the messages, in milliseconds. The content of a
message is the time at which it was sent, in nanoseconds of the host's monotonic clock."""

from __future__ import annotations

import statistics
import sys
import time
from typing import Any

import uvloop
from aiokafka import AIOKafkaConsumer


async def main(servers: str, topic: str, count: int, fetch_wait_ms: int) -> float:
    """Return the median latency of the next `count` messages, in milliseconds."""
    took: list[int] = []
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=servers, fetch_max_wait_ms=fetch_wait_ms)
    async with consumer:
        await consumer.seek_to_end()
        for partition in consumer.assignment():
            await consumer.position(partition)
        print("ready", flush=True)
        while len(took) < count:
            message: Any = await consumer.getone()
            took.append(time.monotonic_ns() - int(message.value))
    return statistics.median(took) / 1e6


if __name__ == "__main__":
    print(uvloop.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))))
