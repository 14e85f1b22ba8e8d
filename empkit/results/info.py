"""The description of a run, beside its timings: the run itself and the faults that struck it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

STAMPS = ("intended_ns", "sent_ns", "received_ns", "stored_ns", "acked_ns")
"""The stamps of a record, on the monotonic clock of the host."""
AS_SET = "as set"
"""The name of the choice of guarantees that changes none of the settings."""


@dataclass
class FaultSpan:
    """A fault as it was in a run: begin and end, on the clock of the stamps, and what it struck.

    Attributes:
        label: the fault, as `parse_fault` takes it.
        part: the part of the system that it strikes.
        start_ns: when it began; for a fault without a time span, when the run began.
        end_ns: when it was undone; None when it lasted to the end of the run.
        in_force_ns: when its strike had been carried out, such as when a lock was held; None for a
            fault without a time span and in a folder of before.
        asked_start_s: when it was to begin, in seconds after the start of the run.
        asked_end_s: when it was to end; None for the end of the run, or at once.
        struck: how many things it struck; None where they cannot be counted.
        unit: the things that were counted.
        whole_run: whether it has no time span, like record faults and token expiry.
        missed: whether the run was over before it was to begin, so that it did not strike.
        takes_away: whether a run with it measures fewer records on purpose; None in a folder of
            0.1.0, which does not say.
    """

    label: str
    part: str
    start_ns: int
    end_ns: int | None = None
    asked_start_s: float | None = None
    asked_end_s: float | None = None
    struck: int | None = None
    unit: str = ""
    whole_run: bool = False
    missed: bool = False
    takes_away: bool | None = None
    in_force_ns: int | None = None


@dataclass
class ProcessorTime:
    """The processor time of the machine while a run was measured, in seconds over all processors.

    What is None is not known: the platform does not tell it, or a part of the system that the lab
    did not start may be on this machine.

    Attributes:
        window_s: how long the run was measured.
        own_s: processor time of the lab's own processes.
        others_s: processor time of all other processes.
        delayed_s: how long threads of the lab's parts were ready to run and had no processor.
        steal_s: how long the host of a virtual machine took its processors away.
        throttled_s: how long a control group held the lab back because its quota was used up.
    """

    window_s: float | None = None
    own_s: float | None = None
    others_s: float | None = None
    delayed_s: float | None = None
    steal_s: float | None = None
    throttled_s: float | None = None


@dataclass
class RunInfo:
    """One round of one protocol.

    Attributes:
        protocol: over which protocol.
        round: its number, from 1.
        run_id: the prefix of each employee_id of this run.
        offered: how many records were offered.
        started_at: wall-clock time, ISO 8601, UTC.
        start_ns: the moment that the schedule counts from.
        end_ns: when the client knew the last outcome.
        drained: whether the server had decided on every record before the audit.
        cut_short: whether it was ended before every record was offered.
        gave_up: whether it was ended because no record was answered any more.
        valid: whether the numbers can be used; `not_valid` says why not.
        not_valid: a sentence for each reason why the numbers cannot be used, by what it lies with:
            `generator`, `machine` or `system`. Empty in a folder of before, also where `valid` is
            false: its `notes` say why.
        notes: sentences for the reader.
        generator_late_ms: the event-loop lag of the load generator, 99th percentile.
        server_late_ms: the same for the server, in the run's last minute. It is often what is
            measured, and so says nothing against the numbers.
        sending_late_p50_ms: open loop: how late records were sent that did not wait for a place in
            flight, median; None of too few records.
        sending_late_p99_ms: the 99th percentile.
        processor: the processor time of the machine meanwhile.
        reconnections: how often the client reconnected; over HTTP, how many connections it opened.
        held_back: open loop: how many records were due while the client had the maximum number in
            flight, and waited.
        appended: by how many records Kafka's log grew; more than were sent means duplicates.
        read_again: how many records the consumers read that the database held already, with the
            same content: from before a crash or a rebalance, or duplicates in the log; None when
            that is not known.
        broken: sentences about broken promises that are not the verdict on one record.
        one_clock: whether client and server share a clock, so that the server's stamps can be used.
        workload: which records were offered, and how.
        faults: the faults of the run.
        guarantees: the `Guarantees` that were asked for, in words.
        through_kafka: whether acks came from a broker.
        loss_allowed: why records that were acked may be lost in this run, in words such as
            `acks=0`; empty when they may not.
        look: how the protocol is shown (`empkit.clients.look.Look`).
    """

    protocol: str
    round: int
    run_id: str
    offered: int
    started_at: str
    start_ns: int
    end_ns: int
    drained: bool = True
    cut_short: bool = False
    gave_up: bool = False
    valid: bool = True
    not_valid: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    generator_late_ms: float = 0.0
    server_late_ms: float = 0.0
    sending_late_p50_ms: float | None = None
    sending_late_p99_ms: float | None = None
    processor: ProcessorTime = field(default_factory=ProcessorTime)
    reconnections: int = 0
    held_back: int = 0
    appended: int | None = None
    read_again: int | None = None
    broken: list[str] = field(default_factory=list)
    one_clock: bool = True
    workload: dict[str, Any] = field(default_factory=dict)
    faults: list[FaultSpan] = field(default_factory=list)
    guarantees: str = AS_SET
    through_kafka: bool = False
    loss_allowed: str = ""
    look: dict[str, str] = field(default_factory=dict)

    @property
    def choice(self) -> str:
        """The choice of guarantees; "" when they are those of the settings."""
        return "" if self.guarantees == AS_SET else self.guarantees

    @property
    def timed_faults(self) -> list[FaultSpan]:
        """The faults that have a time span."""
        return [fault for fault in self.faults if not (fault.whole_run or fault.missed)]
