"""Tables for the terminal.

pandas is imported where it is needed: it takes long.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table

from empkit.cli.common import plain

if TYPE_CHECKING:
    from empkit.results.runs import Runs


def recovery_table(crossed: list[Runs]) -> Table:
    """Return the effects of the faults, one column per run."""
    import pandas as pd

    frame = pd.concat([runs.recovery() for runs in crossed], ignore_index=True)
    table = Table(title="What the faults did", title_justify="left")
    table.add_column("")
    for row in frame.itertuples():
        asked = "" if row.guarantees == "as set" else f"\n{row.guarantees}"
        table.add_column(plain(f"{row.protocol} {row.round}{asked}"), justify="right")
    for column in frame.columns.drop(["protocol", "round", "guarantees"]):
        table.add_row(str(column).replace("_", " "), *(_cell(value) for value in frame[column]))
    return table


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return plain(value)
    if value is None or value != value:  # noqa: PLR0124 - true for NaN
        return "-"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}"


def summary_table(runs: Runs) -> Table:
    """Return the summary, one column per protocol so that it fits a terminal."""
    summary = runs.summary()
    table = Table(title="What became of the records, and when", title_justify="left")
    table.add_column("")
    for name in map(str, summary.index):
        mark = runs.mark(name)
        style = "red" if mark else None
        table.add_column(f"{name}\n{mark}" if mark else name, justify="right", header_style=style)

    def row(label: str, column: str, form: str) -> None:
        values = summary[column]
        cells = [format(value, form) if value == value else "-" for value in values]  # noqa: PLR0124
        table.add_row(label, *cells)

    row("records offered", "offered", ",.0f")
    row("acked", "acked", ",.0f")
    for verdict in runs.verdicts().columns[1:]:
        row(f"  {verdict}", verdict, ",.0f")
    for kind in ("ack", "stored"):
        table.add_section()
        for name in ("p50", "p90", "p99", "max"):
            row(f"{kind} latency {name}, ms", f"{kind}_{name}_ms", ",.2f")
    table.add_section()
    row("records stored per second", "records_per_s", ",.0f")
    return table
