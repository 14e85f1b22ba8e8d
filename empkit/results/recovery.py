"""What a fault did to a run: how long nothing was stored, when it was as before, what it cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from empkit.results.info import RunInfo
    from empkit.results.measured import Measured


def recovery(runs: Measured) -> pd.DataFrame:
    """One row a run.

    Columns: protocol, round, guarantees, offered, one a verdict with any record in it, and

    - `longest_gap_s`: the longest time in which no record was stored, from the start on;
    - `in_flight`: records sent and not yet acked when the first fault struck;
    - `first_stored_s`, `last_stored_s`: from the end of the last fault until the first, and the
      last, of the records was stored that were wanted sent before it ended and were stored after
      (for Kafka the first is when the consumer was back); missing when there was none;
    - `attempts_max`, and `attempts_per_record`, by which the retries multiplied the load;
    - `reconnections` of the client;
    - `appended`: how many records Kafka's log got; above `offered` it holds some twice, which
      then only the primary key absorbs.
    """
    return pd.DataFrame([_row(runs.of(info.protocol, info.round), info) for info in runs.runs])


def _row(run: Measured, info: RunInfo) -> dict[str, Any]:
    timings = run.timings
    row: dict[str, Any] = {
        "protocol": info.protocol,
        "round": info.round,
        "guarantees": info.guarantees,
        "offered": info.offered,
    }
    row |= {str(name): int(count) for name, count in timings["verdict"].value_counts().items()}
    stored = timings["stored_ns"].dropna().astype("int64").sort_values()
    if len(stored):
        gaps = stored.diff().fillna(float(stored.iloc[0] - info.start_ns))
        row["longest_gap_s"] = float(gaps.max()) / 1e9
    row |= _after(timings, info)
    attempts = timings["attempts"].clip(lower=1)
    row["attempts_max"] = int(attempts.max()) if len(attempts) else 0
    row["attempts_per_record"] = float(attempts.mean()) if len(attempts) else float("nan")
    row["reconnections"] = info.reconnections
    if info.appended is not None:
        row["appended"] = info.appended
    return row


def _after(timings: pd.DataFrame, info: RunInfo) -> dict[str, Any]:
    """What was in flight when the first fault struck, and when what was late was stored."""
    faults = info.timed_faults
    if not faults:
        return {}
    struck_ns = min(fault.start_ns for fault in faults)
    end_ns = max(info.end_ns if fault.end_ns is None else fault.end_ns for fault in faults)
    acked = timings["acked_ns"].fillna(info.end_ns)
    in_flight = ((timings["sent_ns"] <= struck_ns) & (acked > struck_ns)).sum()
    late = timings.loc[
        (timings["intended_ns"] <= end_ns) & (timings["stored_ns"] > end_ns), "stored_ns"
    ]
    return {
        "in_flight": int(in_flight),
        "first_stored_s": (int(late.min()) - end_ns) / 1e9 if len(late) else None,
        "last_stored_s": (int(late.max()) - end_ns) / 1e9 if len(late) else None,
    }


def felt(runs: Measured) -> pd.DataFrame:
    """What the senders felt of the first fault, one row a protocol.

    Columns: `tried_again`, whether any record needed more than one attempt; `before_ms` and
    `during_ms`, the median time until the sender knew, of the records wanted sent before the fault
    and of those in its first half; `heard`, of the latter the share that was acked before the
    fault's last quarter: whether senders were served while it lasted, however busy the machine.

    Args:
        runs: each with a fault that has a span of time; of several rounds the first counts.
    """
    rows = {}
    for protocol in runs.protocols:
        info = next(each for each in runs.runs if each.protocol == protocol)
        own, fault = runs.of(protocol, info.round).timings, info.timed_faults[0]
        took = (own["acked_ns"] - own["intended_ns"]).astype("Float64") / 1e6
        end_ns = info.end_ns if fault.end_ns is None else fault.end_ns
        quarter_ns = (end_ns - fault.start_ns) // 4
        met = own["intended_ns"].between(fault.start_ns, fault.start_ns + 2 * quarter_ns)
        heard = own["acked_ns"].notna() & (own["acked_ns"] < fault.start_ns + 3 * quarter_ns)
        # one that is under way when the fault strikes belongs to neither
        quiet = own["acked_ns"].notna() & (own["acked_ns"] < fault.start_ns)
        rows[protocol] = {
            "tried_again": bool(own["attempts"].max() > 1),
            "before_ms": float(took[quiet].median()),
            "during_ms": float(took[met].median()),
            "heard": float(heard[met].mean()),
        }
    return pd.DataFrame.from_dict(rows, orient="index").astype({"tried_again": bool})
