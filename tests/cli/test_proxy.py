"""`empkit proxy` and `empkit broker`, as a script in any language uses them."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from tests.conftest import wait_until
from tests.signals import started

COMMAND = [sys.executable, "-m", "empkit.cli"]


@contextlib.contextmanager
def running(*arguments):
    """A command that runs until it is told to stop."""
    with started([*COMMAND, *map(str, arguments)], stdout=subprocess.DEVNULL) as process:
        yield process
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0


def refused(*arguments):
    """What the command says that cannot do what it is asked for."""
    done = subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "COLUMNS": "300"},
    )  # fmt: skip
    assert done.returncode == 2
    return done.stderr


@pytest.fixture
def greeter():
    """A server that greets each connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection:
                        connection.sendall(b"hello")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.slow
def test_what_is_greeted_through_the_proxy_is_greeted_late(greeter, tmp_path):
    ready = tmp_path / "ready"
    options = ("--toxic", "latency:latency_ms=150", "--ready-file", ready)
    with running("proxy", "0", greeter, *options):
        wait_until(ready.exists)
        host, port = ready.read_text().strip().split(":")
        begin = time.monotonic()
        with socket.create_connection((host, int(port)), 5) as connection:
            assert connection.recv(5) == b"hello"
        assert time.monotonic() - begin >= 0.15
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_broker_says_its_address_in_the_file_when_it_is_ready(tmp_path):
    ready = tmp_path / "ready"
    with running("broker", "--ready-file", ready):
        wait_until(ready.exists)
        host, port = ready.read_text().strip().split(":")
        socket.create_connection((host, int(port)), 5).close()
    assert not ready.exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("0", "5432"), "'5432' is not a valid address; expected HOST:PORT"),
        (("x", "h:1"), "'127.0.0.1:x' is not a valid address"),
        (("0.0.0.0:0", "h:1"), "0.0.0.0 is not loopback"),
        (("0", "h:1", "--toxic", "lag"), "'lag' is not a fault. `empkit faults` lists them."),
        (("0", "h:1", "--toxic", "server-crash"), "server-crash is no fault of the network"),
        (("0", "h:1", "--toxic", "latency"), "latency needs latency_ms=VALUE"),
    ],
)
def test_what_cannot_be_is_a_sentence(arguments, said):
    assert said in refused("proxy", *arguments)


@pytest.mark.slow
def test_a_file_that_cannot_be_written_is_a_sentence(tmp_path):
    file = tmp_path / "no folder" / "ready"
    assert "cannot be written: No such file" in refused(
        "proxy", "0", "h:1", "--ready-file", str(file)
    )


@pytest.mark.slow
def test_an_address_that_an_earlier_program_left_is_gone_before_anything_starts(tmp_path):
    ready = tmp_path / "ready"
    ready.write_text("127.0.0.1:1\n")
    with running("broker", "--ready-file", ready):
        wait_until(lambda: ready.exists() and ":1\n" not in ready.read_text())


@pytest.mark.slow
@pytest.mark.parametrize("command", [["broker"], ["proxy", "0", "127.0.0.1:9"]])
def test_a_folder_is_no_file_for_an_address(tmp_path, command):
    assert f"--ready-file: {tmp_path} cannot be a file" in refused(
        *command, "--ready-file", tmp_path
    )
