"""The shop: places orders in a topic."""

from __future__ import annotations

import json
from typing import Any

from confluent_kafka import Producer

TIMEOUT_S = 10.0


class Shop:
    """Places orders; an order is placed when the broker has acked it.

    Args:
        servers: the brokers' addresses, `host:port,host:port`.
        topic: the topic of the orders.
    """

    def __init__(self, servers: str, topic: str) -> None:
        self._topic = topic
        self._producer = Producer(
            {"bootstrap.servers": servers, "enable.idempotence": True, "linger.ms": 0}
        )

    def place_order(self, number: int, customer: str, cents: int) -> None:
        """Place an order. The orders of one customer keep their order: the key is the customer.

        Args:
            number: the number of the order, used once.
            customer: who pays.
            cents: how much.

        Raises:
            RuntimeError: the broker has not acked it in time; it may be placed all the same.
        """
        failures: list[str] = []

        def acked(error: Any, _: Any) -> None:
            if error is not None:
                failures.append(str(error))

        order = {"number": number, "customer": customer, "cents": cents}
        self._producer.produce(self._topic, json.dumps(order), customer, on_delivery=acked)
        if self._producer.flush(TIMEOUT_S) or failures:
            raise RuntimeError(f"Order {number} was not acked: {failures or 'no answer'}.")
