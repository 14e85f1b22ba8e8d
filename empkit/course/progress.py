"""What a reader has done in the course, and how well calibrated the guesses are.

    ledger --standing--> Standing: exercises done, guesses right and wrong, certainty against truth
    a folder of files --of_class--> one row per student

`show_progress` shows it in a notebook, `empkit progress` in the terminal.
"""

from __future__ import annotations

import html
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from empkit.course import ledger
from empkit.course.exercises import CHECKS
from empkit.course.exercises.solutions import SOLUTIONS
from empkit.course.predictions.questions import QUESTIONS

LEAST = 10  # values with a certainty, before anything is said about all of them
BY_COIN = 0.25  # the Brier score of who is 50 % sure of everything


@dataclass(frozen=True)
class Sure:
    """One value of a guess, with how sure its reader was, and whether it was right."""

    certainty: float
    right: bool


@dataclass(frozen=True)
class Standing:
    """What a ledger comes to.

    Attributes:
        notebooks: one row per notebook: exercises `done`, `tries` and how many there are;
            values of guesses that were `right` and `wrong`, and how many there are to guess;
            `solutions` that were shown before the exercise was done.
        sure: the compared values for which a certainty was given.
    """

    notebooks: pd.DataFrame
    sure: list[Sure]

    @property
    def total(self) -> dict[str, int]:
        """The sums over all notebooks."""
        return {str(name): int(value) for name, value in self.notebooks.sum().items()}

    @property
    def by_notebook(self) -> dict[str, dict[str, int]]:
        """The rows by their notebooks."""
        return {
            str(name): {str(column): int(count) for column, count in row.items()}
            for name, row in self.notebooks.to_dict(orient="index").items()
        }

    @property
    def brier(self) -> float | None:
        """The mean of (certainty - truth) squared: 0 is perfect; None if no certainty was given."""
        if not self.sure:
            return None
        return sum((each.certainty - each.right) ** 2 for each in self.sure) / len(self.sure)

    def by_certainty(self) -> list[tuple[int, int, int]]:
        """Return each certainty in whole per cent, the number of its values, and of the right
        ones."""
        values: Counter[int] = Counter()
        right: Counter[int] = Counter()
        for each in self.sure:
            percent = round(100 * each.certainty)
            values[percent] += 1
            right[percent] += each.right
        return [(percent, values[percent], right[percent]) for percent in sorted(values)]

    def sentences(self) -> list[str]:
        """Return what the numbers say, in words."""
        total = self.total
        compared = total["right"] + total["wrong"]
        said = [
            f"{total['done']} of {total['exercises']} exercises are done; of {compared} guessed "
            f"values {total['right']} were right and {total['wrong']} wrong."
        ]
        if not self.sure:
            return [*said, "How sure you were was not said yet: predict(..., sure=0.8) says it."]
        said += [
            f"Where you were {percent} % sure, you were right in {right} of {values}."
            for percent, values, right in self.by_certainty()
        ]
        return [*said, f"{self._calibrated()} Brier score: {self.brier:.2f} (0 is perfect, "
                f"{BY_COIN} is that of 50 % for everything)."]  # fmt: skip

    def _calibrated(self) -> str:
        """Return whether certainty and truth differ by more than chance."""
        count = len(self.sure)
        if count < LEAST:
            return f"{count} values with a certainty are too few to say more (from {LEAST} on)."
        wanted = sum(each.certainty for each in self.sure)
        spread = math.sqrt(sum(each.certainty * (1 - each.certainty) for each in self.sure))
        right = sum(each.right for each in self.sure)
        means = f"on average {wanted / count:.0%} sure and right in {right / count:.0%}"
        if abs(right - wanted) <= 1.96 * spread:
            return f"You were {means}: no more apart than chance would have it."
        return f"You were {means}: {'too' if right < wanted else 'less'} sure than you could be."

    def to_json(self) -> dict[str, Any]:
        """Return all of it as values that JSON has."""
        return {
            **self.total,
            "brier": self.brier,
            "calibration": [
                {"sure": percent / 100, "values": values, "right": right}
                for percent, values, right in self.by_certainty()
            ],
            "notebooks": self.by_notebook,
        }

    def _repr_html_(self) -> str:
        paragraphs = "".join(f"<p>{html.escape(said)}</p>" for said in self.sentences())
        return f"{self.notebooks.to_html()}{paragraphs}"

    def __str__(self) -> str:
        return "\n".join([self.notebooks.to_string(), "", *self.sentences()])

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        printer.text(str(self))


