"""The course: its notebooks are in the wheel, and a reader gets a working copy."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

import pytest

from conftest import LONG_NOTEBOOKS
from empkit.course.ledger import NAME
from empkit.course.notebooks import originals, require, without_outputs, working_copy
from tests.conftest import wait_until
from tests.signals import started

ROOT = Path(__file__).parents[2]
EMPKIT = [sys.executable, "-m", "empkit.cli"]
NOTEBOOKS = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))


def test_the_notebooks_that_pytest_alone_leaves_out_are_there():
    assert {f"{name}.ipynb" for name in LONG_NOTEBOOKS} < set(NOTEBOOKS)


def test_an_older_kit_is_told_how_to_get_a_newer_one():
    require("0.1")
    with pytest.raises(RuntimeError, match=r"needs empkit 99\.0 .* pip install"):
        require("99.0")


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def test_a_working_copy_shows_nothing_that_was_measured(tmp_path):
    working_copy(tmp_path)
    for name in NOTEBOOKS:
        copy, original = read(tmp_path / name), read(originals() / name)
        assert copy == without_outputs(original) != original
        code = [cell for cell in copy["cells"] if cell["cell_type"] == "code"]
        assert not any(cell["outputs"] or cell["execution_count"] for cell in code)


def test_a_notebook_that_was_only_executed_is_not_kept_as_a_changed_one(tmp_path):
    working_copy(tmp_path)
    executed, edited = (tmp_path / name for name in NOTEBOOKS[:2])
    shutil.copy(originals() / NOTEBOOKS[0], executed)  # with outputs
    content = read(executed)
    content["metadata"]["language_info"]["version"] = "3.13.0"  # as another kernel notes it
    executed.write_text(json.dumps(content))
    content = read(edited)
    content["cells"][-1]["source"].append("\nmine")
    edited.write_text(json.dumps(content))
    (tmp_path / NAME).write_text("progress")
    assert working_copy(tmp_path) == []
    (kept,) = working_copy(tmp_path, fresh=True)
    assert kept.name == NOTEBOOKS[1].replace(".ipynb", ".mine.ipynb")
    assert read(executed) == without_outputs(read(originals() / NOTEBOOKS[0]))
    assert (tmp_path / NAME).read_text() == "progress"


def test_a_working_copy_has_all_and_keeps_what_the_reader_changed(tmp_path):
    assert working_copy(tmp_path) == []
    assert sorted(path.name for path in tmp_path.glob("*.ipynb")) == NOTEBOOKS
    assert (tmp_path / "recorded/idempotence/about.json").exists()
    changed = tmp_path / NOTEBOOKS[1]
    changed.write_text("mine")
    assert working_copy(tmp_path) == [] and changed.read_text() == "mine"
    for name in (".mine.ipynb", ".mine-2.ipynb"):
        changed.write_text("mine")
        (kept,) = working_copy(tmp_path, fresh=True)
        assert kept.name == NOTEBOOKS[1].replace(".ipynb", name) and kept.read_text() == "mine"
        assert read(changed) == without_outputs(read(originals() / NOTEBOOKS[1]))


def test_the_notebooks_import_from_the_public_face_only():
    face = {"empkit", "empkit.faults", "empkit.plots", "empkit.course"}
    face |= {"empkit.clients", "empkit.kafka", "empkit.results"}
    cells = [
        "".join(cell["source"])
        for path in (ROOT / "notebooks").glob("*.ipynb")
        for cell in json.loads(path.read_text())["cells"]
        if cell["cell_type"] == "code"
    ]
    used = re.findall(r"^\s*(?:from|import) (empkit[\w.]*)", "\n".join(cells), re.M)
    assert set(used) <= face


@pytest.mark.slow
def test_the_wheel_has_the_notebooks_and_the_data_of_the_package(tmp_path):
    source = tmp_path / "source"  # a build leaves things beside what it builds
    source.mkdir()
    for part in ("empkit", "notebooks"):
        shutil.copytree(ROOT / part, source / part, ignore=shutil.ignore_patterns("__pycache__"))
    for part in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / part, source)
    pip = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps"]
    subprocess.run([*pip, "-w", tmp_path, source], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
        packed = set(archive.namelist())
    kinds = ("*.json", "*.j2", "*.css", "py.typed")
    files = (path for kind in kinds for path in (ROOT / "empkit").rglob(kind))
    data = {path.relative_to(ROOT).as_posix() for path in files}
    assert "empkit/report/style.css" in data
    assert data <= packed
    code = "from empkit.course.notebooks import originals; print(originals())"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "installed")},
    )  # fmt: skip
    found = Path(done.stdout.strip())
    assert found == tmp_path / "installed/empkit/notebooks"
    assert sorted(path.name for path in found.glob("*.ipynb")) == NOTEBOOKS
    assert (found / "glossary.md").exists() and not (found / "figures").exists()


@pytest.mark.slow
@pytest.mark.parametrize("command", ["jupyter execute", "ipython"])
@pytest.mark.parametrize("spoiled", [False, True], ids=["right", "spoiled"])
def test_a_notebook_runs_as_a_script_and_says_when_a_cell_fails(command, spoiled, tmp_path):
    working_copy(tmp_path)
    notebook = tmp_path / "00_start_here.ipynb"
    content = json.loads(notebook.read_text())
    cells = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
    # up to an `await` outside of functions, and the end: the rest is run by nbval
    waits = next(n for n, cell in enumerate(cells) if cell["source"][0].startswith("(await "))
    content["cells"] = [*cells[: waits + 1], cells[-1]]
    if spoiled:
        cells[0]["source"] = ["raise RuntimeError('spoiled')"]
    cells[-1]["source"].append('\nprint("came to", "the end")')
    notebook.write_text(json.dumps(content))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    folders = {"IPYTHONDIR": f"{tmp_path}/ipython", "JUPYTER_RUNTIME_DIR": f"{tmp_path}/runtime"}
    done = subprocess.run(
        [*command.split(), notebook.name], check=False, cwd=tmp_path, capture_output=True,
        text=True, env={**os.environ, **folders, "PATH": path},
    )  # fmt: skip
    said = re.sub(r"\x1b\[[\d;]*m", "", done.stdout + done.stderr)
    assert done.returncode == int(spoiled), said[-2_000:]
    assert ("RuntimeError: spoiled" in said) == spoiled
    if command == "ipython":
        assert ("came to the end" in said) != spoiled


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def answers(url):
    """Whether JupyterLab listens by now: it says its address before it does."""
    try:
        return urllib.request.urlopen(url).status == 200
    except urllib.error.HTTPError:
        raise
    except urllib.error.URLError:
        return False


@pytest.mark.slow
def test_empkit_lab_serves_the_working_copy_on_loopback_until_ctrl_c(tmp_path):
    with started(
        [*EMPKIT, "lab", "--to", "course", "--no-browser", "--port", free_port()],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime")},
    ) as process:  # fmt: skip
        url = next(
            found.group()
            for line in process.stdout
            if (found := re.search(r"http://127\.0\.0\.1:\d+/lab\?token=\w+", line))
        )
        contents = url.replace("/lab?", "/api/contents?")
        wait_until(lambda: answers(contents))
        listed = json.load(urllib.request.urlopen(contents))["content"]
        assert set(NOTEBOOKS) <= {each["name"] for each in listed}
        with pytest.raises(urllib.error.HTTPError):  # no page without the token
            urllib.request.urlopen(contents.partition("?")[0])
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
        assert process.left() == []


@pytest.mark.slow
@pytest.mark.parametrize("after", ["JupyterLab is starting", "extension was successfully linked"])
def test_ctrl_c_while_empkit_lab_starts_is_no_traceback(tmp_path, after):
    with started(
        [*EMPKIT, "lab", "--to", "course", "--no-browser", "--port", free_port()],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime")},
    ) as process:  # fmt: skip
        next(line for line in process.stdout if after in line)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=30)
        assert "Traceback" not in said
        assert process.returncode in {0, 130}
        assert process.left() == []
