"""Named settings of Kafka, to be set side by side.

They follow the Kafka drivers of the OpenMessaging Benchmark (`driver-kafka/kafka-latency.yaml`,
`kafka-throughput.yaml`, `kafka-sync.yaml`, `kafka-exactly-once.yaml` of
https://github.com/openmessaging/benchmark): all wait for all in-sync replicas, linger 1 ms and
differ in the size of batches, in when a broker flushes to its disk, and in transactions. Its
`exactly-once` stops at the idempotent producer; ours is a transactional one, with a consumer that
reads what was committed only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

ProfileName = Literal["latency", "throughput", "sync", "exactly-once"]


@dataclass(frozen=True)
class Profile:
    """What a profile sets.

    Attributes:
        what: in a sentence.
        batch_bytes: the most that the producer puts into one batch.
        flush: whether the broker flushes each record to its disk before it acks; needs a broker
            that has one.
        transactional: whether records go in transactions, of all that wait at a time, and the
            consumer reads only what was committed.
    """

    what: str
    batch_bytes: int
    flush: bool = False
    transactional: bool = False

    def changes(self) -> dict[str, Any]:
        """The settings that it changes."""
        return {
            "kafka_acks": "all",
            "kafka_idempotence": True,
            "kafka_linger_ms": 1,
            "kafka_batch_bytes": self.batch_bytes,
            "kafka_flush": self.flush,
            "kafka_transactional": self.transactional,
        }


PROFILES: dict[ProfileName, Profile] = {
    "latency": Profile("Small batches, sent soon.", 131_072),
    "throughput": Profile("Large batches.", 1_048_576),
    "sync": Profile("The broker flushes each batch to its disk before it acks.", 131_072, True),
    "exactly-once": Profile("Transactions, read when committed.", 131_072, transactional=True),
}
