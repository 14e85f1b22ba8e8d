"""The check: every step works against a lab, and each that fails says what to do."""

import http.server
import os
import socket
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time

import pytest
from pydantic import SecretStr

from empkit import Lab
from empkit.check import PARTS, STEP_TIMEOUT_S, check_all


@pytest.fixture(scope="module")
def lab():
    with Lab() as running:
        yield running


@pytest.fixture(scope="module")
def other_lab():
    """A second server: another signing key, no consumer."""
    with Lab(broker="none") as running:
        yield running


def checked(settings, **changes):
    """The steps by what they begin with."""
    steps = check_all(settings.model_copy(update=changes))
    return {step.what.partition(":")[0]: step for step in steps}


def failing(settings, **changes):
    steps = checked(settings, **changes)
    return {name: step for name, step in steps.items() if step.state == "failed"}


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def environment(settings):
    """The environment of this process, with these settings of the kit and no others."""
    chosen = {name: value for name, value in settings.environ().items() if value is not None}
    return {
        name: value for name, value in os.environ.items() if not name.startswith("EMPKIT_")
    } | chosen


def command(settings, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "empkit.cli", "check", *arguments],
        env=environment(settings), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.slow
def test_against_a_lab_every_step_is_ok(lab):
    steps = checked(lab.settings)
    assert {step.state for step in steps.values()} == {"ok"}, steps
    assert {step.protocol for step in steps.values()} == {"all", "http", "websocket", "kafka"}
    for protocol in ("over HTTP", "over WebSocket", "through Kafka"):
        assert "stored and read back as check-" in steps[f"a record {protocol}"].what
        assert "the server deletes nothing" in steps[f"a record {protocol}"].what


def test_names_of_steps_are_unique_and_a_step_comes_after_those_that_it_needs():
    names = []
    for planned in (planned for steps in PARTS.values() for planned in steps):
        assert planned.name not in names
        assert set(planned.needs) <= set(names)
        names.append(planned.name)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "step", "seen", "advice"),
    [
        ({"password": SecretStr("wrong")}, "token", "refuses user", "EMPKIT_PASSWORD"),
        ({"password": None}, "token", "no password", "EMPKIT_PASSWORD"),
        ({"server_url": "localhost:8000"}, "server port", "http://HOST:PORT", "EMPKIT_SERVER_URL"),
        ({"ws_url": "http://127.0.0.1/ws"}, "WebSocket path", "expected ws://HOST:PORT", "WS_URL"),
        ({"kafka_bootstrap_servers": None}, "broker address", "none is set", "empkit broker"),
        (
            {"kafka_bootstrap_servers": "x"},
            "broker address",
            "expected HOST:PORT",
            "EMPKIT_KAFKA_BOOT",
        ),
    ],
)
def test_a_wrong_setting_is_named_with_what_to_do(lab, change, step, seen, advice):
    failures = failing(lab.settings, **change)
    assert list(failures) == [step]
    assert seen in failures[step].what
    assert advice in failures[step].advice


@pytest.mark.slow
def test_a_closed_port_is_named_and_the_steps_that_need_it_are_skipped(lab):
    steps = checked(
        lab.settings,
        server_url=f"http://127.0.0.1:{free_port()}",
        kafka_bootstrap_servers=f"127.0.0.1:{free_port()}",
    )
    failures = [name for name, step in steps.items() if step.state == "failed"]
    assert failures == ["server port", "broker"]
    assert "empkit serve" in steps["server port"].advice
    assert "empkit broker" in steps["broker"].advice
    for protocol in ("over HTTP", "over WebSocket", "through Kafka"):
        assert steps[f"a record {protocol}"].state == "skipped"
        assert "not tried, it needs" in steps[f"a record {protocol}"].what


