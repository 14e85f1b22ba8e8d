"""The course: working copies of its notebooks, predictions, exercises with solutions, progress,
and code that only the notebooks need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from empkit.lazy import lazily

if TYPE_CHECKING:
    from empkit.course.advice import CLAIMS, Needs, advise, measure
    from empkit.course.callers import time_callers
    from empkit.course.double_accept import try_double_accept
    from empkit.course.exercises import check
    from empkit.course.exercises.solutions import show_solution
    from empkit.course.notebooks import require, working_copy
    from empkit.course.predictions import compared, predict
    from empkit.course.progress import show_progress
    from empkit.course.recorded import on_apache, on_postgresql

__all__ = [
    "CLAIMS",
    "Needs",
    "advise",
    "check",
    "compared",
    "measure",
    "on_apache",
    "on_postgresql",
    "predict",
    "require",
    "show_progress",
    "show_solution",
    "time_callers",
    "try_double_accept",
    "working_copy",
]

__getattr__ = lazily(
    __name__,
    {
        "CLAIMS": "empkit.course.advice",
        "Needs": "empkit.course.advice",
        "advise": "empkit.course.advice",
        "check": "empkit.course.exercises",
        "compared": "empkit.course.predictions",
        "measure": "empkit.course.advice",
        "on_apache": "empkit.course.recorded",
        "on_postgresql": "empkit.course.recorded",
        "plots": "empkit.course.plots",
        "predict": "empkit.course.predictions",
        "require": "empkit.course.notebooks",
        "show_progress": "empkit.course.progress",
        "show_solution": "empkit.course.exercises.solutions",
        "time_callers": "empkit.course.callers",
        "try_double_accept": "empkit.course.double_accept",
        "working_copy": "empkit.course.notebooks",
    },
)