def show_progress() -> Standing:
    """Return what you have done in the course, to be shown at the end of a cell.

    It is read from `empkit-progress.json` in the working folder.

    Raises:
        ProgressError: the file cannot be read.

    Example:
        >>> show_progress().total["exercises"]
        41
    """
    return standing(ledger.reading())


def standing(kept: ledger.Ledger) -> Standing:
    """Return what a ledger comes to.

    Args:
        kept: the ledger; numbers that the course does not have are left out.
    """
    rows = {}
    for notebook in sorted({number[:2] for number in [*CHECKS, *QUESTIONS]}):
        exercises = [number for number in CHECKS if number.startswith(notebook)]
        noted = [kept.exercises[number] for number in exercises if number in kept.exercises]
        values = [right for number, guess in kept.guesses.items()
                  if number in QUESTIONS and number.startswith(notebook)
                  for right in (guess.right or {}).values()]  # fmt: skip
        rows[notebook] = {
            "exercises": len(exercises),
            "done": sum(each.right is not None for each in noted),
            "tries": sum(each.tries for each in noted),
            "solutions": sum(
                kept.exercises[number].steps > len(SOLUTIONS[number].hints)
                for number in exercises
                if number in kept.exercises
            ),
            "values": sum(len(kinds) for number, kinds in QUESTIONS.items()
                          if number.startswith(notebook)),
            "right": values.count(True),
            "wrong": values.count(False),
        }  # fmt: skip
    sure = [
        Sure(guess.sure, right)
        for number, guess in sorted(kept.guesses.items())
        if number in QUESTIONS and guess.sure is not None
        for right in (guess.right or {}).values()
        if right is not None
    ]
    table = pd.DataFrame.from_dict(rows, orient="index")
    return Standing(table.rename_axis("notebook"), sure)


def of_class(folder: Path) -> pd.DataFrame:
    """Return one row per student of a class.

    A student is a folder with a file of progress in it, at whatever depth, or a file of progress
    by itself, in which case the file's name is the student's.

    Args:
        folder: with one folder or one file per student.

    Returns:
        The student, exercises `done` and `tries`, `solutions` shown, guesses `right` and `wrong`,
        the Brier score, when the last thing was done, and the `problem` of a file that cannot be
        read, whose other columns are empty.

    Raises:
        OSError: the folder cannot be read.
    """
    columns = ["student", "done", "exercises", "tries", "solutions", "right", "wrong", "values",
               "brier", "last", "problem"]  # fmt: skip
    return pd.DataFrame([_row(*student) for student in _students(folder)], columns=columns)


def _students(folder: Path) -> Iterator[tuple[str, Path | None]]:
    """Yield the name of each student, and the file; None in place of a file that is missing."""
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name.casefold()):
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            files = sorted(entry.rglob(ledger.NAME))
            for file in files:
                inner = file.parent.relative_to(folder)
                yield (entry.name if len(files) == 1 else inner.as_posix()), file
            if not files:
                yield entry.name, None
        elif entry.suffix.casefold() == ".json":
            yield entry.stem, entry


def _row(student: str, file: Path | None) -> dict[str, Any]:
    if file is None:
        return {"student": student, "problem": f"no {ledger.NAME}"}
    try:
        kept = ledger.load(file)
    except ledger.ProgressError as error:
        return {"student": student, "problem": str(error).removeprefix(f"{file} ")}
    found = standing(kept)
    times = [guess.locked for guess in kept.guesses.values()]
    times += [each.right for each in kept.exercises.values() if each.right is not None]
    return {
        "student": student,
        **found.total,
        "brier": found.brier,
        "last": f"{max(times):%Y-%m-%d}" if times else None,
        "problem": None,
    }
