"""The table of sabotages: read from `sabotages.toml`, and carried out row by row.

    row --edits--> copy of the package --+--> an ordinary test, which must fail of it
                                         +--> a run of the kit, whose verdicts must name it (`kit`)

That the tests pass without the edits is for the rest of the suite.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.parts import in_ci
from tests.sabotage.copies import environment_of, sabotaged
from tests.sabotage.forks import Forks
from tests.turns import SPOILED

ROOT = Path(__file__).parents[2]
TABLE = Path(__file__).with_name("sabotages.toml")
KIT = "the kit"
"""What `found_by` says of a sabotage that a run of the copy names by itself."""
BESIDE = ("tests", "benchmarks", "pyproject.toml")
"""What goes into the folder of the copy: pytest puts the folder of pyproject.toml first on the
path, and that must not be the checkout."""

FORKS = Forks()

Edit = tuple[str, str, str]
"""A file below `empkit/`, what stands in it once, and what takes its place."""


@dataclass(frozen=True)
class Sabotage:
    """A fault to plant, and what finds it.

    Args:
        broken: what the edits do, in a few words: the name of the case.
        edits: what is changed, each a file, old and new text.
        found_by: the ordinary test that fails then, as pytest names it, or `the kit`.
        says: what must be in its report, so that it fails of this and of nothing else; of the kit
            a regular expression that one of its sentences must match.
        record: of the kit: the end of the id of the record that the edits strike.
        sends: the values in which that record differs from the others.
        verdict: the verdict that the kit must give it, by protocol if they differ.
    """

    broken: str
    edits: tuple[Edit, ...]
    found_by: str
    says: str = ""
    record: str = ""
    sends: Mapping[str, Any] = field(default_factory=dict)
    verdict: str | Mapping[str, str] = ""


@dataclass(frozen=True)
class Promise:
    """A promise of the kit.

    Args:
        name: a few words.
        words: what is promised.
        sabotages: what breaks it.
    """

    name: str
    words: str
    sabotages: tuple[Sabotage, ...]


def read_table(path: Path = TABLE) -> list[Promise]:
    """Read the promises with their sabotages.

    Args:
        path: of the file.
    """
    content = tomllib.loads(path.read_text())
    return [
        Promise(
            promise["name"],
            promise["words"],
            tuple(
                Sabotage(**{**row, "edits": tuple(map(tuple, row["edits"]))})
                for row in promise.get("sabotage", ())
            ),
        )
        for promise in content["promise"]
    ]


PROMISES = read_table()
SABOTAGES = [sabotage for promise in PROMISES for sabotage in promise.sabotages]
BY_TESTS = [sabotage for sabotage in SABOTAGES if sabotage.found_by != KIT]
BY_THE_KIT = [sabotage for sabotage in SABOTAGES if sabotage.found_by == KIT]


def as_markdown(found_by: Mapping[str, str] | None = None) -> str:
    """Return the table in Markdown, one line a sabotage.

    Args:
        found_by: what named each sabotage, by its `broken`; by default what the table says.
    """
    lines = ["| promise | what is broken | what names it |", "| --- | --- | --- |"]
    for promise in PROMISES:
        words = f"**{promise.name}**: {promise.words}"
        for sabotage in promise.sabotages:
            finder = sabotage.found_by if found_by is None else found_by[sabotage.broken]
            _, _, test = finder.partition("::")
            finder = f"`{test}`" if test else finder
            lines.append(f"| {words} | {sabotage.broken} | {finder} |".replace("||", "|"))
            words = ""
    return "\n".join(lines) + "\n"


def run_test(folder: Path, test: str) -> subprocess.CompletedProcess[str]:
    """Run one test with a copy, here and in every process that the test starts.

    Args:
        folder: of the copy.
        test: as pytest names it.
    """
    for name in BESIDE:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name)
        else:
            shutil.copy(ROOT / name, folder / name)
    arguments = ("-q", "-x", "-rs", "-o", "addopts=", "-p", "no:cacheprovider",
                 f"--basetemp={folder / 'tmp'}", test)  # fmt: skip
    # loading the plugins would take longer than many a test
    variables = {
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "", SPOILED: "fails",
    }  # fmt: skip
    environment = environment_of(folder, **variables)
    environment.pop("PYTEST_XDIST_WORKER", None)
    return FORKS.run(folder, arguments, environment)


def finds(tmp_path: Path, sabotage: Sabotage) -> None:
    """Assert that the test of a sabotage fails of it.

    Args:
        tmp_path: an empty folder.
        sabotage: a row of the table.
    """
    done = run_test(sabotaged(tmp_path, *sabotage.edits), sabotage.found_by)
    report = done.stdout + done.stderr
    if not in_ci() and (skipped := re.search(r"^SKIPPED .*?: (.*)$", report, re.MULTILINE)):
        pytest.skip(skipped[1])
    # 1: it ran and failed; 4 and 5: there is no such test
    assert done.returncode == 1, (
        f"{sabotage.found_by} does not find it: {sabotage.broken}\n{report}"
    )
    assert sabotage.says in report, f"{sabotage.found_by} fails of something else\n{report}"


def edits_of(sabotages: Iterable[Sabotage]) -> list[Edit]:
    """Return the edits of several sabotages, for one copy.

    Args:
        sabotages: of which none touches what another puts in place.
    """
    return [edit for sabotage in sabotages for edit in sabotage.edits]
