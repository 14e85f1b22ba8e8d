"""Asks a function of the notebook in another Python process, in which `hash` is another.

    function --pickle, with the code of what is defined in the notebook--> second process
    results  <------------------------------------------------------------------+

What can be imported travels by its name; a function that is defined in the notebook, or in another
function, travels as its code with the globals and variables that it uses.
"""

from __future__ import annotations

import builtins
import dis
import importlib
import io
import marshal
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any

from empkit.processes.child import module_command

TIMEOUT_S = 60.0
SEED = "PYTHONHASHSEED"


class ElsewhereError(RuntimeError):
    """A function cannot be asked in another process, or raised there; the message says why.

    Example:
        >>> raise ElsewhereError("It cannot be taken to another process.")
        Traceback (most recent call last):
        empkit.course.elsewhere.ElsewhereError: It cannot be taken to another process.
    """


def results_elsewhere(function: Callable[..., Any], calls: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Return what a function returns for each call, in another process with another hash seed.

    Args:
        function: also one that is defined in a notebook.
        calls: the arguments of each call.

    Raises:
        ElsewhereError: it cannot be taken there, it raised an exception, or it did not return.

    Example:
        >>> results_elsewhere(len, [("one",), ([2, 3],)])
        [3, 2]
    """
    asked = io.BytesIO()
    pickle.dump(sys.path, asked)  # read first: what follows may have to be imported
    try:
        _Pickler(asked).dump((function, list(calls)))
    except (pickle.PicklingError, TypeError, AttributeError, ValueError) as error:
        raise ElsewhereError(f"it cannot be taken to another process: {error}") from error
    seed = "1" if os.environ.get(SEED) != "1" else "2"
    try:
        done = subprocess.run(
            module_command(__name__), input=asked.getvalue(), capture_output=True, check=False,
            timeout=TIMEOUT_S, env={**os.environ, SEED: seed},
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise ElsewhereError(f"it did not return within {TIMEOUT_S:g} s") from error
    if done.returncode != 0:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise ElsewhereError(f"the other process ended with {done.returncode}: {last}")
    failure, packed = pickle.loads(done.stdout)  # noqa: S301 - of our own child
    if failure:
        raise ElsewhereError(failure)
    return list(pickle.loads(packed))  # noqa: S301


class _Pickler(pickle.Pickler):
    """Pickles functions of the notebook by their code, and modules by their name."""

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, ModuleType):
            return importlib.import_module, (value.__name__,)
        if isinstance(value, type) and value.__module__ == "__main__":
            raise pickle.PicklingError(f"it uses the class {value.__name__} of the notebook")
        if isinstance(value, FunctionType):
            return NotImplemented if _importable(value) else _taken_apart(value)
        wrapped = getattr(value, "__wrapped__", None)  # as of functools.cache
        return NotImplemented if wrapped is None else (_same, (wrapped,))


def _importable(function: FunctionType) -> bool:
    """Whether another process gets the same function by importing it."""
    if function.__module__ in {None, "__main__"}:
        return False
    found: Any = sys.modules.get(function.__module__)
    for name in function.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is function


def _taken_apart(function: FunctionType) -> Any:
    """Return how pickle is to make a function again; one may use another that uses the first."""
    cells = function.__closure__ or ()
    state = {
        "globals": _globals_of(function),
        "cells": [cell.cell_contents for cell in cells],
        "defaults": function.__defaults__,
        "keywords": function.__kwdefaults__,
    }
    made = (marshal.dumps(function.__code__), function.__name__, len(cells))
    return _made, made, state, None, None, _filled


def _globals_of(function: FunctionType) -> dict[str, Any]:
    """Return the globals that a function, or one inside it, may use."""
    names = {
        instruction.argval
        for code in _codes(function.__code__)
        for instruction in dis.get_instructions(code)
        if instruction.opname in {"LOAD_GLOBAL", "LOAD_NAME"}
    }
    return {name: function.__globals__[name] for name in names if name in function.__globals__}


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _made(code: bytes, name: str, cells: int) -> FunctionType:
    """Return a function that has only its code."""
    closure = tuple(CellType() for _ in range(cells))
    own: dict[str, Any] = {"__builtins__": builtins}
    return FunctionType(marshal.loads(code), own, name, None, closure)  # noqa: S302 - our own


def _filled(function: FunctionType, state: dict[str, Any]) -> None:
    """Give a function the rest of what it had."""
    function.__globals__.update(state["globals"])
    for cell, content in zip(function.__closure__ or (), state["cells"], strict=True):
        cell.cell_contents = content
    function.__defaults__ = state["defaults"]
    function.__kwdefaults__ = state["keywords"]


def _same(value: Any) -> Any:
    return value


def main() -> None:
    """In the other process: read the function and the calls, and write the results."""
    answer, sys.stdout = sys.stdout.buffer, sys.stderr  # what the function prints is no answer
    failure, packed = "", pickle.dumps([])
    try:
        path = pickle.load(sys.stdin.buffer)  # noqa: S301 - of the process that owns this one
        sys.path.extend(folder for folder in path if folder not in sys.path)
        function, calls = pickle.load(sys.stdin.buffer)  # noqa: S301
        packed = pickle.dumps([function(*arguments) for arguments in calls])
    except (Exception, SystemExit) as error:  # noqa: BLE001 - told to the process that asked
        failure = f"it raised {type(error).__name__}: {error}"
    answer.write(pickle.dumps((failure, packed)))


if __name__ == "__main__":
    main()
