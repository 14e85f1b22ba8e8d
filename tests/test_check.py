"""The check: every step works against a lab, and each that fails says what to do."""

import http.server
import socket
import subprocess
import sys
import threading

import pytest
from pydantic import SecretStr

from empkit import Lab
from empkit.check import check_all


@pytest.fixture(scope="module")
def lab():
    with Lab() as running:
        yield running


def checked(settings):
    """The steps by what they begin with."""
    return {step.what.partition(":")[0]: step for step in check_all(settings)}


def failing(settings):
    return {name: step for name, step in checked(settings).items() if step.state == "failed"}


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def test_against_a_lab_every_step_is_ok(lab):
    steps = checked(lab.settings)
    assert {step.state for step in steps.values()} == {"ok"}, steps
    assert {step.protocol for step in steps.values()} == {"all", "http", "websocket", "kafka"}


@pytest.mark.parametrize(
    ("change", "step", "advice"),
    [
        ({"password": SecretStr("wrong")}, "token", "EMPKIT_PASSWORD"),
        ({"password": None}, "token", "EMPKIT_PASSWORD"),
        ({"kafka_topic": "missing"}, "topic", "Create it"),
        ({"kafka_bootstrap_servers": None}, "broker", "empkit broker"),
        ({"kafka_bootstrap_servers": "nonsense"}, "broker", "EMPKIT_KAFKA_BOOTSTRAP_SERVERS"),
    ],
)
def test_what_is_wrong_is_named_with_what_to_do(lab, change, step, advice):
    failures = failing(lab.settings.model_copy(update=change))
    assert list(failures) == [step]
    assert advice in failures[step].advice


def test_a_closed_port_and_what_it_makes_pointless(lab):
    settings = lab.settings.model_copy(
        update={
            "server_url": f"http://127.0.0.1:{free_port()}",
            "kafka_bootstrap_servers": f"127.0.0.1:{free_port()}",
        }
    )
    steps = checked(settings)
    assert steps["server port"].state == steps["broker"].state == "failed"
    assert "empkit serve" in steps["server port"].advice
    assert steps["a record over HTTP"].state == "skipped"


def test_a_wrong_websocket_path(lab):
    wrong = lab.server_url.replace("http", "ws") + "/websocket"
    failures = failing(lab.settings.model_copy(update={"ws_url": wrong}))
    assert "WS_URL" in failures["WebSocket path"].advice


def test_another_program_on_the_port(lab):
    other = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
    thread = threading.Thread(target=other.serve_forever)
    thread.start()
    try:
        url = f"http://127.0.0.1:{other.server_port}"
        failures = failing(lab.settings.model_copy(update={"server_url": url}))
        assert "not as an empkit server does" in failures["server"].what
    finally:
        other.shutdown()
        thread.join()
        other.server_close()


def test_the_command_ends_with_1_when_a_step_fails(lab):
    command = [sys.executable, "-m", "empkit.cli", "check"]
    environment = {
        name: value for name, value in lab.settings.environ().items() if value is not None
    }
    good = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert good.returncode == 0, good.stdout + good.stderr
    port = free_port()
    bad = subprocess.run(
        [*command, "--server", f"http://127.0.0.1:{port}"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert bad.returncode == 1
    assert f"nothing answers at 127.0.0.1:{port}" in " ".join(bad.stdout.split())
