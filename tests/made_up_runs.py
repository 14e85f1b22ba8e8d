"""Runs with timings that a test chooses, for what is computed from them and drawn of them."""

import numpy as np
import pandas as pd

from empkit.results.info import STAMPS, FaultSpan, RunInfo
from empkit.results.runs import Runs

START_NS = 5_000_000_000


def made_up(protocol="http", count=200, number=1, faults=(), seed=0, **changes):
    """One run: records 1 ms apart, sent on time, about a millisecond a stage."""
    random = np.random.default_rng(seed)
    intended = START_NS + np.arange(count) * 1_000_000

    def after(base):
        return base + random.gamma(2.0, 400_000, count).astype(np.int64)

    sent = intended + 10_000
    received = after(sent)
    stored = after(received)
    acked = after(sent) if protocol == "kafka" else after(stored)
    timings = pd.DataFrame(
        {
            "protocol": protocol,
            "round": number,
            "seq": np.arange(count),
            "employee_id": [f"run-E{seq}" for seq in range(count)],
            **dict(zip(STAMPS, (intended, sent, received, stored, acked), strict=True)),
            "attempts": 1,
            "outcome": "acked",
            "verdict": "stored",
            "error": "",
        }
    ).astype(dict.fromkeys(STAMPS, "Int64"))
    for column, values in changes.items():
        for seq, value in values.items():
            timings.loc[seq, column] = value
    columns = ("protocol", "round", "seq", "attempt", "sent_ns", "answered_ns", "answer")
    info = RunInfo(
        protocol, number, "run", count, "2026-01-01T00:00:00+00:00", START_NS, int(acked.max()),
        faults=[FaultSpan(*fault) for fault in faults],
        workload={"rate": 1_000.0, "in_flight": None, "arrivals": "constant"},
    )  # fmt: skip
    return Runs([info], timings, pd.DataFrame(columns=columns), {"date": "2026-01-01"})


def together(*runs):
    """Several runs as one."""
    return Runs(
        [info for each in runs for info in each.runs],
        pd.concat([each.timings for each in runs], ignore_index=True),
        pd.concat([each.attempts for each in runs], ignore_index=True),
        runs[0].environment,
    )


def nothing(protocol="http", asked=2_000):
    """A run that was interrupted before a record was offered."""
    run = made_up(protocol, 1)
    info = run.runs[0]
    info.offered, info.cut_short, info.workload = 0, True, {"records": asked}
    return Runs(
        [info], run.timings.iloc[:0], run.attempts, run.environment,
        asked=[(protocol, 1)], interrupted="SIGINT",
    )  # fmt: skip
