"""The conclusions from a result, in words: broken promises, findings, and what was not measured.

Terminal, report, JSON, `repr` and exit status all use these.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from empkit.results.status import ExitStatus, first_of, of_signal
from empkit.results.verdicts import BROKEN_PROMISES, PROMISES, VERDICTS, named

if TYPE_CHECKING:
    import pandas as pd

    from empkit.results.info import FaultSpan, RunInfo
    from empkit.results.measured import Measured

ALLOWED = ("lost",)
"""The verdicts that guarantees or a fault may allow, for records through Kafka."""
EXPERIMENT = ("client", "load")
"""The parts whose faults reduce the number of records, for folders of 0.1.0 (no `takes_away`)."""


def where(run: RunInfo) -> str:
    """Return the name of a run: protocol, round and guarantees."""
    choice = f" ({run.choice})" if run.choice else ""
    return f"{run.protocol}, round {run.round}{choice}"


def broken(runs: Measured) -> list[str]:
    """Return a sentence for each broken promise: its name, how many records, and the first ids."""
    sentences = []
    for run in runs.runs:
        for verdict, promise in PROMISES.items():
            listed = _listed(runs, run, verdict)
            if listed and not _allowed(run, verdict):
                sentences.append(f"{where(run)}: {promise!r} is broken: {listed}")
        sentences += [f"{where(run)}: {sentence}" for sentence in run.broken]
        judged = int((_of(runs, run) & runs.timings["verdict"].isin(VERDICTS)).sum())
        if judged != run.offered:
            sentences.append(f"{where(run)}: {run.offered} were offered, and {judged} judged")
    return sentences


def findings(runs: Measured) -> list[str]:
    """Return a sentence for each loss that the guarantees or a fault allow, with the first ids."""
    return [
        f"{where(run)}: {listed}; allowed by {run.loss_allowed}"
        for run in runs.runs
        for verdict in ALLOWED
        if _allowed(run, verdict) and (listed := _listed(runs, run, verdict))
    ]


def allowed_losses(runs: Measured) -> int:
    """Return how many records were lost as the guarantees or a fault allow."""
    return sum(
        int((_of(runs, run) & runs.timings["verdict"].isin(ALLOWED)).sum())
        for run in runs.runs
        if run.loss_allowed
    )


def not_valid(runs: Measured) -> list[str]:
    """Return a sentence for each reason why the numbers of a run cannot be used."""
    return [
        f"{where(run)}: {reason}"
        for run in runs.runs
        if not run.valid
        for reason in run.not_valid.values() or ["its notes say why"]
    ]


def mark(runs: Measured, protocol: str) -> str:
    """Return the words for a protocol whose numbers cannot be used, or not all; else ""."""
    rounds = [run.valid for run in runs.runs if run.protocol == protocol]
    wrong = rounds.count(False)
    if not wrong:
        return ""
    return "not valid" if wrong == len(rounds) else f"{wrong} of {len(rounds)} rounds not valid"


def unmeasured(runs: Measured) -> list[str]:
    """Return a sentence for each run that was asked for and is missing or incomplete."""
    sentences = [
        f"{where(run)}: {reason}"
        for run in runs.runs
        if not any(_takes_away(fault) for fault in run.faults)
        or (runs.interrupted and run is runs.runs[-1])
        for reason in _missing(run)
    ]
    present = {(run.protocol, run.round) for run in runs.runs}
    absent: dict[str, list[int]] = {}
    for protocol, number in runs.asked or ():
        if (protocol, number) not in present:
            absent.setdefault(protocol, []).append(number)
    for protocol, numbers in absent.items():
        rounds = ", ".join(map(str, sorted(numbers)))
        sentences.append(f"{protocol}, round{'s' if len(numbers) > 1 else ''} {rounds}: not run")
    if runs.failure:
        sentences.append(f"the comparison could not go on: {runs.failure}")
    return sentences


def status(runs: Measured) -> ExitStatus:
    """Return the exit status for these runs."""
    holding = [of_signal(runs.interrupted)]
    if runs.broken:
        holding.append(ExitStatus.BROKEN_PROMISE)
    if runs.unmeasured:
        holding.append(ExitStatus.NOT_MEASURED)
    return first_of(holding)


def headline(crossed: Sequence[Measured]) -> str:
    """Return how many promises were broken in several results, for a title."""
    count = sum(len(runs.broken) for runs in crossed)
    words = f"{count:,} promise{'s' if count > 1 else ''}" if count else "no promise"
    missing = any(runs.unmeasured for runs in crossed)
    return f"{words} broken{' in what was measured' if missing else ''}"


def closing(runs: Iterable[Measured], more_unmeasured: Iterable[str] = ()) -> str:
    """Return the last sentence about one comparison or several.

    Args:
        runs: all comparisons.
        more_unmeasured: sentences about missing measurements that no comparison has.
    """
    runs = list(runs)
    count = sum(len(measured.broken) for measured in runs)
    missing = [sentence for measured in runs for sentence in measured.unmeasured]
    missing += more_unmeasured
    losses = sum(len(measured.findings) for measured in runs)
    if count:
        words = "A promise was broken" if count == 1 else f"{count:,} promises were broken"
    else:
        words = "No promise was broken"
    if missing:
        return f"{words} in what was measured. Not measured: {'; '.join(missing)}."
    if count:
        return f"{words}."
    if losses:
        return f"{words}. The losses are allowed by the guarantees or a fault."
    *others, last = (verdict.replace("_", "-") for verdict in BROKEN_PROMISES)
    return f"{words}: nothing {', '.join(others)} or {last}."


def _missing(run: RunInfo) -> list[str]:
    """Return why a run is incomplete."""
    asked = run.workload.get("records")
    of = f" of {asked:,}" if isinstance(asked, int) else ""
    reasons = []
    if run.gave_up:
        reasons.append(f"gave up after {run.offered:,}{of} records, since no record was answered")
    elif run.cut_short:
        reasons.append(f"ended after {run.offered:,}{of} records")
    if not run.drained:
        reasons.append("the server had not decided on every record when the audit was made")
    return reasons


def _takes_away(fault: FaultSpan) -> bool:
    """Return whether a run with the fault measures fewer records on purpose."""
    return fault.part in EXPERIMENT if fault.takes_away is None else fault.takes_away


def _allowed(run: RunInfo, verdict: str) -> bool:
    return bool(run.loss_allowed) and verdict in ALLOWED


def _of(runs: Measured, run: RunInfo) -> pd.Series[bool]:
    """Return which rows of the timings belong to a run."""
    timings = runs.timings
    return (timings["protocol"] == run.protocol) & (timings["round"] == run.round)


def _listed(runs: Measured, run: RunInfo, verdict: str) -> str:
    """Return how many records of a run have a verdict, and the first of them; "" for none."""
    timings = runs.timings
    rows = timings[_of(runs, run) & (timings["verdict"] == verdict)]
    if rows.empty:
        return ""
    return f"{len(rows)} {verdict}: {named(zip(rows['employee_id'], rows['seq'], strict=True))}"
