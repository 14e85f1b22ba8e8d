"""Compares the kit's Kafka client with bare loops of aiokafka and confluent-kafka, and on Apache
Kafka with its `ProducerPerformance` and `EndToEndLatency`."""

from __future__ import annotations

import asyncio
import random
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import uvloop
from aiokafka import AIOKafkaProducer

from benchmarks.common import Row, closed_loop, in_turns, made_up, over, ratio
from empkit import Lab, Workload
from empkit.brokers import BrokerError
from empkit.settings import Settings
from tests.kafka_tools import run_tool

IN_FLIGHT = 64
COUNT = 20_000
RATE = 200.0
LATENCIES = 500
ROOT = Path(__file__).parents[1]

Broker = Literal["embedded", "apache"]


def kafka_embedded(rounds: int) -> list[Row]:
    """Compare on the embedded broker."""
    return _kafka("embedded", rounds)


def kafka_apache(rounds: int) -> list[Row]:
    """Compare on Apache Kafka, also with its own tools."""
    try:
        return _kafka("apache", rounds)
    except BrokerError as error:
        return [Row("Kafka on Apache Kafka", str(error), "measured", False)]


def _kafka(broker: Broker, rounds: int) -> list[Row]:
    with Lab(broker) as lab:
        servers = lab.bootstrap_servers or ""
        # a topic that no consumer reads, so that only producing is measured
        settings = lab.settings.model_copy(update={"kafka_topic": "benchmark"})
        uvloop.run(_bare_produce(settings, 100))
        rates: dict[str, Callable[[], float]] = {
            "empkit": lambda: uvloop.run(over("kafka", settings, COUNT, IN_FLIGHT)),
            "aiokafka": lambda: uvloop.run(_bare_produce(settings, COUNT)),
            "confluent-kafka": lambda: _confluent_produce(servers, COUNT),
        }
        waits: dict[str, Callable[[], float]] = {
            "empkit": lambda: _received_ms(lab),
            "aiokafka": lambda: _bare_received_ms(lab.settings),
        }
        if broker == "apache":
            rates["ProducerPerformance"] = lambda: _producer_performance(servers)
            waits["EndToEndLatency"] = lambda: _end_to_end_latency(servers)
        produced, received = in_turns(rates, rounds), in_turns(waits, rounds)
    name = "Apache Kafka" if broker == "apache" else "embedded broker"
    rows = []
    for other, values in produced.items():
        if other == "empkit":
            continue
        share = ratio(produced, other, "empkit")
        kit = statistics.median(produced["empkit"])
        value = f"{share:.2f} ({kit:,.0f}/s and {statistics.median(values):,.0f}/s)"
        bound = other == "aiokafka"
        rows.append(Row(
            f"{name}, produce, {IN_FLIGHT} in flight, time a record: empkit / {other}", value,
            "<= 1.15" if bound else "reported", not bound or share <= 1.15,
        ))  # fmt: skip
    for other, values in received.items():
        if other == "empkit":
            continue
        share = ratio(received, "empkit", other)
        kit = statistics.median(received["empkit"])
        value = f"{share:.2f} ({kit:.2f} and {statistics.median(values):.2f} ms)"
        bound = other == "aiokafka"
        rows.append(Row(
            f"{name}, sent until received, median: empkit / {other}", value,
            "<= 1.15" if bound else "reported", not bound or share <= 1.15,
        ))  # fmt: skip
    return rows


async def _bare_produce(settings: Settings, count: int) -> float:
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.kafka_bootstrap_servers, acks="all", enable_idempotence=True,
        linger_ms=settings.kafka_linger_ms, max_batch_size=settings.kafka_batch_bytes,
    )  # fmt: skip
    async with producer:

        async def send(employee_id: str, payload: bytes) -> None:
            await (await producer.send(settings.kafka_topic, payload, key=employee_id.encode()))

        return (await closed_loop(send, count, IN_FLIGHT))[0]


def _confluent_produce(servers: str, count: int) -> float:
    """Return the records per second of confluent-kafka, with at most `IN_FLIGHT` in flight.

    librdkafka sends from a thread of its own, in C.
    """
    from confluent_kafka import Producer  # noqa: PLC0415 - start-up time

    producer = Producer({"bootstrap.servers": servers, "enable.idempotence": True, "linger.ms": 0})
    records = made_up(count)
    began = time.perf_counter()
    for employee_id, payload in records:
        while len(producer) >= IN_FLIGHT:
            producer.poll(0.001)
        producer.produce("benchmark", payload, employee_id.encode())
    producer.flush()
    return count / (time.perf_counter() - began)


def _received_ms(lab: Lab) -> float:
    """Return the median time from sent until the server's consumer received the record."""
    workload = Workload(LATENCIES, rate=RATE, arrivals="poisson", warm_up=50)
    runs = lab.run("kafka", workload, progress=lambda *_: None)
    return float((runs.timings["received_ns"] - runs.timings["sent_ns"]).median()) / 1e6


def _bare_received_ms(settings: Settings) -> float:
    """Return the same median with only aiokafka, one process per side.

    Both send at random times: at regular intervals, an end-to-end time depends on their phase
    relative to the waits of the consumer.
    """
    servers = str(settings.kafka_bootstrap_servers)
    command = [sys.executable, "-m", "benchmarks.reader", servers, "latency", str(LATENCIES),
               str(settings.kafka_fetch_wait_ms)]  # fmt: skip
    uvloop.run(_bare_produce(settings.model_copy(update={"kafka_topic": "latency"}), 100))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "ready\n"
        uvloop.run(_send_at_random(servers))
        return float(reader.stdout.readline())


async def _send_at_random(servers: str) -> None:
    chance = random.Random(0)
    async with AIOKafkaProducer(bootstrap_servers=servers, enable_idempotence=True) as producer:
        for number in range(LATENCIES):
            await asyncio.sleep(chance.expovariate(RATE))
            now = time.monotonic_ns()
            await producer.send("latency", str(now).encode(), key=str(number).encode())
        await producer.flush()


def _producer_performance(servers: str) -> float:
    output = run_tool(
        "ProducerPerformance", "--topic", "benchmark", "--num-records", "100000", "--record-size",
        "200", "--throughput", "-1", "--producer-props", f"bootstrap.servers={servers}", "acks=all",
    )  # fmt: skip
    return float(re.findall(r"([\d.]+) records/sec", output)[-1])


def _end_to_end_latency(servers: str) -> float:
    output = run_tool("EndToEndLatency", servers, "latency", "1000", "all", "200", timeout_s=120)
    return float(re.search(r"50th = (\d+)", output).group(1))  # type: ignore[union-attr]
