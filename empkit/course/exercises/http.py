"""The exercises of notebook 01.

Each checker takes an answer and returns None when it is right, or a sentence that says what is
missing.
"""

from __future__ import annotations

import statistics
from functools import cache
from typing import Any

import pandas as pd

from empkit.course.exercises.answers import (
    Check,
    Missing,
    WrongKindError,
    as_set,
    kind,
    of_kind,
    plain,
)
from empkit.course.exercises.functions import NOTHING, Case, Mistake, held_against
from empkit.course.exercises.measured import not_all_stored, of_runs, too_few
from empkit.course.exercises.tables import Recipe, of_timings, small, stamps_of
from empkit.results.runs import Runs

RECORDS = 600
MOST_TRANSACTIONS = 150


@of_kind
def worth_repeating(answer: Any) -> Missing:
    """01.1: the status codes after which the same request may succeed."""
    given = as_set(answer, "{401, 409}")
    if not all(isinstance(code, int) for code in given):
        return "Status codes are numbers, such as 401."
    if given & {409, 413, 422}:
        return "At least one of these says that something is wrong with the record itself."
    if 401 in given:
        return "With the same token the answer would be the same: the request has to change."
    if given & {200, 201}:
        return "A record that is stored need not be sent again."
    if 503 not in given:
        return "One code says that the server could not, for the moment."
    return None if given == {503} else "One of these is not a code of the table above."


STORED = {200: True, 201: True, 401: False, 409: False, 413: False, 422: False, 503: None}
AT_FAULT = (400, 403, 404, 429)
"""Codes that are not in the notebook's table: the request stored nothing, or one cannot know."""
UNSURE = (500, 502, 504)


@cache
def _codes() -> tuple[Case, ...]:
    return tuple(Case(str(code), (code,)) for code in (*STORED, *UNSURE, *AT_FAULT))


def _is_stored(code: int) -> tuple[bool | None, ...]:
    return (False, None) if code in AT_FAULT else (STORED.get(code),)


def _as_said(value: Any) -> bool | None:
    value = plain(value)
    if value is pd.NA:
        return None
    if value is not None and not isinstance(value, bool):
        raise WrongKindError(f"True, False or None is wanted; this is {kind(value)}")
    return value


knows_what_is_stored = held_against(
    _is_stored,
    _codes,
    [
        Mistake(
            lambda code: code < 300,
            "After a code from 500 on nobody knows: the server may have stored the record.",
        ),
        Mistake(
            lambda code: None if code == 503 else code < 300,
            "503 is not the only code that leaves it open: what does a 502 or 504 of a gateway say "
            "about the server behind it?",
        ),
        Mistake(
            lambda code: None if code >= 400 else True,
            "A code that begins with 4 does say something: that the request was not carried out.",
        ),
    ],
    _as_said,
    alike=lambda got, wanted: (
        any(got is right for right in wanted) if isinstance(wanted, tuple) else got is wanted
    ),
)
"""01.2: a function from a status code to True, False or None."""


def _share_on_the_way(timings: pd.DataFrame) -> Any:
    stamps = stamps_of(timings, "sent_ns", "received_ns", "stored_ns", "acked_ns")
    shares = [
        (received - sent + acked - stored) / (acked - sent)
        for sent, received, stored, acked in stamps
    ]
    return statistics.median(shares) if shares else NOTHING


@cache
def _runs() -> tuple[Case, ...]:
    shown = small(
        sent_ns=[0, 100, 1_000],
        received_ns=[10, 130, 1_100],
        stored_ns=[60, 150, 1_900],
        acked_ns=[100, 200, 2_000],
    )
    return of_timings(
        Recipe(unstored=0.2, unacked=0.2, shuffled=True, tied=0.3),
        Case("three records with the shares 0.5, 0.8 and 0.2", (shown,)),
    )


def _parts(timings: pd.DataFrame) -> tuple[Any, Any]:
    """Return the time in the server and the whole time of each record."""
    inside = timings["stored_ns"] - timings["received_ns"]
    return inside, timings["acked_ns"] - timings["sent_ns"]


def _of_medians(timings: pd.DataFrame) -> Any:
    inside, whole = _parts(timings)
    return 1 - inside.median() / whole.median()


def _of_sums(timings: pd.DataFrame) -> Any:
    inside, whole = _parts(timings)
    return 1 - inside.sum() / whole.sum()


def _inside(timings: pd.DataFrame) -> Any:
    inside, whole = _parts(timings)
    return (inside / whole).median()


def _from_intended(timings: pd.DataFrame) -> Any:
    inside, _ = _parts(timings)
    return (1 - inside / (timings["acked_ns"] - timings["intended_ns"])).median()


def _one_way(timings: pd.DataFrame, first: str, last: str) -> Any:
    _, whole = _parts(timings)
    return ((timings[last] - timings[first]) / whole).median()


share_on_the_way = held_against(
    _share_on_the_way,
    _runs,
    [
        Mistake(lambda timings: 100 * (1 - _inside(timings)), "A share is wanted, from 0 to 1."),
        Mistake(_of_medians, "Take each record's own share first, then the median of the shares."),
        Mistake(_of_sums, "Take each record's own share first, then the median of the shares."),
        Mistake(
            lambda timings: (1 - _parts(timings)[0] / _parts(timings)[1]).mean(),
            "The median of the shares is wanted; this is their mean.",
        ),
        Mistake(_inside, "This is the share of the time in the server; the other one is wanted."),
        Mistake(_from_intended, "The whole is to count from when a record was sent."),
        Mistake(
            lambda timings: _one_way(timings, "stored_ns", "acked_ns"),
            "This is the way back only; there is a way to the server, too.",
        ),
        Mistake(
            lambda timings: _one_way(timings, "sent_ns", "received_ns"),
            "This is the way to the server only; there is a way back, too.",
        ),
    ],
)
"""01.3: a function from timings to the median share that is not spent in the server."""


@of_runs
def few_transactions(runs: Runs) -> Missing:
    """The challenge of 01: all stored, in few transactions."""
    if runs.protocols != ["http"]:
        return "The run is to go over HTTP alone."
    if missing := too_few(runs, RECORDS) or not_all_stored(runs):
        return missing
    # records that are stored in one transaction have one stamp
    transactions = int(runs.timings.groupby("round")["stored_ns"].nunique().max())
    if transactions > MOST_TRANSACTIONS:
        return f"All are stored, but in {transactions} transactions, more than {MOST_TRANSACTIONS}."
    return None


CHECKS: dict[str, Check] = {
    "01.1": worth_repeating,
    "01.2": knows_what_is_stored,
    "01.3": share_on_the_way,
    "01.challenge": few_transactions,
}
"""The checkers by the number of their exercise."""
