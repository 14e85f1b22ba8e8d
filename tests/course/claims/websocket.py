"""The claims of notebook 02, and what makes them false."""

from types import SimpleNamespace

import pandas as pd

from tests.course.claims import Change, Claim, Names
from tests.course.claims.changes import (
    later,
    named,
    stored_twice,
    with_info,
    with_timings,
    with_verdict,
)


def told(value):
    """A change of what `asyncio.run` returns."""

    def run(coroutine):
        coroutine.close()
        return value

    return named(asyncio=lambda n: SimpleNamespace(run=run))


def slowly(timings: pd.DataFrame) -> None:
    """Each record is stored a thousand times as long after the first as it was."""
    stored = timings["stored_ns"]
    timings["stored_ns"] = stored.min() + 1_000 * (stored - stored.min())


def each_alone(timings: pd.DataFrame) -> None:
    timings["stored_ns"] += range(len(timings))


def never_again(timings: pd.DataFrame) -> None:
    timings["attempts"] = 1


def seen(**fields):
    """A change of what the client saw and the server's log says."""

    def make(names: Names) -> None:
        names["seen"] = names["seen"]._replace(
            **{name: change(getattr(names["seen"], name)) for name, change in fields.items()}
        )

    return make


CLAIMS = [
    Claim(
        "cell-07",
        "the server did not agree to switch protocols",
        [Change("it answers 200", told(("websocket", 200)), start="cell-06")],
    ),
    Claim(
        "cell-12",
        "the connection stayed open with a wrong token",
        [Change("no close code came", told(("Authenticated", None)), start="cell-11")],
    ),
    Claim(
        "cell-12",
        "the connection was closed with another code than that of a policy violation",
        [Change("it was closed with 1000", named(seen=lambda n: (n["seen"][0], 1000)))],
    ),
    Claim(
        "cell-12",
        "the token in the first message was not accepted",
        [Change("it is another token", named(lab=lambda n: SimpleNamespace(token="guessed")))],
    ),
    Claim(
        "cell-17",
        "32 in flight stored no more per second than one",
        [
            Change(
                "its records follow each other a thousand times as slowly",
                named(many=lambda n: with_timings(n["many"], slowly)),
            )
        ],
    ),
    Claim(
        "cell-17",
        "32 in flight stored 32 times as many as one",
        [
            Change(
                "alone they follow each other a thousand times as slowly",
                named(one=lambda n: with_timings(n["one"], slowly)),
            )
        ],
    ),
    Claim(
        "cell-17",
        "the records of a run did not all go over one connection",
        [
            Change(
                f"the client reconnected once with {words} in flight",
                named(**{name: lambda n, name=name: with_info(n[name], reconnections=1)}),
            )
            for name, words in (("one", "one"), ("many", "32"))
        ],
    ),
    Claim(
        "cell-17",
        "most records had a transaction of their own",
        [
            Change(
                "each record has another stamp",
                named(many=lambda n: with_timings(n["many"], each_alone)),
            )
        ],
    ),
    Claim(
        "cell-17",
        "a record was not stored",
        [Change("one record failed", named(many=lambda n: with_verdict(n["many"], "failed")))],
    ),
    Claim(
        "c20b",
        "the fastest of 32 in flight took no longer than the fastest alone",
        [
            Change(
                "with 32 in flight the records take as long as with one",
                named(many=lambda n: n["one"]),
            ),
            Change(
                "alone, each ack comes ten seconds later",
                named(one=lambda n: later(n["one"], "acked_ns", 10_000)),
            ),
        ],
    ),
    Claim(
        "cell-25",
        "the bad record waited for the good ones before it",
        [Change("the answers have the order of the records", named(order=lambda n: n["names"]))],
    ),
    Claim(
        "cell-25",
        "a record was not answered, or twice",
        [
            Change("W1 was answered twice", named(order=lambda n: ["W4", "W1", "W1", "W3"])),
            Change("W3 was not answered", named(order=lambda n: ["W4", "W1", "W2"])),
        ],
    ),
    Claim(
        "cell-31",
        "no record was sent again",
        [
            Change(
                "each record needed one attempt",
                named(broken=lambda n: with_timings(n["broken"], never_again)),
                start="cell-30",
            )
        ],
    ),
    Claim(
        "cell-31",
        "a record that was sent again is stored twice",
        [
            Change(
                "the audit found one", named(broken=lambda n: stored_twice(n["broken"])), "cell-30"
            )
        ],
    ),
    Claim(
        "cell-31",
        "an acked record is not stored",
        [
            Change(
                "one record is lost",
                named(broken=lambda n: with_verdict(n["broken"], "lost")),
                start="cell-30",
            )
        ],
    ),
    Claim(
        "cell-31",
        "a record was not stored",
        [Change("one failed", named(broken=lambda n: with_verdict(n["broken"], "failed")))],
    ),
    Claim(
        "cell-31",
        "the client did not reconnect",
        [
            Change(
                "the connection stayed",
                named(broken=lambda n: with_info(n["broken"], reconnections=0)),
            )
        ],
    ),
    Claim(
        "cell-38",
        "the client was answered, after two accepts",
        [Change("it got an answer", seen(client=lambda _: "an answer, reason ''"), "cell-37")],
    ),
    Claim(
        "cell-38",
        "the client was told the reason",
        [
            Change(
                "the close frame has a reason",
                seen(client=lambda text: text.replace("reason ''", "reason 'accepted twice'")),
                start="cell-37",
            )
        ],
    ),
    Claim(
        "cell-38",
        "the connection was closed properly, with a code",
        [
            Change(
                "it was closed with 1011",
                seen(client=lambda text: text.replace("code 1006", "code 1011")),
            )
        ],
    ),
    Claim(
        "cell-38",
        "the server's log does not name the second accept",
        [Change("the log is empty", seen(server=lambda _: ""))],
    ),
]
