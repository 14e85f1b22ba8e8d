"""The parts that the exercises' checkers share."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import wraps
from typing import Any

from empkit.results.runs import Runs

Missing = str | None
"""None when an answer is right, else a sentence that says what is missing in it."""

Check = Callable[[Any], Missing]


def as_set(answer: Any) -> set[Any] | None:
    """Return the answer as a set, or None when it is not a collection."""
    if isinstance(answer, str) or not isinstance(answer, Collection):
        return None
    return set(answer)


def reached(runs: Runs, attempts: int | None = None) -> Missing:
    """Return what is missing until every record is stored, within `attempts` attempts each."""
    timings = runs.timings
    if not any(info.faults for info in runs.runs):
        return "This run has no fault."
    if runs.broken:
        return "A promise was broken."
    if (timings["verdict"] != "stored").any():
        return "Not every record is acked and stored."
    if attempts is not None and timings["attempts"].max() > attempts:
        return "Everything is stored, but some records were sent more than once."
    return None


def too_few(runs: Runs, wanted: int) -> Missing:
    """Return what is missing until there are `wanted` records."""
    if len(runs.timings) < wanted:
        return f"{wanted} records are wanted; these are {len(runs.timings)}."
    return None


def of_function(checker: Check) -> Check:
    """Return a checker for a function that the reader wrote: its exceptions are reported."""

    @wraps(checker)
    def checked(answer: Any) -> Missing:
        if not callable(answer):
            return "Give the function itself, without calling it."
        try:
            return checker(answer)
        except Exception as error:  # noqa: BLE001 - reported to the reader
            return f"It raised {type(error).__name__}: {error}."

    return checked
