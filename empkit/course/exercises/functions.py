"""Holds a reader's function against a reference, on examples, random tables and the edges.

cases --+--> the reader's function --> results --+
        |                                        +--> alike? --no--> the mistake that has the
        +--> the reference ----------> results --+                   same results, or the case
"""

from __future__ import annotations

import contextlib
import copy
import inspect
import io
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from empkit.course.exercises.answers import Check, Missing, WrongKindError, number, plain

NOTHING = object()
"""What a reference returns where there is no right answer, such as the median of no record."""

AGREEING = 10
"""On how many cases a mistake must give the reader's results before it is called theirs."""


class Case(NamedTuple):
    """Arguments for a function.

    Attributes:
        given: what the arguments are, in words.
        arguments: the arguments; a function gets a copy of them.
    """

    given: str
    arguments: tuple[Any, ...]


class Mistake(NamedTuple):
    """A mistake that readers make.

    Attributes:
        function: a function with the mistake.
        sentence: what is wrong about it.
    """

    function: Callable[..., Any]
    sentence: str


@dataclass(frozen=True)
class Outcome:
    """What became of a call: a value, or an error."""

    value: Any = None
    error: BaseException | None = None


def within(absolute: float) -> Callable[[Any, Any], bool]:
    """Return a comparison of numbers that accepts reasonably rounded ones.

    Args:
        absolute: how far apart they may be; larger numbers may be a millionth of themselves apart.
    """

    def alike(got: Any, wanted: Any) -> bool:
        return bool(np.isclose(got, wanted, rtol=1e-6, atol=absolute))

    return alike


def equal(got: Any, wanted: Any) -> bool:
    """Accept only what is equal, such as a list of names in their order."""
    return bool(got == wanted)


Alike = Callable[[Any, Any], bool]
ROUNDED = within(0.0051)
"""Accepts numbers that are rounded to two decimals."""


def held_against(
    reference: Callable[..., Any],
    cases: Callable[[], Sequence[Case]],
    mistakes: Sequence[Mistake] = (),
    read: Callable[[Any], Any] = number,
    alike: Alike = ROUNDED,
) -> Check:
    """Return a checker for a function that the reader writes.

    Args:
        reference: a right answer, simple and independent of the kit; `NOTHING` is what it returns
            where no answer is right.
        cases: returns the arguments to compare on, in the order in which they are told of.
        mistakes: known mistakes; the first that gives the reader's results is named.
        read: reads a result, and raises `WrongKindError` when it is of the wrong kind.
        alike: whether a result is as good as the reference's.
    """

    @cache
    def made(mistake: Mistake) -> list[Any]:
        return _results(mistake.function, cases(), read)

    def checked(answer: Any) -> Missing:
        every = cases()
        if missing := cannot_take(answer, every[0].arguments):
            return missing
        for case in every:
            wanted = reference(*_copied(case.arguments))
            got = call(answer, case.arguments)
            missing = _compared(got, wanted, read, alike)
            if missing is not None:
                said = f"Given {case.given}, it {missing}"
                if _result(got, read) is NOTHING:
                    return said
                given = _results(answer, every, read)
                named = (each.sentence for each in mistakes if _agree(given, made(each), alike))
                return next(named, said)
        return None

    return checked


def cannot_take(answer: Any, arguments: Sequence[Any]) -> Missing:
    """Return a sentence if an answer is no function, or takes another number of arguments."""
    if not callable(answer):
        return "Give the function itself, without calling it."
    try:
        signature = inspect.signature(answer)
    except (TypeError, ValueError):  # of some that are written in C it is not known
        return None
    try:
        signature.bind(*arguments)
    except TypeError:
        plural = "s" if len(arguments) != 1 else ""
        return f"It is called with {len(arguments)} argument{plural}; this one takes {signature}."
    return None


def _compared(
    got: Outcome,
    wanted: Any,
    read: Callable[[Any], Any],
    alike: Alike,
) -> Missing:
    """Return what a function did, as the end of a sentence, if it is not what is wanted."""
    if wanted is NOTHING:
        right = got.error is not None or _is_nothing(got.value)
        return None if right else f"says {_shown(got.value)}, though nothing was measured."
    if got.error is not None:
        return in_words(got)
    try:
        result = read(got.value)
    except WrongKindError as error:
        return f"returns something that does not fit. {error}"
    return None if alike(result, wanted) else in_words(got)


def _agree(given: list[Any], made: list[Any], alike: Alike) -> bool:
    """Whether a reader's function and a mistake have the same results, on enough cases."""
    both = [
        alike(got, wrong)
        for got, wrong in zip(given, made, strict=True)
        if got is not NOTHING and wrong is not NOTHING
    ]
    return all(both) and len(both) >= min(AGREEING, len(made))


def _results(
    function: Callable[..., Any], cases: Sequence[Case], read: Callable[[Any], Any]
) -> list[Any]:
    """Return the result of each call; `NOTHING` if there is none, or not a comparable one."""
    return [_result(call(function, case.arguments), read) for case in cases]


def _result(outcome: Outcome, read: Callable[[Any], Any]) -> Any:
    """Return the result of a call; `NOTHING` if there is none, or not a comparable one."""
    if outcome.error is not None:
        return NOTHING
    try:
        result = read(outcome.value)
    except WrongKindError:
        return NOTHING
    return NOTHING if isinstance(result, float) and np.isnan(result) else result


def call(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Outcome:
    """Return what becomes of a call with copies of the arguments; what the function prints and is
    warned of is not shown."""
    given = _copied(arguments)
    with _quiet():
        try:
            value = function(*given)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - reported to the reader
            return Outcome(error=error)
    if inspect.iscoroutine(value):
        value.close()
        return Outcome(error=WrongKindError("an async function cannot be called here, write `def`"))
    if isinstance(value, Iterator):
        try:
            value = list(value)
        except Exception as error:  # noqa: BLE001 - reported to the reader
            return Outcome(error=error)
    return Outcome(value)


def _copied(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    return copy.deepcopy(arguments)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(action="ignore"),
    ):
        yield


def _is_nothing(value: Any) -> bool:
    """Whether a value says that there is none: None, NaN, or zero."""
    value = plain(value)
    if value is None or value is pd.NA or value is pd.NaT:
        return True
    return isinstance(value, int | float) and (value == 0 or value != value)  # noqa: PLR0124 - NaN


def in_words(outcome: Outcome) -> str:
    """Return what a function did, as the end of a sentence, with the import that it may lack."""
    error = outcome.error
    if error is None:
        return f"says {_shown(outcome.value)}."
    said = f"raised {type(error).__name__}: {error}".rstrip(": .")
    name = error.name if isinstance(error, NameError) else None
    if name in sys.stdlib_module_names:
        return f"{said}. Is `import {name}` missing in the cell?"
    return f"{said}."


def _shown(value: Any) -> str:
    """Return a value in few characters."""
    value = plain(value)
    text = f"{value:.6g}" if isinstance(value, float) else repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


SHOWN = 80
"""How many characters of a value are shown."""
