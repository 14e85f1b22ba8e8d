"""The claims of notebook 01, and what makes them false."""

import pandas as pd

from tests.course.claims import Change, Claim, Names
from tests.course.claims.changes import later, named, with_timings, with_verdict


def timed_again(change):
    """A change of what the callers' requests took."""

    def make(names: Names) -> None:
        timed = names["timed"].copy()
        names["time_callers"] = lambda *_, **__: change(timed)

    return make


def slow_socket(timed: pd.DataFrame) -> pd.DataFrame:
    timed.loc[timed["caller"] == "bare socket", "round_trip_ms"] += 100
    return timed


def in_one_transaction(timings: pd.DataFrame) -> None:
    timings.loc[1, "stored_ns"] = timings.loc[0, "stored_ns"]


CLAIMS = [
    Claim(
        "cell-09",
        "a request got another answer than the table below says",
        [
            Change(
                f"the request '{request}' gets {code}",
                named(
                    answers=lambda n, pair=(request, code): n["answers"] | {pair[0]: (pair[1], "")}
                ),
                start="c08c",
            )
            for request, code in (
                ("the same again", 201),
                ("no JSON", 400),
                ("while the database is locked", 500),
                ("while the server is down", 503),
            )
        ],
    ),
    Claim(
        "cell-12",
        "E4 or E5 had been stored by the request that failed",
        [Change("they are stored by now, and are sent again", named(), start="cell-11")],
    ),
    Claim(
        "cell-12",
        "a record is missing, or stored twice, or was refused and stored",
        [
            Change("E1 is stored twice", named(stored=lambda n: n["stored"][:1] + n["stored"])),
            Change("E4 is missing", named(stored=lambda n: n["stored"][:1] + n["stored"][2:])),
            Change(
                "E2, without a last name, is stored",
                named(stored=lambda n: [*n["stored"], {"employee_id": "E2"}]),
            ),
        ],
    ),
    Claim(
        "cell-18",
        "a stage began before the previous one had ended",
        [
            Change(
                f"the stamp `{stamp}` is a second late",
                named(times=lambda n, stamp=stamp: later(n["alone"], stamp, 1_000).timings),
            )
            for stamp in ("sent_ns", "received_ns", "stored_ns")
        ],
    ),
    Claim(
        "cell-18",
        "a record was not stored",
        [Change("one record failed", named(alone=lambda n: with_verdict(n["alone"], "failed")))],
    ),
    Claim(
        "cell-24",
        "a caller is missing",
        [
            Change(
                "one library was not timed",
                timed_again(lambda timed: timed[timed["caller"] != timed["caller"].iloc[0]]),
                start="cell-22",
            )
        ],
    ),
    Claim(
        "cell-24",
        "no library took longer than the bare socket",
        [Change("the bare socket takes 100 ms longer", timed_again(slow_socket), start="cell-22")],
    ),
    Claim(
        "cell-32",
        "two records shared a transaction, with one in flight",
        [
            Change(
                "the second record has the stamp of the first",
                named(tried=lambda n: with_timings(n["tried"], in_one_transaction)),
            )
        ],
    ),
]
