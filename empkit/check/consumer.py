"""Kafka behind the broker: the server's consumer, and a record that has come through it."""

from __future__ import annotations

from empkit.check.base import ANSWER_TIMEOUT_S, Check, FailedError, Planned
from empkit.check.broker import ADDRESS
from empkit.check.records import STAYS, read_back
from empkit.check.server import connected, health
from empkit.wire import ConsumerHealth, Health


async def _consumer(check: Check) -> str:
    consumer = ConsumerHealth(state="connecting")

    def decided(health: Health) -> bool:
        nonlocal consumer
        consumer = health.consumer
        return consumer.state != "connecting"  # one that has just started is about to join

    async with connected(check.settings, check.token) as control:
        await control.wait_until(decided, ANSWER_TIMEOUT_S)
    if consumer.state == "off":
        raise FailedError(
            "the server runs none", f"Start the server with {ADDRESS}: `empkit serve --kafka`."
        )
    if consumer.state == "failing":
        raise FailedError(
            f"failing; {consumer.failure}",
            "The server reaches its broker, but cannot go on. Its log says more; it keeps trying.",
        )
    if consumer.state != "running":
        raise FailedError(
            f"{consumer.state}; {consumer.failure or 'it has not joined its group yet'}",
            "The server does not reach its broker. Is its EMPKIT_KAFKA_BOOTSTRAP_SERVERS an "
            "address that can be reached from where it runs? It keeps trying.",
        )
    return f"running, {_lag(consumer)}"


async def _record(check: Check) -> str:
    employee_id = check.in_topic["employee_id"]
    await read_back(
        check, employee_id, check.in_topic,
        "Does the server consume this topic of this broker (EMPKIT_KAFKA_TOPIC, "
        "EMPKIT_KAFKA_BOOTSTRAP_SERVERS)? A consumer that is far behind needs time; "
        "/health has its lag.",
    )  # fmt: skip
    lag = _lag((await health(check)).consumer)
    return f"stored and read back as {employee_id}, {STAYS}; {lag}"


def _lag(consumer: ConsumerHealth) -> str:
    return f"lag {'unknown' if consumer.lag is None else consumer.lag}"


STEPS = (
    Planned("kafka", "consumer", _consumer, ("server", "broker address")),
    Planned(
        "kafka", "a record through Kafka", _record,
        ("a record into the topic", "consumer", "token", "database"),
    ),
)  # fmt: skip
