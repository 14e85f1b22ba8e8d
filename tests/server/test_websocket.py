"""The WebSocket endpoint, with a client that knows nothing of the kit."""

import contextlib
import json
import time

import psutil
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.conftest import employee, is_stored
from tests.server.test_http import tokens


def opened(lab, token=None, **options):
    headers = {"Authorization": f"Bearer {lab.token if token is None else token}"}
    return connect(lab.ws_url, additional_headers=headers, proxy=None, max_size=None, **options)


def ask(socket, message):
    socket.send(message if isinstance(message, str | bytes) else json.dumps(message))
    return json.loads(socket.recv(timeout=20))


def test_replies_have_the_first_descriptions_shape_and_words(lab, fresh_id):
    with opened(lab) as socket:
        assert ask(socket, employee(fresh_id)) == {
            "status": "success",
            "message": f"Employee created: {fresh_id}",
            "employee_id": fresh_id,
        }
        assert ask(socket, employee(fresh_id, first_name="Augusta")) == {
            "status": "error", "message": f"Employee ID {fresh_id} already exists",
            "employee_id": fresh_id,
        }  # fmt: skip
        reply = ask(socket, {"first_name": "Ada", "last_name": "Byron"})
        assert reply["message"] == "Invalid employee data: missing employee_id"


def test_from_a_client_that_is_not_known_no_large_message_is_taken_in(lab):
    """25 of them with 16 MiB each cost 358 MiB."""
    huge = "x" * 16 * 2**20
    process = psutil.Process(lab.server.pid)
    with contextlib.ExitStack() as cleanup:
        before = process.memory_info().rss
        for _ in range(10):
            socket = cleanup.enter_context(connect(lab.ws_url, proxy=None, max_size=None))
            with pytest.raises(ConnectionClosed) as closed:
                socket.send(huge)
                socket.recv(timeout=20)
            assert closed.value.rcvd is None or closed.value.rcvd.code == 1009
        assert process.memory_info().rss - before < 16 * 2**20
    with connect(lab.ws_url, proxy=None) as socket:
        assert ask(socket, {"type": "auth", "token": lab.token})["status"] == "success"
        large = {**employee("large"), "remark": "x" * 40_000}
        assert ask(socket, large)["message"] == "Employee created: large"


@pytest.mark.parametrize(
    "message",
    ["no JSON", "", "[1]", "null", '"E1"', '{"employee_id": "E1"}', '{"employee_id": 7}',
     b"\xff", json.dumps(employee("E1", salary="lots")), json.dumps(employee("E" * 200))],
)  # fmt: skip
def test_in_the_first_description_all_that_is_wrong_but_a_missing_id_is_an_error(lab, message):
    with opened(lab) as socket:
        reply = ask(socket, message)
        assert reply["status"] == "error"
        assert reply["message"].startswith("Error: ")
        assert "Invalid employee data" not in reply["message"]
        for missing in ({"last_name": 7}, {"employee_id": ""}, {"employee_id": None}):
            assert ask(socket, missing)["message"] == "Invalid employee data: missing employee_id"
    with opened(lab, subprotocols=["empkit.numbered"]) as socket:
        assert ask(socket, message)["message"].startswith("Invalid employee data: ")


def test_without_a_good_token_a_websocket_is_told_why_and_closed(lab):
    for first in ("{}", "no JSON", b"bytes", json.dumps(employee("E1")), "[" * 9_000):
        with connect(lab.ws_url, proxy=None) as socket:
            reply = ask(socket, first)
            assert reply["message"] == "Unauthorized: Missing or invalid token"
            with pytest.raises(ConnectionClosed):
                socket.recv(timeout=20)
    for what, token in tokens(lab).items():
        if not token.isascii():
            continue  # no such header can be sent
        with opened(lab, token) as socket:
            reply = json.loads(socket.recv(timeout=20))
            assert reply["message"] == "Unauthorized: Invalid token", what
            with pytest.raises(ConnectionClosed) as closed:
                socket.recv(timeout=20)
            assert closed.value.rcvd.code == 1008


def test_a_client_that_cannot_set_a_header_sends_the_token_first_as_a_browser_does(lab, fresh_id):
    with connect(lab.ws_url, proxy=None) as socket:
        reply = ask(socket, {"type": "auth", "token": lab.token})
        assert reply == {"status": "success", "message": "Authenticated", "employee_id": None}
        assert ask(socket, employee(fresh_id))["message"] == f"Employee created: {fresh_id}"
    for what, token in tokens(lab).items():
        with connect(lab.ws_url, proxy=None) as socket:
            reply = ask(socket, {"type": "auth", "token": token})
            assert reply["message"] == "Unauthorized: Invalid token", what


@pytest.mark.slow
def test_a_client_that_sends_no_token_is_refused_after_5_seconds(lab):
    began = time.monotonic()
    with connect(lab.ws_url, proxy=None) as socket:
        reply = json.loads(socket.recv(timeout=20))
        assert reply["message"] == "Unauthorized: Missing or invalid token"
    assert time.monotonic() - began > 4.9


def test_many_records_in_flight_are_each_answered_once_by_name(lab, fresh_id):
    ids = [f"{fresh_id}-{number}" for number in range(300)]
    with opened(lab) as socket:
        for each in ids:
            socket.send(json.dumps(employee(each)))
        replies = [json.loads(socket.recv(timeout=20)) for _ in ids]
    assert sorted(reply["employee_id"] for reply in replies) == sorted(ids)
    assert {reply["status"] for reply in replies} == {"success"}


def test_numbered_answers_tell_apart_what_has_one_id(lab, fresh_id):
    names = ["Ada", "Grace", "Mary"]
    with opened(lab, subprotocols=["empkit.numbered"]) as socket:
        socket.send("not JSON")
        for name in names:
            socket.send(json.dumps(employee(fresh_id, first_name=name)))
        replies = {
            reply["number"]: reply["result"]
            for reply in (json.loads(socket.recv(timeout=20)) for _ in range(4))
        }
    assert replies.pop(1) == "invalid"
    assert sorted(replies.values()) == ["created", "duplicate", "duplicate"]


def test_what_cannot_be_a_record_is_answered_and_the_next_one_stored(lab, fresh_id):
    large = [employee("x" * 10_000_000), employee("x", remark="y" * 200_000)]
    bad = ["", "{", "[]", "null", b"\xff\xfe\x00", b"", '{"employee_id": "\\ud800"}', "[" * 100_000]
    bad += map(json.dumps, large)
    with opened(lab) as socket:
        for message in bad:
            reply = ask(socket, message)
            assert reply["status"] == "error", message[:50]
            assert len(json.dumps(reply)) < 1_000
        assert ask(socket, json.dumps(employee(fresh_id)).encode())["status"] == "success"
    assert is_stored(lab, fresh_id)
