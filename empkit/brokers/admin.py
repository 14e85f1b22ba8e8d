"""Administration of a running Kafka cluster: reachability, readiness, topics and their records."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, for_code

from empkit.brokers.base import BrokerError
from empkit.processes.apart import run_apart

Reach = Mapping[str, Any]

REQUEST_TIMEOUT_MS = 5_000
RETRY_S = 0.05
FILLER = b"filler " * 100_000

_EXISTS = 36  # TOPIC_ALREADY_EXISTS
_MAX_REPLICAS = 3


def parse_addresses(servers: str) -> list[tuple[str, int]]:
    """Return the hosts and ports in `host:port,host:port`; an IPv6 host is in brackets.

    Raises:
        BrokerError: an address is malformed.
    """
    addresses = []
    for address in servers.split(","):
        host, _, port = address.strip().rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not host or not re.fullmatch("[0-9]{1,5}", port) or not 0 < int(port) < 65_536:
            raise BrokerError(f"{address!r} is not a valid broker address; expected HOST:PORT.")
        addresses.append((host, int(port)))
    return addresses


def why_unreachable(address: tuple[str, int], timeout_s: float) -> str | None:
    """Return the system's error when a connection to `address` fails; None when it succeeds."""
    try:
        socket.create_connection(address, timeout_s).close()
    except (OSError, UnicodeError) as error:  # UnicodeError: the host is not a valid name
        return str(error)
    return None


def create_topics(
    reach: Reach, topics: Sequence[str], partitions: int, replicas: int | None = None
) -> None:
    """Create the topics that are missing.

    Args:
        reach: a client's connection arguments (`kafka_arguments`).
        topics: their names.
        partitions: number of partitions of each topic.
        replicas: replicas of each partition; by default three, or one per broker when there are
            fewer brokers.

    Raises:
        BrokerError: no broker responds, or the cluster refused to create a topic.
    """
    if not topics:
        return
    try:
        run_apart(_create_topics(reach, topics, partitions, replicas))
    except AttributeError as error:  # aiokafka's, when the metadata names no controller
        raise BrokerError(
            f"The topics {', '.join(topics)} cannot be created at {_named(reach)}: it has no "
            "controller. An embedded broker that another program started takes no such requests; "
            "use Apache Kafka, or an embedded broker of your own."
        ) from error
    except (KafkaError, OSError) as error:
        raise BrokerError(
            f"The topics {', '.join(topics)} cannot be created at {_named(reach)}: "
            f"{type(error).__name__} {error}"
        ) from error


def delete_topics(reach: Reach, topics: Sequence[str]) -> None:
    """Delete topics; skip those that are missing or that the cluster refuses to delete.

    Raises:
        BrokerError: no broker responds.
    """
    try:
        run_apart(_delete_topics(reach, topics))
    except (KafkaError, OSError, AttributeError) as error:
        raise BrokerError(
            f"The topics {', '.join(topics)} cannot be deleted at {_named(reach)}: {error}"
        ) from error


def drop_records(servers: str, topic: str) -> None:
    """Delete every record of a topic, read or not, as its retention would do later.

    Raises:
        BrokerError: the cluster did not delete them.
    """
    try:
        run_apart(_drop_records(servers, topic))
    except (KafkaError, OSError) as error:
        raise BrokerError(f"The records of {topic} cannot be deleted: {error}") from error


def push_out_records(servers: str, topic: str, partition_bytes: int) -> None:
    """Write filler records until the broker has dropped every record that it holds now.

    Args:
        servers: the brokers' addresses, `host:port,host:port`.
        topic: the topic.
        partition_bytes: how much the broker keeps of a partition, in bytes.

    Raises:
        BrokerError: the broker did not accept the filler.
    """
    try:
        run_apart(_push_out_records(servers, topic, partition_bytes))
    except (KafkaError, OSError) as error:
        raise BrokerError(f"The records of {topic} cannot be pushed out: {error}") from error


def set_flush(reach: Reach, topic: str, *, each: bool) -> None:
    """Make the brokers flush a topic to disk after each record, or leave that to the system.

    Raises:
        BrokerError: the brokers did not change the configuration.
    """
    try:
        run_apart(_set_flush(reach, topic, each=each))
    except (KafkaError, OSError) as error:
        raise BrokerError(f"The flush policy of {topic} cannot be changed: {error}") from error


def leader_of(servers: str, topic: str, partition: int = 0) -> int:
    """Return the number of the broker that leads a partition.

    Raises:
        BrokerError: no broker responds, or the partition has no leader now.
    """
    try:
        described = run_apart(_described(servers, topic))
    except (KafkaError, OSError) as error:
        raise BrokerError(f"The leader of {topic} is not known at {servers}: {error}") from error
    for metadata in described["partitions"]:
        if metadata["partition"] == partition and metadata["leader"] >= 0:
            return int(metadata["leader"])
    raise BrokerError(f"Partition {partition} of {topic} has no leader now.")


