"""What a reader's progress comes to, and that of a class."""

import pytest

from empkit.course import check, compared, predict, show_progress
from empkit.course.ledger import NAME, Guess, Ledger, now
from empkit.course.progress import of_class, standing


def guessed(*, sure, right, wrong):
    """A ledger with this many values, each of so much certainty."""
    values = [True] * right + [False] * wrong
    guess = Guess(
        guess={}, locked=now(), sure=sure, right={f"{n}": v for n, v in enumerate(values)}
    )
    return Ledger(empkit_progress=1, guesses={"06.a": guess})


def test_the_panel_counts_what_was_guessed_and_done(reader):
    predict("06.d", {"failed": "some", "lost": "some"}, sure=0.9)
    compared("06.d", {"failed": "some", "lost": "none"})
    check("00.1", {"http"})
    check("00.1", {"http", "websocket"})
    panel = show_progress()
    assert panel.by_notebook["00"]["done"] == 1 and panel.by_notebook["00"]["tries"] == 2
    assert panel.by_notebook["06"]["right"] == panel.by_notebook["06"]["wrong"] == 1
    assert panel.brier == pytest.approx((0.1**2 + 0.9**2) / 2)
    assert "Where you were 90 % sure, you were right in 1 of 2." in str(panel)
    assert "too few to say more" in panel._repr_html_()


@pytest.mark.parametrize(
    ("sure", "right", "wrong", "words"),
    [
        (0.9, 5, 5, "on average 90% sure and right in 50%: too sure"),
        (0.6, 20, 0, "on average 60% sure and right in 100%: less sure than you could be"),
        (0.8, 7, 3, "no more apart than chance would have it"),
        (0.8, 6, 3, "9 values with a certainty are too few"),
    ],
)
def test_calibration_is_judged_only_beyond_chance(sure, right, wrong, words):
    said = standing(guessed(sure=sure, right=right, wrong=wrong)).sentences()
    assert words in said[-1]
    assert f"you were right in {right} of {right + wrong}" in said[-2]


def test_of_a_class_each_student_has_a_row_also_one_whose_file_is_damaged(tmp_path):
    text = guessed(sure=0.8, right=2, wrong=1).model_dump_json()
    for folder in ("Ada Byron", "=cmd", "[bold]x", "two/a", "two/b", "none"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "Ada Byron/work").mkdir()
    (tmp_path / "Ada Byron/work" / NAME).write_text(text)
    (tmp_path / "=cmd" / NAME).write_text("")
    (tmp_path / "[bold]x" / NAME).write_text("{")
    (tmp_path / "two/a" / NAME).write_text(text)
    (tmp_path / "two/b" / NAME).write_text(text)
    (tmp_path / "Zoë.json").write_text(text)
    (tmp_path / ".DS_Store").write_text("x")
    table = of_class(tmp_path).set_index("student")
    assert set(table.index) == {"Ada Byron", "=cmd", "[bold]x", "two/a", "two/b", "none", "Zoë"}
    assert table.loc["Ada Byron", ["right", "wrong"]].tolist() == [2, 1]
    assert table["problem"].dropna().to_dict() == {
        "=cmd": "is empty.",
        "[bold]x": table.loc["[bold]x", "problem"],
        "none": f"no {NAME}",
    }
    assert "is damaged" in table.loc["[bold]x", "problem"]
