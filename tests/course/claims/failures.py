"""The claims of notebook 06, and what makes them false."""

import pandas as pd

from tests.course.claims import Change, Claim
from tests.course.claims.changes import (
    all_stored,
    later,
    named,
    with_attempts,
    with_timings,
    with_verdict,
)


def attempts(protocol: str, count: int):
    """A change of how often the records of a protocol were sent in the crash."""
    return named(crash=lambda n: with_attempts(n["crash"], protocol, count))


def promptly(runs: str, stamp: str, *protocols: str):
    """A change after which a stamp of each record follows at once on when it was due."""

    def change(timings: pd.DataFrame) -> None:
        own = timings["protocol"].isin(protocols)
        timings.loc[own, stamp] = timings.loc[own, "intended_ns"] + 1_000_000

    return named(**{runs: lambda n: with_timings(n[runs], change)})


def acked_later(runs: str, ms: float, protocol: str = ""):
    """A change after which the acks come that many milliseconds later."""
    return named(**{runs: lambda n: later(n[runs], "acked_ns", ms, protocol)})


def stored_before_the_ack(timings: pd.DataFrame) -> None:
    timings["stored_ns"] = timings["acked_ns"] - 1


CLAIMS = [
    *(
        Claim(
            "cell-09",
            f"no {name} sender had to try again",
            [Change("each record needed one attempt", attempts(protocol, 1), start="cell-08")],
        )
        for protocol, name in (("http", "HTTP"), ("websocket", "WebSocket"))
    ),
    Claim(
        "cell-09",
        "a Kafka sender had to try again, though the broker was there",
        [Change("its records needed two attempts", attempts("kafka", 2), start="cell-08")],
    ),
    Claim(
        "cell-14",
        "senders were answered while there was no server",
        [
            Change(
                f"{protocol} is acked 1 ms after it was due",
                promptly("crash", "acked_ns", protocol),
            )
            for protocol in ("http", "websocket")
        ],
    ),
    Claim(
        "cell-14",
        "Kafka's senders were not acked while there was no server",
        [Change("their acks come ten minutes later", acked_later("crash", 600_000, "kafka"))],
    ),
    Claim(
        "cell-14",
        "records were stored while there was no server",
        [
            Change(
                f"{protocol} is stored 1 ms after it was due",
                promptly("crash", "stored_ns", protocol),
            )
            for protocol in ("http", "websocket", "kafka")
        ],
    ),
    Claim(
        "cell-14",
        "no record of Kafka's waited in the log for a server",
        [
            Change(
                "each is stored before its ack",
                named(crash=lambda n: with_timings(n["crash"], stored_before_the_ack)),
            )
        ],
    ),
    Claim(
        "cell-17",
        "a record is not stored",
        [
            Change(
                f"one record of {protocol} failed",
                named(
                    crash=lambda n, protocol=protocol: with_verdict(n["crash"], "failed", protocol)
                ),
            )
            for protocol in ("http", "kafka")
        ],
    ),
    Claim(
        "cell-17",
        "a promise was broken",
        [Change("one record is lost", named(crash=lambda n: with_verdict(n["crash"], "lost")))],
    ),
    Claim(
        "cell-25",
        "senders that need no broker waited for it",
        [
            Change(
                f"the acks of {protocol} come ten minutes later",
                acked_later("outage", 600_000, protocol),
                start="cell-24",
            )
            for protocol in ("http", "websocket")
        ],
    ),
    Claim(
        "cell-25",
        "Kafka's senders were acked while the broker was down",
        [
            Change(
                "its records are acked 1 ms after they were due",
                promptly("outage", "acked_ns", "kafka"),
                start="cell-24",
            )
        ],
    ),
    Claim(
        "cell-25",
        "a record is not stored",
        [Change("one record failed", named(outage=lambda n: with_verdict(n["outage"], "failed")))],
    ),
    Claim(
        "cell-32",
        "the median ack took less than the way there and back, twice 60 ms",
        [
            Change(
                f"{protocol} is acked 1 ms after it was due",
                promptly("slow", "acked_ns", protocol),
            )
            for protocol in ("http", "websocket", "kafka")
        ],
    ),
    Claim(
        "cell-32",
        "a record is not stored",
        [Change("one record failed", named(slow=lambda n: with_verdict(n["slow"], "failed")))],
    ),
    Claim(
        "cell-38",
        "no record failed, without retries",
        [
            Change(
                "each record was stored",
                named(hasty=lambda n: all_stored(n["hasty"])),
                start="cell-37",
            )
        ],
    ),
    Claim(
        "cell-38",
        "an acked record is not stored",
        [
            Change(
                "one record is lost",
                named(hasty=lambda n: with_verdict(n["hasty"], "lost")),
                start="cell-37",
            )
        ],
    ),
]
