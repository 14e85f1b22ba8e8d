"""The claims of notebook 07, and what makes them false."""

from dataclasses import replace
from types import SimpleNamespace

import pandas as pd

from empkit.results.runs import Runs
from tests.course.claims import Change, Claim, Names
from tests.course.claims.changes import (
    all_stored,
    named,
    one_of,
    stored_twice,
    with_info,
    with_timings,
    with_verdict,
)


def lossy(runs: Runs) -> Runs:
    return with_verdict(runs, "lost")


def not_acked(names: Names) -> None:
    before, after = names["by_commit"]

    def change(timings: pd.DataFrame) -> None:
        timings.loc[timings["verdict"] == "lost", "outcome"] = "unknown"

    names["before"], names["after"] = with_timings(before, change), after


def commonest(name: str, verdict: str):
    """A change of the verdict on what was sent again or not answered."""

    def change(timings: pd.DataFrame) -> None:
        unsure = (timings["attempts"] > 1) | (timings["outcome"] == "unknown")
        timings.loc[unsure, "verdict"] = verdict

    return named(**{name: lambda n: with_timings(n[name], change)})


def without_same(names: Names) -> None:
    changed = with_info(names["sure"])
    changed.attempts = changed.attempts[changed.attempts["answer"] != "same"]
    names["sure"] = changed


def doubled(**fields):
    """A change of the description of the run with copies."""
    return named(doubled=lambda n: [with_info(n["doubled"][0], **fields)])


def appended(name: str, copies: int):
    """A change of how many copies the log got."""
    return named(**{name: lambda n: with_info(n[name], appended=n[name].runs[0].offered + copies)})


def not_struck(name: str):
    """A change after which no fault struck a run."""
    return named(**{name: lambda n: with_info(n[name], faults=[])})


def not_numbered(names: Names) -> None:
    settings = names["lab"].settings.model_copy(update={"kafka_idempotence": False})
    names["lab"] = SimpleNamespace(settings=settings, broker=names["lab"].broker)


def one_is_good(names: Names) -> None:
    letters = names["letters"].copy()
    letters.at[0, "value"] = b'{"employee_id": "E1", "first_name": "Ada", "last_name": "Byron"}'
    names["letters"] = letters


CLAIMS = [
    Claim(
        "cell-09",
        "nothing was lost, though nobody waited for the broker's answer",
        [Change("all are stored with acks=0", one_of("by_acks", 0, all_stored))],
    ),
    Claim(
        "cell-09",
        "a record is lost, though its ack was waited for",
        [Change("one is lost with acks=all", one_of("by_acks", 1, lossy))],
    ),
    Claim(
        "cell-16",
        "nothing was lost by the early commit",
        [Change("all are stored with the early commit", one_of("by_commit", 0, all_stored))],
    ),
    Claim(
        "cell-16",
        "a record is lost, though it was committed after the store",
        [Change("one is lost with the late commit", one_of("by_commit", 1, lossy))],
    ),
    Claim(
        "cell-20",
        "a lost record had not been acked",
        [
            Change("their outcome is unknown", not_acked),
            Change("none is lost", named(before=lambda n: all_stored(n["before"]))),
        ],
    ),
    Claim(
        "cell-20",
        "a promise was broken with the late commit",
        [Change("one record is lost", named(after=lambda n: lossy(n["after"])))],
    ),
    Claim(
        "cell-20",
        "a record is not stored with the late commit",
        [Change("one record failed", named(after=lambda n: with_verdict(n["after"], "failed")))],
    ),
    Claim(
        "cell-26",
        "without retries most such records are not stored, or known to be",
        [
            Change("they are stored", commonest("unsure", "stored"), start="cell-25"),
            Change("they failed", commonest("unsure", "failed"), start="cell-25"),
        ],
    ),
    Claim(
        "cell-26",
        "with retries most such records are not known to be stored",
        [Change("they are unconfirmed", commonest("sure", "unconfirmed"), start="cell-25")],
    ),
    Claim(
        "cell-26",
        "a promise was broken: a retry was stored twice, or lost",
        [
            Change("one is lost", named(sure=lambda n: lossy(n["sure"]))),
            Change(
                "one is stored twice",
                named(sure=lambda n: stored_twice(n["sure"])),
            ),
        ],
    ),
    Claim(
        "cell-26",
        "no retry was told that the record is stored already",
        [Change("no attempt had the answer `same`", without_same)],
    ),
    Claim(
        "cell-34",
        "the log holds no copies",
        [Change("it grew by the records that were sent", doubled(appended=240), start="cell-33")],
    ),
    Claim(
        "cell-34",
        "the database holds a record twice",
        [
            Change(
                "the audit found one",
                one_of("doubled", 0, stored_twice),
                start="cell-33",
            )
        ],
    ),
    Claim(
        "cell-34",
        "a record is not stored",
        [
            Change(
                "one is lost",
                named(doubled=lambda n: [lossy(n["doubled"][0])]),
            )
        ],
    ),
    Claim(
        "cell-34",
        "the consumer did not read each copy and find its record stored already",
        [
            Change("it read none again", doubled(read_again=0), start="cell-33"),
            Change(
                "it read one less",
                named(info=lambda n: replace(n["info"], read_again=n["info"].read_again - 1)),
            ),
        ],
    ),
    Claim(
        "cell-36",
        "the producer did not number its records",
        [Change("idempotence is off", not_numbered)],
    ),
    Claim(
        "cell-36",
        "there were no copies",
        [Change("the log grew by what was sent", doubled(appended=240), start="cell-33")],
    ),
    Claim(
        "cell-42",
        "in one of the runs no ack was lost",
        [Change(f"nothing struck {name}", not_struck(name)) for name in ("plain", "idempotent")],
    ),
    Claim(
        "cell-42",
        "without idempotence there were no copies",
        [Change("the log has each record once", appended("plain", 0))],
    ),
    Claim(
        "cell-42",
        "with idempotence there were copies",
        [
            Change("the log has one copy", appended("idempotent", 1)),
            Change("the run is the one without", named(idempotent=lambda n: n["plain"])),
        ],
    ),
    Claim(
        "cell-48",
        "a record is lost",
        [Change("one is", named(poisoned=lambda n: lossy(n["poisoned"])))],
    ),
    Claim(
        "cell-48",
        "a record is neither stored nor kept",
        [
            Change(
                "one failed",
                named(poisoned=lambda n: with_verdict(n["poisoned"], "failed")),
            )
        ],
    ),
    Claim(
        "cell-51",
        "the topic holds more or fewer than the audit found",
        [Change("one is missing", named(letters=lambda n: n["letters"][1:]))],
    ),
    Claim(
        "cell-51",
        "a good record is among the dead letters",
        [Change("one of them passes the validation", one_is_good)],
    ),
]
