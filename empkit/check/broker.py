"""Kafka up to the broker: its address, its metadata, the topic, and a record into it."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from empkit.check.base import REACH_TIMEOUT_S, Check, FailedError, Planned
from empkit.check.packages import package
from empkit.check.reach import unreachable
from empkit.check.records import send
from empkit.kafka.connection import kafka_arguments

if TYPE_CHECKING:
    from aiokafka import AIOKafkaClient

ADDRESS = "--kafka HOST:PORT or EMPKIT_KAFKA_BOOTSTRAP_SERVERS"

# aiokafka would also log, in its own words, what the steps say
logging.getLogger("aiokafka").addHandler(logging.NullHandler())


async def _address(check: Check) -> str:
    servers = check.settings.kafka_bootstrap_servers
    if not servers:
        raise FailedError(
            "none is set",
            "Start a broker with `empkit broker`, and set EMPKIT_KAFKA_BOOTSTRAP_SERVERS to "
            "what it prints, here and for the server.",
        )
    _addresses(check)
    return servers


async def _reached(check: Check) -> str:
    addresses = _addresses(check)
    reasons = await unreachable(addresses)
    if len(reasons) == len(addresses):
        raise FailedError(
            f"nothing answers at {', '.join(reasons)}",
            f"Start it (`empkit broker`, or your Kafka), or correct {ADDRESS}.",
        )
    return "open" + (f", but nothing answers at {', '.join(reasons)}" if reasons else "")


async def _metadata(check: Check) -> str:
    async with _connected(check) as client:
        brokers = [(broker.host, broker.port) for broker in client.cluster.brokers()]
    named = ", ".join(f"{host}:{port}" for host, port in brokers)
    reasons = await unreachable(brokers)
    if reasons:
        raise FailedError(
            f"clients are sent on to {named}, but nothing answers at {', '.join(reasons)}",
            "Set advertised.listeners of the broker to an address that this machine reaches; "
            "with Docker, localhost and the published port.",
        )
    return f"brokers {named}" if named else "it answers, and names no broker yet"


async def _topic(check: Check) -> str:
    topic = check.settings.kafka_topic
    async with _connected(check) as client:
        # all topics: asked for one by name, many brokers would create it
        cluster = await client.fetch_all_metadata()
    partitions = cluster.partitions_for_topic(topic)
    if not partitions:
        names = ", ".join(sorted(cluster.topics())) or "none"
        raise FailedError(
            f"{topic} is missing; there are: {names}",
            f"Create it: kafka-topics.sh --create --topic {topic} --partitions 8 "
            f"--bootstrap-server {check.settings.kafka_bootstrap_servers}; or name another "
            "with EMPKIT_KAFKA_TOPIC, here and for the server. `empkit broker` creates the topic "
            "of that name.",
        )
    headless = partitions - cluster.available_partitions_for_topic(topic)
    if headless:
        raise FailedError(
            f"{topic}: no leader for partitions {sorted(headless)}",
            "A broker is down: start it, or wait until another has taken over.",
        )
    return f"{topic} has {len(partitions)} partitions"


async def _record(check: Check) -> str:
    employee_id, check.in_topic = await send(check, "kafka")
    return f"the broker has {employee_id}"


def _addresses(check: Check) -> list[tuple[str, int]]:
    from empkit.brokers import BrokerError  # noqa: PLC0415 - a missing package is reported
    from empkit.brokers.admin import parse_addresses  # noqa: PLC0415 - a missing package is reported

    try:
        return parse_addresses(check.settings.kafka_bootstrap_servers or "")
    except BrokerError as error:
        raise FailedError(str(error), f"Correct {ADDRESS}.") from error


@asynccontextmanager
async def _connected(check: Check) -> AsyncIterator[AIOKafkaClient]:
    """Connect to the brokers and get their metadata; an error of Kafka fails the step."""
    from aiokafka import AIOKafkaClient  # noqa: PLC0415 - a missing package is reported
    from aiokafka.errors import KafkaError  # noqa: PLC0415 - a missing package is reported

    settings = check.settings
    try:
        arguments = kafka_arguments(settings)
    except ValueError as error:
        raise FailedError(str(error), "Correct the setting that it names.") from error
    client = AIOKafkaClient(**arguments, request_timeout_ms=int(REACH_TIMEOUT_S * 1000))
    try:
        await client.bootstrap()
        yield client
    except KafkaError as error:
        raise FailedError(
            f"{settings.kafka_bootstrap_servers} does not answer as Kafka does",
            "Is it Kafka that listens there, is it not paused, and do its listeners fit "
            f"EMPKIT_KAFKA_SECURITY_PROTOCOL={settings.kafka_security_protocol}? See its log.",
        ) from error
    finally:
        await client.close()


STEPS = (
    package("kafka", "aiokafka"),
    package("kafka", "confluent-kafka"),
    Planned("kafka", "broker address", _address, ("package aiokafka",)),
    Planned("kafka", "broker", _reached, ("broker address",)),
    Planned("kafka", "broker metadata", _metadata, ("broker",)),
    Planned("kafka", "topic", _topic, ("broker metadata",)),
    Planned("kafka", "a record into the topic", _record, ("topic",)),
)
