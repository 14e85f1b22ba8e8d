"""Predictions: locked before anything is shown, of the right kind, judged as the notebook says."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell

from empkit.course import compared, predict
from empkit.course.ledger import NAME, load
from empkit.course.predictions import GuessError
from empkit.course.predictions.kinds import Number, OneOf, SetOf, Shares, Whole
from empkit.course.predictions.questions import QUESTIONS

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
THREE = {"http": "again", "websocket": "again", "kafka": "again"}


def cells(path):
    """The cells of a notebook: their type and their text."""
    return [
        (each["cell_type"], "".join(each["source"]))
        for each in json.loads(path.read_text())["cells"]
    ]


def test_what_was_measured_is_shown_only_beside_a_locked_guess(reader, capsys):
    measured = {"http": "again", "websocket": "again", "kafka": "once"}
    with pytest.raises(GuessError, match=r"06\.a: no guess is locked"):
        compared("06.a", measured)
    predict("06.a", THREE, sure=0.8)
    assert capsys.readouterr().out == "06.a: locked.\n"
    table = compared("06.a", pd.Series(measured))
    assert table["predicted"].tolist() == ["again"] * 3
    assert table["right"].to_dict() == {"http": "yes", "websocket": "yes", "kafka": "no"}
    kept = load(reader / NAME).guesses["06.a"]
    assert (kept.sure, kept.right) == (0.8, {"http": True, "websocket": True, "kafka": False})


def test_the_first_guess_counts_and_the_first_comparison(reader, capsys):
    predict("02.c", 10.0)
    compared("02.c", 7.0)
    predict("02.c", 10)  # the same, as after a restart of the kernel
    predict("02.c", ...)  # a fresh copy of the notebook
    assert "02.c: your guess is locked: 10.0." in capsys.readouterr().out
    with pytest.raises(GuessError, match=r"locked: 10\.0\. .*!empkit progress --reset 02\.c"):
        predict("02.c", 7.0)
    assert compared("02.c", 1.0)["right"].tolist() == ["no"]
    assert load(reader / NAME).guesses["02.c"].right == {"": True}


def test_an_empty_guess_stops_the_notebook_with_a_sentence_and_no_traceback(reader, capsys):
    shell = InteractiveShell()
    shell.run_cell("from empkit.course import predict\npredict('06.a', ...)")
    said = capsys.readouterr().out
    assert said.startswith("06.a: there is no guess yet.") and "Traceback" not in said
    with pytest.raises(GuessError, match="no guess yet for 'kafka'"):
        predict("06.a", {**THREE, "kafka": ...})


def test_without_a_reader_a_notebook_goes_on_and_shows_what_was_measured(
    reader, monkeypatch, capsys
):
    monkeypatch.setenv("EMPKIT_GUESS", "none")
    predict("06.a", dict.fromkeys(THREE, ...))
    assert capsys.readouterr().out == "06.a: no guess.\n"
    table = compared("06.a", THREE)
    assert table.columns.tolist() == ["predicted", "measured"]
    assert table["predicted"].tolist() == ["no guess"] * 3
    assert list(reader.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "guess", "words"),
    [
        ("06.a", "again", "is of the form {'http': ..., 'websocket': ..., 'kafka': ...}"),
        ("06.a", {"http": "again", "kafka": "again"}, "is of the form"),
        ("06.a", {**THREE, "kafka": "agian"}, "'agian' is not 'once' or 'again', for 'kafka'"),
        ("06.a", {**THREE, "kafka": True}, "True is not 'once' or 'again'"),
        ("02.a", {"status": 101}, "one value is wanted"),
        ("02.a", "101", "write the number without quotation marks"),
        ("02.a", 101.5, "not a whole number"),
        ("02.a", True, "True is not a number"),
        ("01.b", float("nan"), "not a number from 0"),
        ("01.b", -1, "not a number from 0"),
        ("01.b", 10**400, "0... is not a number from 0"),
        ("05.e", {"http": 1, "websocket": True, "kafka": False}, "1 is not True or False"),
        ("08.a", {"three members": 3, "one is killed": [4, 4]}, "3 is not a list of whole"),
        ("09.d", "http", "'http' is not a list: write it like ['http']"),
        ("09.d", ["htp"], "'htp' is not one of 'http', 'websocket', 'kafka'"),
    ],
)
def test_a_guess_of_another_kind_is_told_what_is_wanted(reader, number, guess, words):
    with pytest.raises(GuessError, match=re.escape(words)):
        predict(number, guess)
    assert list(reader.iterdir()) == []


@pytest.mark.parametrize(
    ("sure", "words"),
    [
        (80, "80 % is sure=0.8"),
        (0.2, "from 0.5 (chance) to 1"),
        ("very", "is not a probability"),
        (True, "is not a probability"),
    ],
)
def test_how_sure_a_reader_is_has_to_be_possible(reader, sure, words):
    with pytest.raises(GuessError, match=re.escape(words)):
        predict("06.a", THREE, sure=sure)


@pytest.mark.parametrize(
    ("kind", "guess", "measured", "right"),
    [
        (OneOf("none", "some"), "None", "none", True),
        (OneOf("none", "some"), "some", "several", False),
        (OneOf(True, False), np.False_, False, True),
        (Number(factor=2), 50, 100.0, True),
        (Number(factor=2), 49.9, 100.0, False),
        (Number(factor=2), 0, 100.0, False),
        (Number(factor=2), 0, 0.0, True),
        (Number(within=10), 90, np.float64(100), True),
        (Number(within=10), 89, 100, False),
        (Whole("no answer"), "no answer", "no answer", True),
        (Whole("no answer"), 503, np.int64(503), True),
        (Whole("no answer"), 503, "no answer", False),
        (SetOf("http", "kafka"), {"kafka", "http"}, ["http", "kafka"], True),
        (SetOf("http", "kafka"), [], ["http"], False),
        (Shares(), (3, 2, 3), [2, 3, 3], True),
    ],
)
def test_a_guess_is_right_as_its_kind_says(kind, guess, measured, right):
    kept = json.loads(json.dumps(kind.read(guess)))
    assert kind.right(kept, kind.measured(measured)) is right


def test_a_measurement_without_a_value_makes_no_guess_wrong(reader):
    predict("08.c", 2.0)
    table = compared("08.c", float("nan"))
    assert table.loc["08.c"].tolist() == [2.0, "-", "-"]
    assert load(reader / NAME).guesses["08.c"].right == {"": None}


def test_a_lock_of_another_course_is_refused_with_the_way_out(reader):
    predict("02.a", 200)
    text = (reader / NAME).read_text()
    (reader / NAME).write_text(text.replace("200", '"much"'))
    for step in (lambda: predict("02.a", 200), lambda: compared("02.a", 101)):
        with pytest.raises(
            GuessError, match=r"no answer to this question: 'much'\. .*--reset 02\.a"
        ):
            step()


def test_each_question_is_asked_once_and_compared_afterwards_in_its_notebook():
    for path in NOTEBOOKS:
        code = "\n".join(text for kind, text in cells(path) if kind == "code")
        asked = re.findall(r'^predict\("([\w.]+)", \w+\)$', code, re.M)
        shown = re.findall(r'\bcompared\("([\w.]+)"', code)
        assert asked == [each for each in QUESTIONS if each.startswith(path.name[:2])]
        assert sorted(asked) == sorted(shown) and len(set(shown)) == len(shown)
        for number in asked:
            assert code.index(f'predict("{number}"') < code.index(f'compared("{number}"')


def test_each_guess_is_empty_and_of_the_form_that_is_wanted():
    for path in NOTEBOOKS:
        for kind, text in cells(path):
            names = {"ada": {}}
            if kind == "code" and "predict(" in text and "import" not in text:
                given = {}
                exec(text, {**names, "predict": given.__setitem__})
                for number, guess in given.items():
                    kinds = QUESTIONS[number]
                    assert guess is ... if "" in kinds else guess == dict.fromkeys(kinds, ...)


def test_the_notebook_says_how_near_a_number_has_to_be():
    for path in NOTEBOOKS:
        prose = ""
        for kind, text in cells(path):
            if kind == "markdown":
                prose = " ".join(text.split())
            for number in re.findall(r'^predict\("([\w.]+)"', text, re.M):
                for each in QUESTIONS[number].values():
                    assert each.stated in prose, f"{number}: {each.stated}"