def wait_for_brokers(servers: str, timeout_s: float, check: Callable[[], None]) -> None:
    """Wait until every broker has joined and the cluster has a controller.

    Args:
        servers: the brokers' addresses, `host:port,host:port`.
        timeout_s: the timeout, in seconds.
        check: called before each attempt; an exception from it ends the wait.

    Raises:
        TimeoutError: not all brokers have joined in time; the message says which are missing.
    """
    addresses = parse_addresses(servers)
    give_up = time.monotonic() + timeout_s
    while True:
        check()
        # a broker listens once it has joined; aiokafka logs every connection refused before that
        closed = [address for address in addresses if why_unreachable(address, RETRY_S)]
        if not closed and run_apart(_count_brokers(servers)) >= len(addresses):
            return
        if time.monotonic() > give_up:
            raise TimeoutError(
                f"not all of {servers} answered within {timeout_s:g} s"
                + (f"; nothing listens at {closed}." if closed else ".")
            )
        time.sleep(RETRY_S)


async def _create_topics(
    reach: Reach, topics: Sequence[str], partitions: int, replicas: int | None
) -> None:
    async with asyncio.timeout(REQUEST_TIMEOUT_MS / 1000):
        client = _client(reach)
        try:
            await client.start()
            if replicas is None:
                cluster = await client.describe_cluster()
                replicas = min(_MAX_REPLICAS, len(cluster["brokers"]))
            answer = await client.create_topics(
                [NewTopic(topic, partitions, replicas) for topic in topics]
            )
            for topic, code, reason in answer.topic_errors:
                if code not in (0, _EXISTS):
                    raise BrokerError(
                        f"{_named(reach)} refused to create {topic}: {reason or code}"
                    )
            while not all(map(_usable, await client.describe_topics(list(topics)))):  # noqa: ASYNC110
                await asyncio.sleep(RETRY_S)
        finally:
            await client.close()


async def _delete_topics(reach: Reach, topics: Sequence[str]) -> None:
    async with asyncio.timeout(REQUEST_TIMEOUT_MS / 1000):
        client = _client(reach)
        try:
            await client.start()
            await client.delete_topics(list(topics))
        finally:
            await client.close()


async def _drop_records(servers: str, topic: str) -> None:
    client = _client({"bootstrap_servers": servers})
    try:
        await client.start()
        (described,) = await client.describe_topics([topic])
        partitions = [
            TopicPartition(topic, metadata["partition"]) for metadata in described["partitions"]
        ]
        to_the_end = RecordsToDelete(before_offset=-1)
        await client.delete_records(dict.fromkeys(partitions, to_the_end))
    finally:
        await client.close()


async def _set_flush(reach: Reach, topic: str, *, each: bool) -> None:
    # AlterConfigs also resets the topic's other options; the lab sets no others
    # Kafka documentation, "Topic Configs": without flush.messages the system decides
    configs = {"flush.messages": "1"} if each else {}
    client = _client(reach)
    try:
        await client.start()
        resource = ConfigResource(ConfigResourceType.TOPIC, topic, configs)
        for answer in await client.alter_configs([resource]):
            for code, reason, *_ in answer.resources:
                if code:
                    raise for_code(code)(reason)
    finally:
        await client.close()


async def _described(servers: str, topic: str) -> dict[str, Any]:
    client = _client({"bootstrap_servers": servers})
    try:
        await client.start()
        (described,) = await client.describe_topics([topic])
    finally:
        await client.close()
    topic_metadata: dict[str, Any] = described
    return topic_metadata


async def _push_out_records(servers: str, topic: str, partition_bytes: int) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=servers, acks="all")
    async with producer:
        for partition in await producer.partitions_for(topic):
            for _ in range(partition_bytes // len(FILLER) + 1):
                await producer.send_and_wait(topic, FILLER, partition=partition)


def _usable(topic: dict[str, Any]) -> bool:
    """Return whether the broker knows the topic, and a leader for each of its partitions."""
    return not any(metadata["error_code"] for metadata in (topic, *topic["partitions"]))


async def _count_brokers(servers: str) -> int:
    client = _client({"bootstrap_servers": servers})
    try:
        await client.start()
        cluster = await client.describe_cluster()
    except (KafkaError, OSError):
        return 0
    finally:
        await client.close()
    return len(cluster["brokers"]) if cluster["controller_id"] >= 0 else 0


def _client(reach: Reach) -> AIOKafkaAdminClient:
    return AIOKafkaAdminClient(**reach, request_timeout_ms=REQUEST_TIMEOUT_MS)


def _named(reach: Reach) -> str:
    return str(reach["bootstrap_servers"])
