"""The kinds of answers to a prediction: what may be guessed, and when a guess is right.

    kind.read(guess) --> a value that JSON can hold --kind.right(value, measured)--> True or False

A new kind is a class with the members of `Kind`.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, ClassVar, Protocol

import numpy as np

MOST = 1e12  # a guess beyond it is a slip of the finger
MOST_SHARES = 100
MOST_CHARACTERS = 120


def short(value: Any) -> str:
    """Return a value as a reader wrote it, for a sentence; its beginning if it is long."""
    text = repr(value)
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}..."


class Kind(Protocol):
    """A kind of answer."""

    @property
    def chance(self) -> float:
        """The probability that a guess is right by chance; 0 where it is not known."""

    @property
    def stated(self) -> str:
        """When a guess is right, in the words of the notebook; empty if it has to be equal."""

    def read(self, value: Any) -> Any:
        """Return a guess in a form that JSON can hold.

        Raises:
            ValueError: it is of another kind; the message says what is wanted.
        """

    def measured(self, value: Any) -> Any:
        """Return what was measured in the same form; None if there is no value."""

    def right(self, guess: Any, measured: Any) -> bool:
        """Return whether a guess is right."""


class Exact:
    """What kinds share whose guesses have to be equal to what was measured."""

    chance, stated = 0.0, ""

    def right(self, guess: Any, measured: Any) -> bool:
        """Return whether both are equal."""
        return bool(guess == measured)


class OneOf(Exact):
    """One of several words, or True or False.

    Args:
        choices: what may be chosen.
    """

    def __init__(self, *choices: str | bool) -> None:
        self.choices = choices
        self.chance = 1 / len(choices)

    def read(self, value: Any) -> str | bool:
        """Return the choice; upper and lower case are the same."""
        for choice in self.choices:
            if isinstance(choice, bool):
                if isinstance(value, bool | np.bool_) and value == choice:
                    return choice
            elif isinstance(value, str) and value.strip().casefold() == choice.casefold():
                return choice
        *others, last = map(repr, self.choices)
        wanted = f"{', '.join(others)} or {last}" if others else last
        raise ValueError(f"{short(value)} is not {wanted}")

    def measured(self, value: Any) -> str | bool:
        """Return the choice, or the text of what was measured if it is none of them."""
        try:
            return self.read(value)
        except ValueError:
            return str(value)


@dataclass(frozen=True)
class Number:
    """A number, right if it is near enough: `within` a difference, or within a `factor`.

    Args:
        within: the maximum difference, in the unit of the question.
        factor: the maximum factor, in both directions.
    """

    within: float = 0.0
    factor: float | None = None
    chance: ClassVar[float] = 0.0

    @property
    def stated(self) -> str:
        """When a guess is right, in words."""
        if self.factor is not None:
            return f"within a factor of {self.factor:g}"
        return f"within {self.within:g}" if self.within else ""

    def read(self, value: Any) -> int | float:
        """Return the number, which must not be negative."""
        if isinstance(value, str) and value.strip().replace(".", "", 1).isdigit():
            raise ValueError(f"{short(value)} is a text: write the number without quotation marks")
        if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
            raise ValueError(f"{short(value)} is not a number")
        number = int(value) if isinstance(value, Integral) else float(value)
        if not 0 <= number <= MOST:  # not true for NaN, either
            raise ValueError(f"{short(value)} is not a number from 0 to {MOST:,.0f}")
        return number

    def measured(self, value: Any) -> int | float | None:
        """Return the number; None for NaN, as of a measurement that is not valid."""
        number = int(value) if isinstance(value, Integral) else float(value)
        return number if math.isfinite(number) else None

    def right(self, guess: Any, measured: Any) -> bool:
        """Return whether a guess is near enough."""
        if self.factor is None:
            return bool(abs(guess - measured) <= self.within)
        low, high = sorted((guess, measured))
        return bool(high <= low * self.factor)


class Whole(Exact):
    """A whole number that has to be met exactly, such as a status code, or one of some words.

    Args:
        words: what may be said in place of a number.
    """

    def __init__(self, *words: str) -> None:
        self.words = words

    def read(self, value: Any) -> int | str:
        """Return the number or the word."""
        if self.words and isinstance(value, str):
            try:
                return str(OneOf(*self.words).read(value))
            except ValueError as error:
                raise ValueError(f"{error}, nor a number") from None
        number = Number().read(value)
        if number != int(number):
            raise ValueError(f"{short(value)} is not a whole number")
        return int(number)

    def measured(self, value: Any) -> int | float | str | None:
        """Return the number or the word."""
        return value if isinstance(value, str) else Number().measured(value)


class SetOf(Exact):
    """Any number of several names, also none of them, in any order.

    Args:
        choices: what may be chosen.
    """

    def __init__(self, *choices: str) -> None:
        self.choices = choices
        self.chance = 0.5 ** len(choices)

    def read(self, value: Any) -> list[str]:
        """Return the names in the order of the choices."""
        if isinstance(value, str) or not isinstance(value, Collection):
            raise ValueError(f"{short(value)} is not a list: write it like [{self.choices[0]!r}]")
        for each in value:
            if each not in self.choices:
                raise ValueError(
                    f"{short(each)} is not one of {', '.join(map(repr, self.choices))}"
                )
        return [choice for choice in self.choices if choice in value]

    def measured(self, value: Any) -> list[str]:
        """Return the names in the order of the choices."""
        return self.read(value)


class Shares(Exact):
    """Whole numbers in any order, such as the partitions of each member of a group."""

    def read(self, value: Any) -> list[int]:
        """Return the numbers, the smallest first."""
        wanted = "a list of whole numbers, such as [1, 2, 3]"
        if isinstance(value, str | dict) or not isinstance(value, Collection):
            raise ValueError(f"{short(value)} is not {wanted}")
        numbers = list(value)
        if len(numbers) > MOST_SHARES or any(
            isinstance(each, bool) or not isinstance(each, Integral) for each in numbers
        ):
            raise ValueError(f"{short(value)} is not {wanted}")
        return sorted(int(Number().read(each)) for each in numbers)

    def measured(self, value: Any) -> list[int]:
        """Return the numbers, the smallest first."""
        return self.read(value)
