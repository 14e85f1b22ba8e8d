"""How `compare` ends: results first, figures are extras, and one status for what happened."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from empkit import cli, load
from empkit.cli import compare, ending
from empkit.cli.measuring import Measured
from empkit.experiment.beforehand import Asked
from empkit.experiment.guarantees import Guarantees
from empkit.results.status import ExitStatus
from empkit.settings import Settings
from tests.conftest import wait_until
from tests.made_up_runs import made_up, together
from tests.signals import started

COMMAND = [sys.executable, "-m", "empkit", "compare"]
ONE_RUN = ("--protocol", "http", "--in-flight", "8", "--rounds", "1")


ONE = (Guarantees(),)


def finish(crossed, folder, capsys, grid=ONE, *, as_json=False):
    """What the command line prints of runs, and its status."""
    asked = Asked(
        given=(), protocols=(), broker="embedded", brokers=1, consumers=1, server=None,
        database=None, out=folder, faults=(), grid=grid, settings=Settings(),
    )  # fmt: skip
    status = compare.finish(Measured(crossed, []), asked, as_json=as_json)
    said = capsys.readouterr()
    return status, said.out, " ".join(said.err.split())


@pytest.mark.slow
def test_terminal_report_json_and_status_say_the_same(tmp_path, capsys):
    runs = together(made_up("http", count=30), made_up("kafka", count=30, verdict={1: "lost"}))
    runs.runs[0].broken = ["2 stored more than once: a, b", "1 stored and never sent: c"]
    runs.runs[1].loss_allowed = "acks=0"
    status, out, err = finish([runs], tmp_path, capsys, as_json=True)
    content = json.loads(out)
    page = (tmp_path / "report.html").read_text()
    assert status == content["status"] == load(tmp_path).status == ExitStatus.BROKEN_PROMISE
    for sentence in (*content["broken"], *content["findings"]):
        assert sentence in err
        assert sentence in page
    assert content["broken"] == load(tmp_path).broken == runs.broken
    assert err.endswith("2 promises were broken.")
    assert "2 promises broken</h1>" in page


@pytest.mark.slow
def test_choices_that_were_not_run_are_said_not_to_be_measured(tmp_path, capsys):
    grid = [Guarantees(acks="0"), Guarantees(acks="all")]
    runs = made_up(count=30)
    runs.runs[0].guarantees = "acks=0"
    status, out, err = finish([runs], tmp_path, capsys, grid, as_json=True)
    assert status == ExitStatus.NOT_MEASURED
    assert json.loads(out)["unmeasured"] == ["acks=all: not run"]
    assert err.endswith("in what was measured. Not measured: acks=all: not run.")


def test_results_that_cannot_be_written_go_to_a_folder_that_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "file").write_text("")
    said = []
    (folder,) = ending.save([made_up(count=5)], tmp_path / "file", said.append)
    assert folder.parent == tmp_path
    assert f"They are in {folder} instead" in said[0]
    assert load(folder).runs[0].offered == 5


@pytest.mark.slow
def test_without_a_matplotlib_that_can_be_imported_the_report_is_there(tmp_path):
    made_up(count=30).save(tmp_path)
    code = """
import sys
from pathlib import Path
from empkit import load
from empkit.cli import ending
folder = Path(sys.argv[1])
ending.add_extras([load(folder)], [folder], print)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True,
        env={**os.environ, "MPLBACKEND": "bogus"},
    )  # fmt: skip
    assert "Not drawn: figures (ValueError: Key backend: 'bogus'" in done.stdout
    assert "figures could not be drawn" in (tmp_path / "report.html").read_text()
    assert not list(tmp_path.glob("*.png"))


