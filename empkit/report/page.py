"""The values of the report's page; `page.html.j2` has its words and its shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from empkit.report.figures import Figure, embedded
from empkit.results import conclusion, strikes
from empkit.results.answer import Answer, answer, part_of
from empkit.results.explained import explained
from empkit.results.load import load_of
from empkit.results.runs import Runs
from empkit.results.verdicts import BROKEN_PROMISES, name_of

if TYPE_CHECKING:
    from empkit.plots.style import Picture
    from empkit.results.info import RunInfo

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


class Part(NamedTuple):
    """One result of the page: the runs at one load, with one choice of guarantees.

    Attributes:
        runs: the runs.
        drawn: their figures, by name.
        missing: the reason for each figure that could not be drawn, by name.
    """

    runs: Runs
    drawn: Mapping[str, Picture]
    missing: Mapping[str, str] = {}


class Gallery(NamedTuple):
    """Figures under a heading, which is empty where all figures are of one result."""

    heading: str
    figures: list[Figure]
    missing: Mapping[str, str]


class Titled(NamedTuple):
    """A table under a heading, with notes on its numbers."""

    heading: str
    table: Table
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Page:
    """All that the page shows, as text that is not escaped: the template does that."""

    title: str
    date: str
    boxes: list[Box]
    notes: list[Note]
    answer: list[Titled]
    meanings: Mapping[str, str]
    broken: BrokenRecords
    galleries: list[Gallery]
    runs: Table
    environment: Table


def write_report(
    results: Runs | Sequence[Part],
    path: str | Path,
    together: Mapping[str, Picture] | None = None,
) -> Path:
    """Write the report of one result or several as one HTML file with everything in it.

    Args:
        results: one result, whose figures are drawn; or results with their figures.
        path: the file.
        together: figures of all results together.

    Returns:
        The file.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(results, Runs):
        from empkit.plots.register import figures  # noqa: PLC0415 - an unusable matplotlib is reported

        results = [Part(results, figures(results))]
    crossed = [part.runs for part in results]
    table = answer(crossed, intervals=True)
    page = Page(
        title=_title(crossed),
        date=str(crossed[0].environment.get("date", "")),
        boxes=_boxes(crossed),
        notes=_notes(crossed),
        answer=_tables(table),
        meanings=explained(table.labels),
        broken=_broken(crossed),
        galleries=_galleries(results, together or {}),
        runs=_runs(crossed),
        environment=_environment(crossed[0].environment),
    )
    path.write_text(_template().render(page=page), encoding="utf-8")
    return path


def _tables(table: Answer) -> list[Titled]:
    header = ["", *(name.replace("\n", ", ") for name in table.header)]
    return [
        Titled(
            section.heading,
            Table(header, [[label, *cells] for label, cells in section.rows]),
            section.notes,
        )
        for section in table.sections
    ]


def _galleries(parts: Sequence[Part], together: Mapping[str, Picture]) -> list[Gallery]:
    """Return the figures of all results together, then those of each."""
    several = [part.runs for part in parts]
    galleries = []
    if together:
        galleries.append(Gallery("All choices", _embedded(together), {}))
    for part in parts:
        heading = part_of(part.runs, several)
        galleries.append(Gallery(heading, _embedded(part.drawn), part.missing))
    return galleries


def _embedded(drawn: Mapping[str, Picture]) -> list[Figure]:
    return [embedded(name, picture) for name, picture in drawn.items()]


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


def _title(crossed: Sequence[Runs]) -> str:
    offered = sum(int(runs.verdicts()["offered"].sum()) for runs in crossed)
    return f"{offered:,} employee records: {conclusion.headline(crossed)}"


def _boxes(crossed: Sequence[Runs]) -> list[Box]:
    """Broken promises, what was not measured, and findings: the words of the terminal."""

    def all_of(name: str) -> list[str]:
        return [sentence for runs in crossed for sentence in getattr(runs, name)]

    return [
        Box("Broken promises:", all_of("broken"), broken=True),
        Box("Not measured:", all_of("unmeasured")),
        Box("Found, and allowed by the guarantees or the fault:", all_of("findings")),
    ]


def _notes(crossed: Sequence[Runs]) -> list[Note]:
    """What a reader must know before believing a number."""
    notes = []
    for runs in crossed:
        for run in runs.runs:
            name = _name(run, runs, crossed)
            if not run.valid:
                notes.append(Note(name, "do not use its numbers.", invalid=True))
            notes += [Note(name, note) for note in run.notes]
    return notes


def _name(run: RunInfo, runs: Runs, crossed: Sequence[Runs]) -> str:
    part = part_of(runs, crossed)
    return f"{run.protocol}, round {run.round}" + (f", {part}" if part else "")


def _runs(crossed: Sequence[Runs]) -> Table:
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
            _name(run, runs, crossed),
            run.started_at,
            f"{run.offered:,}",
            f"{(run.end_ns - run.start_ns) / 1e9:,.2f}",
            _or_not_known(run.sending_late_p99_ms, None if load_of(runs).rate else "closed loop"),
            f"{run.generator_late_ms:,.1f}",
            f"{run.server_late_ms:,.1f}",
            _or_not_known(run.processor.others_s),
            state(run),
            workload(run),
            run.guarantees,
            faults(run) or "-",
        ]
        for runs in crossed
        for run in runs.runs
    ]
    header = ["run", "started", "records", "seconds", "sent late, ms", "generator late, ms",
              "server late, ms", "others' processor time, s", "state", "workload", "guarantees",
              "faults"]  # fmt: skip
    return Table(header, rows, (1, 8, 9, 10, 11))


def _or_not_known(value: float | None, otherwise: str | None = None) -> str:
    return (otherwise or "not known") if value is None else f"{value:,.2f}"


def _broken(crossed: Sequence[Runs]) -> BrokenRecords:
    """The records behind the broken promises, without those whose loss was allowed."""
    broken = [
        [name_of(employee_id, seq), protocol, number, verdict, error]
        for runs in crossed
        for employee_id, seq, protocol, number, verdict, error in _broken_rows(runs)
    ]
    header = ["employee_id", "protocol", "round", "verdict", "error"]
    table = Table(header, broken[:MOST_BROKEN], (1, 3, 4))
    return BrokenRecords(len(broken), MOST_BROKEN, table)


def _broken_rows(runs: Runs) -> Iterator[tuple[Any, ...]]:
    allowed = {(run.protocol, run.round) for run in runs.runs if run.loss_allowed}
    timings = runs.timings[runs.timings["verdict"].isin(BROKEN_PROMISES)]
    names = ("employee_id", "seq", "protocol", "round", "verdict", "error")
    for row in zip(*(timings[name] for name in names), strict=True):
        _, _, protocol, number, verdict, _ = row
        if verdict not in conclusion.ALLOWED or (protocol, number) not in allowed:
            yield row


def _environment(environment: Mapping[str, Any]) -> Table:
    rows: list[list[Any]] = []
    for name, value in environment.items():
        if isinstance(value, Mapping):
            rows += [[f"{name}: {key}", entry] for key, entry in value.items()]
        else:
            rows.append([name, value])
    return Table(["", "value"], rows, (1,))
