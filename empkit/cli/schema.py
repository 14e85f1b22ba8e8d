"""`empkit schema`: print a JSON Schema.

Imports inside the function keep the start of the command line fast.
"""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import typer

Document = Literal["employee", "result"]
"""The documents that have a JSON Schema."""


def schema(
    of: Annotated[
        Document, typer.Argument(help="An employee record, or what `compare --json` prints.")
    ] = "employee",
) -> None:
    """Print the JSON Schema of an employee record that servers must accept, or of a result."""
    from empkit.experiment import content
    from empkit.results import as_json

    module = as_json if of == "result" else content
    sys.stdout.write(module.SCHEMA_FILE.read_text(encoding="utf-8"))