@pytest.mark.slow
def test_figures_that_cannot_be_drawn_cost_neither_the_result_nor_the_status(tmp_path):
    """With settings of matplotlib that want LaTeX, where there is none."""
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\n")
    done = subprocess.run(
        [*COMMAND, *ONE_RUN, "--records", "20", "--json", "--out", "out"],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "PATH": str(Path(sys.executable).parent)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["status"] == 0
    said = " ".join(done.stderr.split())
    assert "Not drawn: latency, stages, verdicts, rates, timeline-http" in said
    assert "latex could not be found" in said
    assert "Traceback" not in said
    assert "could not be drawn" in (tmp_path / "out" / "report.html").read_text()


@pytest.mark.slow
def test_a_signal_while_the_lab_starts_ends_it_with_a_sentence(tmp_path):
    with started(
        [*COMMAND, "--out", str(tmp_path / "out")], stderr=subprocess.PIPE, text=True,
        stdout=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        assert "Starting the lab" in process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        _, messages = process.communicate(timeout=60)
        said = " ".join(messages.split())
        assert said == "Ended by SIGTERM, before anything was measured: there are no results."
        assert process.returncode == ExitStatus.TERMINATED
        assert process.wait_until_gone() == []
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_comparison_that_is_interrupted_again_keeps_the_numbers_and_draws_no_figures(tmp_path):
    """The first signal while records are offered, the second while the figures are drawn."""
    out, scratch = tmp_path / "out", tmp_path / "scratch"
    scratch.mkdir()
    with started(
        [*COMMAND, "--rate", "200", "--records", "100000", "--rounds", "2", "--protocol", "http",
         "--protocol", "websocket", "--out", str(out)],
        stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
        env={**os.environ, "TMPDIR": str(scratch)},
    ) as process:  # fmt: skip
        wait_until(lambda: list(scratch.glob("empkit-*/*/run-*/marks.json")))
        process.send_signal(signal.SIGINT)
        wait_until((out / "runs.json").exists)
        process.send_signal(signal.SIGINT)
        _, messages = process.communicate(timeout=60)
        assert process.wait_until_gone() == []
    assert process.returncode == ExitStatus.INTERRUPTED
    assert "Traceback" not in messages
    runs = load(out)
    assert runs.status == ExitStatus.INTERRUPTED
    (ended, *missing) = runs.unmeasured
    assert ended.endswith("of 100,000 records")
    assert len(missing) == 2  # one of each protocol
    said = " ".join(messages.split())
    assert f"No promise was broken in what was measured. Not measured: {ended}" in said
    assert list(scratch.glob("empkit-*")) == []


def test_help_documents_the_exit_status():
    from typer.testing import CliRunner

    said = " ".join(CliRunner().invoke(cli.app, ["compare", "--help"]).output.split())
    for status in ExitStatus:
        assert f"{int(status)} {status.meaning}" in said


@pytest.mark.slow
def test_output_that_cannot_be_written_is_said_and_is_no_broken_promise(tmp_path):
    command = [*COMMAND, *ONE_RUN, "--records", "20", "--json", "--out", tmp_path / "r"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=120, check=False
        )
    assert done.returncode == ExitStatus.OK, done.stderr
    assert "Standard output cannot be written to (No space left on device)" in done.stderr
    assert load(tmp_path / "r").verdicts().loc["http", "stored"] == 20


@pytest.mark.slow
def test_a_cause_that_spoils_many_runs_is_said_once_with_their_number(tmp_path, capsys):
    runs = together(*(made_up("http", 30, number) for number in range(1, 6)))
    for info in runs.runs[:4]:
        info.valid, info.not_valid = False, {"machine": f"Others had {info.round} s."}
        info.notes = [*info.not_valid.values(), "Something else."]
    _, out, err = finish([runs], tmp_path, capsys)
    assert "The numbers of 4 of 5 runs cannot be used" in err
    assert "http 1 (and 3 more runs): Others had 1 s." in err
    assert "Others had 2 s." not in err
    assert err.count("Something else.") == 4
    assert "4 of 5 rounds not valid" in out
    assert "Others had 4 s." in (tmp_path / "report.html").read_text()
