"""The exercises of notebook 02.

Each checker takes an answer and returns None when it is right, or a sentence that says what is
missing.
"""

from __future__ import annotations

import itertools
import json
from functools import cache
from typing import Any

import numpy as np

from empkit.course.exercises.answers import (
    Check,
    Missing,
    WrongKindError,
    as_set,
    kind,
    of_kind,
    ordered,
)
from empkit.course.exercises.functions import Case, Mistake, equal, held_against
from empkit.course.exercises.measured import (
    not_all_stored,
    of_runs,
    strikes,
    too_few,
    too_many_retries,
)
from empkit.course.exercises.tables import RANDOM_TABLES
from empkit.proxy import ResetPeer
from empkit.results.runs import Runs

RECORDS = 240
RESETS = 2
MOST_RETRIES = 10


@of_kind
def needs_a_new_token(answer: Any) -> Missing:
    """02.1: the close codes after which a new token is needed."""
    given = as_set(answer, "{1001, 1006}")
    if not all(isinstance(code, int) for code in given):
        return "Close codes are numbers, such as 1001."
    if given & {1001, 1006, 1012}:
        return (
            "After at least one of these the other side, or the way to it, may be back in a moment."
        )
    return None if given == {1008} else "Which close code does this server use for a wrong token?"


@cache
def _tokens() -> tuple[Case, ...]:
    random = np.random.default_rng(19)
    letters = list("abcXYZ019-_.\\/\"'{}:, \n\té")
    shown = [
        Case("an ordinary token", ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2ln",)),
        Case("a token with a quotation mark", ('a "b" c',)),
        Case("a token with a backslash", ("a\\b",)),
    ]
    others = ["".join(random.choice(letters, 20)) for _ in range(RANDOM_TABLES)]
    return (*shown, *(Case("a token that is not shown here", (token,)) for token in others))


def _content(said: Any) -> Any:
    if not isinstance(said, str):
        raise WrongKindError(f"A message is text; this is {kind(said)}")
    try:
        return json.loads(said)
    except ValueError:
        raise WrongKindError("It is no JSON.") from None


says_its_token = held_against(
    lambda token: {"type": "auth", "token": token},
    _tokens,
    [
        Mistake(
            lambda token: json.dumps({"token": token}),
            "It is JSON, but the server cannot tell what kind of message it is: see the second "
            "knock above.",
        ),
        Mistake(
            lambda token: json.dumps(json.dumps({"type": "auth", "token": token})),
            "It was made JSON twice: what arrives is a text, not an object.",
        ),
        Mistake(
            lambda token: json.dumps({"type": "auth", "token": f"Bearer {token}"}),
            "`Bearer` belongs to the header; the message holds the token alone.",
        ),
    ],
    _content,
    alike=equal,
)
"""02.2: a function from a token to the first message."""


def _answer(name: str, *, stored: bool = True) -> dict[str, str]:
    if stored:
        message = f"Employee created: {name}"
        return {"status": "success", "message": message, "employee_id": name}
    message = f"Employee ID {name} already exists"
    return {"status": "error", "message": message, "employee_id": name}


@cache
def _sent() -> tuple[Case, ...]:
    random = np.random.default_rng(19)
    five = [f"E{n}" for n in range(1, 6)]
    first = [_answer(name) for name in five[:2]]
    crossed = [_answer("E4"), _answer("E1")]
    cases = [
        Case("E1 to E5 and the answers to E1 and E2", (five, first)),
        Case("E1 to E5 and the answers to E4 and E1, in this order", (five, crossed)),
        Case(
            "E1 to E5 and, as the answer to E3, that it already exists",
            (five, [_answer("E3", stored=False)]),
        ),
        Case("five records and no answer", (five, [])),
        Case("five records and five answers", (five, [_answer(name) for name in five])),
        Case("no record and no answer", ([], [])),
    ]
    for _ in range(RANDOM_TABLES):
        count = int(random.integers(1, 40))
        names = [f"E{n}" for n in random.permutation(100)[:count]]
        answered = random.permutation(names)[: int(random.integers(0, count + 1))]
        answers = [_answer(str(name), stored=random.random() < 0.9) for name in answered]
        words = f"{count} records and {len(answers)} answers that are not shown here"
        cases.append(Case(words, (names, answers)))
    return tuple(cases)


def _unanswered(sent: list[str], answers: list[dict[str, str]]) -> list[str]:
    left = list(sent)
    for answer in answers:
        left.remove(answer["employee_id"])
    return left


NOT_IN_TURN = "One of them was answered: answers need not come in the order of the records."

sends_again_what_is_open = held_against(
    _unanswered,
    _sent,
    [
        Mistake(lambda sent, answers: sent[len(answers) :], NOT_IN_TURN),
        Mistake(lambda sent, answers: sent[: len(sent) - len(answers)], NOT_IN_TURN),
        Mistake(
            lambda sent, answers: sorted(_unanswered(sent, answers)),
            "The right ids, but they should keep the order in which they were sent; that need not "
            "be the order of their names.",
        ),
        Mistake(
            lambda sent, answers: _unanswered(sent, answers)[::-1],
            "The right ids, but they should keep their order.",
        ),
        Mistake(
            lambda sent, answers: [answer["employee_id"] for answer in answers],
            "These are those that were answered.",
        ),
        Mistake(
            lambda sent, answers: _unanswered(
                sent, [answer for answer in answers if answer["status"] == "success"]
            ),
            "An error is an answer, too: the same record sent again would get it again.",
        ),
        Mistake(
            lambda sent, answers: sent,
            "Some of them were answered, and would be sent twice.",
        ),
    ],
    ordered,
    alike=equal,
)
"""02.3: a function from the sent records and the answers to the records to send again."""


@of_runs
def through_resets(runs: Runs) -> Missing:
    """The challenge of 02: everything stored over WebSocket, though connections break twice, with a
    bounded number of retries."""
    if runs.protocols != ["websocket"]:
        return "A run over the WebSocket alone is wanted."
    if missing := too_few(runs, RECORDS):
        return missing
    for info in runs.runs:
        resets = strikes(info, ResetPeer.kind)
        apart = [later for first, later in itertools.pairwise(resets)
                 if first.end_ns is not None and first.end_ns <= later.start_ns]  # fmt: skip
        moments = len(apart) + bool(resets)
        if moments < RESETS:
            return (
                f"The network resets the connections at {RESETS} moments; in this run at {moments}."
            )
    return not_all_stored(runs) or too_many_retries(runs, MOST_RETRIES)


CHECKS: dict[str, Check] = {
    "02.1": needs_a_new_token,
    "02.2": says_its_token,
    "02.3": sends_again_what_is_open,
    "02.challenge": through_resets,
}
"""The checkers by the number of their exercise."""
