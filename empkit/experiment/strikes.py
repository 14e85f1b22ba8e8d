"""Counts what the faults of a run touched, from its records, timings and attempts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from empkit.faults.base import IN_FLIGHT, IN_FLIGHT_OR_NEVER, WholeRunFault
from empkit.results.info import FaultSpan, RunInfo


@dataclass(frozen=True)
class RunEvidence:
    """The files that a run left, in which faults count what they struck.

    Args:
        folder: the folder of the run.
        info: the description of the run.
    """

    folder: Path
    info: RunInfo

    def timings(self, *columns: str) -> pd.DataFrame:
        """Return columns of the run's timings; stamps stay integers even if some are missing."""
        table = pq.read_table(self.folder / "timings.parquet", columns=list(columns))
        frame: pd.DataFrame = table.to_pandas(types_mapper=_whole)
        return frame

    def answers(self) -> pd.Series[str]:
        """Return the answer to each attempt of the records that needed several attempts."""
        file = self.folder / "attempts.parquet"
        answers: pd.Series[str] = pd.read_parquet(file, columns=["answer"])["answer"]
        return answers


def of_whole_run(fault: WholeRunFault, places: Sequence[int], evidence: RunEvidence) -> FaultSpan:
    """Return the span of a fault of the whole run.

    Args:
        fault: the fault.
        places: the places, in the workload, of the records that it changed.
        evidence: what the run left.
    """
    info = evidence.info
    span = FaultSpan(
        str(fault), fault.part, info.start_ns,
        unit=fault.unit, whole_run=fault.lasts_s is None, takes_away=fault.takes_away,
    )  # fmt: skip
    if fault.lasts_s is not None:
        span.asked_start_s, span.asked_end_s = (getattr(fault, name) for name in fault.lasts_s)
        span.start_ns, span.end_ns = (
            info.start_ns + int(getattr(fault, name) * 1e9) for name in fault.lasts_s
        )
    span.struck = fault.count(evidence, places)
    return span


def count_in_flight(spans: Sequence[FaultSpan], evidence: RunEvidence, count: int) -> None:
    """Count the records that were under way while each fault lasted.

    A record is under way until its client knows the outcome and it is stored, whichever is later.

    Args:
        spans: faults with a span of time.
        evidence: what the run left.
        count: the number of records to be sent.
    """
    todo = [span for span in spans if span.unit in (IN_FLIGHT, IN_FLIGHT_OR_NEVER)]
    if not todo:
        return
    info = evidence.info
    timings = evidence.timings("sent_ns", "acked_ns", "stored_ns", "outcome")
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


def _whole(kind: Any) -> Any:
    return pd.Int64Dtype() if str(kind) == "int64" else None
