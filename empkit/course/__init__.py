"""The course: working copies of its notebooks, their exercises, and code that only they need."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from empkit.course.exercises import check
    from empkit.course.notebooks import require, working_copy

__all__ = ["check", "require", "working_copy"]


def __getattr__(name: str) -> Any:
    # imported at first use: `empkit lab` needs none of the modules that the exercises need
    if name not in __all__:
        raise AttributeError(f"module 'empkit.course' has no attribute {name!r}")
    home = "exercises" if name == "check" else "notebooks"
    return getattr(importlib.import_module(f"empkit.course.{home}"), name)
