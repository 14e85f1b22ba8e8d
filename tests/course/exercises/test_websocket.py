"""The answers to the exercises of notebook 02."""

import json

import numpy as np
import pandas as pd

from empkit.course.exercises import websocket
from tests.course.exercises.judged import accepted, refused
from tests.course.exercises.runs import RESETS, missed, struck

BUDGET = "retries=8"


def message(token):
    return json.dumps({"type": "auth", "token": token})


def by_hand(token):
    return '{"token": %s, "type": "auth"}' % json.dumps(token)  # noqa: UP031 - as students do


def unanswered(sent, answers):
    known = {answer["employee_id"] for answer in answers}
    return [name for name in sent if name not in known]


def takes_from_its_argument(sent, answers):
    for answer in answers:
        sent.remove(answer["employee_id"])
    return sent


def by_pandas(sent, answers):
    known = pd.DataFrame(answers, columns=["employee_id"])["employee_id"]
    names = pd.Series(sent, dtype=object)
    return names[~names.isin(known)]


def in_turn(sent, answers):
    return sent[len(answers) :]


def successes(sent, answers):
    return unanswered(sent, [answer for answer in answers if answer["status"] == "success"])


RIGHT = {
    "02.1": [{1008}, [1008], (1008,), {np.int32(1008)}, pd.Index([1008])],
    "02.2": [
        message, by_hand, lambda token: json.dumps({"token": token, "type": "auth"}, indent=2),
        lambda token: json.dumps({"type": "auth", "token": token}, ensure_ascii=False),
    ],
    "02.3": [
        unanswered, takes_from_its_argument, by_pandas,
        lambda sent, answers: tuple(unanswered(sent, answers)),
        lambda sent, answers: np.array(unanswered(sent, answers)),
        lambda sent, answers: filter(unanswered(sent, answers).__contains__, sent),
        lambda sent, answers: dict.fromkeys(unanswered(sent, answers)).keys(),
    ],
    "02.challenge": [
        struck("websocket", *RESETS, choice=BUDGET),
        [struck("websocket", *RESETS, choice="retries=10 deadline_s=60", attempts={3: 4})],
        struck("websocket", *RESETS, ("reset:direction=down", "network", 150, 160), choice=BUDGET),
    ],
}  # fmt: skip

WRONG = {
    "02.1": [
        (1008, "Give a set"),
        ("1008", "Give a set"),
        ({"1008"}, "codes are numbers"),
        ({1001, 1006}, "may be back"),
        ({1008, 1006}, "may be back"),
        ({1012}, "may be back"),
        (set(), "for a wrong token"),
        ({1008, 401}, "for a wrong token"),
    ],
    "02.2": [
        (lambda token: f"token: {token}", "It is no JSON"),
        (lambda token: token, "Given an ordinary token"),
        (
            lambda token: f'{{"type": "auth", "token": "{token}"}}',
            "Given a token with a quotation mark",
        ),
        (lambda token: str({"type": "auth", "token": token}), "It is no JSON"),
        (lambda token: {"type": "auth", "token": token}, "A message is text; this is a dict"),
        (lambda token: message(token).encode(), "A message is text; this is a bytes"),
        (lambda token: json.dumps({"token": token}), "what kind of message it is"),
        (lambda token: json.dumps(message(token)), "made JSON twice"),
        (lambda token: message(f"Bearer {token}"), "belongs to the header"),
        (lambda token: json.dumps({"type": "token", "token": token}), "Given an ordinary token"),
        (
            lambda token: message(token.replace('"', "'")),
            "Given a token with a quotation mark, it says",
        ),
        (lambda token: print(message(token)), "is `return` missing"),
    ],
    "02.3": [
        (in_turn, "answers need not come in the order"),
        (lambda sent, answers: sent[: len(sent) - len(answers)], "answers need not come in the"),
        (lambda sent, answers: [], "Given E1 to E5 and the answers to E1 and E2, it says []"),
        (lambda sent, answers: sent, "would be sent twice"),
        (lambda sent, answers: unanswered(sent, answers)[::-1], "keep their order"),
        (lambda sent, answers: sorted(unanswered(sent, answers)), "need not be the order of their"),
        (lambda sent, answers: set(unanswered(sent, answers)), "a set, which has no order"),
        (
            lambda sent, answers: [answer["employee_id"] for answer in answers],
            "those that were answered",
        ),
        (successes, "An error is an answer, too"),
        (lambda sent, answers: [name for name in sent if name not in answers], "sent twice"),
        (lambda sent, answers: len(unanswered(sent, answers)), "A list is wanted; this is an int"),
        (lambda sent, answers: ",".join(unanswered(sent, answers)), "this is a str"),
        (lambda sent, answers: sent.remove(answers[0]), "ValueError"),
        (lambda sent: sent, "called with 2 arguments; this one takes (sent)"),
    ],
    "02.challenge": [
        (struck("websocket", *RESETS, verdict={3: "failed"}, choice=BUDGET), "239 of 240 are"),
        (struck("websocket", *RESETS), "may retry 30 times; at most 10 are allowed"),
        (struck("websocket", *RESETS, choice="retries=11"), "may retry 11 times"),
        (struck("websocket", RESETS[0], choice=BUDGET), "at 2 moments; in this run at 1"),
        (
            struck("websocket", RESETS[0], RESETS[0], choice=BUDGET),
            "at 2 moments; in this run at 1",
        ),
        (struck("websocket", choice=BUDGET), "at 2 moments; in this run at 0"),
        (missed(struck("websocket", *RESETS, choice=BUDGET)), "in this run at 0"),
        (struck("websocket", (*RESETS[0], 0), (*RESETS[1], 0), choice=BUDGET), "in this run at 0"),
        (struck("http", *RESETS, choice=BUDGET), "over the WebSocket alone"),
        (struck("websocket", *RESETS, count=20, choice=BUDGET), "these are 20"),
        (struck("websocket", *RESETS, verdict={3: "lost"}, choice=BUDGET), "A promise was broken"),
        (None, "Give runs"),
    ],
}


test_a_right_answer_is_accepted = accepted(RIGHT)
test_a_wrong_answer_hears_what_is_missing = refused(WRONG)


def test_the_answers_that_the_exercise_makes_up_are_of_records_that_were_sent():
    for case in websocket._sent():
        sent, answers = case.arguments
        assert {answer["employee_id"] for answer in answers} <= set(sent)
