"""The course: working copies of its notebooks, their exercises, and code that only they need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from empkit.lazy import lazily

if TYPE_CHECKING:
    from empkit.course.advice import CLAIMS, Needs, advise, measure
    from empkit.course.callers import time_callers
    from empkit.course.double_accept import try_double_accept
    from empkit.course.exercises import check
    from empkit.course.notebooks import require, working_copy
    from empkit.course.recorded import on_apache, on_postgresql

__all__ = [
    "CLAIMS",
    "Needs",
    "advise",
    "check",
    "measure",
    "on_apache",
    "on_postgresql",
    "require",
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
        "measure": "empkit.course.advice",
        "on_apache": "empkit.course.recorded",
        "on_postgresql": "empkit.course.recorded",
        "plots": "empkit.course.plots",
        "require": "empkit.course.notebooks",
        "time_callers": "empkit.course.callers",
        "try_double_accept": "empkit.course.double_accept",
        "working_copy": "empkit.course.notebooks",
    },
)
