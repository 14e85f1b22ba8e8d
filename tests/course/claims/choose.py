"""The claims of notebook 09, and what makes them false."""

from dataclasses import replace
from types import SimpleNamespace

import pandas as pd

from empkit.results.runs import Runs
from tests.course.claims import Change, Claim, Names
from tests.course.claims.changes import later, named, with_attempts, with_info, with_timings


def measured(part: str, change):
    """A change of one of the four experiments, and what follows of the facts."""

    def make(names: Names) -> None:
        now = names["measured"]
        names["measured"] = replace(now, **{part: change(getattr(now, part))})
        names["facts"] = names["measured"].facts

    return make


def told(protocol: str, outcome: str):
    """A change of what the senders of refused records were told."""

    def change(timings: pd.DataFrame) -> None:
        refused = timings["verdict"].isin(["refused", "dead_lettered"])
        timings.loc[refused & (timings["protocol"] == protocol), "outcome"] = outcome

    return measured("refusals", lambda runs: with_timings(runs, change))


def attempts(protocol: str, count: int):
    """A change of how often the records of a protocol were sent in the crash."""
    return measured("crash", lambda runs: with_attempts(runs, protocol, count))


def stored_later(protocol: str, ms: float):
    return measured("calm", lambda runs: later(runs, "stored_ns", ms, protocol))


def connections(runs: Runs) -> Runs:
    return with_info(runs, reconnections=runs.runs[0].offered)


def advised(name: str, *recommended: str):
    return named(**{name: lambda n: SimpleNamespace(recommended=list(recommended))})


CLAIMS = [
    Claim(
        "cell-10",
        "a sender was not told of a refusal",
        [
            Change(f"those of {protocol} were told that it is stored", told(protocol, "acked"))
            for protocol in ("http", "websocket")
        ],
    ),
    Claim(
        "cell-10",
        "Kafka's senders were told of all refusals",
        [Change("they were told", told("kafka", "refused"))],
    ),
    Claim(
        "cell-10",
        "senders went on without the server that answers them",
        [
            Change(f"the records of {protocol} needed one attempt", attempts(protocol, 1))
            for protocol in ("http", "websocket")
        ],
    ),
    Claim(
        "cell-10",
        "a Kafka sender had to try again while the server was away",
        [Change("its records needed two attempts", attempts("kafka", 2))],
    ),
    Claim(
        "cell-10",
        "an ack came before its record was stored",
        [
            Change(f"{protocol} stores a second later", stored_later(protocol, 1_000))
            for protocol in ("http", "websocket")
        ],
    ),
    Claim(
        "cell-10",
        "each of Kafka's acks came after the store",
        [Change("Kafka stores a minute earlier", stored_later("kafka", -60_000))],
    ),
    Claim(
        "cell-14",
        "HTTP opened a connection for every few records",
        [Change("it opened one for each", measured("calm", connections))],
    ),
    Claim(
        "cell-14",
        "a protocol goes on without the server and knows what is stored, or neither",
        [
            Change("the records of http needed one attempt", attempts("http", 1), start="cell-10"),
            Change("Kafka stores earlier", stored_later("kafka", -60_000), start="cell-10"),
        ],
    ),
    Claim(
        "cell-26",
        "the web form has another choice than these two",
        [
            Change("HTTP was not told of refusals", told("http", "acked"), start="cell-19"),
            Change("Kafka fits, too", advised("form", "http", "websocket", "kafka")),
        ],
    ),
    Claim(
        "cell-26",
        "the branch offices have another choice than Kafka",
        [
            Change("HTTP's senders went on", attempts("http", 1), start="cell-19"),
            Change("Kafka's did not", attempts("kafka", 2), start="cell-19"),
        ],
    ),
    Claim(
        "cell-26",
        "a protocol gives both",
        [
            Change("HTTP's senders went on", attempts("http", 1), start="cell-19"),
            Change("Kafka stores earlier", stored_later("kafka", -60_000), start="cell-19"),
        ],
    ),
]
