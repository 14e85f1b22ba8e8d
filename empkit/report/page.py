"""The values of the report's page; `page.html.j2` has its words and its shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from empkit.report.figures import Figure, embedded
from empkit.results import conclusion, strikes
from empkit.results.verdicts import BROKEN_PROMISES, KINDS, name_of

if TYPE_CHECKING:
    from empkit.plots.style import Picture
    from empkit.results.info import RunInfo
    from empkit.results.runs import Runs

MOST_BROKEN = 50


class Table(NamedTuple):
    """A table whose first column names the rows.

    Attributes:
        header: the names of the columns.
        rows: the cells.
        text: the places of columns of words, which are aligned to the left.
    """

    header: list[str]
    rows: list[list[Any]]
    text: tuple[int, ...] = ()


class Box(NamedTuple):
    """Sentences of the terminal under a heading; a box without sentences is not shown."""

    heading: str
    sentences: list[str]
    broken: bool = False


class Note(NamedTuple):
    """A note on one run, and whether it says that the run's numbers are not to be used."""

    run: str
    text: str
    invalid: bool = False


class BrokenRecords(NamedTuple):
    """The records behind the broken promises.

    Attributes:
        total: the number of records.
        most: the number of records that the table has at most.
        table: the first of them.
    """

    total: int
    most: int
    table: Table


@dataclass(frozen=True)
class Page:
    """All that the page shows, as text that is not escaped: the template does that."""

    title: str
    date: str
    boxes: list[Box]
    notes: list[Note]
    summary: Table
    verdicts: Table
    broken: BrokenRecords
    figures: list[Figure]
    missing: Mapping[str, str]
    runs: Table
    environment: Table


