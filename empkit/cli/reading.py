"""The options that say how a file is to be read, for every command that reads one.

    --column, --encoding, ... --with_reading--> Reading --read_file--> records, and what is said

Imports inside the functions keep the start of every other command fast.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from empkit.cli.common import err, fail, plain, warn

if TYPE_CHECKING:
    from tqdm import tqdm

    from empkit.records.files import RecordFile
    from empkit.records.reading import Reading

_PANEL = "How FILE is read, where it is not detected rightly"

OPTIONS: dict[str, tuple[Any, Any]] = {
    "column": (
        Annotated[
            list[str] | None,
            typer.Option(
                metavar="FIELD=HEADING",
                help="Which column is a field of an employee: --column employee_id='User Id'. "
                "HEADING may be the column's number, from 1, which a file without headings needs. "
                "FIELD is employee_id, first_name, last_name, email, department, position, salary, "
                "hire_date, or full_name, which is split in two. May be given several times.",
                rich_help_panel=_PANEL,
            ),
        ],
        None,
    ),
    "encoding": (
        Annotated[
            str | None,
            typer.Option(
                help="Of the text: utf-8, cp1252 (Windows), utf-16, mac-roman, ...",
                rich_help_panel=_PANEL,
            ),
        ],
        None,
    ),
    "delimiter": (
        Annotated[
            str | None,
            typer.Option(
                metavar="CHARACTER",
                help="What stands between the cells of CSV: one character, or tab.",
                rich_help_panel=_PANEL,
            ),
        ],
        None,
    ),
    "sheet": (
        Annotated[
            str | None,
            typer.Option(
                metavar="NAME|NUMBER",
                help="Of a spreadsheet: its name, or its number from 1. Without it the only sheet "
                "with employees is read.",
                rich_help_panel=_PANEL,
            ),
        ],
        None,
    ),
    "date_format": (
        Annotated[
            str | None,
            typer.Option(
                metavar="FORMAT",
                help="Of hire_date: %d.%m.%Y is 31.12.2021, %m/%d/%Y is 12/31/2021, %d.%m.%y is "
                "31.12.21.",
                rich_help_panel=_PANEL,
            ),
        ],
        None,
    ),
    "decimal": (
        Annotated[
            str | None,
            typer.Option(
                metavar=".|,",
                help='The decimal mark of salary: "," for 52.000,50 and "." for 52,000.50.',
                rich_help_panel=_PANEL,
            ),
        ],
        None,
    ),
    "strict_values": (
        Annotated[
            bool,
            typer.Option(
                "--strict-values",
                help="Leave out a record with a value that cannot be used. Otherwise such a value "
                "is reported and dropped, unless the record needs it.",
                rich_help_panel=_PANEL,
            ),
        ],
        False,
    ),
}
"""The options in the order of `--help`: name -> type with help, and default. Each is called as the
field of `Reading` that it sets."""


def with_reading(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command that takes `reading: Reading | None` the options in place of it.

    It gets None if none of them is given.
    """
    signature = inspect.signature(command, eval_str=True, locals={"Reading": Any})

    @functools.wraps(command)
    def reading_command(**given: Any) -> None:
        options = {name: given.pop(name) for name in OPTIONS}
        chosen = {name: value for name, value in options.items() if value not in (None, False, [])}
        command(reading=_reading(**chosen) if chosen else None, **given)

    parameters: list[inspect.Parameter] = []
    for parameter in signature.parameters.values():
        if parameter.name != "reading":
            parameters.append(parameter)
            continue
        for name, (annotation, default) in OPTIONS.items():
            parameters.append(parameter.replace(name=name, annotation=annotation, default=default))
    vars(reading_command)["__signature__"] = signature.replace(parameters=parameters)
    reading_command.__annotations__ = {each.name: each.annotation for each in parameters}
    return reading_command


def _reading(column: Sequence[str] = (), **options: Any) -> Reading:
    from empkit.records.employee import RecordError
    from empkit.records.reading import Reading

    columns: dict[str, str] = {}
    for text in column:
        field, equals, heading = (part.strip() for part in text.partition("="))
        if not equals:
            fail(
                f"--column {text!r} is not of the form FIELD=HEADING: write it like --column "
                "employee_id='User Id'."
            )
        if field in columns:
            fail(f"--column {field}= is given twice: a field is read from one column.")
        columns[field] = heading
    try:
        return Reading(columns=columns, **options)
    except RecordError as error:
        fail(str(error))


def refuse_without_file(reading: Reading | None) -> None:
    """Refuse options on how a file is read where no file is given."""
    if reading is not None:
        names = ["column" if name == "columns" else name for name in reading.given()]
        given = ", ".join(f"--{name.replace('_', '-')}" for name in names)
        fail(f"{given}: this says how a file is read, and no FILE is given. Give one.")


def read_file(file: str, reading: Reading | None = None) -> RecordFile:
    """Return the records of a file; print how it was read, and what could not be read.

    Args:
        file: its path, or - for standard input.
        reading: what the user says of it.
    """
    from tqdm import tqdm

    from empkit.records.employee import RecordError
    from empkit.records.files import read
    from empkit.records.reading import Reading

    try:
        with tqdm(unit="line", unit_scale=True, delay=2, leave=False, disable=None) as bar:
            content = read(file, reading or Reading(), partial(_show, bar))
    except RecordError as error:
        fail(str(error))
    _print_some([f"line {row.line}: {row.reason}" for row in content.unreadable], 20, "lines")
    _print_remarks(content)
    renamed = ", ".join(f"{name} -> {field}" for name, field in content.renamed.items())
    err.print(
        plain(
            f"{len(content.records)} records from {file}"
            + (f", {len(content.unreadable)} lines left out" if content.unreadable else "")
            + (f"; read as: {renamed}" if renamed else "")
            + (f"; kept as they are: {', '.join(content.kept)}" if content.kept else "")
        )
    )
    if not content.records:
        fail(f"{file} contains no record that can be sent.")
    return content


def _show(bar: tqdm[NoReturn], lines: int, whole: int) -> None:
    """Show in a progress bar how far reading is."""
    bar.total = whole
    bar.update(min(lines, whole) - bar.n)


def _print_remarks(content: RecordFile) -> None:
    """Print how a file was read where that is not plain, and which values were dropped."""
    from empkit.records.remarks import grouped

    for note in content.notes:
        err.print(plain(note))
    sentences = grouped(content.dropped)
    _print_some(sentences, 10, "reasons why values are dropped")
    if sentences:
        warn("Their records are read without them; --strict-values leaves such records out.")


def _print_some(sentences: Sequence[str], most: int, what: str) -> None:
    for sentence in sentences[:most]:
        warn(sentence)
    if len(sentences) > most:
        warn(f"... and {len(sentences) - most:,} more {what}")
