"""The effect of a fault on a run: how long nothing was stored, the recovery time, and the cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from empkit.results.info import RunInfo
    from empkit.results.measured import Measured


def recovery(runs: Measured) -> pd.DataFrame:
    """Return one row per run.

    Columns: protocol, round, guarantees, offered, one per verdict that occurred, and

    - `longest_gap_s`: the longest time in which no record was stored, from the start on;
    - `in_flight`: records sent and not yet acked when the first fault struck;
    - `first_stored_s`, `last_stored_s`: the time from the end of the last fault until the first and
      the last late record were stored; late are the records that were due before that end and
      stored after it (for Kafka the first is when the consumer was back); missing when there was
      none;
    - `attempts_max`, and `attempts_per_record`, by which the retries multiplied the load;
    - `reconnections` of the client;
    - `appended`: by how many records Kafka's log grew; above `offered`, the log holds duplicates,
      which only the primary key absorbs;
    - `read_again`: how many records the consumers read that the database held already.
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
    if info.read_again is not None:
        row["read_again"] = info.read_again
    return row


def _after(timings: pd.DataFrame, info: RunInfo) -> dict[str, Any]:
    """Return how many records were in flight at the first fault, and when late ones were stored."""
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
    """Return the effect of the first fault on the senders, one row per protocol.

    Columns: `tried_again`, whether any record needed more than one attempt; `before_ms` and
    `during_ms`, the median response time of the records that were acked before the fault and of
    those that were due in its first half; `heard`, the share of the latter that was acked before
    the fault's last quarter: whether senders were served while it lasted, however busy the machine.

    Args:
        runs: each with a fault that has a time span; of several rounds the first counts.
    """
    rows = {}
    for protocol in runs.protocols:
        info = next(run for run in runs.runs if run.protocol == protocol)
        timings, fault = runs.of(protocol, info.round).timings, info.timed_faults[0]
        acked_ns, intended_ns = timings["acked_ns"], timings["intended_ns"]
        took = (acked_ns - intended_ns).astype("Float64").astype(float) / 1e6
        end_ns = info.end_ns if fault.end_ns is None else fault.end_ns
        quarter_ns = (end_ns - fault.start_ns) // 4
        met = intended_ns.between(fault.start_ns, fault.start_ns + 2 * quarter_ns)
        heard = acked_ns.notna() & (acked_ns < fault.start_ns + 3 * quarter_ns)
        # a record that is in flight when the fault strikes belongs to neither
        quiet = acked_ns.notna() & (acked_ns < fault.start_ns)
        rows[protocol] = {
            "tried_again": bool(timings["attempts"].max() > 1),
            "before_ms": float(took[quiet].median()),
            "during_ms": float(took[met].median()),
            "heard": float(heard[met].mean()),
        }
    return pd.DataFrame.from_dict(rows, orient="index").astype({"tried_again": bool})
