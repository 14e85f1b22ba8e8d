"""The claims of the notebooks can fail: each has a message, and changes that make it false."""

import ast
from pathlib import Path

import pytest

from tests.course.claims import Change, Claim
from tests.course.claims.again import (
    MODULES,
    ClaimError,
    asserts_in,
    carry_out,
    claims_of,
    code_of,
    fails,
    says,
)
from tests.course.claims.changes import named
from tests.course.claims.table import PAGE, table

FOLDER = Path(__file__).parents[2] / "notebooks"
each = pytest.mark.parametrize(
    "notebook", sorted(FOLDER.glob("*.ipynb")), ids=lambda path: path.stem
)


@each
def test_every_assert_of_a_notebook_has_a_message_and_a_change_that_makes_it_false(notebook):
    found = [
        (cell, says(node)) for cell, code in code_of(notebook).items() for node in asserts_in(code)
    ]
    assert found
    assert [cell for cell, message in found if message is None] == []
    claims = claims_of(notebook.stem)
    assert sorted((claim.cell, claim.says) for claim in claims) == sorted(found)
    assert [claim.says for claim in claims if not claim.changes] == []


@each
def test_a_change_begins_at_a_cell_before_its_claim(notebook):
    cells = list(code_of(notebook))
    for claim in claims_of(notebook.stem):
        for change in claim.changes:
            assert cells.index(change.start or claim.cell) <= cells.index(claim.cell), change


def test_every_notebook_has_its_claims():
    assert sorted(MODULES) == sorted(path.stem for path in FOLDER.glob("*.ipynb"))


def test_the_table_is_that_of_the_claims():
    assert PAGE.read_text(encoding="utf-8") == table()


CODE = {
    "first": "total = sum(measured)",
    "held": "assert other, 'something else'\nassert total > 2, 'too few'",
}


def few(claim_says="too few", start="first", **values):
    change = Change(
        "changed", named(**{name: lambda _, v=v: v for name, v in values.items()}), start
    )
    return Claim("held", claim_says, [change]), change


def test_a_claim_fails_under_its_change_and_the_names_stay_as_they_were():
    names = {"measured": [1, 2], "other": True, "total": 3}
    fails(names, CODE, *few(measured=[1], other=False))
    assert names == {"measured": [1, 2], "other": True, "total": 3}


@pytest.mark.parametrize(
    ("code", "values", "said"),
    [
        ("assert total == total, 'too few'", {"measured": [1]}, "holds all the same"),
        (CODE["held"], {"measured": [5]}, "holds all the same"),
        ("assert measured[9], 'too few'", {"measured": [1]}, "IndexError"),
        ("assert total > 2, 'too ' + 'few'", {"measured": [1]}, "holds all the same"),
        ("def f():\n    raise AssertionError('x')\nf()", {"measured": [1]}, "Another assertion"),
    ],
    ids=["constant", "weak change", "error", "no constant message", "another"],
)
def test_an_assert_that_does_not_fail_under_its_change_is_named(code, values, said):
    names = {"measured": [1, 2], "other": True}
    with pytest.raises(ClaimError, match=rf"held: 'too few', and yet: changed\..*{said}"):
        fails(names, {**CODE, "held": code}, *few(**values))
    assert names == {"measured": [1, 2], "other": True}


def test_only_the_claims_of_the_cell_are_carried_out(tmp_path):
    notebook = FOLDER / "00_start_here.ipynb"
    assert carry_out({}, str(notebook), "cell-03") == 0
    with pytest.raises(ClaimError, match="cell-12"):
        carry_out({}, str(notebook), "cell-12")


def test_a_magic_is_no_claim():
    assert asserts_in("%%writefile x.py\nassert this is no python") == []
    assert says(ast.parse("assert 1, f'{1}'").body[0]) is None
