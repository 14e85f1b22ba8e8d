"""`empkit faults`: list what can go wrong.

Imports inside the function keep the start of the command line fast.
"""

from __future__ import annotations

from typing import Any

from empkit.cli.common import out, plain


def faults() -> None:
    """List what can go wrong, with the words for `compare --fault`."""
    from dataclasses import fields

    from rich.table import Table

    from empkit.faults.base import TimedFault
    from empkit.faults.register import FAULTS

    title = "empkit compare --fault NAME:KEY=VALUE,...@FROM..UNTIL"
    table = Table("name", "when", "settings", "what", title=title, title_justify="left")
    for name, kind in FAULTS.items():
        made_of: Any = getattr(kind, "of", kind)  # a toxic, where the fault is one of the network
        timed = hasattr(kind, "of") or issubclass(made_of, TimedFault)
        what = " ".join((made_of.__doc__ or "").split("\n\n")[0].split())
        options = ", ".join(field.name for field in fields(made_of))
        table.add_row(name, "2s..5s" if timed else "whole run", options, plain(what))
    out.print(table)
