"""`empkit progress`: what a reader of the course, or a class, has done.

Imports inside the functions keep the start of the command line fast.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from empkit.cli.common import fail, out, plain, warn

if TYPE_CHECKING:
    import pandas as pd

    from empkit.course.progress import Standing

ALL = "all"


def progress(
    folder: Annotated[
        Path | None,
        typer.Argument(
            help="The working copy of the notebooks. Without it this folder is taken if it is one, "
            "else empkit-notebooks.",
            show_default=False,
        ),
    ] = None,
    class_folder: Annotated[
        Path | None,
        typer.Option(
            "--class",
            metavar="FOLDER",
            help="For teachers: one row per student, from a folder with a folder of each, or with "
            "each one's empkit-progress.json, renamed to NAME.json.",
            show_default=False,
        ),
    ] = None,
    reset: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NUMBER|all",
            help="Forget a prediction (06.a) or an exercise (06.1), to begin it again.",
            show_default=False,
        ),
    ] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Print the class as CSV.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON only.")] = False,
) -> None:
    """Show the exercises that are done, the guesses that were right, and how sure was right.

    The notebooks keep it in the file empkit-progress.json beside them, and send it nowhere.
    """
    if class_folder is not None:
        if folder is not None or reset:
            fail("--class takes its own folder and resets nothing: leave out FOLDER and --reset.")
        _print_class(class_folder, csv, as_json)
        return
    if csv:
        fail("--csv prints a class: give its folder by --class FOLDER, or use --json.")
    found = _folder(folder)
    if reset:
        _reset(found, reset)
        return
    from empkit.course import ledger
    from empkit.course.progress import standing

    try:
        shown = standing(ledger.load(found / ledger.NAME))
    except ledger.ProgressError as error:
        fail(f"{error} {ledger.MEND}")
    if as_json:
        out.write(json.dumps(shown.to_json(), indent=2) + "\n")
        return
    out.print(_table(shown))
    for sentence in shown.sentences():
        out.print(plain(sentence))


def _folder(folder: Path | None) -> Path:
    """Return the folder with the file of progress."""
    from empkit.course.ledger import NAME

    places = [folder] if folder is not None else [Path(), Path("empkit-notebooks")]
    found = [place for place in places if (place / NAME).exists()]
    where = " nor in ".join(str(place) if place != Path() else "this folder" for place in places)
    if not found:
        fail(
            f"There is no {NAME} in {where}. The notebooks of `empkit lab` write it when a guess "
            "is locked or an answer is checked; say where they are: empkit progress FOLDER."
        )
    return found[0]


def _table(shown: Standing) -> Table:
    table = Table(title="Your progress", title_justify="left")
    table.add_column("notebook")
    for name in ("exercises done", "tries", "solutions shown", "guesses right", "wrong"):
        table.add_column(name, justify="right")
    rows: dict[str, dict[str, int]] = {**shown.by_notebook, "all": shown.total}
    for name, row in rows.items():
        if name == "all":
            table.add_section()
        table.add_row(
            name,
            f"{row['done']} of {row['exercises']}",
            f"{row['tries']}",
            f"{row['solutions']}",
            f"{row['right']} of {row['values']}",
            f"{row['wrong']}",
        )
    return table


def _reset(folder: Path, numbers: list[str]) -> None:
    """Forget predictions and exercises."""
    from empkit.course import ledger

    path = folder / ledger.NAME
    try:
        with ledger.alone(folder):
            kept = ledger.load(path)
            for number in numbers:
                if number == ALL:
                    kept = ledger.new()
                elif number not in kept.guesses and number not in kept.exercises:
                    noted = ", ".join(sorted([*kept.guesses, *kept.exercises])) or "nothing"
                    fail(f"--reset {number}: {path} has no such number; it has {noted}.")
                kept.guesses.pop(number, None)
                kept.exercises.pop(number, None)
            ledger.write(kept, path)
    except ledger.ProgressError as error:
        fail(f"{error} {ledger.MEND}")
    except OSError as error:
        fail(f"{path} cannot be written: {error.strerror or error}.")
    out.print(
        f"Forgotten: {plain(', '.join(numbers))}. Run the cell with `predict` or `check` again."
    )


def _print_class(folder: Path, csv: bool, as_json: bool) -> None:
    from empkit.course.progress import of_class

    try:
        table = of_class(folder)
    except OSError as error:
        fail(f"{folder} cannot be read: {error.strerror or error}.")
    if table.empty:
        fail(
            f"{folder} has neither a folder nor a file NAME.json of a student: collect each "
            "student's empkit-progress.json in it."
        )
    for row in table.dropna(subset=["problem"]).itertuples():
        warn(f"{row.student}: {row.problem}")
    if as_json:
        out.write(str(table.to_json(orient="records", indent=2, force_ascii=False)) + "\n")
    elif csv:
        texts = {name: table[name].map(_as_text) for name in ("student", "problem")}
        out.write(_whole(table.assign(**texts)).to_csv(index=False))
    else:
        out.print(_class_table(table))


def _as_text(cell: Any) -> Any:
    """Return text that no spreadsheet takes for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in tuple("=+-@\t\r") else cell


def _whole(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with counts as whole numbers, also beside missing ones."""
    counts = ["done", "exercises", "tries", "solutions", "right", "wrong", "values"]
    return table.astype(dict.fromkeys(counts, "Int64"))


def _class_table(table: pd.DataFrame) -> Table:
    shown = Table(title=f"Students: {len(table)}", title_justify="left")
    shown.add_column("student")
    for name in ("exercises done", "tries", "solutions", "right", "wrong", "Brier", "last"):
        shown.add_column(name, justify="right")
    for row in table.to_dict(orient="records"):
        name = plain(row["student"])
        if isinstance(row["problem"], str):
            shown.add_row(name, plain(row["problem"]), style="yellow")
            continue
        brier = row["brier"]
        shown.add_row(
            name,
            f"{row['done']:.0f} of {row['exercises']:.0f}",
            *(f"{row[count]:.0f}" for count in ("tries", "solutions", "right", "wrong")),
            "-" if brier is None or brier != brier else f"{brier:.2f}",  # noqa: PLR0124 - NaN
            row["last"] if isinstance(row["last"], str) else "-",
        )
    return shown
