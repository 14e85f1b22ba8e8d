"""Records over a WebSocket to servers that are not the kit's."""

import asyncio
import contextlib
import json
import logging
import time
from http import HTTPStatus

import pytest
from websockets.asyncio.server import serve

from empkit import Settings, connect
from empkit.clients.base import ClientError, NotSentError, UnauthorizedError
from tests.clients.foreign import TOKEN
from tests.conftest import employee


def answer(number, result="created", message="m", **more):
    return json.dumps({"number": number, "result": result, "message": message} | more)


@contextlib.asynccontextmanager
async def opened(handle, process_request=None, subprotocols=("empkit.numbered",), **changes):
    """A client of a server that does with each message what `handle(socket, number, record)`
    does."""

    async def run(socket):
        number = 0
        async for message in socket:
            number += 1
            await handle(socket, number, json.loads(message))

    async with serve(
        run, "127.0.0.1", 0, process_request=process_request, subprotocols=subprotocols,
        logger=logging.Logger("unheard"),
    ) as server:  # fmt: skip
        address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        settings = Settings(
            server_url=f"http://{address}", ws_url=f"WS://{address}/ws",
            **{"retries": 0, "deadline_s": 3} | changes,
        )  # fmt: skip
        async with connect("websocket", settings, TOKEN) as client:
            yield client


def replies(handle, ids, **options):
    async def run():
        async with opened(handle, **options) as client:
            return await asyncio.gather(*(client.send(employee(each)) for each in ids))

    return asyncio.run(asyncio.wait_for(run(), 30))


def test_an_answer_in_several_frames_is_read():
    async def handle(socket, number, record):
        said = answer(number, message=record["employee_id"])
        parts = (said[:5], said[5:9], "", said[9:])
        await socket.send(parts if number % 2 else [part.encode() for part in parts])

    ids = ["a", "b", "c", "d"]
    assert [(each.outcome, each.message) for each in replies(handle, ids)] == [
        ("acked", each) for each in ids
    ]


ODD = {
    "not JSON": ("hello", "'hello', which is not an empkit answer: it is not JSON"),
    "nothing": ("", "is not JSON"),
    "bytes that are no text": (b"\xff\xfe", "is not JSON"),
    "a list": ("[1,2]", "is not a JSON object"),
    "no number": (json.dumps({"result": "created", "message": "m"}), "has no `number`"),
    "a number that is true": (answer(True), "has no `number`"),
    "a number that is text": (answer("1"), "has no `number`"),
    "a number with a fraction": (answer(1.0), "has no `number`"),
    "number 0": (answer(0), "has the number 0; 1 were sent"),
    "a number that was not sent": (answer(6), "has the number 6; 1 were sent"),
    "a result that is no text": (answer(1, ["created"]), "no text as its"),
    "a result that is an object": (answer(1, {"a": 1}), "no text as its"),
    "an unknown result": (answer(1, "fine"), "'fine'"),
    "a message that is no text": (answer(1, message=5), "no text as its"),
    "another record": (answer(1, employee_id="E2"), "is about record 'E2', not 'E1'"),
    "an id that is a number": (answer(1, employee_id=5), "is about record 5, not 'E1'"),
    "an id that is a list": (answer(1, employee_id=["E1"]), "is about record ['E1'], not 'E1'"),
    "an id that is an object": (answer(1, "invalid", employee_id={}), "is about record {}"),
    "an id that is null": (answer(1, employee_id=None), "is about record None, not 'E1'"),
    "created, and an error": (answer(1, status="error"), "'created', which its `status`"),
    "a duplicate, and a success": (answer(1, "duplicate", status="success"), "its `status`"),
    "two results": (answer(1)[:-1] + ', "result": "invalid"}', "has 'result' twice"),
    "two results, and an escape": (
        answer(1, message="MARK").replace("MARK", "\\u003a")[:-1] + ', "result": "invalid"}',
        "has 'result' twice",
    ),
    "two numbers": (answer(2)[:-1] + ', "number": 1}', "has 'number' twice"),
    "unauthorized without a reason": (json.dumps({"result": "unauthorized"}), "no text as its"),
}


@pytest.mark.parametrize(("message", "said"), ODD.values(), ids=ODD)
def test_a_message_that_is_no_answer_is_said_and_ends_the_connection(caplog, message, said):
    sent = []

    async def handle(socket, number, record):
        sent.append((number, record["employee_id"]))
        await socket.send(message if record["employee_id"] == "E1" else answer(number))

    async def run():
        async with opened(handle) as client:
            return await client.send(employee("E1")), await client.send(employee("E3"))

    odd, other = asyncio.run(asyncio.wait_for(run(), 30))
    assert (odd.outcome, odd.attempts) == ("unknown", 1)
    assert said in odd.message
    assert other.outcome == "acked"
    assert sent == [(1, "E1"), (1, "E3")]
    assert not caplog.records  # asyncio logs the traceback of an error in a callback


def test_why_a_connection_ended_is_said_at_once():
    async def flood(socket, _number, _record):
        await socket.send("x" * 2**21)

    async def leave(socket, _number, _record):
        await socket.close(1012, "a new version")

    for handle, why in ((flood, "exceeds limit of 1048576 bytes"), (leave, "a new version")):
        (reply,) = replies(handle, ["E1"])
        assert reply.outcome == "unknown"
        assert why in reply.message


