"""The three kinds of broker, behind one interface (`Broker`).

`embedded` needs only this package, `apache` needs Java, and `external` is a Kafka cluster that
already runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, get_args

from empkit.brokers.base import Broker, BrokerError

if TYPE_CHECKING:
    from empkit.processes.child import Processes
    from empkit.settings import Settings

BrokerName = Literal["embedded", "apache", "external"]
BROKERS: tuple[BrokerName, ...] = get_args(BrokerName)

__all__ = ["BROKERS", "Broker", "BrokerError", "BrokerName", "make_broker"]


def make_broker(
    name: BrokerName,
    processes: Processes,
    settings: Settings,
    *,
    brokers: int = 1,
    partitions: int = 4,
    topics: Sequence[str] | None = None,
) -> Broker:
    """Return a broker; call its `start()` before use.

    Args:
        name: the kind of broker.
        processes: owns the broker's child processes and files, which end with it.
        settings: names the topics, and the addresses of an external broker.
        brokers: number of brokers to start; `external` ignores it.
        partitions: number of partitions of each topic that is created.
        topics: the topics that it creates; by default those of the settings.

    Raises:
        ValueError: the kind is unknown, or a number is below 1.
    """
    if name == "embedded":
        from empkit.brokers.embedded import EmbeddedBroker  # noqa: PLC0415 - start-up time

        return EmbeddedBroker(processes, settings, brokers, partitions, topics)
    if name == "apache":
        from empkit.brokers.apache import ApacheBroker  # noqa: PLC0415 - start-up time

        return ApacheBroker(processes, settings, brokers, partitions, topics)
    if name == "external":
        from empkit.brokers.external import ExternalBroker  # noqa: PLC0415 - start-up time

        return ExternalBroker(processes, settings, brokers, partitions, topics)
    raise ValueError(f"{name!r} is not a kind of broker; use one of {', '.join(BROKERS)}.")
