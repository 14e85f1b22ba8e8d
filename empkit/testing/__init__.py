"""What the pytest plugin gives to other people's tests: a Kafka broker, topics, faults, verdicts.

    Session (one a session and xdist worker: broker processes, fault proxy)
      +-- Kafka      the broker as one test sees it: topics, and faults that are context managers
      |     +-- Topic      produce, read, offsets, lag, and the assertions
      +-- Proxied    any TCP address behind the fault proxy
    Strikes (one a test)   every fault of the test, when it struck and when it was undone

The fixtures are in `empkit.pytest_plugin`. What is named here is imported when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from empkit.lazy import lazily

if TYPE_CHECKING:
    from empkit.testing.kafka import Kafka
    from empkit.testing.log import Record
    from empkit.testing.proxied import Proxied
    from empkit.testing.strikes import Strike
    from empkit.testing.topic import Topic

__all__ = ["Kafka", "Proxied", "Record", "Strike", "Topic"]

__getattr__ = lazily(
    __name__,
    {
        "Kafka": "empkit.testing.kafka",
        "Proxied": "empkit.testing.proxied",
        "Record": "empkit.testing.log",
        "Strike": "empkit.testing.strikes",
        "Topic": "empkit.testing.topic",
    },
)
