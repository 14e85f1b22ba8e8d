"""The parts that the checkers of runs share: what was offered, what struck, for how long, and what
became of the records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from empkit.course.exercises.answers import Check, Missing, kind
from empkit.results.info import FaultSpan, RunInfo
from empkit.results.runs import Runs
from empkit.results.strikes import seconds
from empkit.settings import Settings

ALIKE = 0.9
"""The least share of a wanted duration that a fault must have lasted."""

DEFAULTS = Settings.model_construct()
"""The settings of a lab for which nothing was chosen."""


def of_runs(checker: Callable[[Runs], Missing]) -> Check:
    """Return a checker that takes runs, or a list with one of them as `lab.cross` returns it."""

    def checked(answer: Any) -> Missing:
        if isinstance(answer, list | tuple):
            if len(answer) != 1:
                return f"These are {len(answer)} answers: give the one that is meant."
            (answer,) = answer
        if not isinstance(answer, Runs):
            return f"Give runs, as `lab.run` and `lab.compare` return them; this is {kind(answer)}"
        if answer.timings.empty:
            return "In these runs no record was sent."
        if answer.unmeasured:
            return f"Not all was measured. {answer.unmeasured[0]}"
        return checker(answer)

    return checked


def too_few(runs: Runs, wanted: int) -> Missing:
    """Return what is missing until each run has `wanted` records."""
    fewest = runs.timings.groupby(["protocol", "round"]).size().min()
    return f"{wanted} records are wanted; these are {fewest}." if fewest < wanted else None


def not_all_stored(runs: Runs) -> Missing:
    """Return what is missing until every record is acked and stored."""
    if runs.broken:
        return "A promise was broken."
    stored = int((runs.timings["verdict"] == "stored").sum())
    if stored < len(runs.timings):
        return f"Not every record is acked and stored: {stored} of {len(runs.timings)} are."
    return None


def not_once(runs: Runs) -> Missing:
    """Return what is missing until every record was sent once."""
    again = int((runs.timings["attempts"] > 1).sum())
    return f"{again} records were sent more than once." if again else None


def strikes(info: RunInfo, *names: str) -> list[FaultSpan]:
    """Return the faults of these names that struck in a run, in the order of time.

    A fault that was due after the run, or that is known to have struck nothing, did not strike.
    """
    struck = [fault for fault in info.timed_faults if name_of(fault) in names and fault.struck != 0]
    return sorted(struck, key=lambda fault: fault.start_ns)


def name_of(fault: FaultSpan) -> str:
    """Return the name of a fault without its settings."""
    return fault.label.partition(":")[0]


def lasted_s(fault: FaultSpan, info: RunInfo) -> float:
    """Return how long a fault was in force, in seconds, as it was measured."""
    begin, end = seconds(fault, info)
    if fault.in_force_ns is not None:
        begin = (fault.in_force_ns - info.start_ns) / 1e9
    return end - begin


def too_short(runs: Runs, name: str, wanted_s: float, what: str) -> Missing:
    """Return what is missing until in each run a fault has lasted about as long as is wanted."""
    for info in runs.runs:
        lengths = [lasted_s(fault, info) for fault in strikes(info, name)]
        if not lengths:
            return f"In this run {what} did not strike."
        if max(lengths) < ALIKE * wanted_s:
            return f"Here {what} lasted {max(lengths):.3g} s; it is to last {wanted_s:g} s."
    return None


def longest_wait_s(runs: Runs) -> float:
    """Return how long the sender that waited longest waited for an ack, in seconds, in the run in
    which that was shortest."""
    waits = runs.timings["acked_ns"] - runs.timings["sent_ns"]
    of_runs = waits.groupby([runs.timings["protocol"], runs.timings["round"]]).max()
    return float(of_runs.fillna(0).min()) / 1e9


def too_many_retries(runs: Runs, most: int) -> Missing:
    """Return what is missing until the senders may retry `most` times at most."""
    for info in runs.runs:
        chosen = dict(part.split("=", 1) for part in info.choice.split() if "=" in part)
        allowed = int(chosen.get("retries", DEFAULTS.retries))
        if allowed > most:
            return f"These senders may retry {allowed} times; at most {most} are allowed."
    return None
