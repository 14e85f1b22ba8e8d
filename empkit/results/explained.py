"""What each row and column of the tables means, for `--explain` and the report."""

from __future__ import annotations

from collections.abc import Iterable

from empkit.results.verdicts import KINDS

LATENCY = {
    "p50": "Half of the records took at most this long (the median).",
    "p90": "Nine of ten records took at most this long.",
    "p99": "99 of 100 records took at most this long.",
    "max": "The longest of all.",
}
"""What the percentiles of a latency mean."""

_ROWS = {
    "ack latency": (
        "From when the schedule wanted a record sent until its sender knew that it was accepted. "
        "Over HTTP and WebSocket that is after the store; over Kafka the broker acks, usually "
        "before the store."
    ),
    "stored latency": (
        "From when the schedule wanted a record sent until the database held it durably."
    ),
    **LATENCY,
    "records stored per second": (
        "Stored records, divided by the time from the start to the last one stored; the median of "
        "the rounds."
    ),
    "can be used": (
        "Whether the numbers below are those of the protocol: not of a load generator that was "
        "late, nor of a machine on which others took processor time. Latencies and records per "
        "second are those of the rounds that are valid; without one, of all, for a look only."
    ),
    "records offered": "How many records the load generator sent, in all rounds.",
    "acked": "How many of them their sender was told were accepted.",
    "longest gap s": "The longest time in which no record was stored, from the start on.",
    "in flight": "How many records were sent and not yet acked when the first fault struck.",
    "first stored s": (
        "From the end of the last fault until the first record was stored that had been due before."
    ),
    "last stored s": "The same, until the last such record was stored: the backlog is gone.",
    "attempts max": "The most attempts that a record needed.",
    "attempts per record": "By how much the retries multiplied the load.",
    "reconnections": "How often the client connected again.",
    "appended": (
        "By how many records Kafka's log grew; more than were offered means that the log holds "
        "duplicates, which the primary key absorbs."
    ),
    "read again": (
        "How many records the consumers read that the database held already, from before a crash "
        "or as duplicates in the log."
    ),
    "offered": "How many records the load generator sent in this run.",
}


def explained(labels: Iterable[str]) -> dict[str, str]:
    """Return what the rows or columns of a table mean, each once, in the order of the table.

    Args:
        labels: their names, such as `ack latency p99, ms`, `records stored per second`, `lost`.

    Raises:
        KeyError: a label has no explanation.
    """
    found: dict[str, str] = {}
    for label in labels:
        name = label.strip().removesuffix(", ms").replace("_", " ")
        kind = KINDS.get(name.replace(" ", "_").replace("-", "_"))
        if kind is not None:
            found[kind.name.replace("_", "-")] = kind.meaning
            continue
        head, _, level = name.rpartition(" ")
        for part in (head, level) if head.endswith(" latency") else (name,):
            found[part] = _ROWS[part]
    return found
