"""`empkit faults`: list what can go wrong.

Imports inside the function keep the start of the command line fast.
"""

from __future__ import annotations

from rich.table import Table

from empkit.cli.common import out, plain


def faults() -> None:
    """List what can go wrong, with the words for `compare --fault`."""
    from empkit.faults.register import fault_kinds

    title = "empkit compare --fault NAME:KEY=VALUE,...@FROM..UNTIL"
    table = Table("name", "when", "settings", "what", title=title, title_justify="left")
    for name, kind in fault_kinds().items():
        settings = ", ".join(setting.name for setting in kind.settings)
        when = "2s..5s" if kind.timed else "whole run"
        table.add_row(name, when, settings, plain(kind.words))
    out.print(table)
