"""What another package adds to the kit: one of each is in `tests/plugins`, is found by its entry
point, and is seen in the command line, the figures and the report."""

import html
import json
import os
import re
import sqlite3
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from empkit import load, plots
from empkit.faults.base import DEFINED, Fault
from empkit.plots.register import caption_of

PLUGINS = Path(__file__).parent / "plugins"
FAULTS = {
    "hiccup:ms=60": ("server", "records in flight or sent while it lasted"),
    "radio:slot_ms=5": ("network", "bytes delayed or held"),
    "shouting:share=0.5": ("records", "records changed"),
}


def empkit(*arguments, packages=PLUGINS):
    """A command, with the packages of a folder as if they were installed, also in its children."""
    path = os.pathsep.join([str(packages), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run(
        [sys.executable, "-m", "empkit", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": path, "COLUMNS": "200"},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """One comparison with everything of theirs: what it printed, and its folder."""
    folder = tmp_path_factory.mktemp("theirs")
    done = empkit(
        "compare", "--protocol", "http", "--protocol", "theirs",
        "--records", 300, "--rate", 500,
        "--fault", "hiccup:ms=60@0.1s", "--fault", "radio:slot_ms=5@0.25s..0.4s",
        "--fault", "shouting:share=0.5",
        "--database", f"theirs:///{folder / 'their.db'}", "--out", folder / "out",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done, folder / "out"


@pytest.mark.slow
def test_without_the_package_nothing_of_it_is_there():
    assert "hiccup" not in empkit("faults", packages="").stdout
    done = empkit("compare", "--protocol", "theirs", packages="")
    assert done.returncode == 2
    assert "'theirs' is not a protocol of this kit" in done.stderr


@pytest.mark.slow
def test_faults_of_another_package_are_in_the_list_of_faults():
    lines = empkit("faults").stdout.splitlines()
    rows = {cells[1].strip(): cells[2:] for line in lines if (cells := line.split("│"))[2:]}
    assert rows["hiccup"][0].strip() == "2s..5s"
    assert rows["hiccup"][1].strip() == "ms"
    assert "The server does nothing for" in rows["hiccup"][2]
    assert rows["radio"][0].strip() == "2s..5s"
    assert rows["shouting"][0].strip() == "whole run"


@pytest.mark.slow
def test_the_terminal_names_the_protocol_and_the_faults_of_another_package(compared):
    done, _ = compared
    assert "theirs" in done.stdout
    for fault, (_, unit) in FAULTS.items():
        assert re.search(rf"{fault}: .* {unit}\n", done.stdout)
    assert "No promise was broken" in done.stderr
    assert "Not drawn" not in done.stderr


@pytest.mark.slow
def test_a_result_has_what_the_faults_of_another_package_struck_and_the_look_of_its_protocol(
    compared,
):
    _, folder = compared
    runs = json.loads((folder / "runs.json").read_text())["runs"]
    assert {run["protocol"] for run in runs} == {"http", "theirs"}
    for run in runs:
        spans = {span["label"]: span for span in run["faults"]}
        assert {name: (span["part"], span["unit"]) for name, span in spans.items()} == FAULTS
        assert all(span["struck"] > 0 for span in spans.values())
        assert [name for name, span in spans.items() if span["whole_run"]] == ["shouting:share=0.5"]
    look = next(run["look"] for run in runs if run["protocol"] == "theirs")
    assert look == {"label": "Their PUT", "colour": "#882255", "marker": "*", "line": "-."}


@pytest.mark.slow
def test_a_result_is_read_and_drawn_also_without_the_package(compared):
    _, folder = compared
    runs = load(folder)
    assert runs.looks["theirs"].label == "Their PUT"
    assert "Their PUT: " in plots.latency(runs).alt


@pytest.mark.slow
def test_a_figure_of_another_package_is_a_file_and_in_the_report_with_its_caption(compared):
    _, folder = compared
    assert (folder / "attempts.png").read_bytes().startswith(b"\x89PNG")
    page = html.unescape((folder / "report.html").read_text())
    assert "How often a record had to be sent, on average: 1 is without any retry." in page
    assert "Their PUT 1.00" in page
    order = [page.index(caption_of(name)) for name in ("latency", "stages", "verdicts", "rates")]
    assert order == sorted(order)
    assert page.index("How often a record had to be sent") > max(order)


@pytest.mark.slow
def test_what_the_protocol_of_another_package_sent_is_stored_in_the_database_of_that_package(
    compared,
):
    _, folder = compared
    runs = load(folder)
    assert runs.verdicts()["stored"].to_dict() == {"http": 300, "theirs": 300}
    database = sqlite3.connect(folder.parent / "their.db")
    assert database.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    stored = dict(database.execute("SELECT employee_id, last_name FROM employees"))
    database.close()
    for run in runs.runs:
        names = [name for key, name in stored.items() if key.startswith(f"{run.run_id}-")]
        struck = next(span.struck for span in run.faults if span.part == "records")
        assert sum(name.isupper() for name in names) == struck


def test_a_fault_that_is_neither_timed_nor_of_the_whole_run_is_refused():
    with pytest.raises(
        TypeError, match=r"Quake \('quake'\) is neither a TimedFault nor a WholeRun"
    ):

        class Quake(Fault):
            name = "quake"

    assert "quake" not in DEFINED


NEITHER = """
from empkit.faults.base import Fault

class Quake(Fault):
    name = "quake"
"""


def a_package(folder, content):
    """Installs a package with one entry for the register of faults."""
    if content is not None:
        (folder / "quakes.py").write_text(content)
    about = folder / "seismic-2.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: seismic\nVersion: 2.0\n")
    (about / "entry_points.txt").write_text("[empkit.faults]\nquake = quakes:Quake\n")


QUAKE = '''
from dataclasses import dataclass
from empkit.faults.base import TimedFault

@dataclass(frozen=True)
class Quake(TimedFault):
    """It shakes."""

    name = "quake"
    part = "server"
    magnitude: float = 7.0

    def strike(self, scene):
        """Do nothing, and forget to say how that is undone."""
'''


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No module named 'quakes'"),
        ("", "has no attribute 'Quake'"),
        (NEITHER, "Quake ('quake') is neither a TimedFault nor a WholeRunFault"),
        (
            NEITHER.replace("Fault", "TimedFault"),
            "Quake ('quake') does not say which part it strikes",
        ),
        (QUAKE.replace('"""It shakes."""', ""), "Quake ('quake') has no docstring"),
        ("1 / 0", "division by zero"),
    ],
)
def test_an_entry_that_cannot_be_imported_is_an_error_that_names_its_package(
    tmp_path, content, message
):
    a_package(tmp_path, content)
    done = empkit("faults", packages=tmp_path)
    assert done.returncode == 2
    words = " ".join(done.stderr.split())
    assert "quakes:Quake, which seismic has for the register empkit.faults" in words
    assert message in words
    assert "Mend or uninstall that package." in words
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (QUAKE.replace("@dataclass(frozen=True)", ""), "write `@dataclass(frozen=True)` above"),
        (QUAKE.replace('name = "quake"', ""), "is not a fault: a fault is a class derived from"),
        ("Quake = 7", "7, the entry 'quake' of the register empkit.faults, is not a fault"),
    ],
)
def test_an_entry_that_is_no_complete_fault_is_an_error_that_says_what_is_missing(
    tmp_path, content, message
):
    a_package(tmp_path, content)
    done = empkit("faults", packages=tmp_path)
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_fault_that_returns_no_undo_ends_the_run_with_a_sentence(tmp_path):
    a_package(tmp_path, QUAKE)
    done = empkit(
        "compare", "--protocol", "http", "--records", 40, "--rate", 100,
        "--fault", "quake@0.1s", "--out", tmp_path / "out", packages=tmp_path,
    )  # fmt: skip
    assert "`strike` of quake:magnitude=7.0 returned None" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert done.returncode not in (0, 1)


# CONTRIBUTING.md shows how to add one of each.

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "CONTRIBUTING.md").read_text()
EXCERPTS = re.findall(r"^```(?:python|ini)\n# (\S+)\n(.*?)^```$", GUIDE, re.M | re.S)


def test_each_page_of_the_guide_has_code_from_a_file_and_names_its_tests():
    assert len(EXCERPTS) == len(re.findall(r"^```(?:python|ini)$", GUIDE, re.M))
    pages = re.split(r"^### (How to add .*)\n", GUIDE, flags=re.M)
    for title, page in zip(pages[1::2], pages[2::2], strict=True):
        assert "```python\n# " in page, title
        assert "**Tests.**" in page, title
        anchor = title.lower().replace(" ", "-")
        assert f"](#{anchor})" in pages[0], title


@pytest.mark.parametrize(("file", "code"), EXCERPTS)
def test_code_in_the_guide_is_a_part_of_the_file_that_it_names(file, code):
    assert f"\n{code}" in "\n" + (ROOT / file).read_text()


def test_files_and_tests_that_the_guide_names_are_there():
    pages = GUIDE.partition("## How to add a ...")[2]
    files = set(re.findall(r"`((?:empkit|tests)/[\w./-]+\.\w+)(?:`|::)", pages))
    assert len(files) > 20
    assert [file for file in files if not (ROOT / file).is_file()] == []
    tests = "".join(file.read_text() for file in (ROOT / "tests").rglob("test_*.py"))
    names = set(re.findall(r"\b(test_\w+)\b(?!\.py|/)", pages))
    assert len(names) > 5
    assert [name for name in names if f"def {name}(" not in tests] == []


def test_the_guide_lists_the_parts_in_the_order_of_their_layers():
    layers = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    wanted = [part for layer in layers["contracts"][0]["layers"] for part in layer.split(" | ")]
    table = GUIDE.partition("| part of `empkit/` |")[2].partition("\n\n")[0]
    first = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    found = [name for cell in first for name in re.findall(r"`(\w+)(?:/|\.py)`", cell)]
    assert found == [part for part in wanted if part != "__main__"]
