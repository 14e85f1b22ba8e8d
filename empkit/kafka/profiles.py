"""Named profiles of Kafka settings, for comparison.

They follow the Kafka drivers of the OpenMessaging Benchmark (`driver-kafka/kafka-latency.yaml`,
`kafka-throughput.yaml`, `kafka-sync.yaml`, `kafka-exactly-once.yaml` of
https://github.com/openmessaging/benchmark): all wait for all in-sync replicas, linger 1 ms and
differ in the size of batches, in when a broker flushes to its disk, and in transactions. The
benchmark's `exactly-once` uses an idempotent producer only; this one uses a transactional producer
and a consumer that reads only committed records.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

ProfileName = Literal["latency", "throughput", "sync", "exactly-once"]


@dataclass(frozen=True)
class Profile:
    """The settings of a profile.

    Attributes:
        what: the profile in one sentence.
        batch_bytes: the maximum size of a producer's batch, in bytes.
        flush: whether the broker flushes each record to disk before it acks; needs a broker with a
            log on disk.
        transactional: whether the producer sends records in transactions, each of all records that
            wait at that time, and the consumer reads only committed records.
    """

    what: str
    batch_bytes: int
    flush: bool = False
    transactional: bool = False

    def changes(self) -> dict[str, Any]:
        """Return the settings that the profile changes, by name."""
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
