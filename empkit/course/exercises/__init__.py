"""The checker of the course's exercises: `check("06.1", answer)` says what is still missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from empkit.course import ledger
from empkit.course.exercises import (
    choose,
    failures,
    guarantees,
    http,
    kafka,
    latency,
    load,
    own,
    scale_out,
    start,
    websocket,
)
from empkit.course.exercises.answers import Check
from empkit.course.exercises.solutions import tried

if TYPE_CHECKING:
    from empkit.lab import Lab

CHECKS: dict[str, Check] = {
    number: checker
    for notebook in (
        start,
        http,
        websocket,
        kafka,
        latency,
        load,
        failures,
        guarantees,
        scale_out,
        choose,
        own,
    )
    for number, checker in notebook.CHECKS.items()
}
"""The checkers by the number of their exercise."""


def check(number: str, answer: Any, lab: Lab | None = None) -> None:
    """Print whether an answer is right, or what is missing in it, and note it for `show_progress`.

    With EMPKIT_GUESS=none the solution is tried, too: it has to be right.

    Args:
        number: of the exercise, as in the notebook.
        answer: an answer of the kind that the exercise asks for.
        lab: a running lab, on which an answer that can be run (06.3) is tried.

    Raises:
        KeyError: there is no such exercise.

    Example:
        >>> check("00.1", {"http", "websocket", "kafka"})
        00.1: not yet. ...
    """
    if number not in CHECKS:
        raise KeyError(f"There is no exercise {number!r}; there are {', '.join(CHECKS)}.")
    missing = _judged(number, answer, lab)
    print(f"{number}: right." if missing is None else f"{number}: not yet. {missing}")
    ledger.note_try(number, right=missing is None)
    if ledger.unattended():
        tried(number, _judged)


def _judged(number: str, answer: Any, lab: Lab | None) -> str | None:
    """Return what is missing in an answer; None if it is right."""
    if lab is not None and number in failures.TRIED:
        return failures.TRIED[number](answer, lab)
    return CHECKS[number](answer)
