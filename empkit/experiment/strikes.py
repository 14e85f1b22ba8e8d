"""Counts what the faults of a run touched, from its records, timings and attempts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from empkit.faults.base import IN_FLIGHT, IN_FLIGHT_OR_NEVER, Fault
from empkit.results.info import FaultSpan, RunInfo


def of_records(fault: Fault, places: Sequence[int], folder: Path, info: RunInfo) -> FaultSpan:
    """A record fault in one run.

    Args:
        fault: the fault.
        places: of the records that it changed, in the workload.
        folder: of the run.
        info: what is known of the run.
    """
    offered = _columns(folder, "seq")["seq"]
    span = _whole_run(fault, info)
    span.struck = int(offered.isin(list(places)).sum())
    return span


def of_token(fault: Fault, folder: Path, info: RunInfo) -> FaultSpan:
    """The expiry of the client's token in one run.

    Only records that needed several attempts have a row an attempt, and the handshake of a
    WebSocket has none: where that may be how the token was refused, nothing is claimed.
    """
    span = _whole_run(fault, info)
    answers = pd.read_parquet(folder / "attempts.parquet", columns=["answer"])["answer"]
    refused = int((answers == "unauthorized").sum())
    timings = _columns(folder, "attempts", "outcome")
    alone = timings["outcome"].isin(["failed", "unknown"]) & (timings["attempts"] <= 1)
    # through Kafka no token goes, and over HTTP with each record
    known = (
        info.through_kafka
        or info.protocol == "http"
        or (info.protocol == "websocket" and not info.reconnections)
    )
    span.struck = refused if refused or (known and not alone.any()) else None
    return span


def of_load(fault: Any, folder: Path, info: RunInfo) -> FaultSpan:
    """An overload in one run: it lasts as long as was asked, since the schedule makes it."""

    begin, end = (info.start_ns + int(each * 1e9) for each in (fault.from_s, fault.until_s))
    due = _columns(folder, "intended_ns")["intended_ns"]
    return FaultSpan(
        str(fault), fault.part, begin, end, fault.from_s, fault.until_s,
        int(due.between(begin, end).sum()), fault.unit, takes_away=fault.takes_away,
    )  # fmt: skip


def count_in_flight(spans: Sequence[FaultSpan], folder: Path, info: RunInfo, count: int) -> None:
    """Count, for faults that strike what is under way, the records that were while they lasted.

    A record is under way until its client knows the outcome and it is stored, whichever is later.

    Args:
        spans: faults with a span of time.
        folder: of the run.
        info: what is known of the run.
        count: how many records were to be sent.
    """
    todo = [span for span in spans if span.unit in (IN_FLIGHT, IN_FLIGHT_OR_NEVER)]
    if not todo:
        return
    timings = _columns(folder, "sent_ns", "acked_ns", "stored_ns", "outcome")
    done = timings[["acked_ns", "stored_ns"]].max(axis=1).fillna(info.end_ns)
    if info.through_kafka:
        waits = timings["stored_ns"].isna() & (timings["outcome"] == "acked")
        done = done.mask(waits, info.end_ns)
    for span in todo:
        end_ns = info.end_ns if span.end_ns is None else span.end_ns
        met = int(((timings["sent_ns"] <= end_ns) & (done >= span.start_ns)).sum())
        if span.part == "broker" and not info.through_kafka:
            span.struck = 0
        elif span.unit == IN_FLIGHT_OR_NEVER:
            span.struck = met + count - info.offered
        else:
            span.struck = met


def _whole_run(fault: Fault, info: RunInfo) -> FaultSpan:
    return FaultSpan(
        str(fault), fault.part, info.start_ns,
        unit=fault.unit, whole_run=True, takes_away=fault.takes_away,
    )  # fmt: skip


def _columns(folder: Path, *names: str) -> pd.DataFrame:
    """Columns of a run's timings; stamps stay whole numbers where some are missing."""
    table = pq.read_table(folder / "timings.parquet", columns=list(names))
    frame: pd.DataFrame = table.to_pandas(types_mapper=_whole)
    return frame


def _whole(kind: Any) -> Any:
    return pd.Int64Dtype() if str(kind) == "int64" else None
