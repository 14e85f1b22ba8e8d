"""`empkit progress`: one reader's, a class's, and to begin again."""

import csv
import io
import json

import pytest
from typer.testing import CliRunner

from empkit.cli import app
from empkit.course.ledger import NAME, Exercise, Guess, Ledger, load, now, write


def progress(*arguments):
    return CliRunner().invoke(app, ["progress", *map(str, arguments)])


@pytest.fixture
def copy(tmp_path):
    """A working copy with a guess and an exercise in its file."""
    right = {"failed": True, "lost": False}
    guess = Guess(guess={"failed": "some", "lost": "some"}, locked=now(), sure=0.8, right=right)
    exercise = Exercise(tries=2, right=now())
    folder = tmp_path / "empkit-notebooks"
    folder.mkdir()
    write(Ledger(empkit_progress=1, guesses={"06.d": guess}, exercises={"06.1": exercise}),
          folder / NAME)  # fmt: skip
    return folder


def test_the_working_copy_is_found_here_or_where_empkit_lab_makes_it(copy, monkeypatch):
    for here in (copy, copy.parent):
        monkeypatch.chdir(here)
        said = " ".join(progress().output.split())
        assert "Where you were 80 % sure, you were right in 1 of 2." in said
        assert "1 of 41 exercises are done; of 2 guessed values 1 were right and 1 wrong." in said


def test_json_has_the_same_numbers(copy):
    content = json.loads(progress(copy, "--json").output)
    assert (content["done"], content["right"], content["wrong"]) == (1, 1, 1)
    assert content["calibration"] == [{"sure": 0.8, "values": 2, "right": 1}]
    assert content["notebooks"]["06"]["tries"] == 2


def test_what_is_reset_is_begun_again_and_the_rest_stays(copy):
    done = progress(copy, "--reset", "06.z")
    assert done.exit_code == 2 and "it has 06.1, 06.d." in " ".join(done.output.split())
    assert progress(copy, "--reset", "06.d").exit_code == 0
    assert list(load(copy / NAME).guesses) == [] and list(load(copy / NAME).exercises) == ["06.1"]
    assert progress(copy, "--reset", "all").exit_code == 0
    assert list(load(copy / NAME).exercises) == []


def test_a_class_is_a_table_or_csv_that_no_spreadsheet_takes_for_formulas(copy):
    for name in ("=1+1", "[red]Eve"):
        (copy.parent / name).mkdir()
    (copy.parent / "[red]Eve" / NAME).write_text("{")
    done = progress("--class", copy.parent)
    assert done.exit_code == 0 and "[red]Eve" in done.output and "is damaged" in done.output
    text = progress("--class", copy.parent, "--csv").stdout
    rows = {row["student"]: row for row in csv.DictReader(io.StringIO(text))}
    assert set(rows) == {"'=1+1", "[red]Eve", "empkit-notebooks"}
    assert rows["empkit-notebooks"]["done"] == "1" and rows["'=1+1"]["done"] == ""
    listed = json.loads(progress("--class", copy.parent, "--json").stdout)
    assert {row["student"] for row in listed} == {"=1+1", "[red]Eve", "empkit-notebooks"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], f"There is no {NAME} in nowhere"),
        (["--class", "nowhere"], "nowhere cannot be read: No such file"),
        (["--class", "empty"], "has neither a folder nor a file"),
        (["--csv"], "--csv prints a class"),
        (["x", "--class", "empty"], "leave out FOLDER"),
        (["damaged"], "is damaged"),
        (["damaged", "--reset", "all"], "is damaged"),
    ],
)
def test_wrong_use_is_told_in_a_sentence(tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    for name in ("empty", "damaged"):
        (tmp_path / name).mkdir()
    (tmp_path / "damaged" / NAME).write_text("{")
    done = progress(*arguments)
    assert done.exit_code == 2 and words in " ".join(done.output.split())
