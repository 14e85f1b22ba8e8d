"""What is asked of a real Kafka over its own protocol: whether it answers, and for topics."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from empkit.brokers.base import BrokerError

REQUEST_TIMEOUT_MS = 5_000
RETRY_S = 0.1

_EXISTS = 36  # TOPIC_ALREADY_EXISTS
_MAX_REPLICAS = 3


def create_topics(servers: str, topics: Sequence[str], partitions: int) -> None:
    """Create the topics that are missing, with three replicas where there are as many brokers.

    Args:
        servers: `host:port,host:port`.
        topics: their names.
        partitions: how many each gets.

    Raises:
        BrokerError: no broker answers, or a topic was refused.
    """
    try:
        _run_apart(_create_topics(servers, topics, partitions))
    except (KafkaError, OSError, TimeoutError, AttributeError) as error:
        # AttributeError: aiokafka's, when the metadata names no controller
        raise BrokerError(
            f"The topics {', '.join(topics)} cannot be created at {servers}: "
            f"{type(error).__name__} {error}"
        ) from error


def wait_for_brokers(
    servers: str, count: int, timeout_s: float, check: Callable[[], None] = lambda: None
) -> None:
    """Wait until `count` brokers have joined and the cluster has a controller.

    Args:
        servers: `host:port,host:port`.
        count: how many.
        timeout_s: how long, in seconds.
        check: called before each try; what it raises ends the wait.

    Raises:
        TimeoutError: fewer have joined in time; the message says how many.
    """
    give_up = time.monotonic() + timeout_s
    while True:
        check()
        joined = _run_apart(_count_brokers(servers))
        if joined >= count:
            return
        if time.monotonic() > give_up:
            raise TimeoutError(f"{joined} of {count} brokers answered within {timeout_s:g} s.")
        time.sleep(RETRY_S)


async def _create_topics(servers: str, topics: Sequence[str], partitions: int) -> None:
    async with asyncio.timeout(REQUEST_TIMEOUT_MS / 1000):
        client = _client(servers)
        try:
            await client.start()
            cluster = await client.describe_cluster()
            replicas = min(_MAX_REPLICAS, len(cluster["brokers"]))
            answer = await client.create_topics(
                [NewTopic(topic, partitions, replicas) for topic in topics]
            )
        finally:
            await client.close()
    for topic, code, reason in answer.topic_errors:
        if code not in (0, _EXISTS):
            raise BrokerError(f"{servers} refused to create {topic}: {reason or code}")


async def _count_brokers(servers: str) -> int:
    client = _client(servers)
    try:
        await client.start()
        cluster = await client.describe_cluster()
    except (KafkaError, OSError, TimeoutError):
        return 0
    finally:
        await client.close()
    return len(cluster["brokers"]) if cluster["controller_id"] >= 0 else 0


def _client(servers: str) -> AIOKafkaAdminClient:
    return AIOKafkaAdminClient(bootstrap_servers=servers, request_timeout_ms=REQUEST_TIMEOUT_MS)


def _run_apart(work: Coroutine[Any, Any, Any]) -> Any:
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
