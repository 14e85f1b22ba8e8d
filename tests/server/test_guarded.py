"""What a server takes in of clients that hold a connection and send little, or nothing."""

import contextlib
import http.client
import json
import socket
import sys
from urllib.parse import urlsplit

import psutil
import pytest

from empkit import Lab, Settings
from empkit.server import guarded
from tests.conftest import employee, post, request, wait_until

HEAD = b"POST /employees HTTP/1.1\r\nHost: x\r\n"
GET = b"GET /health HTTP/1.1\r\nHost: x\r\n"
UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: x\r\n%b\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


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


@pytest.mark.slow
@pytest.mark.parametrize("sent", [b"", b"\r\n", GET + b"\r\n"])
def test_connections_that_begin_no_request_shut_nobody_out_for_ever(sent):
    settings = Settings(max_connections=20, request_timeout_s=0.5)
    with Lab("none", settings=settings) as lab, contextlib.ExitStack() as cleanup:
        silent = [cleanup.enter_context(connected(lab)) for _ in range(20)]
        for connection in silent:
            connection.sendall(sent)
            if sent.startswith(GET):
                assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")
                connection.sendall(b"\r\n")  # after the answer, which is no request either
        wait_until(lambda: is_served(lab))


@pytest.mark.parametrize(
    ("begin", "more"),
    [
        (GET, b"X: y\r\n" * 10_000),
        (GET + b"X: ", b"y" * 60_000),
        (b"GET /", b"y" * 60_000),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n" * 10_000),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;", b"x" * 60_000),
    ],
    ids=["lines", "a value", "a URL", "trailers", "an extension"],
)
def test_what_is_no_content_of_a_request_is_bounded(lab, begin, more):
    """One client without a token cost 1 GiB, and the server answered nobody for 10 s."""
    process = psutil.Process(lab.server.pid)
    before = process.memory_info().rss
    with connected(lab) as endless:
        endless.sendall(begin)
        with pytest.raises(OSError, match=r"reset|pipe"):
            for _ in range(1_000):
                endless.sendall(more)
    assert process.memory_info().rss - before < 32 * 2**20
    assert is_served(lab)


def test_a_body_in_the_smallest_chunks_is_no_overhead(lab):
    record = json.dumps(employee("chunks", remark="x" * 30_000)).encode()
    authorization = f"Authorization: Bearer {lab.token}\r\n".encode()
    with connected(lab) as connection:
        connection.sendall(HEAD + authorization + b"Transfer-Encoding: chunked\r\n")
        connection.sendall(b"Connection: close\r\nContent-Type: application/json\r\n\r\n")
        connection.sendall(b"".join(b"1\r\n%c\r\n" % byte for byte in record) + b"0\r\n\r\n")
        assert everything(connection).startswith(b"HTTP/1.1 201 ")


def test_requests_that_are_sent_ahead_are_answered_in_order_and_bounded(lab):
    """Thousands of them, whose answers nobody read, cost 690 MiB a connection."""
    with connected(lab) as ahead:
        last = GET + b"Connection: close\r\n\r\n"
        ahead.sendall((GET + b"\r\n") * guarded.MOST_AHEAD + last)
        assert everything(ahead).count(b"HTTP/1.1 200 ") == guarded.MOST_AHEAD + 1
    with connected(lab) as flood:
        with contextlib.suppress(OSError):  # it may be closed by then
            flood.sendall((GET + b"\r\n") * 2_000 + last)
        assert everything(flood).count(b"HTTP/1.1 ") <= 2 * guarded.MOST_AHEAD
    assert is_served(lab)


def test_what_is_no_request_is_not_refused_before_the_answer_to_the_one_ahead_of_it(lab):
    with connected(lab) as connection:
        connection.sendall(GET + b"\r\nNONSENSE\r\n\r\n")
        assert everything(connection).startswith(b"HTTP/1.1 200 ")


@pytest.mark.slow
@pytest.mark.parametrize("header", [b"X: " + b"a" * 9_000, b"\r\n".join([b"X: a"] * 200)])
def test_a_handshake_that_cannot_be_read_is_answered_and_the_server_stops_in_order(header):
    with Lab("none") as lab:
        with connected(lab) as odd:
            odd.sendall(UPGRADE % header)
            assert everything(odd).startswith(b"HTTP/1.1 431 ")
        with connected(lab) as odd:
            odd.sendall(UPGRADE % header)
            server = lab.server
            server.stop()
            assert "Traceback" not in server.log_text()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of descriptors")
def test_connections_leave_descriptors_for_the_database(monkeypatch):
    import resource

    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 4096))
    assert guarded.most_connections(2_000) == 256 - guarded.SPARE_DESCRIPTORS
    assert guarded.most_connections(50) == 50
