"""The claims of notebook 05, and what makes them false."""

from dataclasses import replace

import pandas as pd

from tests.course.claims import Change, Claim, Names
from tests.course.claims.changes import (
    later,
    measured_again,
    named,
    with_info,
    with_timings,
    with_verdict,
)


def took(ms: float):
    """A change after which each record is acked that long after it was due."""

    def change(timings: pd.DataFrame) -> None:
        timings["acked_ns"] = timings["intended_ns"] + int(ms * 1e6)

    return lambda runs: with_timings(runs, change)


def slowly(protocol: str):
    """A change after which the records of a protocol were sent at a thousandth of the rate."""

    def change(timings: pd.DataFrame) -> None:
        for number in timings["round"].unique():
            own = (timings["protocol"] == protocol) & (timings["round"] == number)
            sent = timings.loc[own, "sent_ns"]
            timings.loc[own, "sent_ns"] = sent.min() + 1_000 * (sent - sent.min())

    return lambda runs: with_timings(runs, change)


def steps(change):
    """A change of what the search found, from the lowest rate to the highest."""

    def make(names: Names) -> None:
        found = names["search"].steps.sort_values("rate", ignore_index=True)
        names["search"] = replace(names["search"], steps=change(found))

    return make


def falling(found: pd.DataFrame) -> pd.DataFrame:
    return found.assign(p50_ms=sorted(found["p50_ms"], reverse=True))


def level(found: pd.DataFrame) -> pd.DataFrame:
    return found.assign(p50_ms=found["p50_ms"].iloc[0])


def of_kept(column: str, value: float):
    """A change of a column in the first row of a rate that was kept up with."""

    def change(found: pd.DataFrame) -> pd.DataFrame:
        changed = found.copy()
        changed.loc[changed.index[changed["kept_up"]][0], column] = value
        return changed

    return steps(change)


def flooded(protocol: str, **fields):
    """A change of the description of one run with more records than can be stored."""
    return measured_again("runs", lambda runs: with_info(runs, protocol, **fields))


def one_in_the_stall(names: Names) -> None:
    stop = names["closed"].runs[0].faults[0]

    def change(timings: pd.DataFrame) -> None:
        timings.loc[timings.index[-1], "sent_ns"] = (stop.start_ns + stop.end_ns) // 2

    names["closed"] = with_timings(names["closed"], change)


def one_by_one(timings: pd.DataFrame) -> None:
    timings["acked_ns"] = timings["sent_ns"] + 1


