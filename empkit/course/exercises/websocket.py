"""The exercises of notebook 02.

Each function takes an answer and returns None when it is right, or a sentence that says what is
missing.
"""

from __future__ import annotations

import json
from typing import Any

from empkit.course.exercises.answers import Check, Missing, as_set, of_function, reached
from empkit.proxy import ResetPeer
from empkit.results.runs import Runs

RESETS = 2


def needs_a_new_token(answer: Any) -> Missing:
    """02.1: the close codes after which a new token is needed."""
    given = as_set(answer)
    if given is None:
        return "Give a set of numbers, such as {1001, 1006}."
    if given & {1001, 1006, 1012}:
        return (
            "After at least one of these the other side, or the way to it, may be back in a moment."
        )
    return None if given == {1008} else "Which close code does this server use for a wrong token?"


@of_function
def says_its_token(answer: Any) -> Missing:
    """02.2: a function from a token to the first message."""
    said = answer('a "b" c')
    if not isinstance(said, str):
        return f"A message is text; yours is {type(said).__name__}."
    try:
        content = json.loads(said)
    except ValueError:
        return "It is no JSON, at least not for a token with a quotation mark."
    if content != {"type": "auth", "token": 'a "b" c'}:
        return "It is JSON, but not what the server expects: see the second knock above."
    return None


@of_function
def sends_again_what_is_open(answer: Any) -> Missing:
    """02.3: a function from the sent records and the answers to the records to send again."""
    sent = ["E1", "E2", "E3", "E4", "E5"]
    again = answer(list(sent), [{"employee_id": "E4"}, {"employee_id": "E1"}])
    if not isinstance(again, list):
        return f"A list is wanted; yours is {type(again).__name__}."
    if {"E1", "E4"} & set(again):
        return "One of them was answered: answers need not come in the order of the records."
    if sorted(again) != ["E2", "E3", "E5"]:
        return "Something that was not answered is missing."
    return None if again == ["E2", "E3", "E5"] else "They should keep their order."


def through_resets(runs: Runs) -> Missing:
    """The challenge of 02: everything stored over WebSocket, though connections break twice."""
    if runs.protocols != ["websocket"]:
        return "A run over the WebSocket alone is wanted."
    (info, *_) = runs.runs
    resets = sum(fault.label.startswith(ResetPeer.kind) for fault in info.faults)
    if resets < RESETS:
        return f"The network resets the connections at {RESETS} moments; in this run at {resets}."
    return reached(runs)


CHECKS: dict[str, Check] = {
    "02.1": needs_a_new_token,
    "02.2": says_its_token,
    "02.3": sends_again_what_is_open,
    "02.challenge": through_resets,
}
"""The checkers by the number of their exercise."""
