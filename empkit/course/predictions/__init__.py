"""Predictions: `predict("06.a", guess)` locks a guess, and `compared("06.a", measured)` shows what
was measured beside it.

    guess --predict--> locked in the ledger --compared(measured)--> right or wrong, value by value

The first guess counts, and the first comparison. `questions.py` has the question behind each
number, `kinds.py` the kinds of answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from empkit.course import ledger
from empkit.course.predictions.kinds import Kind, short
from empkit.course.predictions.questions import QUESTIONS

NO_GUESS = "no guess"


class GuessError(ValueError):
    """A guess is missing, of another kind, or other than the locked one: the notebook stops."""

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows: the sentence, without the traceback."""
        return [str(self)]


def predict(number: str, guess: Any, *, sure: float | None = None) -> None:
    """Lock a guess; what was measured is shown only afterwards, by `compared`.

    The first guess counts. It is kept in `empkit-progress.json` in the working folder.

    Args:
        number: of the prediction, as in the notebook.
        guess: the value, or a dictionary of values by their names, of the form that the notebook
            gives; ... is no guess yet.
        sure: how sure you are of each value, as a probability: from that of a guess by chance
            (0.5 for two choices) to 1.

    Raises:
        KeyError: there is no such prediction.
        GuessError: there is no guess yet, it is of another kind, or it is not the locked one.
        ProgressError: the file cannot be read.

    Example:
        >>> predict("06.d", {"failed": "some", "lost": "none"}, sure=0.9)
        06.d: locked.
    """
    kinds = _kinds(number)
    values = _read(number, kinds, guess)
    certainty = _certainty(number, kinds, sure)
    with ledger.changing() as kept:
        locked = _locked(kept, number, kinds)
        if values is None:
            _without_guess(number, guess, locked)
        elif locked is None:
            kept.guesses[number] = ledger.Guess(guess=values, locked=ledger.now(), sure=certainty)
            print(f"{number}: locked.")
        elif locked.guess != values:
            raise GuessError(
                f"{number}: the first guess counts, and it is locked: {_shown(locked.guess)}. "
                f"{_begin_again(number)}"
            )
        elif certainty is not None and certainty != locked.sure:
            first = "nothing" if locked.sure is None else f"{locked.sure:.0%}"
            print(f"{number}: locked already; of how sure you were, too, the first counts: {first}")
        else:
            print(f"{number}: locked already, on {locked.locked:%Y-%m-%d}.")


def _locked(kept: ledger.Ledger, number: str, kinds: Mapping[str, Kind]) -> ledger.Guess | None:
    """Return the locked guess; one that is no answer to the question is of another course."""
    locked = kept.guesses.get(number)
    if locked is None:
        return None
    try:
        values = {name: kind.read(locked.guess[name]) for name, kind in kinds.items()}
    except (KeyError, ValueError):
        values = {}
    if values != locked.guess:
        raise GuessError(
            f"{number}: what {ledger.NAME} holds is no answer to this question: "
            f"{_shown(locked.guess)}. {_begin_again(number)}"
        )
    return locked


def _without_guess(number: str, guess: Any, locked: ledger.Guess | None) -> None:
    """Go on if a guess is locked or nobody is there to guess, else raise."""
    if locked is not None:
        print(f"{number}: your guess is locked: {_shown(locked.guess)}.")
    elif ledger.unattended():
        print(f"{number}: {NO_GUESS}.")
    else:
        empty = [name for name, value in _items(guess).items() if name and _is_empty(value)]
        filled = isinstance(guess, Mapping) and len(empty) < len(guess)
        missing = f" for {', '.join(map(repr, empty))}" if filled else ""
        raise GuessError(
            f"{number}: there is no guess yet{missing}. Write yours in place of ... and run this "
            "cell again: a wrong one teaches more than none."
        )


def _begin_again(number: str) -> str:
    return f"To begin again, run this in a cell: !empkit progress --reset {number}"


