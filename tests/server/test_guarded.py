"""What a server takes in of clients that hold a connection and send little, or nothing."""

import contextlib
import http.client
import json
import socket
import sys
from urllib.parse import urlsplit

import pytest

from empkit import Lab, Settings
from empkit.server import guarded
from tests.conftest import employee, post, request, wait_until

HEAD = b"POST /employees HTTP/1.1\r\nHost: x\r\n"


def connected(lab):
    parts = urlsplit(lab.server_url)
    return socket.create_connection((parts.hostname, parts.port), timeout=20)


def everything(connection):
    """What arrives until the server closes the connection."""
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while chunk := connection.recv(65_536):
            received += chunk
    return received


def is_served(lab):
    """Whether a request is answered by the application."""
    with contextlib.suppress(json.JSONDecodeError):
        return request(lab, "GET", "/health", token="")[0] == 200
    return False


@pytest.mark.slow
@pytest.mark.parametrize("begin", [HEAD, HEAD + b"Content-Length: 500\r\n\r\n{"])
def test_a_request_that_takes_too_long_to_arrive_ends_its_connection_only(begin):
    with Lab("none", settings=Settings(request_timeout_s=0.5)) as lab, connected(lab) as slow:
        slow.sendall(begin)
        assert post(lab, employee("E1"))[0] == 201
        answer = everything(slow)
        if begin == HEAD:
            assert answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
            assert answer.endswith(b"Error: the request took too long to arrive")
        assert post(lab, employee("E2"))[0] == 201


@pytest.mark.slow
def test_an_idle_connection_is_kept_longer_than_a_request_may_take():
    with Lab("none", settings=Settings(request_timeout_s=0.2)) as lab:
        parts = urlsplit(lab.server_url)
        kept = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
        kept.connect()
        first = kept.sock
        for _ in range(2):
            kept.request("GET", "/health")
            response = kept.getresponse()
            assert response.status == 200
            response.read()
            with connected(lab) as slow:  # this one is closed after its time, and so after 0.2 s
                slow.sendall(HEAD)
                everything(slow)
        assert kept.sock is first
        kept.close()


@pytest.mark.slow
def test_connections_above_the_limit_are_refused_until_others_end():
    with Lab("none", settings=Settings(max_connections=20)) as lab:
        with contextlib.ExitStack() as cleanup:
            for _ in range(20):
                cleanup.enter_context(connected(lab))
            with connected(lab) as refused:
                answer = everything(refused)
            assert answer.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
            assert b"too many connections" in answer
        wait_until(lambda: is_served(lab))
        assert post(lab, employee("E1"))[0] == 201


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of descriptors")
def test_connections_leave_descriptors_for_the_database(monkeypatch):
    import resource

    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 4096))
    assert guarded.most_connections(2_000) == 256 - guarded.SPARE_DESCRIPTORS
    assert guarded.most_connections(50) == 50
