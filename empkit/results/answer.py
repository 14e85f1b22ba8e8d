"""The answer of a comparison as a table: for each load the latencies and the throughput, then what
became of the records; one column per protocol and choice of guarantees. The terminal and the report
show it.

Where protocols were measured both at the same rate and as fast as each goes, the one experiment
gives the latencies and the other the throughput.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from empkit.results.comparison import why_no_intervals
from empkit.results.load import UNEQUAL, Load, load_of
from empkit.results.runs import Runs
from empkit.results.verdicts import VERDICTS

if TYPE_CHECKING:
    from typing import Any

STORED_PER_S = "records stored per second"
VALID = "can be used"


class Column(NamedTuple):
    """A protocol and a choice of guarantees."""

    protocol: str
    guarantees: str


class Section(NamedTuple):
    """A part of the table.

    Attributes:
        heading: what was measured.
        rows: the label of each row, and its cells.
        notes: sentences on what the numbers do not allow, and why.
    """

    heading: str
    rows: list[tuple[str, list[str]]]
    notes: tuple[str, ...] = ()


class Answer(NamedTuple):
    """The table.

    Attributes:
        columns: what each column of cells is about.
        sections: the parts, in their order.
    """

    columns: list[Column]
    sections: list[Section]

    @property
    def labels(self) -> list[str]:
        """The labels of all rows."""
        return [label for section in self.sections for label, _ in section.rows]

    @property
    def header(self) -> list[str]:
        """The name of each column: its protocol, and its choice if there are several."""
        several = len({column.guarantees for column in self.columns}) > 1
        return [
            f"{column.protocol}\n{column.guarantees}" if several else column.protocol
            for column in self.columns
        ]


def by_load(crossed: Iterable[Runs]) -> dict[Load, list[Runs]]:
    """Return the runs of each load, in their order."""
    loads: dict[Load, list[Runs]] = {}
    for runs in crossed:
        loads.setdefault(load_of(runs), []).append(runs)
    return loads


def part_of(runs: Runs, crossed: Sequence[Runs]) -> str:
    """Return in what one of several results differs from the others: its load, its choice.

    Args:
        runs: one of them.
        crossed: all.
    """
    parts = []
    if len(by_load(crossed)) > 1:
        parts.append(str(load_of(runs)))
    if len({one.guarantees for one in crossed}) > 1:
        parts.append(runs.guarantees)
    return ", ".join(parts)


def answer(crossed: Sequence[Runs], *, intervals: bool = False) -> Answer:
    """Return the table.

    Args:
        crossed: the runs of each load and choice.
        intervals: whether each percentile has its interval in brackets.
    """
    loads = by_load(crossed)
    rows = {load: _rows(of_load) for load, of_load in loads.items()}
    found_in = list(dict.fromkeys(column for of_load in rows.values() for column in of_load))
    protocols = list(dict.fromkeys(column.protocol for column in found_in))
    columns = sorted(found_in, key=lambda column: protocols.index(column.protocol))
    sections = []
    for load, of_load in rows.items():
        of_columns = [of_load.get(column) for column in columns]
        found: list[tuple[str, list[str]]] = []
        marks = ["" if row is None else row["mark"] for row in of_columns]
        if any(marks):
            found.append((VALID, [mark or "yes" for mark in marks]))
        if load.equal or len(loads) == 1:
            found += [
                (
                    f"{kind} latency {level}, ms",
                    [_latency(row, f"{kind}_{level}_ms", intervals) for row in of_columns],
                )
                for kind in ("ack", "stored")
                for level in ("p50", "p90", "p99", "max")
            ]
        found.append((STORED_PER_S, [_cell(row, "records_per_s", ",.0f") for row in of_columns]))
        notes = list(dict.fromkeys(filter(None, map(why_no_intervals, loads[load]))))
        if not load.equal and len(loads) == 1:
            notes.insert(0, UNEQUAL)
        sections.append(Section(_heading(load, of_columns), found, tuple(notes)))
    counted = [("records offered", "offered"), ("acked", "acked")]
    counted += [(f"  {verdict.replace('_', '-')}", verdict) for verdict in VERDICTS]
    counts = [
        (
            label,
            [f"{sum(int(of[column][name]) for of in rows.values() if column in of):,}"
             for column in columns],
        )
        for label, name in counted
    ]  # fmt: skip
    sections.append(Section("What became of the records", counts))
    return Answer(columns, sections)


def _heading(load: Load, of_columns: Sequence[Mapping[str, Any] | None]) -> str:
    rounds = max((int(row["rounds"]) for row in of_columns if row is not None), default=0)
    words = f"{load}, {rounds} round{'s' if rounds != 1 else ''}"
    return words[:1].upper() + words[1:]


def _rows(of_load: Sequence[Runs]) -> dict[Column, Mapping[str, Any]]:
    """Return the row of the summary of each column, with its `mark`."""
    return {
        Column(str(protocol), runs.guarantees): {
            "mark": runs.mark(str(protocol)),
            **{str(name): row[name] for name in row},
        }
        for runs in of_load
        for protocol, row in runs.summary().to_dict("index").items()
    }


def _latency(row: Mapping[str, Any] | None, name: str, intervals: bool) -> str:
    text = _cell(row, name, ",.2f")
    low = f"{name}_low"
    if intervals and row is not None and not pd.isna(row.get(low)):
        text += f" ({row[low]:,.2f} to {row[f'{name}_high']:,.2f})"
    return text


def _cell(row: Mapping[str, Any] | None, name: str, form: str) -> str:
    """Return a number as text; `-` where it is missing, such as a percentile of too few records."""
    return "-" if row is None or pd.isna(row[name]) else format(row[name], form)