def compared(number: str, measured: Any) -> pd.DataFrame:
    """Show what was measured beside the guess that was locked, and whether the guess was right.

    Args:
        number: of the prediction.
        measured: the measured value, or values by their names.

    Returns:
        One row per value. The first comparison counts for `show_progress`.

    Raises:
        KeyError: there is no such prediction.
        GuessError: no guess is locked.
        ValueError: `measured` has not the values that were predicted.
        ProgressError: the file cannot be read.

    Example:
        >>> predict("02.a", 200)
        02.a: locked.
        >>> compared("02.a", 101)
              predicted  measured right
        02.a        200       101    no
    """
    kinds, found = _kinds(number), _items(measured)
    if set(found) != set(kinds):
        wanted = ", ".join(map(repr, kinds)) if "" not in kinds else "a single value"
        raise ValueError(
            f"{number}: what was measured has to be {wanted}; it is {short(measured)}."
        )
    values = {name: kind.measured(found[name]) for name, kind in kinds.items()}
    with ledger.changing() as kept:
        locked = _locked(kept, number, kinds)
        if locked is None and not ledger.unattended():
            raise GuessError(
                f"{number}: no guess is locked. Run the cell with predict({number!r}, guess) "
                "first; then what was measured is shown beside it."
            )
        right = _judged(kinds, locked.guess, values) if locked else {}
        if locked is not None and locked.right is None:
            locked.right = right
    table = {
        "predicted": [locked.guess[name] if locked else NO_GUESS for name in kinds],
        "measured": [_rounded(value) for value in values.values()],
    }
    if locked is not None:
        words = {True: "yes", False: "no", None: "-"}
        table["right"] = [words[right[name]] for name in kinds]
    return pd.DataFrame(table, index=[name or number for name in kinds])


def _judged(
    kinds: Mapping[str, Kind], guess: Mapping[str, Any], measured: Mapping[str, Any]
) -> dict[str, bool | None]:
    return {
        name: None if measured[name] is None else kind.right(guess[name], measured[name])
        for name, kind in kinds.items()
    }


def _kinds(number: str) -> dict[str, Kind]:
    """Return the kind of each value that is to be predicted."""
    if number not in QUESTIONS:
        raise KeyError(f"There is no prediction {number!r}; there are {', '.join(QUESTIONS)}.")
    return QUESTIONS[number]


def _items(values: Any) -> dict[Any, Any]:
    """Return values by their names; a single one is under ""."""
    if isinstance(values, pd.Series):
        return values.to_dict()
    return dict(values) if isinstance(values, Mapping) else {"": values}


def _is_empty(value: Any) -> bool:
    return value is ... or value is None


def _read(number: str, kinds: Mapping[str, Kind], guess: Any) -> dict[str, Any] | None:
    """Return the values of a guess, or None if it is not complete."""
    if _is_empty(guess):
        return None
    items = _items(guess)
    if set(items) != set(kinds):
        if "" in kinds:
            raise GuessError(
                f"{number}: one value is wanted, without names; yours is {short(guess)}."
            )
        names = ", ".join(f"{name!r}: ..." for name in kinds)
        raise GuessError(f"{number}: a guess is of the form {{{names}}}; yours is {short(guess)}.")
    values = {}
    for name, kind in kinds.items():
        if _is_empty(items[name]):
            continue
        try:
            values[name] = kind.read(items[name])
        except ValueError as error:
            of = f", for {name!r}" if name else ""
            raise GuessError(f"{number}: {error}{of}.") from None
    return values if len(values) == len(kinds) else None


def _certainty(number: str, kinds: Mapping[str, Kind], sure: Any) -> float | None:
    """Return how sure a reader is, if it is a probability that is possible."""
    if sure is None or sure is ...:
        return None
    chance = min(kind.chance for kind in kinds.values())
    number_like = isinstance(sure, int | float) and not isinstance(sure, bool)
    if not number_like or not chance - 0.01 <= sure <= 1:  # 0.33 is said of one in three
        more = f" {sure:g} % is sure={sure / 100:g}." if number_like and 1 < sure <= 100 else ""
        least = f"{chance:.2g} (chance)" if chance else "0"
        raise GuessError(
            f"{number}: sure={short(sure)} is not a probability from {least} to 1.{more}"
        )
    return float(sure)


def _shown(guess: Mapping[str, Any]) -> str:
    """Return a guess as a reader would write it."""
    return repr(guess[""]) if "" in guess else repr(dict(guess))


def _rounded(value: Any) -> Any:
    """Return a number with four digits, a whole one without decimals."""
    if isinstance(value, float):
        value = float(f"{value:.4g}")
        return int(value) if value.is_integer() else value
    return "-" if value is None else value
