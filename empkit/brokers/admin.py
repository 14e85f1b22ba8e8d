"""What is asked of a real Kafka: whether it can be reached, whether it answers, and for topics."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, for_code

from empkit.brokers.base import BrokerError

Reach = Mapping[str, Any]

REQUEST_TIMEOUT_MS = 5_000
RETRY_S = 0.05
FILLER = b"filler " * 100_000

_EXISTS = 36  # TOPIC_ALREADY_EXISTS
_MAX_REPLICAS = 3


def parse_addresses(servers: str) -> list[tuple[str, int]]:
    """Hosts and ports of `host:port,host:port`; an IPv6 host is in brackets.

    Raises:
        BrokerError: this is something else.
    """
    addresses = []
    for address in servers.split(","):
        host, _, port = address.strip().rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not host or not re.fullmatch("[0-9]{1,5}", port) or not 0 < int(port) < 65_536:
            raise BrokerError(f"{address!r} is no address of a broker; HOST:PORT is.")
        addresses.append((host, int(port)))
    return addresses


def why_unreachable(address: tuple[str, int], timeout_s: float) -> str | None:
    """What the system says when nothing accepts a connection there; None when something does."""
    try:
        socket.create_connection(address, timeout_s).close()
    except (OSError, UnicodeError) as error:  # UnicodeError: of a host that is no name
        return str(error)
    return None


def create_topics(
    reach: Reach, topics: Sequence[str], partitions: int, replicas: int | None = None
) -> None:
    """Create the topics that are missing.

    Args:
        reach: the arguments by which a client reaches the brokers (`kafka_arguments`).
        topics: their names.
        partitions: how many each gets.
        replicas: of each partition; by default three, where there are as many brokers.

    Raises:
        BrokerError: no broker answers, or a topic was refused.
    """
    try:
        run_apart(_create_topics(reach, topics, partitions, replicas))
    except (KafkaError, OSError, AttributeError) as error:
        # AttributeError: aiokafka's, when the metadata names no controller
        raise BrokerError(
            f"The topics {', '.join(topics)} cannot be created at {_named(reach)}: "
            f"{type(error).__name__} {error}"
        ) from error


def delete_topics(reach: Reach, topics: Sequence[str]) -> None:
    """Delete topics; those that are missing, or that may not be deleted, are passed over.

    Raises:
        BrokerError: no broker answers.
    """
    try:
        run_apart(_delete_topics(reach, topics))
    except (KafkaError, OSError, AttributeError) as error:
        raise BrokerError(
            f"The topics {', '.join(topics)} stay at {_named(reach)}: {error}"
        ) from error


def drop_records(servers: str, topic: str) -> None:
    """Drop every record that a topic holds, read or not, as its retention would in time.

    Raises:
        BrokerError: the brokers did not do it.
    """
    try:
        run_apart(_drop_records(servers, topic))
    except (KafkaError, OSError) as error:
        raise BrokerError(f"The records of {topic} cannot be dropped: {error}") from error


def push_out_records(servers: str, topic: str, partition_bytes: int) -> None:
    """Write filler until a broker that keeps so much a partition has dropped all it holds now.

    Raises:
        BrokerError: the filler was not taken.
    """
    try:
        run_apart(_push_out_records(servers, topic, partition_bytes))
    except (KafkaError, OSError) as error:
        raise BrokerError(f"The records of {topic} cannot be pushed out: {error}") from error


def set_flush(reach: Reach, topic: str, *, each: bool) -> None:
    """Have the brokers flush a topic to their disks with each record, or when they see fit.

    Raises:
        BrokerError: they do not.
    """
    try:
        run_apart(_set_flush(reach, topic, each=each))
    except (KafkaError, OSError) as error:
        raise BrokerError(f"The brokers do not change when {topic} is flushed: {error}") from error


def leader_of(servers: str, topic: str, partition: int = 0) -> int:
    """The number of the broker that leads a partition.

    Raises:
        BrokerError: no broker answers, or the partition has no leader now.
    """
    try:
        described = run_apart(_described(servers, topic))
    except (KafkaError, OSError) as error:
        raise BrokerError(f"{servers} does not say who leads {topic}: {error}") from error
    for each in described["partitions"]:
        if each["partition"] == partition and each["leader"] >= 0:
            return int(each["leader"])
    raise BrokerError(f"Partition {partition} of {topic} has no leader now.")


def wait_for_brokers(servers: str, timeout_s: float, check: Callable[[], None]) -> None:
    """Wait until every broker has joined and the cluster has a controller.

    Args:
        servers: the brokers' addresses, `host:port,host:port`.
        timeout_s: how long, in seconds.
        check: called before each try; what it raises ends the wait.

    Raises:
        TimeoutError: they have not; the message says which is missing.
    """
    addresses = parse_addresses(servers)
    give_up = time.monotonic() + timeout_s
    while True:
        check()
        # a broker listens when it has joined; asked before that, aiokafka logs each refusal
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
        partitions = [TopicPartition(topic, each["partition"]) for each in described["partitions"]]
        to_the_end = RecordsToDelete(before_offset=-1)
        await client.delete_records(dict.fromkeys(partitions, to_the_end))
    finally:
        await client.close()


async def _set_flush(reach: Reach, topic: str, *, each: bool) -> None:
    # what else was set for the topic goes: the lab's has nothing else
    # Kafka documentation, "Topic Configs": without a number it leaves that to the system
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
    found: dict[str, Any] = described
    return found


async def _push_out_records(servers: str, topic: str, partition_bytes: int) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=servers, acks="all")
    async with producer:
        for partition in await producer.partitions_for(topic):
            for _ in range(partition_bytes // len(FILLER) + 1):
                await producer.send_and_wait(topic, FILLER, partition=partition)


def _usable(topic: dict[str, Any]) -> bool:
    """Whether a broker has heard of a topic, and of a leader for each of its partitions."""
    return not any(one["error_code"] for one in (topic, *topic["partitions"]))


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


def run_apart(work: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine in a thread of its own: ours may have a loop that runs, as in a notebook."""
    outcome: list[Any] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            with asyncio.Runner() as runner:
                outcome.append(runner.run(work))
        except BaseException as error:  # noqa: BLE001 - it is raised again where it is waited for
            failure.append(error)

    thread = threading.Thread(target=run, name="empkit-admin")
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return outcome[0]