def write_report(
    runs: Runs,
    path: str | Path,
    drawn: Mapping[str, Picture] | None = None,
    missing: Mapping[str, str] | None = None,
) -> Path:
    """Write the report as one HTML file with everything in it.

    Args:
        runs: the runs to report.
        path: the file.
        drawn: figures that are drawn already.
        missing: those that could not be drawn, with the reason.

    Returns:
        The file.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if drawn is None:
        from empkit.plots.register import figures  # noqa: PLC0415 - an unusable matplotlib is reported

        drawn = figures(runs)
    page = Page(
        title=_title(runs),
        date=str(runs.environment.get("date", "")),
        boxes=_boxes(runs),
        notes=_notes(runs),
        summary=_summary(runs),
        verdicts=_verdicts(runs),
        broken=_broken(runs),
        figures=[embedded(name, picture) for name, picture in drawn.items()],
        missing=missing or {},
        runs=_runs(runs),
        environment=_environment(runs.environment),
    )
    path.write_text(_template().render(page=page), encoding="utf-8")
    return path


@cache
def _template() -> Template:
    """The template of the page; every value in it is escaped, and a missing one is an error."""
    environment = Environment(
        loader=PackageLoader("empkit.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.j2")


def _title(runs: Runs) -> str:
    offered = int(runs.verdicts()["offered"].sum())
    return f"{offered:,} employee records: {conclusion.headline(runs)}"


def _boxes(runs: Runs) -> list[Box]:
    """Broken promises, what was not measured, and findings: the words of the terminal."""
    return [
        Box("Broken promises:", runs.broken, broken=True),
        Box("Not measured:", runs.unmeasured),
        Box("Found, and allowed by the guarantees or the fault:", runs.findings),
    ]


def _notes(runs: Runs) -> list[Note]:
    """What a reader must know before believing a number."""
    notes = []
    for run in runs.runs:
        name = _name(run)
        if not run.valid:
            notes.append(Note(name, "do not use its numbers.", invalid=True))
        notes += [Note(name, note) for note in run.notes]
    return notes


def _name(run: RunInfo) -> str:
    return f"{run.protocol}, round {run.round}"


def _runs(runs: Runs) -> Table:
    """One row a run: what was offered, what was broken, and whether its numbers can be used."""

    def faults(run: RunInfo) -> str:
        return "; ".join(strikes.in_words(fault, run) for fault in run.faults)

    def workload(run: RunInfo) -> str:
        return ", ".join(f"{name} {value}" for name, value in run.workload.items() if value)

    def state(run: RunInfo) -> str:
        states = {
            "valid": run.valid,
            "not valid": not run.valid,
            "cut short": run.cut_short,
            "not drained": not run.drained,
        }
        return ", ".join(word for word, holds in states.items() if holds)

    rows: list[list[Any]] = [
        [
            _name(run),
            run.started_at,
            f"{run.offered:,}",
            f"{(run.end_ns - run.start_ns) / 1e9:,.2f}",
            _or_not_known(run.sending_late_p99_ms, "closed loop" if _is_closed(run) else None),
            f"{run.generator_late_ms:,.1f}",
            f"{run.server_late_ms:,.1f}",
            _or_not_known(run.processor.others_s),
            state(run),
            workload(run),
            run.guarantees,
            faults(run) or "-",
        ]
        for run in runs.runs
    ]
    header = ["run", "started", "records", "seconds", "sent late, ms", "generator late, ms",
              "server late, ms", "others' processor time, s", "state", "workload", "guarantees",
              "faults"]  # fmt: skip
    return Table(header, rows, (1, 8, 9, 10, 11))


def _is_closed(run: RunInfo) -> bool:
    return run.workload.get("rate") is None


def _or_not_known(value: float | None, otherwise: str | None = None) -> str:
    return (otherwise or "not known") if value is None else f"{value:,.2f}"


def _summary(runs: Runs) -> Table:
    summary = runs.summary()

    def value(row: pd.Series[Any], name: str) -> str:
        if pd.isna(row[name]):
            return "-"
        text = f"{row[name]:,.2f}"
        low = f"{name}_low"
        if low in row and not pd.isna(row[low]):
            text += f" ({row[low]:,.2f} to {row[f'{name}_high']:,.2f})"
        return text

    rows = [
        [
            f"{kind} {level}, ms",
            *(value(row, f"{kind}_{level}_ms") for _, row in summary.iterrows()),
        ]
        for kind in ("ack", "stored")
        for level in ("p50", "p90", "p99", "max")
    ]
    rows.append(["records per s", *(f"{rate:,.0f}" for rate in summary["records_per_s"])])
    return Table(["", *_marked(runs)], rows)


def _marked(runs: Runs) -> list[str]:
    """Return the names of the protocols, marked where the numbers cannot be used."""
    marks = {protocol: runs.mark(protocol) for protocol in runs.protocols}
    return [f"{protocol} ({mark})" if mark else protocol for protocol, mark in marks.items()]


def _verdicts(runs: Runs) -> Table:
    counts = runs.verdicts()
    rows: list[list[Any]] = [["offered", *(f"{count:,}" for count in counts["offered"]), ""]]
    rows += [
        [verdict.replace("_", "-"), *(f"{count:,}" for count in counts[verdict]), kind.meaning]
        for verdict, kind in KINDS.items()
    ]
    return Table(["", *_marked(runs), "meaning"], rows, (len(counts) + 1,))


def _broken(runs: Runs) -> BrokenRecords:
    """The records behind the broken promises, without those whose loss was allowed."""
    allowed = {(run.protocol, run.round) for run in runs.runs if run.loss_allowed}
    timings = runs.timings[runs.timings["verdict"].isin(BROKEN_PROMISES)]
    broken = [
        [name_of(employee_id, seq), protocol, number, verdict, error]
        for employee_id, seq, protocol, number, verdict, error in zip(
            *(timings[name] for name in ("employee_id", "seq", "protocol", "round", "verdict",
                                         "error")), strict=True
        )
        if verdict not in conclusion.ALLOWED or (protocol, number) not in allowed
    ]  # fmt: skip
    header = ["employee_id", "protocol", "round", "verdict", "error"]
    table = Table(header, broken[:MOST_BROKEN], (1, 3, 4))
    return BrokenRecords(len(broken), MOST_BROKEN, table)


def _environment(environment: Mapping[str, Any]) -> Table:
    rows: list[list[Any]] = []
    for name, value in environment.items():
        if isinstance(value, Mapping):
            rows += [[f"{name}: {key}", entry] for key, entry in value.items()]
        else:
            rows.append([name, value])
    return Table(["", "value"], rows, (1,))