def test_a_wrong_path_of_the_websocket_is_named_with_what_it_answers(lab):
    wrong = lab.ws_url + "ocket"
    failures = failing(lab.settings, ws_url=wrong)
    assert list(failures) == ["WebSocket path"]
    assert f"{wrong} answers 403" in failures["WebSocket path"].what
    assert "WS_URL" in failures["WebSocket path"].advice


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers 404 to every GET."""

    protocol_version = "HTTP/1.1"  # websockets takes no answer of HTTP/1.0

    def do_GET(self):
        self.send_error(404)

    def log_message(self, *_):
        pass


@pytest.fixture
def web_server():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.slow
def test_another_program_on_a_port_is_not_taken_for_a_server_or_a_broker(lab, web_server):
    failures = failing(
        lab.settings, server_url=f"http://{web_server}", kafka_bootstrap_servers=web_server
    )
    assert list(failures) == ["server", "broker metadata"]
    assert "not as an empkit server does" in failures["server"].what
    assert "not answer as Kafka does" in failures["broker metadata"].what
    failures = failing(lab.settings, ws_url=f"ws://{web_server}/ws")
    assert list(failures) == ["WebSocket path"]
    assert "answers 404" in failures["WebSocket path"].what


@pytest.mark.slow
def test_a_websocket_of_a_server_with_another_signing_key_is_named(lab, other_lab):
    failures = failing(lab.settings, ws_url=other_lab.ws_url)
    assert list(failures) == ["token over WebSocket"]
    assert "refused (Unauthorized: Invalid token)" in failures["token over WebSocket"].what
    assert "EMPKIT_SIGNING_KEY" in failures["token over WebSocket"].advice


@pytest.mark.slow
def test_a_server_without_a_consumer_is_told_the_option_that_it_lacks(lab, other_lab):
    servers = lab.settings.kafka_bootstrap_servers
    failures = failing(other_lab.settings, kafka_bootstrap_servers=servers)
    assert list(failures) == ["consumer"]
    assert "--kafka" in failures["consumer"].advice


@pytest.mark.slow
def test_a_database_that_fails_is_named_with_its_error(tmp_path):
    path = tmp_path / "employees.db"
    with Lab(broker="none", database=f"sqlite:///{path}") as fresh_lab:
        database = sqlite3.connect(path)
        database.execute("DROP TABLE employees")
        database.close()
        failures = failing(fresh_lab.settings)
    assert list(failures) == ["database", "broker address"]
    assert "no such table" in failures["database"].what
    assert "EMPKIT_DATABASE_URL" in failures["database"].advice


@pytest.mark.slow
def test_a_missing_topic_is_named_and_not_created(lab):
    for _ in range(2):
        failures = failing(lab.settings, kafka_topic="missing")
        assert list(failures) == ["topic"]
        assert "there are: employee-records, employee-records.dlq" in failures["topic"].what
        assert "--create --topic missing" in failures["topic"].advice


@pytest.mark.slow
def test_a_topic_that_the_server_does_not_consume_is_named_since_its_record_is_not_stored(lab):
    failures = failing(lab.settings, kafka_topic=lab.settings.dead_letter_topic)
    assert list(failures) == ["a record through Kafka"]
    assert "acked, but is not stored" in failures["a record through Kafka"].what
    assert "EMPKIT_KAFKA_TOPIC" in failures["a record through Kafka"].advice


@pytest.mark.slow
def test_a_broker_that_advertises_an_address_where_it_is_not_is_named_with_that_address():
    with Lab("embedded") as fresh_lab:
        port = free_port()
        fresh_lab.broker.advertise(1, "127.0.0.1", port)
        failures = failing(fresh_lab.settings)
    assert list(failures) == ["broker metadata"]
    assert f"nothing answers at 127.0.0.1:{port}" in failures["broker metadata"].what
    assert "advertised.listeners" in failures["broker metadata"].advice


@pytest.mark.slow
def test_a_port_that_accepts_connections_and_says_nothing_does_not_hold_the_check_up(lab):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        settings = lab.settings.model_copy(
            update={"server_url": f"http://{address}", "kafka_bootstrap_servers": address}
        )
        failures, last = {}, time.monotonic()
        for step in check_all(settings):
            assert time.monotonic() - last < STEP_TIMEOUT_S + 1
            last = time.monotonic()
            if step.state == "failed":
                failures[step.what.partition(":")[0]] = step
    assert list(failures) == ["server", "broker metadata"]
    assert "paused" in failures["server"].advice
    assert "paused" in failures["broker metadata"].advice


@pytest.mark.slow
def test_a_package_that_is_missing_or_too_old_is_named_with_the_version_that_is_needed(
    lab, monkeypatch
):
    monkeypatch.setitem(sys.modules, "websockets", None)
    steps = checked(lab.settings)
    assert steps["package websockets"].state == "failed"
    assert "pip install 'websockets>=15" in steps["package websockets"].advice
    assert steps["a record over WebSocket"].state == "skipped"
    assert steps["a record through Kafka"].state == "ok"
    monkeypatch.setattr("empkit.check.packages.version", lambda _: "0.8.1")
    assert "0.8.1 is too old, 0.14 is needed" in failing(lab.settings)["package aiokafka"].what


NOTEBOOK = """
    import asyncio, nest_asyncio
    from empkit.check import check_all
    from empkit.settings import Settings
    nest_asyncio.apply()

    async def cell():
        print({step.state for step in check_all(Settings())})

    asyncio.run(cell())
"""


@pytest.mark.slow
def test_the_check_works_where_an_event_loop_runs_as_in_a_notebook(lab):
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(NOTEBOOK)],
        env=environment(lab.settings), capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "{'ok'}"


@pytest.mark.slow
def test_the_command_ends_with_0_when_every_step_works_and_with_1_when_one_does_not(lab):
    good = command(lab.settings)
    assert good.returncode == 0, good.stdout + good.stderr
    port = free_port()
    bad = command(lab.settings, "--server", f"http://127.0.0.1:{port}")
    assert bad.returncode == 1
    assert f"nothing answers at 127.0.0.1:{port}" in " ".join(bad.stdout.split())
    password = lab.settings.password.get_secret_value()
    assert password not in good.stdout + good.stderr + bad.stdout + bad.stderr
    assert not bad.stderr
