"""Tries each protocol, step by step, and says of each step that fails what is wrong and what to do
about it.

    packages -> server port -> server -> database, token -> a record over HTTP
                                              |      +----> a record over WebSocket
    broker address -> broker -> metadata -> topic -> a record into it -> through the consumer

A step that needs one that failed is skipped. The records that are sent stay where they arrive: the
server deletes nothing, nor does Kafka. Their ids begin with `check-`.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from empkit.check import broker, consumer, database, http, packages, server, websocket
from empkit.check.base import STEP_TIMEOUT_S, Check, Planned, Step, carry_out
from empkit.settings import Settings

__all__ = ["PARTS", "STEP_TIMEOUT_S", "Step", "check_all"]

PARTS: dict[str, tuple[Planned, ...]] = {
    "packages": packages.STEPS,
    "server": server.STEPS,
    "database": database.STEPS,
    "http": http.STEPS,
    "websocket": websocket.STEPS,
    "broker": broker.STEPS,
    "consumer": consumer.STEPS,
}
"""The steps of each part, in the order in which they are tried: each after those that it needs."""


def check_all(settings: Settings) -> Iterator[Step]:
    """Try every step, and yield each as it is done; none takes longer than STEP_TIMEOUT_S.

    The steps run in a thread with an event loop of its own, so that this works in a notebook, too.

    Args:
        settings: where the server and the brokers are, and user and password.
    """
    check = Check(settings)
    with ThreadPoolExecutor(1, "empkit-check") as worker:
        for steps in PARTS.values():
            for planned in steps:
                yield worker.submit(carry_out, planned, check).result()
