"""Where the Kafka topic lives: three brokers, all with one face.

`embedded` needs nothing but the package, `apache` needs Java, `external` already runs somewhere.
"""

from __future__ import annotations

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
) -> Broker:
    """A broker, to be started with `start()`.

    Args:
        name: which kind.
        processes: where its child processes and files belong, and end with.
        settings: names the topics, and the addresses of a broker that already runs.
        brokers: how many brokers, where they are ours.
        partitions: partitions of each topic that does not exist yet.

    Raises:
        ValueError: there is no such kind, or a number is below 1.
    """
    if name == "embedded":
        from empkit.brokers.embedded import EmbeddedBroker

        return EmbeddedBroker(processes, settings, brokers, partitions)
    if name == "apache":
        from empkit.brokers.apache import ApacheBroker

        return ApacheBroker(processes, settings, brokers, partitions)
    if name == "external":
        from empkit.brokers.external import ExternalBroker

        return ExternalBroker(processes, settings, brokers, partitions)
    raise ValueError(f"{name!r} is no broker of this kit; use one of {', '.join(BROKERS)}.")
