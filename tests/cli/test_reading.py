"""The options that say how a file is read, as a user gives them on the command line."""

from __future__ import annotations

import os

import pytest
from typer.testing import CliRunner

from empkit import cli
from empkit.results.runs import load
from tests.cli.test_cli import empkit, running

EXPORT = """\
Kennung;Rufname;Zuname;Lohn;Beginn
7;Ana;Ruiz;52.000;04.02.2021
8;Bo;Lund;61.500;05.02.2021
"""
NAMED = ("--column", "employee_id=Kennung", "--column", "first_name=Rufname",
         "--column", "last_name=Zuname", "--column", "salary=Lohn",
         "--column", "hire_date=Beginn")  # fmt: skip


@pytest.fixture
def export(tmp_path):
    path = tmp_path / "export.csv"
    path.write_text(EXPORT)
    return path


def run(*arguments):
    return empkit("compare", "--protocol", "http", "--rounds", 1, "--in-flight", 2, *arguments)


@pytest.mark.slow
def test_a_file_of_others_is_read_as_the_options_say_and_the_result_says_how(export, tmp_path):
    done = run(export, *NAMED, "--decimal", ",", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "Kennung -> employee_id" in done.stderr
    assert "dropped" not in done.stderr
    (info,) = load(tmp_path / "out").runs
    assert info.workload["source"] == "file export.csv"
    assert info.workload["reading"]["decimal"] == ","
    assert info.workload["reading"]["columns"]["salary"] == "Lohn"
    assert info.workload["rows_left_out"] == info.workload["values_dropped"] == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "--column first_name=HEADING"),
        (("--column", "employee_id=Kenung"), "did you mean 'Kennung'"),
        (("--column", "employe_id=Kennung"), "did you mean 'employee_id'"),
        (("--column", "Kennung"), "not of the form FIELD=HEADING"),
        ((*NAMED, "--column", "salary=Beginn"), "given twice"),
        (("--encoding", "cp12525"), "cp1252"),
        (("--delimiter", "; "), "one character"),
        (("--date-format", "dd.mm.yyyy"), "%d.%m.%Y"),
        (("--decimal", "comma"), "52000.50"),
        ((*NAMED, "--strict-values"), "--decimal"),
    ],
)
def test_what_cannot_be_read_names_the_option_that_would_help(export, options, words):
    """In this process, since nothing is started."""
    done = CliRunner().invoke(cli.app, ["compare", str(export), *options])
    assert done.exit_code == 2, done.output
    assert words in " ".join(done.output.split())


@pytest.mark.slow
def test_an_option_for_a_file_is_refused_without_one():
    done = run("--delimiter", ";")
    assert done.returncode == 2
    assert "--delimiter" in done.stderr
    assert "no FILE is given" in done.stderr


@pytest.mark.slow
def test_what_is_dropped_is_said_once_a_column_and_its_rows_are_sent(export):
    done = run(export, *NAMED)
    said = " ".join(done.stderr.split())
    assert "2 records from" in said
    assert said.count("'Lohn'") == 1
    assert "so are 2 values of the column" in said
    assert "--decimal" in said


@pytest.mark.slow
def test_send_sends_a_record_without_its_bad_value_and_leaves_it_out_if_that_is_asked(
    export, tmp_path
):
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    database = f"sqlite:///{tmp_path / 'own.db'}"
    with running("serve", "--port", "0", "--database", database, **cache) as serve:
        url = serve.lines[0].split()[2].rstrip(",")

        def send(*options):
            return empkit("send", export, "--server", url, *options, env={**os.environ, **cache})

        strict = send(*NAMED, "--decimal", ",", "--date-format", "%d/%m/%Y", "--strict-values")
        assert strict.returncode == 2, strict.stderr  # no row has a date of that form
        assert "--date-format says, %d/%m/%Y" in " ".join(strict.stderr.split())
        done = send(*NAMED, "--decimal", ",", "--date-format", "%d/%m/%Y")
        assert done.returncode == 0, done.stderr
        assert "2 sent: 2 acked" in done.stdout
        assert "'Beginn': '04.02.2021' (2 values, the first in line 2)" in " ".join(
            done.stderr.split()
        )
