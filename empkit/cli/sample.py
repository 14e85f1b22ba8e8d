"""`empkit sample`: write a file of made-up records.

Imports inside the function keep the start of the command line fast.
"""

from __future__ import annotations

import csv
import sys
from typing import Annotated

import typer


def sample(
    count: Annotated[int, typer.Argument(min=1, help="How many records.")] = 100,
    seed: Annotated[int, typer.Option(help="The same seed makes the same records.")] = 0,
) -> None:
    """Print made-up records as CSV, with the columns that a file of your own may have.

    Example:

      empkit sample 100 > employees.csv
    """
    from empkit.records.employee import FIELDS
    from empkit.records.samples import make_up_records

    writer = csv.DictWriter(sys.stdout, FIELDS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(make_up_records(count, seed))
