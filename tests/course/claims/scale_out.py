"""The claims of notebook 08, and what makes them false."""

import pandas as pd

from empkit.results.runs import Runs
from tests.course.claims import Change, Claim
from tests.course.claims.changes import (
    all_stored,
    later,
    named,
    one_of,
    stored_twice,
    with_timings,
    with_verdict,
)


def shared(moment: str, *partitions: int):
    """A change of how many partitions the members have."""
    return named(shares=lambda n: n["shares"] | {moment: dict(enumerate(partitions))})


def failed(runs: Runs) -> Runs:
    return with_verdict(runs, "failed")


def acked_at_once(timings: pd.DataFrame) -> None:
    timings["acked_ns"] = timings["sent_ns"] + 1_000_000


CLAIMS = [
    Claim(
        "cell-15",
        "three members do not share the eight partitions evenly",
        [
            Change("one has all", shared("three members", 8, 0, 0), start="cell-14"),
            Change("there are two", shared("three members", 4, 4), start="cell-14"),
        ],
    ),
    Claim(
        "cell-15",
        "the two that are left do not share the eight partitions evenly",
        [Change("one has all", shared("one is killed", 8, 0), start="cell-14")],
    ),
    Claim(
        "cell-15",
        "the killed member was missed at once",
        [Change("after 10 ms", named(missed_after_s=lambda n: 0.01))],
    ),
    Claim(
        "cell-22",
        "a record is lost",
        [
            Change(
                "one is",
                named(killed=lambda n: with_verdict(n["killed"], "lost")),
                start="cell-21",
            )
        ],
    ),
    Claim(
        "cell-22",
        "a record is stored twice",
        [
            Change(
                "the audit found one",
                named(killed=lambda n: stored_twice(n["killed"])),
                start="cell-21",
            )
        ],
    ),
    Claim(
        "cell-22",
        "a record is not stored",
        [Change("one failed", named(killed=lambda n: with_verdict(n["killed"], "failed")))],
    ),
    Claim(
        "cell-24a",
        "the server, the only member left, stored nothing for a second",
        [
            Change(
                "all is stored a minute later",
                named(killed=lambda n: later(n["killed"], "stored_ns", 60_000)),
            )
        ],
    ),
    Claim(
        "cell-28",
        "a record is not stored",
        [
            Change("one failed with two consumers", one_of("floods", 0, failed)),
            Change("one failed with one consumer", one_of("floods", 1, failed)),
        ],
    ),
    Claim(
        "cell-32e",
        "the second server does not know what the first stored",
        [
            Change(
                "it says that it has stored it now",
                named(answers=lambda n: ["created", n["answers"][1]]),
                start="cell-32d",
            )
        ],
    ),
    Claim(
        "cell-32e",
        "the second server stored another record with that id",
        [
            Change(
                "it says so",
                named(answers=lambda n: [n["answers"][0], "created"]),
                start="cell-32d",
            )
        ],
    ),
    Claim(
        "cell-32e",
        "a record is not stored while the first server is away",
        [
            Change(
                "one failed",
                named(alone=lambda n: with_verdict(n["alone"], "failed")),
                start="cell-32d",
            )
        ],
    ),
    Claim(
        "cell-32k",
        "a record is not stored",
        [
            Change("one failed with SQLite", one_of("databases", 0, failed)),
            Change("one failed with PostgreSQL", one_of("databases", 1, failed)),
        ],
    ),
    Claim(
        "cell-38",
        "nothing is lost that the dead leader alone had acked",
        [
            Change(
                "all is stored with acks=1",
                named(by_leader=lambda n: all_stored(n["by_leader"])),
                start="cell-37",
            )
        ],
    ),
    Claim(
        "cell-38",
        "a record is lost that every in-sync replica had acked",
        [
            Change(
                "acks=all is as acks=1",
                named(by_all=lambda n: n["by_leader"]),
                start="cell-37",
            )
        ],
    ),
    Claim(
        "cell-38",
        "a record is not stored with acks=all",
        [Change("one failed", named(by_all=lambda n: with_verdict(n["by_all"], "failed")))],
    ),
    Claim(
        "cell-38",
        "a record was acked with acks=all while the leader was alone",
        [
            Change(
                "each was acked 1 ms after it was sent",
                named(by_all=lambda n: with_timings(n["by_all"], acked_at_once)),
            ),
            Change("acks=all is as acks=1", named(by_all=lambda n: n["by_leader"])),
        ],
    ),
]