CLAIMS = [
    Claim(
        "cell-09",
        "none or many records of the closed loop met the stall",
        [
            Change("each took 300 ms", named(closed=lambda n: took(300)(n["closed"])), "cell-07"),
            Change("each took 1 ms", named(closed=lambda n: took(1)(n["closed"])), "cell-07"),
        ],
    ),
    Claim(
        "cell-09",
        "the closed loop went on sending during the stall",
        [Change("it sent one record in the middle of it", one_in_the_stall)],
    ),
    Claim(
        "cell-09",
        "hardly a record of the open loop met the stall",
        [Change("each took 1 ms", named(opened=lambda n: took(1)(n["opened"])), "cell-07")],
    ),
    Claim(
        "cell-09",
        "a record is not stored",
        [Change("one failed", named(opened=lambda n: with_verdict(n["opened"], "failed")))],
    ),
    Claim(
        "cell-11a",
        "records of the stall's first quarter waited no longer than those of its last",
        [Change("each took 300 ms", named(opened=lambda n: took(300)(n["opened"])))],
    ),
    Claim(
        "cell-15",
        "the correction added no slow records",
        [
            Change(
                "it adds none",
                named(with_expected_interval=lambda n: lambda waits, interval: waits),
                start="cell-14",
            )
        ],
    ),
    Claim(
        "cell-15",
        "the closed loop has as high a p99 as the open one",
        [
            Change(
                "each of its acks comes a minute later",
                named(closed=lambda n: later(n["closed"], "acked_ns", 60_000)),
                start="cell-14",
            )
        ],
    ),
    Claim(
        "cell-15",
        "the open loop hardly shows the stall",
        [
            Change(
                "each took 100 ms",
                named(opened=lambda n: took(100)(n["opened"])),
                start="cell-14",
            )
        ],
    ),
    Claim(
        "cell-17",
        "the load generator itself was late",
        [
            Change(
                "it was a minute late",
                named(opened=lambda n: with_info(n["opened"], sending_late_p99_ms=60_000.0)),
            )
        ],
    ),
    Claim(
        "f3e94622",
        "as fast as each goes, Kafka's sender offered no more than HTTP's",
        [Change("Kafka's sent slowly", named(fast=lambda n: slowly("kafka")(n["fast"])))],
    ),
    Claim(
        "f3e94622",
        "the second load was not the same for both",
        [
            Change(
                f"{protocol}'s sender sent slowly",
                named(even=lambda n, protocol=protocol: slowly(protocol)(n["even"])),
            )
            for protocol in ("http", "kafka")
        ],
    ),
    Claim(
        "f3e94622",
        "at the equal load Kafka's records were stored no sooner than in the closed loop",
        [
            Change(
                "the two columns have changed places",
                named(stored_ms=lambda n: n["stored_ms"].iloc[:, ::-1]),
            )
        ],
    ),
    Claim(
        "cell-23",
        "the search found no limit",
        [
            Change("all were kept up with", steps(lambda found: found.assign(kept_up=True))),
            Change("none was", steps(lambda found: found.assign(kept_up=False))),
        ],
    ),
    Claim(
        "cell-23",
        "a rate that was kept up with has a higher p99",
        [Change("one has 251 ms", of_kept("p99_ms", 251.0))],
    ),
    Claim(
        "cell-23",
        "fewer were stored than offered, at a rate that was kept up with",
        [Change("at one of them 1 a second was stored", of_kept("stored_per_s", 1.0))],
    ),
    Claim(
        "cell-23",
        "beyond the limit the median is hardly above that at a rate that was kept up with",
        [Change("the curve falls", steps(falling)), Change("the curve is level", steps(level))],
    ),
    Claim(
        "cell-29",
        "a sender that waits for the store did not hold back",
        [
            Change(
                f"{protocol}'s held back none",
                flooded(protocol, held_back=0),
                start="cell-27",
            )
            for protocol in ("http", "websocket")
        ],
    ),
    Claim(
        "cell-29",
        "Kafka's sender held back, though the broker took its records",
        [Change("it did", flooded("kafka", held_back=1_000), start="cell-27")],
    ),
    Claim(
        "cell-29",
        "other than a thousand were in flight",
        [
            Change(
                "each was acked as it was sent",
                named(runs=lambda n: with_timings(n["runs"], one_by_one)),
            )
        ],
    ),
    Claim(
        "cell-29",
        "HTTP opened another number of connections",
        [
            Change(
                "it opened one", named(runs=lambda n: with_info(n["runs"], "http", reconnections=1))
            )
        ],
    ),
    Claim(
        "cell-29",
        "the WebSocket's records went over several connections",
        [
            Change(
                "it reconnected",
                named(runs=lambda n: with_info(n["runs"], "websocket", reconnections=1)),
            )
        ],
    ),
    Claim(
        "cell-29",
        "a record is not stored",
        [Change("one failed", named(runs=lambda n: with_verdict(n["runs"], "failed")))],
    ),
    Claim(
        "cell-29b",
        "hardly a record of Kafka's was acked and waited in the log",
        [
            Change(
                "each was stored at once",
                named(runs=lambda n: later(n["runs"], "stored_ns", -60_000, "kafka")),
            )
        ],
    ),
    Claim(
        "cell-29b",
        "an ack came before its record was stored, not over Kafka",
        [
            Change(
                f"{protocol} stores a minute later",
                named(
                    runs=lambda n, protocol=protocol: later(
                        n["runs"], "stored_ns", 60_000, protocol
                    )
                ),
            )
            for protocol in ("http", "websocket")
        ],
    ),
]
