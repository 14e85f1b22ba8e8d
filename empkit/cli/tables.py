"""Tables for the terminal.

pandas is imported where it is needed: it takes long.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from empkit.cli.common import plain
from empkit.results.answer import VALID
from empkit.results.explained import explained
from empkit.results.info import AS_SET

if TYPE_CHECKING:
    from empkit.results.answer import Answer
    from empkit.results.runs import Runs


def recovery_table(crossed: list[Runs]) -> Table:
    """Return the effects of the faults, one column per run."""
    import pandas as pd

    frame = pd.concat([runs.recovery() for runs in crossed], ignore_index=True)
    table = Table(title="What the faults did", title_justify="left")
    table.add_column("")
    for row in frame.itertuples():
        asked = "" if row.guarantees == AS_SET else f"\n{row.guarantees}"
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


def summary_table(table_of: Answer) -> Table:
    """Return the answer of a comparison, one column per protocol so that it fits a terminal."""
    table = Table(title="What was measured, and what became of the records", title_justify="left")
    table.add_column("")
    for name in table_of.header:
        table.add_column(plain(name), justify="right")
    for section in table_of.sections:
        table.add_section()
        table.add_row(Text("; ".join((section.heading, *section.notes)), style="bold"))
        for label, cells in section.rows:
            table.add_row(label, *cells, style="red" if label == VALID else None)
    return table


def explanations(labels: Iterable[str]) -> Table:
    """Return what the rows of the tables mean.

    Args:
        labels: their names.
    """
    table = Table(title="What the rows mean", title_justify="left", show_header=False, box=None)
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for name, meaning in explained(labels).items():
        table.add_row(plain(name), plain(meaning))
    return table
