"""The HTTP client: an answer belongs to its request, whatever a server sends."""

import asyncio
import contextlib
import gzip
import itertools
import json
import zlib

import pytest

from empkit.clients.base import NoAnswerError, NotSentError
from empkit.clients.http1 import Http1
from tests.clients.foreign import answer, http_server, replies, response

INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: </s.css>\r\n\r\n"
BODY = b'{"result": "created", "message": "m"}'


def judged(record):
    """Acks what is called good, refuses all else, and says for whom."""
    good = record["employee_id"].startswith("good")
    result = "created" if good else "invalid"
    return answer(result, f"{result} {record['employee_id']}")


def outcomes(script, ids, **changes):
    return [(each.outcome, each.message) for each in replies(script, ids, **changes)]


IDS = ["good-1", "bad-1", "good-2", "bad-2", "bad-3"]
EACH_ITS_OWN = [
    ("acked" if each.startswith("good") else "refused",
     f"{'created' if each.startswith('good') else 'invalid'} {each}")
    for each in IDS
]  # fmt: skip


@pytest.mark.parametrize("before", [INTERIM, 3 * INTERIM, b"HTTP/1.1 100 Continue\r\n\r\n"])
@pytest.mark.parametrize("at_once", [True, False])
def test_interim_responses_are_read_past(before, at_once):
    async def script(record, _connection, _request):
        if at_once:
            yield before + judged(record)
        else:
            for byte in before + judged(record):
                yield bytes([byte])
                await asyncio.sleep(0)

    assert outcomes(script, IDS) == EACH_ITS_OWN


SURPLUS = {
    "an answer too many": answer("created", "of nobody"),
    "the beginning of an answer": b"HTTP/1.1 201 Cre",
    "no HTTP": b"surplus",
    "an interim response": INTERIM,
}


@pytest.mark.parametrize("surplus", SURPLUS.values(), ids=SURPLUS)
@pytest.mark.parametrize("later", [False, True])
def test_bytes_after_an_answer_answer_nothing(surplus, later):
    used = []

    async def script(record, connection, _request):
        used.append(connection)
        if later:
            yield judged(record)
            yield surplus
        else:
            yield judged(record) + surplus

    async def run():
        async with http_server(script) as url:
            http, said = Http1(url), []
            for each in IDS:
                reply = await http.request(
                    http.head("POST", "/", {}), b'{"employee_id": "%b"}' % each.encode()
                )
                said.append(reply.body)
                await asyncio.sleep(0)  # the surplus may be on its way still
            await http.close()
            return said

    said = asyncio.run(asyncio.wait_for(run(), 20))
    assert all(each.encode() in one for each, one in zip(IDS, said, strict=True))
    if not later:
        assert used == [0, 1, 2, 3, 4]