def test_a_proxy_in_the_environment_is_not_asked(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "socks_proxy", "https_proxy"):
        monkeypatch.setenv(name, "socks5://127.0.0.1:1")
    monkeypatch.setattr("urllib.request.proxy_bypass", lambda _host: False)

    async def handle(socket, number, _record):
        await socket.send(answer(number))

    assert [each.outcome for each in replies(handle, ["E1"])] == ["acked"]


def test_a_second_answer_to_a_record_ends_the_connection_and_is_said():
    async def handle(socket, number, _record):
        if number == 2:
            await socket.send(answer(1, "invalid"))
            await socket.send(answer(1))
            await socket.send(answer(2))

    first, second = replies(handle, ["a", "b"])
    assert (first.outcome, second.outcome) == ("refused", "unknown")
    assert "is a second answer to number 1" in second.message


def test_a_second_late_answer_ends_the_connection_too():
    async def handle(socket, number, _record):
        if number == 2:
            await socket.send(answer(1, employee_id="a"))
            await socket.send(answer(1, employee_id="a"))
            await socket.send(answer(2))

    async def run():
        async with opened(handle, attempt_timeout_s=0.2) as client:
            return await client.send(employee("a")), await client.send(employee("b"))

    first, second = asyncio.run(asyncio.wait_for(run(), 30))
    assert (first.outcome, second.outcome) == ("unknown", "unknown")
    assert "is a second answer to number 1" in second.message


def test_what_follows_a_message_that_is_no_answer_answers_nothing():
    async def handle(socket, number, _record):
        if number == 2:
            await socket.send("hello")
            await socket.send(answer(1))
            await socket.send(answer(2))

    assert [each.outcome for each in replies(handle, ["a", "b"])] == ["unknown", "unknown"]


def test_the_late_answer_to_a_record_that_was_given_up_answers_no_other():
    async def handle(socket, number, record):
        if number == 2:
            await socket.send(answer(1, "created", "of a"))
            await socket.send(answer(2, "invalid", "of b"))

    async def run():
        async with opened(handle, attempt_timeout_s=0.2) as client:
            return await client.send(employee("a")), await client.send(employee("b"))

    first, second = asyncio.run(asyncio.wait_for(run(), 30))
    assert (first.outcome, second.outcome) == ("unknown", "refused")
    assert second.message == "of b"


def test_the_reason_of_the_end_of_a_connection_is_said():
    async def handle(socket, _number, _record):
        await socket.close(1012, "back soon")

    (reply,) = replies(handle, ["a"])
    assert "1012 (service restart) back soon" in reply.message


def test_a_websocket_of_another_kind_is_refused_at_once():
    with pytest.raises(NotSentError, match=r"takes? the subprotocol empkit\.numbered"):
        replies(None, ["a"], subprotocols=None)


@pytest.mark.parametrize(
    ("code", "headers", "kind", "said"),
    [
        (302, {"Location": "ws://example.invalid/"}, NotSentError, "redirects to 'ws://example"),
        (401, {}, UnauthorizedError, "refuses the token"),
        (404, {"Location": "/x"}, NotSentError, "instead of a WebSocket"),
        (503, {"Retry-After": "7"}, NotSentError, "takes no connection now"),
        (103, {"Link": "x"}, NotSentError, "103, an interim response, before"),
    ],
)
def test_a_connection_that_is_refused_says_why(code, headers, kind, said):
    def refuse(connection, _request):
        response = connection.respond(HTTPStatus(code), "no")
        response.headers.update(headers)
        return response

    with pytest.raises(ClientError, match=said) as caught:
        replies(None, ["a"], process_request=refuse)
    assert type(caught.value) is kind
    assert ("redirects" in str(caught.value)) is (code == 302)
    assert caught.value.retry_after_s == (7 if "Retry-After" in headers else 0)


@pytest.mark.slow
@pytest.mark.parametrize("code", [429, 503])
def test_the_time_that_a_server_asks_for_before_a_connection_is_waited_for(code):
    asked = []

    def busy_once(connection, _request):
        asked.append(time.monotonic())
        if len(asked) > 1:
            return None
        response = connection.respond(HTTPStatus(code), "busy")
        response.headers["Retry-After"] = "1"
        return response

    async def handle(socket, number, _record):
        await socket.send(answer(number))

    (reply,) = replies(handle, ["a"], process_request=busy_once, deadline_s=20)
    assert (reply.outcome, reply.attempts, len(asked)) == ("acked", 1, 2)
    assert asked[1] - asked[0] >= 1


@pytest.mark.slow
def test_a_server_that_asks_to_wait_again_and_again_is_given_up_at_the_deadline():
    asked = []

    def busy(connection, _request):
        asked.append(time.monotonic())
        response = connection.respond(HTTPStatus(503), "busy")
        response.headers["Retry-After"] = "1"
        return response

    with pytest.raises(NotSentError, match="takes no connection now"):
        replies(None, ["a"], process_request=busy, deadline_s=2.5)
    assert 2 <= len(asked) <= 3
    assert asked[-1] - asked[0] <= 2.5
