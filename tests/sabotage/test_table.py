"""Every promise of the table is broken on purpose, and something names it; what carries the table
out, and the table itself, can fail as well."""

import dataclasses
import os
import re
from pathlib import Path

import pytest

from empkit.faults import register as faults
from empkit.proxy.toxics import register as toxics
from empkit.results.info import STAMPS
from empkit.results.verdicts import VERDICTS
from tests.sabotage import kit
from tests.sabotage.table import (
    BY_TESTS,
    BY_THE_KIT,
    FORKS,
    KIT,
    PROMISES,
    ROOT,
    SABOTAGES,
    Sabotage,
    as_markdown,
    finds,
)

README = Path(__file__).with_name("README.md")

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="The table needs forks.")


@pytest.fixture(scope="module", autouse=True)
def forks():
    """Ends the process that is forked, with the last test."""
    yield
    FORKS.stop()


def by_name(sabotage):
    return sabotage.broken


@pytest.mark.slow
@pytest.mark.parametrize("sabotage", BY_TESTS, ids=by_name)
def test_a_broken_promise_is_found_by_its_test(tmp_path, sabotage):
    finds(tmp_path, sabotage)


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """What the kit says of a run with everything that it has to name."""
    return kit.carry_out(tmp_path_factory.mktemp("kit"))


@pytest.mark.slow
@pytest.mark.parametrize("sabotage", BY_THE_KIT, ids=by_name)
def test_a_broken_promise_is_named_by_the_kit(said, sabotage):
    kit.names(said, sabotage)


@pytest.mark.slow
def test_what_no_sabotage_struck_is_not_blamed(said):
    struck = {sabotage.record for sabotage in BY_THE_KIT}
    for protocol, verdicts in said.verdicts.items():
        others = [verdict for name, verdict in verdicts.items() if name not in struck]
        not_good = "dead_lettered" if protocol == "kafka" else "refused"
        assert others == ["stored"] * kit.OTHERS + [not_good] * 2
    assert said.status == 1


# The table


def test_each_promise_is_broken_by_something():
    assert [promise.name for promise in PROMISES if not promise.sabotages] == []


def test_each_verdict_stamp_and_family_of_faults_is_a_promise_of_the_table():
    """So that a new one brings its sabotage."""
    wanted = {f"verdict {name}" for name in VERDICTS} | {f"stamp {name}" for name in STAMPS}
    wanted |= {f"faults of {family.__name__.rpartition('.')[2]}" for family in faults.FAMILIES}
    wanted |= {f"toxics that {family.__name__.rpartition('.')[2]}" for family in toxics.FAMILIES}
    assert wanted - {promise.name for promise in PROMISES} == set()


def test_no_promise_sabotage_or_record_has_the_name_of_another():
    for names in (
        [promise.name for promise in PROMISES],
        [sabotage.broken for sabotage in SABOTAGES],
        [sabotage.record for sabotage in BY_THE_KIT],
    ):
        assert sorted(set(names)) == sorted(names)


def test_what_a_sabotage_changes_and_the_test_that_finds_it_are_there():
    """Without carrying it out, so that who changes the code hears of it at once."""
    for sabotage in SABOTAGES:
        for name, old, _ in sabotage.edits:
            times = (ROOT / "empkit" / name).read_text().count(old)
            assert times == 1, f"{sabotage.broken}: {old!r} is {times} times in {name}, not once"
        if sabotage.found_by != KIT:
            file, _, test = sabotage.found_by.partition("::")
            name = test.partition("[")[0]  # a test, or one that a helper returns
            made = re.compile(rf"^(?:async )?def {name}\(|^{name} = ", re.MULTILINE)
            assert made.search((ROOT / file).read_text()), sabotage.broken


def test_the_readme_shows_the_table():
    """`python -m tests.sabotage --write` puts it there."""
    assert as_markdown() in README.read_text()


# What carries it out

EDIT = ("server/__init__.py", "under test", "under suspicion")
THIS = "tests/sabotage/test_table.py"
PASSES = "tests/server/test_store.py::test_only_databases_that_the_kit_knows_are_opened"
FAILS = f"{THIS}::test_the_copy_is_what_is_imported_here"


def test_the_copy_is_what_is_imported_here():
    """Passes in the checkout; the case below runs it on a copy, where it fails."""
    import empkit.server

    assert "under test" in (empkit.server.__doc__ or "")


@pytest.mark.slow
def test_a_test_that_fails_of_the_fault_has_found_it(tmp_path):
    finds(tmp_path, Sabotage("", (EDIT,), FAILS, "under suspicion"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("test", "message"), [(PASSES, "does not find it"), (FAILS, "fails of something else")]
)
def test_a_row_that_proves_nothing_is_named(tmp_path, test, message):
    with pytest.raises(AssertionError, match=message):
        finds(tmp_path, Sabotage("", (EDIT,), test, "words that no report has"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"verdict": "lost"}, "the kit does not name it: a leak"),
        ({"says": "1 lost: E1"}, "is not in"),
        ({"says": ""}, "asserts nothing"),
    ],
)
def test_a_row_that_the_kit_does_not_name_is_named(changes, message):
    said = kit.Said({name: {"E1": "stored"} for name in kit.PROTOCOLS}, ["1 corrupt: E1"], 1)
    row = Sabotage("a leak", (), KIT, record="E1", verdict="stored", says="1 corrupt")
    kit.names(said, row)
    with pytest.raises(AssertionError, match=message):
        kit.names(said, dataclasses.replace(row, **changes))
