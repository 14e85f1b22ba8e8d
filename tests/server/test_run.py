"""How `empkit serve` starts and ends: what it says on the terminal, and with which status."""

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import sys
import urllib.request

import pytest

from empkit.clients import connect
from empkit.settings import Settings
from tests.conftest import employee, wait_until
from tests.signals import started

SERVE = [sys.executable, "-m", "empkit", "serve", "--port", "0"]


class Serving:
    """A server that runs: its URL, what it has said on standard error, and how to send to it."""

    def __init__(self, process, said):
        self.process = process
        self._said = said
        self.url = process.stdout.readline().split()[2].rstrip(",")

    def said(self):
        return " ".join(self._said.read_text().split())

    def health(self):
        with urllib.request.urlopen(f"{self.url}/health") as answer:
            return json.load(answer)

    def send(self, employee_id):
        """The reply to one record, which is sent once."""

        async def work():
            settings = Settings(retries=0, server_url=self.url, password="secret-of-a-test")
            async with connect("http", settings) as client:
                return await client.send(employee(employee_id))

        return asyncio.run(work())


@contextlib.contextmanager
def serving(tmp_path, database, *arguments, **variables):
    said = tmp_path / "stderr"
    environment = {
        **os.environ, "EMPKIT_PASSWORD": "secret-of-a-test", "PYTHONUNBUFFERED": "1", **variables,
    }  # fmt: skip
    with (
        said.open("w") as stderr,
        started(
            [*SERVE, "--database", database, *arguments],
            env=environment, stdout=subprocess.PIPE, stderr=stderr, text=True,
        ) as process,
    ):  # fmt: skip
        yield Serving(process, said)


def begun(database, **variables):
    """What a server says that cannot begin, and its status."""
    ended = subprocess.run(
        [*SERVE, "--database", database],
        env={**os.environ, **variables}, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    return " ".join(ended.stderr.split()), ended.returncode


@pytest.mark.slow
@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("missing/employees.db", "there is no folder"),
        ("file/employees.db", "there is no folder"),
        ("folder", "is a folder. Name a file in it."),
        ("file", "is not a SQLite database"),
    ],
)
def test_a_database_that_has_no_place_ends_the_server_before_it_begins(place, words, tmp_path):
    (tmp_path / "file").write_text("employee_id,first_name\n" * 10)
    (tmp_path / "folder").mkdir()
    said, status = begun(f"sqlite:///{tmp_path / place}")
    assert said.startswith("empkit: The database cannot be used: ")
    assert words in said
    assert "Traceback" not in said
    assert status == 2


@pytest.mark.slow
def test_stamps_without_a_folder_end_the_server_before_it_begins(tmp_path):
    file = tmp_path / "missing" / "timings.jsonl"
    said, status = begun(f"sqlite:///{tmp_path / 'e.db'}", EMPKIT_TIMINGS_FILE=str(file))
    assert said.startswith("empkit: EMPKIT_TIMINGS_FILE is ")
    assert "Create it first." in said
    assert status == 2


@pytest.mark.slow
def test_a_folder_that_is_removed_and_comes_back_is_said_on_the_terminal(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    with serving(tmp_path, f"sqlite:///{folder / 'employees.db'}") as server:
        assert (server.send("E1")).outcome == "acked"
        kept = shutil.move(folder, tmp_path / "elsewhere")
        replies = [server.send(name) for name in ("E2", "E3")]
        assert {reply.outcome for reply in replies} <= {"failed", "unknown"}
        assert server.health()["status"] != "ok"
        assert "No records are stored: The database's files were removed" in server.said()
        shutil.move(kept, folder)
        assert (server.send("E4")).outcome == "acked"
        assert server.said().endswith("Records are stored again.")
        assert "Traceback" not in server.said()


@pytest.mark.slow
def test_a_database_that_is_away_at_the_start_is_said_and_waited_for(tmp_path):
    away = "postgresql+psycopg://empkit:hidden@127.0.0.1:1/employees"
    with serving(tmp_path, away) as server:
        wait_until(lambda: "The database is away" in server.said())
        assert "Connection refused" in server.said()
        assert "hidden" not in server.said()
        assert server.health()["status"] != "ok"
