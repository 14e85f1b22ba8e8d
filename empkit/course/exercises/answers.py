"""The kinds of answer that the exercises ask for, read as a person would: a list is as good as a
set, and a number of NumPy as good as one of Python."""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

Missing = str | None
"""None when an answer is right, else a sentence that says what is missing in it."""

Check = Callable[[Any], Missing]


class WrongKindError(TypeError):
    """An answer, or what a reader's function returned, is not of the kind that is wanted.

    Example:
        >>> raise WrongKindError("A number is wanted; this is a str.")
        Traceback (most recent call last):
        empkit.course.exercises.answers.WrongKindError: A number is wanted; this is a str.
    """


def kind(value: Any) -> str:
    """Return what a value is, as the end of a sentence."""
    if value is None:
        return "None: is `return` missing, or does it print instead?"
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiouAEIO' else 'a'} {name}."


def plain(value: Any) -> Any:
    """Return a scalar of NumPy as Python's own, and any other value as it is."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    return value.item() if isinstance(value, np.generic) else value


def number(value: Any) -> float:
    """Return a number as a float; a missing one as NaN.

    Raises:
        WrongKindError: it is not a number.
    """
    value = plain(value)
    if value is pd.NA or value is pd.NaT:
        return float("nan")
    if isinstance(value, bool | str | bytes | np.ndarray | pd.Series) or not hasattr(
        value, "__float__"
    ):
        raise WrongKindError(f"A number is wanted; this is {kind(value)}")
    return float(value)


def whole(value: Any) -> int:
    """Return a whole number as an int.

    Raises:
        WrongKindError: it is not a whole number.
    """
    value = plain(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        said = f"{value:g}." if isinstance(value, float) else kind(value)
        raise WrongKindError(f"A whole number is wanted; this is {said}")
    return operator.index(value)


def ordered(value: Any) -> list[Any]:
    """Return a list, tuple, array, Series, Index or iterator as a list.

    Raises:
        WrongKindError: it has no order, or is not a collection.
    """
    if isinstance(value, set | frozenset):
        raise WrongKindError("A list is wanted; this is a set, which has no order.")
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        raise WrongKindError(f"A list is wanted; this is {kind(value)}")
    return [plain(each) for each in value]


def as_set(answer: Any, example: str) -> set[Any]:
    """Return a set, or another collection, as a set.

    Args:
        answer: from the reader.
        example: of an answer, for the sentence about what is none.

    Raises:
        WrongKindError: it is not a collection.
    """
    wanted = f"Give a set, such as {example}; this is "
    if isinstance(answer, str | bytes | Mapping) or not isinstance(answer, Collection):
        raise WrongKindError(wanted + kind(answer))
    try:
        return {plain(each) for each in answer}
    except TypeError:
        raise WrongKindError(f"{wanted}a collection of collections.") from None


def choices(answer: Any, right: Mapping[str, str], reasons: Mapping[str, str]) -> Missing:
    """Judge a dictionary with one choice for each key.

    Args:
        answer: from the reader.
        right: the right choice of each key; its values are all that can be chosen.
        reasons: what speaks against the other choices, by key.
    """
    if isinstance(answer, pd.Series):
        answer = answer.to_dict()
    if not isinstance(answer, Mapping) or set(answer) != set(right):
        return f"Give a dictionary with the keys {', '.join(map(repr, right))}."
    allowed = set(right.values())
    given = {key: str(plain(value)) for key, value in answer.items()}
    unknown = sorted(set(given.values()) - allowed)
    if unknown:
        expected = " or ".join(map(repr, sorted(allowed)))
        return f"{unknown[0]!r} is not a choice here; there is {expected}."
    wrong = [key for key in right if given[key] != right[key]]
    if not wrong:
        return None
    return f"{len(right) - len(wrong)} of {len(right)} are right. {reasons[wrong[0]]}"


def of_kind(checker: Check) -> Check:
    """Return a checker that says so when an answer is of the wrong kind."""

    def checked(answer: Any) -> Missing:
        try:
            return checker(answer)
        except WrongKindError as error:
            return str(error)

    return checked
