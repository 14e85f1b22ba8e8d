"""The claims of notebook 03, and what makes them false."""

import json
from dataclasses import replace

import pandas as pd

from tests.course.claims import Change, Claim, Names
from tests.course.claims.changes import (
    Replayed,
    answering,
    later,
    named,
    with_timings,
    with_verdict,
)


def readings(*empty: int):
    """A change after which some of the two readings find nothing."""
    return named(
        readings=lambda n: [
            found.head(0) if place in empty else found for place, found in enumerate(n["readings"])
        ]
    )


def acks_0_later(names: Names) -> None:
    names["by_acks"] = [later(names["by_acks"][0], "acked_ns", 1_000), *names["by_acks"][1:]]


def lingered(change):
    """A change of the two runs with linger, and of the one with many in flight."""

    def make(names: Names) -> None:
        without, with_20, many = change(*names["lingers"], names["many"])
        names["lab"] = Replayed(names["lab"], [without, with_20], many)

    return make


def appended(**changes):
    """A change of what the topic holds of a dozen changes."""

    def make(names: Names) -> None:
        logs = {name: log.copy() for name, log in names["found"].items()}
        for name, change in changes.items():
            logs[name.replace("_", " ")] = change(logs[name.replace("_", " ")])

        async def append(dozen, _key_of):
            same = dozen[0]["employee_id"] == "A1"
            return logs["one employee" if same else "twelve employees"]

        names["append"] = append

    return make


def in_turn(log: pd.DataFrame) -> pd.DataFrame:
    return log.assign(partition=[n % 2 for n in range(len(log))])


def without_one(names: Names) -> None:
    """One change of A1 less among the dead letters."""
    letters = [each for each in names["letters"] if json.loads(each.value)["position"] != "7"]
    names["read_dead_letters"] = answering(letters)


def not_all_same(names: Names) -> None:
    replies = [replace(names["replies"][0], result="created")] * 60
    names["send_all"] = answering(replies)


def some_wait(timings: pd.DataFrame) -> None:
    timings["acked_ns"] = timings["stored_ns"] + 1


CLAIMS = [
    Claim(
        "cell-08",
        "the record was not acked",
        [
            Change(
                "its outcome is unknown",
                named(reply=lambda n: replace(n["reply"], outcome="unknown")),
            )
        ],
    ),
    Claim(
        "cell-08",
        "the record was not in the log",
        [Change("no reading finds it", readings(0, 1), start="cell-07")],
    ),
    Claim(
        "cell-08",
        "the first reading removed the record",
        [Change("the second reading does not find it", readings(1), start="cell-07")],
    ),
    Claim(
        "cell-08",
        "the topic has another number of partitions than the text says",
        [Change("it has one", named(before=lambda n: {0: 0}))],
    ),
    Claim(
        "cell-15",
        "hardly a record was acked sooner than with an ack to wait for",
        [
            Change("with acks=0 each ack comes a second later", acks_0_later),
            Change(
                "acks=0 is as acks=all",
                named(by_acks=lambda n: [n["by_acks"][2], *n["by_acks"][1:]]),
            ),
        ],
    ),
    Claim(
        "cell-15",
        "a record was not stored, although its ack was waited for",
        [
            Change(
                "one is lost with acks=all",
                named(by_acks=lambda n: [*n["by_acks"][:2], with_verdict(n["by_acks"][2], "lost")]),
            )
        ],
    ),
    Claim(
        "cell-22",
        "without linger no record was acked within 20 ms",
        [
            Change(
                "each ack comes 20 ms later without linger, too",
                named(
                    lingers=lambda n: [later(n["lingers"][0], "acked_ns", 20), n["lingers"][1]],
                ),
            )
        ],
    ),
    Claim(
        "cell-22",
        "a record was acked before the linger was over",
        [
            Change(
                "the producer did not linger",
                named(lingers=lambda n: [n["lingers"][0], n["lingers"][0]]),
            )
        ],
    ),
    Claim(
        "cell-22",
        "100 in flight stored less than twice as many as one",
        [
            Change(
                "with many in flight the records are stored a minute later",
                lingered(lambda off, on, many: (off, on, later(many, "stored_ns", 60_000))),
                start="cell-21",
            )
        ],
    ),
    Claim(
        "cell-28",
        "records with one key went into several partitions",
        [
            Change(
                "they lie in two partitions in turn",
                appended(one_employee=in_turn),
                start="cell-27",
            )
        ],
    ),
    Claim(
        "cell-28",
        "twelve keys went into one partition",
        [
            Change(
                "all lie in one",
                appended(twelve_employees=lambda log: log.assign(partition=0)),
                "cell-27",
            )
        ],
    ),
    Claim(
        "cell-28",
        "records of one partition are in another order than sent",
        [
            Change(
                "they lie the other way round",
                appended(one_employee=lambda log: log[::-1]),
                "cell-27",
            )
        ],
    ),
    Claim(
        "c29a",
        "another change than the last eleven is a dead letter",
        [Change("the eighth change is no dead letter", without_one)],
    ),
    Claim(
        "cell-34",
        "a record was not acked while the server was away",
        [
            Change(
                "one got no answer",
                named(measured=lambda n: n["measured"] | {"acked while it is away": 59}),
            )
        ],
    ),
    Claim(
        "cell-34",
        "the lag is not the 60 records that nobody has read",
        [
            Change(
                "one has been read",
                named(measured=lambda n: n["measured"] | {"lag while it is away": 59}),
            )
        ],
    ),
    Claim(
        "cell-34",
        "the group has not read all records",
        [
            Change(
                "one has not been read",
                named(measured=lambda n: n["measured"] | {"lag in the end": 1}),
            )
        ],
    ),
    Claim(
        "cell-34",
        "one of the 60 records was not stored",
        [Change("the server had not stored it, and does now", not_all_same)],
    ),
    Claim(
        "cell-34",
        "one of the 60 records became a dead letter",
        [
            Change(
                "the topic holds one dead letter more",
                named(read_dead_letters=lambda n: answering([*n["letters"], n["letters"][0]])),
            )
        ],
    ),
    Claim(
        "cell-40",
        "no record was sent in the first half of the lock",
        [
            Change(
                "all were sent a minute later",
                named(locked=lambda n: later(n["locked"], "sent_ns", 60_000)),
                start="cell-39",
            )
        ],
    ),
    Claim(
        "cell-40",
        "an ack waited for the store",
        [
            Change(
                "each ack comes after the store",
                named(locked=lambda n: with_timings(n["locked"], some_wait)),
                start="cell-39",
            )
        ],
    ),
    Claim(
        "cell-40",
        "a record was not stored in the end",
        [Change("one is lost", named(locked=lambda n: with_verdict(n["locked"], "lost")))],
    ),
]
