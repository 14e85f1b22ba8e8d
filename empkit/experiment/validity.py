"""The rule by which the numbers of a run can be used, with its limits and the reasons for them.

A number is valid relative to what it measures. What does not belong to the system under test is
held against the latencies that are reported: those of this run, p50 and p99, until acked and until
stored, whichever is smaller.

    generator    how late it sent records that did not wait for a place in flight (open loop);
                 how late its event loop was
    machine      for how long others' use of the processors, the host of a virtual machine, or a
                 control group kept a part of the system from running
    system       it had not decided on every record, or answered none any more

The server's own lateness is often what is measured: it is shown, and spoils nothing. A system that
is slow makes a client wait for a place in flight: that is not the generator's lateness.

The limits are calibrated both ways by `python -m benchmarks.validity`, whose figures are in
`benchmarks/RESULTS.md`: on a quiet machine the default runs are valid, beside busy neighbours not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd

from empkit.results.info import ProcessorTime, RunInfo
from empkit.results.runs import latencies_ms
from empkit.results.statistics import percentiles

SENDING_SHARE = {50: 0.25, 99: 0.5}
"""How late records may be sent, as a share of the latency, by percentile. It is a part of that
latency: of a p50, more than a quarter could change which of two protocols is ahead. The tails of
the two seldom meet in one record, so a p99 bears more; a Kafka ack has a p99 of little more than a
millisecond, of which a third is usual on a quiet machine."""
LAG_SHARE = 1.0
"""How late the generator's event loop may be, as a share of the latency. An answer waits only if it
arrives during the lag: so this limit finds a generator that was stopped, also in a closed loop, and
not one that has much to do."""
LAG_STEP_MS = 1.0
"""A loop that waits for its next timer does so in whole milliseconds, rounded up
(https://man7.org/linux/man-pages/man2/epoll_wait.2.html): that much lag is none."""
LOST_SHARE = 0.15
"""For how long parts of the system may be kept from running, as a share of the time in which they
had a record to handle."""
LEVELS = (50, 99)


class Latency(NamedTuple):
    """The latencies of a run, as far as they are needed here.

    Attributes:
        least_ms: by percentile, the smaller of the two that are reported, in ms.
        waited_s: the sum of the times until acked or stored, the smaller, in seconds.
    """

    least_ms: Mapping[float, float]
    waited_s: float

    @classmethod
    def of(cls, timings: pd.DataFrame) -> Latency | None:
        """Return the latencies of one run; None if no record was acked or stored."""
        both = [latencies_ms(timings, kind)["ms"].to_numpy() for kind in ("ack", "stored")]
        both = [values for values in both if len(values)]
        if not both:
            return None
        levels = [percentiles(values, LEVELS) for values in both]
        least = {level: min(of[level] for of in levels) for level in LEVELS}
        return cls(
            {level: value for level, value in least.items() if value == value},  # noqa: PLR0124
            min(float(values.sum()) for values in both) / 1e3,
        )


def judged(info: RunInfo, timings: pd.DataFrame) -> dict[str, str]:
    """Return a sentence for each reason why the numbers of a run cannot be used, by its cause.

    Args:
        info: the run.
        timings: its records.
    """
    reasons = {}
    latency = Latency.of(timings)
    if latency is not None:
        # a generator that is stopped on purpose is the experiment
        planned = any(fault.part == "client" and not fault.missed for fault in info.timed_faults)
        reasons["generator"] = "" if planned else _generator(info, latency)
        reasons["machine"] = _machine(info.processor, latency)
    reasons["system"] = _system(info)
    return {cause: reason for cause, reason in reasons.items() if reason}


def _generator(info: RunInfo, latency: Latency) -> str:
    """Return why the load generator may be what was measured; "" if it is not."""
    late = {50: info.sending_late_p50_ms, 99: info.sending_late_p99_ms}
    for level, least_ms in latency.least_ms.items():
        late_ms = late[int(level)]
        if late_ms is not None and late_ms > SENDING_SHARE[int(level)] * least_ms:
            return (
                f"The load generator sent records {_ms(late_ms)} after they were due (p{level:g}), "
                f"{_of_latency(late_ms / least_ms)}: it was measured, and not only the system."
            )
    tail_ms = latency.least_ms.get(99)
    if tail_ms is not None and info.generator_late_ms - LAG_STEP_MS > LAG_SHARE * tail_ms:
        return (
            f"The load generator was late by {_ms(info.generator_late_ms)} (p99 of its event "
            f"loop), {_of_latency(info.generator_late_ms / tail_ms)}: it was measured, and not "
            "only the system."
        )
    return ""


def _ms(value: float) -> str:
    return f"{value:,.0f} ms" if value >= 100 else f"{value:.3g} ms"


def _of_latency(share: float) -> str:
    return f"{share:.0%} of the latency" if share < 2 else f"{share:,.0f} times the latency"


def _machine(processor: ProcessorTime, latency: Latency) -> str:
    """Return what kept the system from running; "" if nothing did, or if it is not known."""
    lost = _lost(processor)
    waited_s = min(latency.waited_s, processor.window_s or 0.0)
    if not waited_s or sum(lost.values()) <= LOST_SHARE * waited_s:
        return ""
    most = max(lost, key=lambda cause: lost[cause])
    return (
        f"{most}: parts of the system could not run for {sum(lost.values()):,.2g} s of the "
        f"{waited_s:,.2g} s in which they had a record to handle."
    )


def _lost(processor: ProcessorTime) -> dict[str, float]:
    """Return for how long parts of the system could not run, in seconds, by whose doing that was.

    When a part waits for a processor, all processors are busy, with others' work or with that of
    the lab: so the wait is others' to the share that they have in the work.
    """
    own_s, others_s = processor.own_s or 0.0, processor.others_s or 0.0
    share = others_s / (own_s + others_s) if others_s else 0.0
    return {
        f"Other processes used {others_s:,.2g} s of processor time during the run, the lab's own "
        f"{own_s:,.2g} s": share * (processor.delayed_s or 0.0),
        f"The host took {processor.steal_s or 0.0:,.2g} s of processor time from this virtual "
        "machine": processor.steal_s or 0.0,
        "A control group held the lab back because its quota of processor time was used up":
            processor.throttled_s or 0.0,
    }  # fmt: skip


def _system(info: RunInfo) -> str:
    """Return what the system left undone; "" if nothing."""
    sentences = []
    if not info.drained:
        sentences.append("The server had not decided on every record when it was audited.")
    if info.gave_up:
        asked = info.workload.get("records", "all")
        sentences.append(
            f"No answers came any more, so the run was ended after {info.offered} of {asked} "
            "records. `empkit check` says which part is missing."
        )
    return " ".join(sentences)
