"""TLS connections whose handshake never ends: bounded in time and number, and closed at the end."""

import contextlib
import json
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request

import pytest
import trustme
from websockets.sync.client import connect as websocket

from tests.conftest import wait_until
from tests.server.test_run import serving


@pytest.fixture
def certificate(tmp_path):
    """The settings of a server with a certificate, and what its clients trust."""
    authority = trustme.CA()
    own = authority.issue_cert("127.0.0.1")
    own.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    own.private_key_pem.write_to_path(tmp_path / "key.pem")
    context = ssl.create_default_context()
    authority.configure_trust(context)
    files = {
        "EMPKIT_TLS_CERT_FILE": str(tmp_path / "cert.pem"),
        "EMPKIT_TLS_KEY_FILE": str(tmp_path / "key.pem"),
    }
    return files, context


@contextlib.contextmanager
def secured(tmp_path, certificate, **variables):
    """A server that talks https, and a function that opens a connection without a handshake."""
    files, context = certificate
    database = f"sqlite:///{tmp_path / 'employees.db'}"
    with (
        serving(tmp_path, database, **files, **variables) as server,
        contextlib.ExitStack() as ends,
    ):
        port = int(server.url.rsplit(":", 1)[1])

        def silent(begin=b""):
            connection = socket.create_connection(("127.0.0.1", port), timeout=20)
            ends.callback(connection.close)
            connection.sendall(begin)
            return connection

        def answers():
            with urllib.request.urlopen(f"{server.url}/health", context=context, timeout=20) as it:
                return json.load(it)["status"]

        yield server, silent, answers


def hello(context):
    """The first message of a handshake."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1").do_handshake()
    return outgoing.read()


def is_closed(connection):
    """Whether the server closes a connection, whatever it sends before."""
    try:
        while connection.recv(65_536):
            pass
    except ConnectionResetError:
        pass
    except TimeoutError:
        return False
    return True


@pytest.mark.slow
@pytest.mark.parametrize("part", [0, 50, None])
def test_a_handshake_that_takes_too_long_ends_its_connection(part, tmp_path, certificate):
    with secured(tmp_path, certificate, EMPKIT_REQUEST_TIMEOUT_S="0.5") as (_, silent, answers):
        began = silent(hello(certificate[1])[:part])
        assert answers() == "ok"
        assert is_closed(began)
        assert answers() == "ok"


@pytest.mark.slow
def test_handshakes_that_never_end_take_no_descriptors_and_no_places(tmp_path, certificate):
    most = 20
    with secured(tmp_path, certificate, EMPKIT_MAX_CONNECTIONS=str(most)) as (
        server, silent, answers,
    ):  # fmt: skip
        assert answers() == "ok"
        idle = open_files(server.process.pid)
        silents = [silent() for _ in range(10 * most)]
        assert answers() == "ok"
        wait_until(lambda: open_files(server.process.pid) <= idle + most + 2)
        assert all(is_closed(each) for each in silents[: 5 * most])


def open_files(pid):
    if sys.platform != "linux":
        pytest.skip("only Linux lists the descriptors of another process")
    return len(subprocess.check_output(["ls", f"/proc/{pid}/fd"]).split())


@pytest.mark.slow
@pytest.mark.parametrize("secure", [False, True])
def test_connections_that_are_half_done_do_not_delay_the_end_of_a_server(
    secure, tmp_path, certificate
):
    context = certificate[1]
    files = certificate if secure else ({}, context)
    with secured(tmp_path, files) as (server, silent, _), contextlib.ExitStack() as ends:

        def connected(begin):
            connection = silent()
            if secure:
                connection = context.wrap_socket(connection, server_hostname="127.0.0.1")
                ends.callback(connection.close)
            connection.sendall(begin)

        for begin in (b"GET /hea", b"POST /employees HTTP/1.1\r\nContent-Length: 9\r\n\r\n{", b""):
            connected(begin)
        silent()
        if secure:
            silent(hello(context))
            silent(hello(context)[:50])
        url = server.url.replace("http", "ws", 1) + "/ws"
        ends.enter_context(websocket(url, ssl=context if secure else None, proxy=None))
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(20) in {0, 143}
        assert time.monotonic() - began < 5.0
        assert server.said() == ""
