"""The exercises of notebook 01.

Each function takes an answer and returns None when it is right, or a sentence that says what is
missing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from empkit.course.exercises.answers import Check, Missing, as_set, of_function
from empkit.results.runs import Runs

RECORDS = 600
MOST_TRANSACTIONS = 150


def worth_repeating(answer: Any) -> Missing:
    """01.1: the status codes after which the same request may succeed."""
    given = as_set(answer)
    if given is None:
        return "Give a set of numbers, such as {401, 409}."
    if given & {409, 413, 422}:
        return "At least one of these says that something is wrong with the record itself."
    if 401 in given:
        return "With the same token the answer would be the same: the request has to change."
    if given & {200, 201}:
        return "A record that is stored need not be sent again."
    if 503 not in given:
        return "One code says that the server could not, for the moment."
    return None if given == {503} else "One of these is not a code of the table above."


@of_function
def knows_what_is_stored(answer: Any) -> Missing:
    """01.2: a function from a status code to True, False or None."""
    expected = {200: True, 201: True, 401: False, 409: False, 413: False, 422: False, 503: None}
    for code, right in expected.items():
        result = answer(code)
        if result is not right:
            return f"Of {code} it says {result}: look at the table above."
    return None


@of_function
def share_on_the_way(answer: Any) -> Missing:
    """01.3: a function from timings to the median share that is not spent in the server."""
    stamps = {
        "sent_ns": [0, 100, 1_000],
        "received_ns": [10, 130, 1_100],
        "stored_ns": [60, 150, 1_900],
        "acked_ns": [100, 200, 2_000],
    }
    timings = pd.DataFrame({name: pd.array(values) for name, values in stamps.items()})
    share = float(answer(timings))
    if np.isclose(share, 50):
        return "A share is wanted, from 0 to 1."
    if np.isclose(share, 0.5):
        return None
    if np.isclose(share, 1 - 870 / 1_200):
        return "Take each record's own share first, then the median of the shares."
    return f"Of three records with the shares 0.5, 0.8 and 0.2 it says {share:g}."


def few_transactions(runs: Runs) -> Missing:
    """The challenge of 01: all stored, in few transactions."""
    if runs.protocols != ["http"]:
        return "The run is to go over HTTP."
    if (runs.timings["verdict"] != "stored").any():
        return "Not every record is acked and stored."
    if len(runs.timings) < RECORDS:
        return f"{RECORDS} records are wanted."
    # records that are stored in one transaction have one stamp
    if runs.timings["stored_ns"].nunique() > MOST_TRANSACTIONS:
        return f"All are stored, but in more than {MOST_TRANSACTIONS} transactions."
    return None


CHECKS: dict[str, Check] = {
    "01.1": worth_repeating,
    "01.2": knows_what_is_stored,
    "01.3": share_on_the_way,
    "01.challenge": few_transactions,
}
