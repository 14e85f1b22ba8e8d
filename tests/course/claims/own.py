"""The claims of notebook 10, and what makes them false."""

import pandas as pd

from tests.course.claims import Change, Claim
from tests.course.claims.changes import (
    later,
    named,
    with_attempts,
    with_timings,
    with_verdict,
)

OWN = "my_client:OneShot"


def one_found_less(timings: pd.DataFrame) -> None:
    lost = timings.index[timings["verdict"] == "lost"]
    timings.loc[lost[0], "verdict"] = "stored"


def another_called_lost(timings: pd.DataFrame) -> None:
    stored = timings.index[timings["verdict"] == "stored"]
    timings.loc[stored[0], "verdict"] = "lost"


CLAIMS = [
    Claim(
        "cell-14",
        "a record is lost",
        [
            Change(
                f"one of {protocol} is lost",
                named(runs=lambda n, protocol=protocol: with_verdict(n["runs"], "lost", protocol)),
                start="cell-13",
            )
            for protocol in ("http", OWN)
        ],
    ),
    Claim(
        "cell-14",
        "a record is not stored",
        [
            Change(
                "one of the own protocol failed",
                named(runs=lambda n: with_verdict(n["runs"], "failed", OWN)),
            )
        ],
    ),
    Claim(
        "c17b",
        "a new connection took no longer to the server",
        [
            Change(
                "HTTP's records are received 100 ms later",
                named(runs=lambda n: later(n["runs"], "received_ns", 100, "http")),
            )
        ],
    ),
    Claim(
        "cell-22",
        "a record is not stored",
        [
            Change(
                f"one of {protocol} failed",
                named(
                    broken=lambda n, protocol=protocol: with_verdict(
                        n["broken"], "failed", protocol
                    )
                ),
                start="cell-21",
            )
            for protocol in ("http", OWN)
        ],
    ),
    Claim(
        "cell-22",
        "a protocol needed no retry",
        [
            Change(
                f"one attempt was enough for each record of {protocol}",
                named(broken=lambda n, protocol=protocol: with_attempts(n["broken"], protocol, 1)),
            )
            for protocol in ("http", OWN)
        ],
    ),
    Claim(
        "cell-29",
        "the audit found fewer or more than were dropped",
        [
            Change(
                "one that was dropped is called stored",
                named(caught=lambda n: with_timings(n["caught"], one_found_less)),
            ),
            Change(
                "one that was stored is called lost",
                named(caught=lambda n: with_timings(n["caught"], another_called_lost)),
            ),
        ],
    ),
    Claim(
        "cell-29",
        "a record is called lost that was not dropped",
        [
            Change(
                "one that was stored is called lost",
                named(caught=lambda n: with_timings(n["caught"], another_called_lost)),
            )
        ],
    ),
    Claim(
        "cell-44",
        "the folder has other verdicts than the runs",
        [
            Change(
                "it says that one record failed",
                named(load=lambda n: lambda _: with_verdict(n["runs"], "failed")),
            )
        ],
    ),
]
