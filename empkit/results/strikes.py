"""The effects of faults: how long each lasted, compared with its plan, and what it struck.

where it strikes (proxy, broker, records) --count--> FaultSpan.struck
timings and attempts of the run ----------count-----^        0 --> a note in the run
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from empkit.results.info import FaultSpan, RunInfo

if TYPE_CHECKING:
    from empkit.results.measured import Measured

ALIKE = 0.1
"""The relative difference in duration up to which two faults, or fault and plan, are alike."""
SHORTEST_S = 0.05
"""Smaller differences, in seconds, are not reported."""
AT_ONCE_S = 0.05
"""A fault that was asked for without an end, and lasted for less than this, struck at a moment."""

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
"""The sentence about a fault that struck nothing, by the unit that was counted."""


def in_title(run: RunInfo) -> str:
    """Return the faults that lasted longer or shorter than asked, for the title of a figure."""
    sentences = [
        f"{fault.label}: {_times(fault, run)}" for fault in run.timed_faults if differs(fault, run)
    ]
    return "; ".join(sentences)


def untouched(fault: FaultSpan, run: RunInfo) -> str:
    """Return the sentence about a fault that struck nothing in a run."""
    if fault.part == "broker" and not run.through_kafka:
        why = f"no record over {run.protocol} goes to the broker"
    else:
        why = UNTOUCHED[fault.unit]
    return f"{fault.label} struck nothing: {why}."


def seconds(fault: FaultSpan, run: RunInfo) -> tuple[float, float]:
    """Return begin and end of a fault, in seconds after the start of the run."""
    end_ns = run.end_ns if fault.end_ns is None else fault.end_ns
    return (fault.start_ns - run.start_ns) / 1e9, (end_ns - run.start_ns) / 1e9


def _asked(fault: FaultSpan) -> str:
    """Return when a fault was to begin and end, in words."""
    if fault.asked_end_s is None:
        return f"asked from {fault.asked_start_s:g} s on"
    return f"asked {fault.asked_start_s:g} s to {fault.asked_end_s:g} s"


def differs(fault: FaultSpan, run: RunInfo) -> bool:
    """Return whether a fault lasted longer or shorter than asked, by more than a tenth."""
    if fault.whole_run or fault.missed or fault.asked_start_s is None or fault.asked_end_s is None:
        return False
    begin, end = seconds(fault, run)
    wanted = fault.asked_end_s - fault.asked_start_s
    return abs(end - begin - wanted) > max(ALIKE * wanted, SHORTEST_S)


def in_words(fault: FaultSpan, run: RunInfo) -> str:
    """Return one line on a fault in a run: when it was to last, when it did, and what it struck."""
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


def lasted(runs: Measured) -> list[str]:
    """Return one line per fault and run, or one for all runs when it lasted alike in all."""
    places: dict[tuple[int, str], list[tuple[FaultSpan, RunInfo]]] = {}
    for run in runs.runs:
        for number, fault in enumerate(run.faults):
            places.setdefault((number, fault.label), []).append((fault, run))
    lines = []
    for (_, label), pairs in places.items():
        if len(pairs) == 1 or any(fault.missed for fault, _ in pairs) or not _alike(pairs):
            lines += [f"{run.protocol} {run.round}: {in_words(fault, run)}" for fault, run in pairs]
            continue
        fault = pairs[0][0]
        if fault.whole_run:
            times = "the whole run"
        else:
            spans = np.array([seconds(fault, run) for fault, run in pairs])
            begin, end = np.median(spans, axis=0)
            times = _span(fault, float(begin), float(end))
        faults = [fault for fault, _ in pairs]
        lines.append(f"{label}: {times} in all {len(pairs)} runs{_struck(faults)}")
    return lines


def _alike(pairs: Sequence[tuple[FaultSpan, RunInfo]]) -> bool:
    """Return whether a fault began and ended alike in all these runs, and struck all or none."""
    if len({fault.struck == 0 for fault, _ in pairs}) > 1:
        return False
    spans = np.array([seconds(fault, run) for fault, run in pairs])
    lengths = spans[:, 1] - spans[:, 0]
    apart = max(float(np.ptp(spans[:, 0])), float(np.ptp(spans[:, 1])))
    return pairs[0][0].whole_run or apart <= max(ALIKE * float(np.median(lengths)), SHORTEST_S)
