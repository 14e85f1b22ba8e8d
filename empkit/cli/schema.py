"""`empkit schema`: print a JSON Schema."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer


class Document(StrEnum):
    """What has a JSON Schema."""

    employee = "employee"
    result = "result"


def schema(
    of: Annotated[
        Document, typer.Argument(help="An employee record, or what `compare --json` prints.")
    ] = Document.employee,
) -> None:
    """Print a JSON Schema: of an employee record, which a server must take, or of a result."""
    from empkit.experiment import content
    from empkit.results import as_json

    module = as_json if of is Document.result else content
    sys.stdout.write(module.SCHEMA_FILE.read_text(encoding="utf-8"))
