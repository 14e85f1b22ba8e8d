"""The exercises of the course: what holds for every checker."""

import importlib

import pandas as pd
import pytest

from empkit.course.exercises import CHECKS, check
from tests.course.exercises.judged import ACCEPTED, REFUSED

NOTEBOOKS = (
    "start", "http", "websocket", "kafka", "latency", "load", "failures", "guarantees", "scale_out",
    "choose", "own",
)  # fmt: skip


def tables(name):
    """The right or the wrong answers to all exercises."""
    return {
        number: answers
        for notebook in NOTEBOOKS
        for number, answers in getattr(
            importlib.import_module(f"tests.course.exercises.test_{notebook}"), name
        ).items()
    }


@pytest.mark.parametrize(("name", "least"), [("RIGHT", ACCEPTED), ("WRONG", REFUSED)])
def test_each_exercise_has_enough_answers_here(name, least):
    counts = {number: len(answers) for number, answers in tables(name).items()}
    assert set(counts) == set(CHECKS)
    assert {number: count for number, count in counts.items() if count < least} == {}


class Strange:
    """Is equal to nothing, and cannot be in a set."""

    __hash__ = None

    def __eq__(self, other):
        raise RuntimeError("no comparison")


STRANGE = [
    None, 0, 2.5, "", b"x", [], {}, set(), [[]], {"a": []}, float("nan"), pd.NA, pd.DataFrame(),
    pd.Series([1]), Strange(), [Strange()], object, len, print, lambda: 1, lambda *_: None,
    lambda *_: Strange(), lambda *_: exit(), lambda *_: [1, 2], (n for n in ()), range(3),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("number", CHECKS)
def test_an_answer_of_a_strange_kind_gets_a_sentence_and_never_a_traceback(number, capsys):
    for answer in STRANGE:
        check(number, answer)
        out = capsys.readouterr().out
        assert out.startswith(f"{number}: not yet. ") and out.endswith((".\n", "?\n")), answer


def test_an_exercise_that_there_is_not_is_told_which_there_are():
    with pytest.raises(KeyError, match=r"There is no exercise '99.9'; there are .*06\.challenge"):
        check("99.9", 1)
