"""A client of one's own, named `module:Class`: found, checked, timed and judged like the kit's."""

import asyncio
import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest

from empkit import Workload, connect, plots
from empkit.clients import client_class
from empkit.lab import BrokenPromiseError, LabError
from tests.conftest import employee, is_stored

GOOD = """
import json

from empkit.clients.base import Answer, Client
from empkit.clients.http1 import Http1
from empkit.clients.tokens import fetch_token


class OneShot(Client):
    '''HTTP, with a new connection for each record.'''

    async def open(self):
        http = Http1(self.settings.server_url)
        self.headers = {"Authorization": f"Bearer {await fetch_token(self.settings, http)}"}
        await http.close()

    async def close(self):
        pass

    async def _attempt(self, employee_id, payload):
        http = Http1(self.settings.server_url)
        try:
            response = await http.request(http.head("POST", "/employees", self.headers), payload)
        finally:
            await http.close()
        answer = json.loads(response.body)
        return Answer(answer["result"], answer["message"])


class Liar(OneShot):
    async def _attempt(self, employee_id, payload):
        if employee_id.endswith("7"):
            return Answer("created", "Sure!")
        return await super()._attempt(employee_id, payload)


class Clumsy(OneShot):
    async def _attempt(self, employee_id, payload):
        return {}["result"]


class Half(Client):
    async def open(self):
        pass


class NoClient:
    pass
"""

THROUGH_KAFKA = """
from empkit.clients.kafka import KafkaClient


class Lazy(KafkaClient):
    '''Kafka, as it is.'''
"""


def with_look(line):
    """A client that is complete, and shows itself as the line says."""
    return f"{THROUGH_KAFKA}\n\nclass Odd(Lazy):\n    {line}\n"


numbers = itertools.count()


