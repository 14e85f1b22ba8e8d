"""A table of sabotages is only as good as what carries it out."""

import pytest

from tests.sabotage.table import Sabotage, finds

EDIT = ("server/__init__.py", "under test", "under suspicion")
THIS = "tests/sabotage/test_table.py"
PASSES = "tests/server/test_store.py::test_only_databases_that_the_kit_knows_are_opened"


def test_the_copy_is_what_is_imported_here():
    """Passes in the checkout; the case below runs it on a copy, where it fails."""
    import empkit.server

    assert "under test" in (empkit.server.__doc__ or "")


def test_a_test_that_fails_of_the_fault_has_found_it(tmp_path):
    test = f"{THIS}::test_the_copy_is_what_is_imported_here"
    finds(tmp_path, Sabotage("", (EDIT,), test, "under suspicion"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("test", "message"),
    [
        (PASSES, "does not find it"),
        (f"{THIS}::test_the_copy_is_what_is_imported_here", "fails of something else"),
    ],
)
def test_a_row_that_proves_nothing_is_named(tmp_path, test, message):
    with pytest.raises(AssertionError, match=message):
        finds(tmp_path, Sabotage("", (EDIT,), test, "words that no report has"))
