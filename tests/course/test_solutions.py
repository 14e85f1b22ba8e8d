"""Hints and solutions: a step a call, and none that rots unseen."""

import ast
import json
import re
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

from empkit.course import check, show_solution
from empkit.course.exercises import CHECKS
from empkit.course.exercises.solutions import SOLUTIONS, tried
from empkit.course.exercises.solutions.solution import Solution

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


def test_each_exercise_has_its_solution_and_is_checked_once_in_its_notebook():
    """Where it is checked its solution is tried, by every run of the notebooks in the tests."""
    assert set(SOLUTIONS) == set(CHECKS)
    for path in NOTEBOOKS:
        content = json.loads(path.read_text())["cells"]
        code = "\n".join("".join(each["source"]) for each in content if each["cell_type"] == "code")
        checked = re.findall(r'^check\("([\w.]+)"', code, re.M)
        assert sorted(checked) == sorted(each for each in CHECKS if each.startswith(path.name[:2]))
        assert not any("solution" in each["metadata"].get("tags", []) for each in content)


@pytest.mark.parametrize("number", SOLUTIONS)
def test_a_solution_is_a_cell_that_ends_with_its_check_behind_three_hints(number):
    solution = SOLUTIONS[number]
    last = ast.parse(solution.code).body[-1]
    assert ast.unparse(last).startswith(f"check({number!r}, ")
    assert len({*solution.hints}) == 3
    for hint in solution.hints:
        assert hint[-1] in ".?)" and solution.code.splitlines()[0] not in hint


def test_each_call_gives_one_more_hint_and_in_the_end_the_solution(reader, capsys):
    said = []
    for _ in range(5):
        show_solution("06.2")
        said.append(capsys.readouterr().out)
    hints = SOLUTIONS["06.2"].hints
    assert [sum(hint in each for hint in hints) for each in said] == [1, 2, 3, 3, 3]
    assert [SOLUTIONS["06.2"].code.rstrip() in each for each in said] == [False] * 3 + [True] * 2
    with pytest.raises(KeyError, match=r"no exercise '06\.9'"):
        show_solution("06.9")


def test_of_an_exercise_that_is_solved_the_solution_is_shown_at_once(reader, capsys):
    check("00.1", {"http", "websocket"})
    show_solution("00.1")
    assert SOLUTIONS["00.1"].code.rstrip() in capsys.readouterr().out


def two_are_wanted(_number, answer, _lab):
    return None if answer == 2 else f"{answer} is not 2"


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ('print("meanwhile")\none = 1\ncheck("06.1", one + given)', None),
        ('print("meanwhile")\ncheck("06.1", 3)', r"3 is not 2'\]\s+meanwhile"),
        ("one = 1", r"the solution of 06\.1: \[\]"),
        ('check("06.2", 2)', "the solution of 06.1 checks 06.2"),
        ('check("06.1", missing)', "name 'missing' is not defined"),
    ],
)
def test_a_solution_is_tried_among_the_names_of_the_notebook_and_has_to_be_right(
    monkeypatch, capsys, code, fault
):
    shell = InteractiveShell.instance()
    monkeypatch.setitem(shell.user_ns, "given", 1)
    monkeypatch.setitem(SOLUTIONS, "06.1", Solution(("a", "b", "c"), code))
    try:
        if fault is None:
            tried("06.1", two_are_wanted)
        else:
            with pytest.raises((AssertionError, NameError)) as caught:
                tried("06.1", two_are_wanted)
            assert re.search(fault, str(caught.value))
        assert "one" not in shell.user_ns and "meanwhile" not in capsys.readouterr().out
    finally:
        InteractiveShell.clear_instance()
