"""Tables of answers: three right ones and six wrong ones or more for each exercise."""

import contextlib
import io

import pytest

from empkit.course.exercises import check

ACCEPTED, REFUSED = 3, 6
"""How many right and how many wrong answers each exercise has, at least."""


def each(table, *names):
    """Give a test each answer of a table, with the number of its exercise.

    Args:
        table: the answers by the number of their exercise.
        names: the parameters that an answer has; by default it is one itself.
    """
    given = {
        f"{number}-{place}": (number, *(answer if names else (answer,)))
        for number, answers in table.items()
        for place, answer in enumerate(answers)
    }
    return pytest.mark.parametrize(("number", *(names or ("answer",))), given.values(), ids=given)


def said_of(number, answer):
    """Return what the checker says of an answer."""
    with contextlib.redirect_stdout(io.StringIO()) as said:
        check(number, answer)
    return said.getvalue()


def missing_in(number, answer):
    """Return what the checker says is missing in an answer, which it must not accept."""
    said = said_of(number, answer)
    assert said.startswith(f"{number}: not yet. "), said
    return said


def accepted(table):
    """Return the test that each right answer of a table is accepted."""

    @each(table)
    def test(number, answer):
        assert said_of(number, answer) == f"{number}: right.\n"

    return test


def refused(table):
    """Return the test that each wrong answer of a table hears what is missing."""

    @each(table, "answer", "words")
    def test(number, answer, words):
        assert words in missing_in(number, answer)

    return test