def quiet(*_):
    """Progress that shows nothing."""


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes a module into a folder where only this process looks, and names it."""
    monkeypatch.syspath_prepend(tmp_path)
    name = f"my_client_{os.getpid()}_{next(numbers)}"

    def to_file(text):
        (tmp_path / f"{name}.py").write_text(text)
        return name

    yield to_file
    sys.modules.pop(name, None)


@pytest.mark.slow
def test_a_client_of_ones_own_is_timed_judged_and_drawn_like_the_kits(lab, write):
    own = f"{write(GOOD)}:OneShot"
    runs = lab.compare(["http", own], Workload(records=60, in_flight=4, warm_up=4), progress=quiet)
    assert runs.protocols == ["http", own]
    assert runs.verdicts()["stored"].tolist() == [60, 60]
    assert runs.timings["stored_ns"].notna().all()
    for draw in (plots.latency, plots.stages, plots.verdicts, plots.rates, plots.timeline):
        assert draw(runs)._repr_png_()[0].startswith(b"\x89PNG")
    label = plots.latency(runs).axes[0].get_legend().get_texts()[1].get_text()
    assert label.startswith("OneShot") and ": p50" in label


@pytest.mark.slow
def test_a_client_that_lies_is_found_out(lab, write):
    own = f"{write(GOOD)}:Liar"
    with pytest.raises(BrokenPromiseError, match="'acked means stored' is broken: 3 lost") as error:
        lab.run(own, Workload(records=30, in_flight=2, warm_up=0), progress=quiet)
    assert error.value.runs.verdicts().loc[own, "lost"] == 3


@pytest.mark.slow
def test_the_audit_of_a_client_over_kafka_looks_into_kafka(lab, write):
    own = f"{write(THROUGH_KAFKA)}:Lazy"
    assert client_class(own).through_kafka
    runs = lab.run(own, Workload(records=50, warm_up=0), progress=quiet)
    assert runs.verdicts().loc[own, "stored"] == 50
    assert runs.runs[0].appended == 50
    assert "until acked" in plots.stages(runs).alt


@pytest.mark.slow
def test_a_client_of_ones_own_sends_by_hand_and_a_change_of_its_file_counts_at_once(
    lab, write, fresh_id
):
    own = f"{write(GOOD)}:OneShot"

    async def send(record):
        async with connect(own, lab) as client:
            return await client.send(record)

    assert asyncio.run(send(employee(fresh_id))).result == "created"
    assert is_stored(lab, fresh_id)
    name = write(GOOD.replace('answer["message"])', '"as changed")'))
    os.utime(sys.modules[name].__file__, (1, 1))  # not the time that it had
    assert asyncio.run(send(employee(fresh_id))).message == "as changed"


@pytest.mark.slow
def test_a_mistake_in_a_client_is_said_with_its_line(lab, write):
    own = f"{write(GOOD)}:Clumsy"
    line = 1 + GOOD.split("\n").index('        return {}["result"]')
    with pytest.raises(LabError, match=f"KeyError: 'result', line {line} of"):
        lab.run(own, Workload(records=5, warm_up=0), progress=quiet)


@pytest.mark.parametrize(
    ("text", "wanted", "message"),
    [
        (None, ":OneShot", "not written like 'my_client:MyClient'"),
        (None, "no_such_module:OneShot", "no module 'no_such_module'.*%%writefile"),
        (GOOD, "OneShots", "no class 'OneShots'; it has Clumsy, Half, Liar, OneShot"),
        ("x = 1\n", "A", "has no class 'A'; it has no client at all"),
        (GOOD, "NoClient", "is not a client: write `class NoClient"),
        (GOOD, "Half", "is not complete: it has no _attempt and no close"),
        ("import not_installed\n", "A", "imports 'not_installed', which is not installed"),
        ("class A(\n", "A", "cannot be imported: SyntaxError: .*line 1"),
        ("1 / 0\n", "A", "cannot be imported: ZeroDivisionError: division by zero, line 1"),
        (with_look("label = 7"), "Odd", "label is 7; it must be a text"),
        (with_look("colour = 'dull'"), "Odd", "colour is 'dull'; give one like '#56B4E9'"),
        (with_look("marker = '??'"), "Odd", r"marker is '\?\?'; use one of .* o .*"),
        (with_look("line = 'zigzag'"), "Odd", "line is 'zigzag'; use one of - -- "),
        (with_look("look = None"), "Odd", "cannot say how it is shown: TypeError"),
    ],
)
def test_what_is_wrong_with_a_client_is_said_before_anything_runs(
    lab, write, text, wanted, message
):
    own = wanted if text is None else f"{write(text)}:{wanted}"
    with pytest.raises(ValueError, match=message):
        lab.compare(["http", own], Workload(records=5), progress=quiet)


def test_a_token_for_a_client_that_takes_none_is_refused(lab, write):
    with pytest.raises(ValueError, match="takes no token"):
        connect(f"{write(GOOD)}:OneShot", lab, "token")


@pytest.mark.slow
def test_the_command_finds_a_client_in_the_working_folder_beside_scripts_of_any_name(tmp_path):
    (tmp_path / "random.py").write_text("raise SystemExit('not this one')")
    (tmp_path / "my_parts.py").write_text(GOOD)
    (tmp_path / "my_client.py").write_text("from my_parts import OneShot\n")
    root = Path(plots.__file__).parents[2]
    command = ["compare", "--protocol", "my_client:OneShot", "--records", "20", "--in-flight", "1"]
    command += ["--rounds", "1"]
    for variables in ({}, {"PYTHONSAFEPATH": "1"}):
        done = subprocess.run(
            [sys.executable, "-P", "-m", "empkit", *command], cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(root), **variables}, check=False,
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode in {0, 3}, done.stderr
        assert "OneShot" in done.stdout


def test_a_client_whose_module_has_the_name_of_an_installed_one_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "colorsys.py").write_text(GOOD)
    with pytest.raises(ValueError, match=r"goes before colorsys\.py of this folder: rename it"):
        client_class("colorsys:OneShot")
