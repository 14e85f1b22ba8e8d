"""`empkit schema` prints what senders and readers of results can validate with."""

import json

import pytest
from typer.testing import CliRunner

from empkit import cli
from empkit.experiment import content
from empkit.results import as_json


@pytest.mark.parametrize(
    ("of", "file"),
    [
        ([], content.SCHEMA_FILE),
        (["employee"], content.SCHEMA_FILE),
        (["result"], as_json.SCHEMA_FILE),
    ],
)
def test_the_schema_of_a_record_or_of_a_result_is_printed_as_it_is_published(of, file):
    done = CliRunner().invoke(cli.app, ["schema", *of])
    assert done.exit_code == 0
    assert json.loads(done.output) == json.loads(file.read_text())


def test_a_schema_that_there_is_not_is_a_wrong_use():
    assert CliRunner().invoke(cli.app, ["schema", "salary"]).exit_code == 2
