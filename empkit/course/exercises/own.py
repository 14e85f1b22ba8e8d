"""The exercises of notebook 10.

Each function takes an answer and returns None when it is right, or a sentence that says what is
missing.
"""

from __future__ import annotations

from empkit.course.exercises.answers import Check, Missing, reached, too_few
from empkit.faults.server import ServerCrash
from empkit.results.runs import Runs

RECORDS = 480


def _own_protocols(runs: Runs) -> list[str]:
    return [protocol for protocol in runs.protocols if ":" in protocol]


def own_is_honest(runs: Runs) -> Missing:
    """10.1: a protocol of the reader's own, compared with one of the kit's, no broken promise."""
    own_protocols = _own_protocols(runs)
    if not own_protocols:
        return "No protocol in this run is your own: name it 'module:Class'."
    if len(runs.protocols) == len(own_protocols):
        return "There is nothing to compare it with: add one of the kit's."
    return "A promise was broken." if runs.broken else None


def own_records(runs: Runs) -> Missing:
    """10.2: a run with the reader's own records, from a file."""
    sources = {str(info.workload.get("source")) for info in runs.runs}
    if "made up" in sources:
        return "These records were made up by the kit: give the workload a file of your own."
    if not all(source.startswith("file ") for source in sources):
        return "These records are your own, but not from a file: give the workload its name."
    return None if (runs.timings["verdict"] == "stored").all() else "Some were not stored."


def own_under_fault(runs: Runs) -> Missing:
    """The challenge of 10: a protocol of the reader's own through a server crash."""
    for info in runs.runs:
        if not any(fault.label.startswith(ServerCrash.name) for fault in info.faults):
            return f"The server did not crash in the run over {info.protocol}."
    return too_few(runs, RECORDS) or own_is_honest(runs) or reached(runs)


CHECKS: dict[str, Check] = {
    "10.1": own_is_honest,
    "10.2": own_records,
    "10.challenge": own_under_fault,
}
