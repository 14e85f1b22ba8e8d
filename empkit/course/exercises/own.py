"""The exercises of notebook 10.

Each checker takes an answer and returns None when it is right, or a sentence that says what is
missing.
"""

from __future__ import annotations

from empkit.course.exercises.answers import Check, Missing
from empkit.course.exercises.measured import (
    not_all_stored,
    of_runs,
    strikes,
    too_few,
    too_many_retries,
)
from empkit.faults.server import ServerCrash
from empkit.results.runs import Runs

RECORDS = 240
LEAST_RECORDS = 50
MOST_RETRIES = 29


def _compared(runs: Runs) -> Missing:
    """Return what is missing until a protocol of the reader's own is beside one of the kit's."""
    own_protocols = [protocol for protocol in runs.protocols if ":" in protocol]
    if not own_protocols:
        return "No protocol in this run is your own: name it 'module:Class'."
    if len(runs.protocols) == len(own_protocols):
        return "There is nothing to compare it with: add one of the kit's."
    if runs.broken:
        return f"A promise was broken. {runs.broken[0]}"
    for protocol in own_protocols:
        if not (runs.of(protocol).timings["verdict"] == "stored").any():
            return f"Over {protocol} nothing was stored: who promises nothing breaks no promise."
    return None


@of_runs
def own_is_honest(runs: Runs) -> Missing:
    """10.1: a protocol of the reader's own, compared with one of the kit's, no broken promise."""
    return _compared(runs) or too_few(runs, LEAST_RECORDS)


@of_runs
def own_records(runs: Runs) -> Missing:
    """10.2: a run with the reader's own records, from a file."""
    sources = {str(info.workload.get("source")) for info in runs.runs}
    if "made up" in sources:
        return "These records were made up by the kit: give the workload a file of your own."
    if not all(source.startswith("file ") for source in sources):
        return "These records are your own, but not from a file: give the workload its name."
    return not_all_stored(runs)


@of_runs
def own_under_fault(runs: Runs) -> Missing:
    """The challenge of 10: a protocol of the reader's own through a server crash, with a bounded
    number of retries."""
    for info in runs.runs:
        if not strikes(info, ServerCrash.name):
            return f"The server did not crash in the run over {info.protocol}."
    return (
        too_few(runs, RECORDS)
        or _compared(runs)
        or not_all_stored(runs)
        or too_many_retries(runs, MOST_RETRIES)
    )


CHECKS: dict[str, Check] = {
    "10.1": own_is_honest,
    "10.2": own_records,
    "10.challenge": own_under_fault,
}
"""The checkers by the number of their exercise."""