def test_what_a_server_sends_before_a_request_is_taken_for_no_answer():
    """It waits in the socket when the next request is written, unseen by the event loop."""

    async def run():
        writers = []

        async def serve(reader, writer):
            writers.append(writer)
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                while True:
                    head = (await reader.readuntil(b"\r\n\r\n")).lower()
                    length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
                    writer.write(judged(json.loads(await reader.readexactly(length))))

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            http = Http1(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
            said = []
            for each in IDS:
                reply = await http.request(
                    http.head("POST", "/", {}), b'{"employee_id": "%b"}' % each.encode()
                )
                said.append(reply.body)
                # sent at once, and no await before the next request: the event loop does not see it
                writers[-1].write(answer("created", "of nobody"))
            await http.close()
            for writer in writers:
                writer.close()
            return said

    said = asyncio.run(asyncio.wait_for(run(), 20))
    assert all(each.encode() in one for each, one in zip(IDS, said, strict=True))


@pytest.mark.slow
def test_the_answer_to_a_request_that_was_given_up_answers_no_other():
    given_up = asyncio.Event()

    async def script(record, _connection, _request):
        if record["employee_id"] == "good-1":
            await given_up.wait()
        given_up.set()  # the next request is here
        yield judged(record)

    first, *others = replies(script, IDS, attempt_timeout_s=1.0)
    assert first.outcome == "unknown"
    assert [(each.outcome, each.message) for each in others] == EACH_ITS_OWN[1:]


UNUSABLE = {
    "two lengths": (
        b"HTTP/1.1 201 C\r\nContent-Length: 37\r\nContent-Length: 5\r\n\r\n" + BODY, "not HTTP"),
    "length and chunks": (
        b"HTTP/1.1 201 C\r\nContent-Length: 37\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"25\r\n" + BODY + b"\r\n0\r\n\r\n", "not HTTP"),
    "chunks and length": (
        b"HTTP/1.1 201 C\r\nTransfer-Encoding: chunked\r\nContent-Length: 37\r\n\r\n"
        b"25\r\n" + BODY + b"\r\n0\r\n\r\n", "not HTTP"),
    "a length that is none": (
        b"HTTP/1.1 201 C\r\nContent-Length: +37\r\n\r\n" + BODY, "not HTTP"),
    "chunks that are none": (
        b"HTTP/1.1 201 C\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "not HTTP"),
    "chunks in HTTP/1.0": (
        b"HTTP/1.0 201 C\r\nTransfer-Encoding: chunked\r\n\r\n25\r\n" + BODY + b"\r\n0\r\n\r\n",
        "a transfer coding, which there is only in HTTP/1.1"),
    "a length after the chunks": (
        b"HTTP/1.1 201 C\r\nTransfer-Encoding: chunked\r\n\r\n25\r\n" + BODY
        + b"\r\n0\r\nContent-Length: 37\r\n\r\n",
        "a Content-Length among the fields after its body"),
    "another transfer coding": (
        b"HTTP/1.1 201 C\r\nTransfer-Encoding: gzip\r\n\r\n" + BODY, "transfer coding"),
    "two transfer codings": (
        b"HTTP/1.1 201 C\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "transfer coding"),
    "an interim response with a body": (
        b"HTTP/1.1 103 E\r\nContent-Length: 37\r\n\r\n" + BODY + answer(), "must not have"),
    "no content with a body": (
        b"HTTP/1.1 204 N\r\nContent-Length: 37\r\n\r\n" + BODY, "must not have"),
    "another protocol": (b"HTTP/1.1 101 S\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
                         "another protocol"),
    "101 without one": (b"HTTP/1.1 101 S\r\n\r\n", "another protocol"),
    "a greeting": (b"220 mail.example ESMTP\r\n", "not HTTP"),
    "an unknown coding": (response(201, BODY, "Content-Encoding: br"), "content coding 'br'"),
    "gzip that is none": (response(201, BODY, "Content-Encoding: gzip"), "cannot be decoded"),
    "half of a gzip stream": (
        response(201, gzip.compress(BODY)[:-9], "Content-Encoding: gzip"), "not one whole gzip"),
}  # fmt: skip


@pytest.mark.parametrize(("data", "said"), UNUSABLE.values(), ids=UNUSABLE)
def test_an_answer_that_cannot_be_used_closes_its_connection_and_is_said(data, said):
    used = []

    async def script(record, connection, _request):
        used.append(connection)
        yield data if record["employee_id"] == "odd" else judged(record)

    odd, *others = replies(script, ["odd", *IDS])
    assert (odd.outcome, odd.attempts) == ("unknown", 1)
    assert said in odd.message
    assert [(each.outcome, each.message) for each in others] == EACH_ITS_OWN
    assert used == [0, 1, 1, 1, 1, 1]


CHUNKED = b"HTTP/1.1 201 C\r\nTransfer-Encoding: Chunked\r\n\r\n10;x=y\r\n" + BODY[:16] + b"\r\n"
USABLE = {
    "HTTP/1.0": (response(201, BODY, version="1.0"), True),
    "HTTP/1.0, kept": (response(201, BODY, "Connection: keep-alive", version="1.0"), False),
    "HTTP/1.0 without length": (response(201, BODY, version="1.0", length=False), True),
    "without length": (response(201, BODY, length=False), True),
    "closed": (response(201, BODY, "Connection: close"), True),
    "gzip": (response(201, gzip.compress(BODY), "Content-Encoding: gzip"), False),
    "deflate": (response(201, zlib.compress(BODY), "content-encoding: Deflate"), False),
    "identity": (response(201, BODY, "Content-Encoding: identity"), False),
    "chunks": (CHUNKED + b"15\r\n" + BODY[16:] + b"\r\n0\r\n\r\n", False),
    "a trailer that says another coding": (
        CHUNKED + b"15\r\n" + BODY[16:] + b"\r\n0\r\nContent-Encoding: br\r\n\r\n", False),
}  # fmt: skip


@pytest.mark.parametrize(("data", "ends"), USABLE.values(), ids=USABLE)
def test_answers_of_other_servers_are_read(data, ends):
    connections = []

    async def script(_record, connection, _request):
        connections.append(connection)
        yield data
        if ends:
            yield None

    for reply in replies(script, ["a", "b"]):
        assert (reply.outcome, reply.result, reply.message) == ("acked", "created", "m")
    assert connections == ([0, 1] if ends else [0, 0])


def test_an_answer_that_ends_with_the_connection_too_early_is_none():
    async def script(_record, _connection, _request):
        yield response(201, BODY[:-5], version="1.0", length=False)
        yield None

    (reply,) = replies(script, ["a"])
    assert reply.outcome == "unknown"
    assert "not JSON" in reply.message


@pytest.mark.slow
@pytest.mark.parametrize("code", [201, 409, 503])
@pytest.mark.parametrize("ends", [False, True])
def test_an_answer_whose_body_is_not_whole_is_said_with_its_status(code, ends):
    half = response(code, BODY)[:-9]

    async def script(_record, _connection, _request):
        yield INTERIM + half
        if ends:
            yield None
        await asyncio.sleep(60)

    (reply,) = replies(script, ["a"], attempt_timeout_s=0.3)
    assert reply.outcome == "unknown"
    why = ": the connection was lost: closed by the server." if ends else " within 0.3 s."
    assert reply.message == f"The server answered {code}, but its body was not whole{why}"


@pytest.mark.slow
@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 201 C\r\nX: y\r\n", INTERIM])
def test_an_answer_of_which_no_head_came_is_no_answer(start):
    async def script(_record, _connection, _request):
        yield start
        await asyncio.sleep(60)

    (reply,) = replies(script, ["a"], attempt_timeout_s=0.3)
    assert (reply.outcome, reply.message) == ("unknown", "No answer within 0.3 s.")


def test_an_endless_answer_is_given_up(monkeypatch):
    monkeypatch.setattr("empkit.clients.http1.MAX_RESPONSE_BYTES", 2**20)

    async def script(_record, _connection, _request):
        yield b"HTTP/1.1 201 C\r\n"
        for number in itertools.count():
            yield b"X-%d: %b\r\n" % (number, b"x" * 60_000)

    (reply,) = replies(script, ["a"])
    assert "larger than" in reply.message


@pytest.mark.slow
def test_a_request_on_a_client_that_is_closed_meanwhile_ends():
    async def run():
        started = asyncio.Event()

        async def script(_record, _connection, _request):
            started.set()
            await asyncio.sleep(60)
            yield b""

        async with http_server(script) as url:
            http = Http1(url)
            asked = asyncio.create_task(http.request(http.head("POST", "/", {}), b"{}"))
            await started.wait()
            await http.close()
            with pytest.raises(NoAnswerError):
                await asked

    asyncio.run(asyncio.wait_for(run(), 20))


def test_a_server_that_greets_or_hangs_up_first_has_no_record(monkeypatch):
    """What was there before anything was sent answers nothing."""

    async def run(greeting):
        async def greet(_reader, writer):
            writer.write(greeting)
            writer.close()

        server = await asyncio.start_server(greet, "127.0.0.1", 0)
        http = Http1(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        async with server:
            connect = http._connect

            async def late():  # as if the network had taken longer than the event loop
                connection = await connect()
                await connection.lost
                return connection

            monkeypatch.setattr(http, "_connect", late)
            with pytest.raises(NotSentError, match="before any request"):
                await http.request(http.head("POST", "/", {}), b"{}")

    for greeting in (b"", answer("created", "of nobody")):
        asyncio.run(asyncio.wait_for(run(greeting), 20))
