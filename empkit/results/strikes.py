"""What faults really did: how long each lasted beside what was asked for, and what it touched.

where it strikes (proxy, broker, records) --count--> FaultSpan.struck
timings and attempts of the run ----------count-----^        0 --> a note in the run
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from empkit.results.info import FaultSpan, RunInfo

if TYPE_CHECKING:
    from empkit.faults import Fault
    from empkit.results.runs import Runs

ALIKE = 0.1
"""How much a fault may last longer or shorter than another, or than asked, and be called alike."""
SHORTEST_S = 0.05
"""Differences below this, in seconds, are not worth a word."""
AT_ONCE_S = 0.05
"""What was asked for without an end, and lasted for less than this, struck at one moment."""

UNTOUCHED = {
    "records changed": "no record was changed",
    "records due while it lasted": "no record was due while it lasted",
    "records in flight or sent while it lasted": "no record was in flight or sent while it lasted",
    "records in flight or never sent": "no record was in flight, and none was left to send",
    "attempts answered with unauthorized": "no attempt was answered with unauthorized",
    "bytes delayed or held": "no byte was delayed or held while it lasted",
    "bytes cut into pieces or delayed": "no byte was delayed or cut off while it lasted",
    "connections delayed, held or ended": "no connection met it while it lasted",
    "requests answered with the error": "no request was answered with the error",
    "answers held back or lost": "no answer was held back or lost",
}
"""What to say of a fault that struck nothing, by what was counted."""


def in_title(run: RunInfo) -> str:
    """The faults of a run that lasted longer or shorter than asked, for the title of a figure."""
    sentences = [
        f"{fault.label}: {_times(fault, run)}" for fault in run.timed_faults if differs(fault, run)
    ]
    return "; ".join(sentences)


def untouched(fault: FaultSpan, run: RunInfo) -> str:
    """The sentence about a fault that struck nothing in a run."""
    if fault.part == "broker" and not run.through_kafka:
        why = f"no record over {run.protocol} goes to the broker"
    else:
        why = UNTOUCHED[fault.unit]
    return f"{fault.label} struck nothing: {why}."


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
    from empkit.faults import IN_FLIGHT, IN_FLIGHT_OR_NEVER

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


def seconds(fault: FaultSpan, run: RunInfo) -> tuple[float, float]:
    """From when to when a fault really lasted, in seconds after the start of the run."""
    end_ns = run.end_ns if fault.end_ns is None else fault.end_ns
    return (fault.start_ns - run.start_ns) / 1e9, (end_ns - run.start_ns) / 1e9


def _asked(fault: FaultSpan) -> str:
    """From when to when a fault was to last, in words."""
    if fault.asked_end_s is None:
        return f"asked from {fault.asked_start_s:g} s on"
    return f"asked {fault.asked_start_s:g} s to {fault.asked_end_s:g} s"


def differs(fault: FaultSpan, run: RunInfo) -> bool:
    """Whether a fault lasted longer or shorter than it was asked to, by more than a tenth."""
    if fault.whole_run or fault.missed or fault.asked_start_s is None or fault.asked_end_s is None:
        return False
    begin, end = seconds(fault, run)
    wanted = fault.asked_end_s - fault.asked_start_s
    return abs(end - begin - wanted) > max(ALIKE * wanted, SHORTEST_S)


def in_words(fault: FaultSpan, run: RunInfo) -> str:
    """When a fault was to last and when it did, and what it struck: one line of one run."""
    return f"{fault.label}: {_times(fault, run)}{_struck([fault])}"


def _times(fault: FaultSpan, run: RunInfo) -> str:
    if fault.missed:
        return f"{_asked(fault)}, the run was over before"
    return "the whole run" if fault.whole_run else _span(fault, *seconds(fault, run))


def _span(fault: FaultSpan, begin: float, end: float) -> str:
    if fault.asked_end_s is None and end - begin < AT_ONCE_S:
        asked = "" if fault.asked_start_s is None else f"asked at {fault.asked_start_s:g} s, "
        return f"{asked}struck at {begin:.2f} s"
    lasted = f"lasted {begin:.2f} s to {end:.2f} s ({end - begin:.2f} s)"
    return f"{_asked(fault)}, {lasted}" if fault.asked_start_s is not None else lasted


def _struck(faults: Sequence[FaultSpan]) -> str:
    counts = [fault.struck for fault in faults if fault.struck is not None]
    if len(counts) != len(faults) or not counts:
        return ""
    least, most = min(counts), max(counts)
    if not most:
        return "; struck nothing"
    unit = faults[0].unit
    if most == 1:
        noun, _, rest = unit.partition(" ")
        unit = f"{noun.removesuffix('s')} {rest}"
    return f"; {most:,} {unit}" if least == most else f"; {least:,} to {most:,} {unit}"


def lasted(runs: Runs) -> list[str]:
    """One line a fault and run, or one for all runs in which it lasted alike, within a tenth."""
    places: dict[tuple[int, str], list[tuple[FaultSpan, RunInfo]]] = {}
    for run in runs.runs:
        for number, fault in enumerate(run.faults):
            places.setdefault((number, fault.label), []).append((fault, run))
    lines = []
    for (_, label), found in places.items():
        if len(found) == 1 or any(fault.missed for fault, _ in found) or not _alike(found):
            lines += [f"{run.protocol} {run.round}: {in_words(fault, run)}" for fault, run in found]
            continue
        fault = found[0][0]
        if fault.whole_run:
            times = "the whole run"
        else:
            spans = np.array([seconds(*each) for each in found])
            begin, end = np.median(spans, axis=0)
            times = _span(fault, float(begin), float(end))
        all_of = [each for each, _ in found]
        lines.append(f"{label}: {times} in all {len(found)} runs{_struck(all_of)}")
    return lines


def _alike(found: Sequence[tuple[FaultSpan, RunInfo]]) -> bool:
    """Whether a fault began and ended alike in all these runs, and struck or missed all of them."""
    if len({fault.struck == 0 for fault, _ in found}) > 1:
        return False
    spans = np.array([seconds(*each) for each in found])
    lengths = spans[:, 1] - spans[:, 0]
    apart = max(float(np.ptp(spans[:, 0])), float(np.ptp(spans[:, 1])))
    return found[0][0].whole_run or apart <= max(ALIKE * float(np.median(lengths)), SHORTEST_S)
