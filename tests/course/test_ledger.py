"""The file of a reader's progress: whole or not at all, and never in the way."""

import json
import os
import subprocess
import sys

import pytest

from empkit.course import ledger
from empkit.course.ledger import NAME, ProgressError, changing, load, note_try, reading


def test_what_is_noted_is_read_again_after_a_restart(reader):
    note_try("06.1", right=False)
    note_try("06.1", right=True)
    note_try("06.1", right=False)
    again = load(reader / NAME).exercises["06.1"]
    assert again.tries == 2 and again.right is not None
    assert [each.name for each in reader.iterdir()] == [NAME]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"{", "is damaged: Invalid JSON"),
        (b"\xff\xfe", "is damaged"),
        (b"[]", "is damaged"),
        (b'{"cells": []}', "is not a file of progress"),
        (b'{"empkit_progress": 2, "more": 1}', "was written by a newer empkit"),
        (b'{"empkit_progress": 1, "exercises": {"06.1": {"tries": -1}}}', "exercises.06.1.tries"),
        (b'{"empkit_progress": 1, "x": "' + b"x" * ledger.MOST_BYTES + b'"}', "larger than"),
    ],
)
def test_a_file_that_is_none_is_named_with_its_fault_and_stays_as_it_is(
    reader, capsys, content, words
):
    (reader / NAME).write_bytes(content)
    with pytest.raises(ProgressError, match=words) as caught, changing():
        pass
    assert caught.value._render_traceback_()[0].endswith(ledger.MEND)
    note_try("06.1", right=True)  # keeps nobody from checking
    assert words in capsys.readouterr().out
    assert (reader / NAME).read_bytes() == content


def test_where_nothing_can_be_written_it_is_said_once_and_remembered(reader, capsys):
    note_try("06.1", right=False)
    before = (reader / NAME).read_bytes()
    (reader / f".{NAME}.{os.getpid()}").mkdir()  # it stands in the way of the new file
    note_try("06.1", right=True)
    note_try("06.2", right=True)
    assert capsys.readouterr().out.count("cannot be written") == 1
    assert set(reading().exercises) == {"06.1", "06.2"} and reading().exercises["06.1"].tries == 2
    assert (reader / NAME).read_bytes() == before


def test_what_fails_half_way_is_not_kept(reader):
    with pytest.raises(KeyError), changing() as kept:
        kept.exercises["06.1"] = ledger.Exercise(tries=1)
        raise KeyError
    assert list(reader.iterdir()) == []


def test_a_run_without_a_reader_keeps_nothing(reader, monkeypatch):
    monkeypatch.setenv("EMPKIT_GUESS", "none")
    note_try("06.1", right=True)
    assert reading().exercises["06.1"].tries == 1
    assert list(reader.iterdir()) == []


@pytest.mark.slow
def test_notebooks_that_write_at_once_do_not_undo_each_other(reader):
    code = """
from empkit.course.ledger import note_try
for count in range(40):
    note_try("06.1", right=False)
"""
    several = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(3)]
    assert [each.wait(timeout=60) for each in several] == [0, 0, 0]
    assert json.loads((reader / NAME).read_text())["exercises"]["06.1"]["tries"] == 120
