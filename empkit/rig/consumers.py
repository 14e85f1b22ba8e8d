"""The consumer group of a rig: the server's consumer and the processes beside it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from empkit.clients.control import ControlPlane
from empkit.processes.apart import run_apart
from empkit.processes.child import Child, Processes
from empkit.rig.control import LabError, ask
from empkit.settings import Settings
from empkit.wire import ConsumerHealth, Health

JOIN_TIMEOUT_S = 30.0
POLL_S = 0.02
PARTITIONS = 8
SERVER = "empkit.server"
"""The module of a process that serves or only consumes; it waits for its settings."""


class ConsumerGroup:
    """The members of the consumer group that are processes of their own.

    Args:
        processes: where they are started.

    Attributes:
        members: the processes, the oldest first; the server is not one of them.
    """

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self._started = 0
        self._addresses: dict[int, tuple[str, Settings]] = {}  # by pid: name, and how to ask it
        self.members: list[Child] = []

    def start(self, count: int, settings: Settings) -> None:
        """Start `count` members at the same time, and wait until each has joined the group.

        Args:
            count: how many.
            settings: the settings of the server whose group they join.

        Raises:
            LabError: a member has not joined in time.
            ChildError: a member ended, or was not ready in time.
        """
        started = {}
        changes: dict[str, Any] = {"port": 0, "consume_only": True}
        environment = settings.model_copy(update=changes).environ()
        for _ in range(count):
            self._started += 1  # no member gets the number of one that is gone
            child = self._processes.start_module(f"consumer-{self._started}", SERVER)
            child.begin(environment)
            self.members.append(child)
            started[f"consumer {self._started}"] = child
        for name, child in started.items():
            url = child.expect("ready", JOIN_TIMEOUT_S)["server_url"]
            address = settings.model_copy(update={"server_url": url})
            self._addresses[child.pid] = (name, address)
            wait_until_joined(address)

    def kill(self) -> None:
        """Kill the oldest member (SIGKILL).

        Raises:
            LabError: there is none.
        """
        if not self.members:
            raise LabError("This lab's only consumer is its server; see Lab(consumers=2).")
        child = self.members.pop(0)
        self._addresses.pop(child.pid, None)
        self._processes.release(child, kill=True)

    def stop(self) -> None:
        """End every member with SIGTERM, so that each leaves the group."""
        while self.members:
            self._processes.release(self.members.pop())

    def partitions(self, server: Settings, timeout_s: float) -> dict[str, int]:
        """Return how many partitions each member has, once all are assigned evenly.

        Args:
            server: the settings with which the server, itself a member, is reached.
            timeout_s: how long to wait for that, in seconds.

        Raises:
            LabError: they were not assigned in time, or a member does not answer.
        """
        addresses = {"server": server}
        addresses |= dict(self._addresses[child.pid] for child in self.members)
        deadline = time.monotonic() + timeout_s
        while True:
            assigned = {
                name: ask(address, _partitions, timeout_s=JOIN_TIMEOUT_S)
                for name, address in addresses.items()
            }
            even = max(assigned.values()) - min(assigned.values()) <= 1
            if sum(assigned.values()) == PARTITIONS and even:
                return assigned
            if time.monotonic() > deadline:
                raise LabError(
                    f"The {PARTITIONS} partitions were not assigned within {timeout_s:g} s; each "
                    f"member has: {assigned}."
                )
            time.sleep(POLL_S)


async def _partitions(control: ControlPlane) -> int:
    return (await control.health()).consumer.partitions


def wait_until_joined(settings: Settings) -> None:
    """Wait until the consumer of a server has joined its group.

    Raises:
        LabError: the server runs no consumer, or the consumer has not joined in time.
    """
    consumer = ConsumerHealth(state="connecting")

    def joined(health: Health) -> bool:
        nonlocal consumer
        consumer = health.consumer
        if consumer.state == "off":
            raise LabError("The server runs no Kafka consumer; compare without kafka.")
        return consumer.state == "running"

    in_time = ask(
        settings,
        lambda control: control.wait_until(joined, JOIN_TIMEOUT_S),
        timeout_s=2 * JOIN_TIMEOUT_S,
    )
    if not in_time:
        raise LabError(
            f"The consumer of {settings.server_url} has not joined its group: {consumer}."
        )


def lag(settings: Settings, topic: str) -> int:
    """Return how many records of a topic the consumer group, even an empty one, has not committed.

    Raises:
        LabError: the brokers do not answer.
    """
    from aiokafka.errors import KafkaError  # noqa: PLC0415 - start-up time

    from empkit.kafka.topics import group_lag  # noqa: PLC0415 - start-up time

    try:
        return int(run_apart(group_lag(settings, topic))["lag"].sum())
    except (KafkaError, OSError) as error:
        raise LabError(f"The lag is not known: {type(error).__name__} {error}") from error


def wait_until_read(records_left: Callable[[], int], topic: str, timeout_s: float) -> None:
    """Wait until the consumer group has committed all records of a topic.

    Args:
        records_left: returns how many it has not committed.
        topic: the topic, for the message.
        timeout_s: how long to wait, in seconds.

    Raises:
        LabError: they were not committed in time.
    """
    deadline = time.monotonic() + timeout_s
    while left := records_left():
        if time.monotonic() > deadline:
            raise LabError(
                f"{left} records of {topic} were not read within {timeout_s:g} s: does the server "
                "run, and does it reach its database?"
            )
        time.sleep(POLL_S)
