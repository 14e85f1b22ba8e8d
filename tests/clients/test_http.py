"""Records over HTTP to servers that are not the kit's."""

import json
import time

import pytest

from tests.clients.foreign import answer, replies, response
from tests.clients.test_base import send
from tests.conftest import employee


def saying(*answers):
    """A server that gives these answers one after the other, and then the last again."""
    left = list(answers)

    async def script(_record, _connection, _request):
        yield left.pop(0) if len(left) > 1 else left[0]

    return script


def test_a_conflict_and_a_record_that_cannot_be_processed_are_refusals_whoever_says_so():
    for code, result in ((409, "duplicate"), (422, "invalid"), (413, "too_large")):
        (reply,) = replies(saying(response(code, b"<html>no</html>")), ["E1"], retries=3)
        assert (reply.outcome, reply.result, reply.attempts) == ("refused", result, 1)
        assert str(code) in reply.message
        assert "<html>no</html>" in reply.message


def test_a_conflict_after_a_lost_answer_may_be_with_the_record_itself():
    (reply,) = replies(saying(response(500, b"?"), response(409, b"")), ["E1"], retries=3)
    assert (reply.outcome, reply.result, reply.attempts) == ("unknown", "duplicate", 2)
    (reply,) = replies(saying(response(500, b"?"), answer("duplicate")), ["E1"], retries=3)
    assert (reply.outcome, reply.result, reply.attempts) == ("refused", "duplicate", 2)


@pytest.mark.slow
@pytest.mark.parametrize("code", [429, 503])
def test_the_time_that_a_server_asks_for_is_kept_to(code):
    busy = response(code, b"busy", "Retry-After: 1")
    before = time.monotonic()
    (reply,) = replies(saying(busy, answer()), ["E1"], retries=3, deadline_s=5)
    assert (reply.outcome, reply.attempts) == ("acked", 2)
    assert time.monotonic() - before >= 1


@pytest.mark.parametrize(("code", "outcome"), [(429, "failed"), (503, "unknown")])
def test_a_time_beyond_the_deadline_is_not_waited_for(code, outcome):
    for asked in ("120", "Fri, 31 Dec 9999 23:59:59 GMT"):
        busy = response(code, b"busy", f"Retry-After: {asked}")
        before = time.monotonic()
        (reply,) = replies(saying(busy), ["E1"], retries=30, deadline_s=20)
        assert (reply.outcome, reply.attempts) == (outcome, 1)
        assert "asks to wait" in reply.message
        assert time.monotonic() - before < 10


ODD = {
    "a list": (b"[1]", "is not a JSON object"),
    "null": (b"null", "is not a JSON object"),
    "nothing": (b"", "is not JSON"),
    "no result": (b'{"message": "m"}', "no text as its"),
    "a result that is no text": (b'{"result": ["created"], "message": "m"}', "no text as its"),
    "a message that is no text": (b'{"result": "created", "message": null}', "no text as its"),
    "an unknown result": (b'{"result": "ok", "message": "m"}', "'ok'"),
    "a deep one": (
        b'{"result": "created", "message": "m", "x": ":", "y": ' + 1020 * b"[" + 1020 * b"]" + b"}",
        "has too many values in one another"),
    "another record": (
        b'{"result": "created", "message": "m", "employee_id": "E2"}', "is about record 'E2'"),
}  # fmt: skip


@pytest.mark.parametrize(("body", "said"), ODD.values(), ids=ODD)
def test_an_answer_that_is_not_the_kits_leaves_the_record_unknown_and_says_why(body, said):
    (reply,) = replies(saying(response(201, body)), ["E1"])
    assert (reply.outcome, reply.result) == ("unknown", "no_answer")
    assert said in reply.message


def kit(code, result, *, ends="", **more):
    """An answer with every key of the kit's, for E1 unless told otherwise."""
    status = "success" if code < 300 else "error"
    content = {"status": status, "message": "m", "employee_id": "E1", "result": result} | more
    return response(code, json.dumps(content)[:-1].encode() + ends.encode() + b"}")


CONTRADICTIONS = {
    "a duplicate that names another": (kit(409, "duplicate", employee_id="E2"), "record 'E2'"),
    "a record without end that names another": (kit(422, "invalid", employee_id="e1"), "'e1'"),
    "one too large that names another": (kit(413, "too_large", employee_id="E2"), "record 'E2'"),
    "a foreign conflict over another": (response(409, b'{"employee_id": "E2"}'), "record 'E2'"),
    "an ack that names a number": (kit(201, "created", employee_id=5), "record 5"),
    "an ack that names a list": (kit(201, "created", employee_id=["E1"]), "record ['E1']"),
    "an ack that names an object": (kit(201, "created", employee_id={}), "record {}"),
    "an ack that names none": (kit(201, "created", employee_id=None), "record None"),
    "a refusal that names none": (kit(409, "duplicate", employee_id=None), "record None"),
    "a refusal that names true": (kit(422, "invalid", employee_id=True), "record True"),
    "a conflict that is created": (answer("created", code=409), "'created', which its status"),
    "a conflict that is the same": (answer("same", code=409), "'same', which its status"),
    "an invalid record created": (answer("created", code=422), "'created', which its status"),
    "a failure that is created": (answer("created", code=500), "'created', which its status"),
    "not found, and the same": (answer("same", code=404), "'same', which its status"),
    "created, and unavailable": (answer("unavailable", code=201), "'unavailable', which its st"),
    "a success that is invalid": (answer("invalid", code=200), "'invalid', which its status"),
    "a failure that is a duplicate": (kit(500, "duplicate"), "'duplicate', which its status"),
    "created, and an error": (kit(201, "created", status="error"), "its `status` contradicts"),
    "a duplicate, and a success": (kit(409, "duplicate", status="success"), "`status` contra"),
    "a status that is no text": (kit(201, "created", status=201), "its `status` contradicts"),
    "two results": (kit(201, "duplicate", ends=', "result": "created"'), "has 'result' twice"),
    "two results apart": (kit(409, "created", ends=', "result"\n:"invalid"'), "'result' twice"),
    "two ids": (kit(201, "created", ends=', "employee_id": "E1"'), "has 'employee_id' twice"),
    "two results, and an escape": (
        response(201, b'{"result": "invalid", "result": "created", "message": "\\u003a"}'),
        "has 'result' twice",
    ),
    "two messages": (kit(422, "invalid", ends=', "message": "n"'), "has 'message' twice"),
}


@pytest.mark.parametrize(("odd", "said"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_an_answer_that_contradicts_itself_or_the_request_is_none_whatever_its_status(odd, said):
    used = []

    async def script(record, connection, _request):
        used.append(connection)
        yield odd if record["employee_id"] == "E1" else answer(employee_id="E3")

    first, second = replies(script, ["E1", "E3"])
    assert (first.outcome, first.result, first.attempts) == ("unknown", "no_answer", 1)
    assert said in first.message
    assert (second.outcome, used) == ("acked", [0, 1])  # what follows may be another's, too


SOUND = {
    "of the kit": (kit(201, "created"), "acked"),
    "without an id": (answer("created"), "acked"),
    "too large to be read": (kit(413, "too_large", employee_id=None), "refused"),
    "with colons": (kit(409, "duplicate", message="a: b: c", field="x:y"), "refused"),
    "with words of the kit as values": (kit(422, "invalid", field="result"), "refused"),
    "with a quoted key": (kit(422, "invalid", message='"result": "created"'), "refused"),
    "with more, and the same key deeper": (kit(201, "created", more={"result": 1}), "acked"),
}


@pytest.mark.parametrize(("sound", "outcome"), SOUND.values(), ids=SOUND)
def test_an_answer_that_is_unlike_the_kits_but_clear_counts(sound, outcome):
    (reply,) = replies(saying(sound), ["E1"])
    assert reply.outcome == outcome


@pytest.mark.slow
def test_a_record_without_an_id_that_is_text_is_answered_without_one(lab):
    for protocol in ("http", "websocket"):
        for id_ in (5, None, ["E1"]):
            reply = send(protocol, lab.settings, employee(id_))
            assert (reply.outcome, reply.result) == ("refused", "invalid"), reply


def test_a_redirection_is_said_and_not_followed():
    moved = response(307, b"", "Location: https://example.org/employees")
    (reply,) = replies(saying(moved), ["E1"])
    assert "redirects to 'https://example.org/employees'" in reply.message
    for code in (409, 422, 500, 503, 200):
        (reply,) = replies(saying(response(code, b"", "Location: /employees/7")), ["E1"])
        assert "redirects" not in reply.message


def test_an_id_that_is_too_long_is_refused_with_its_beginning():
    body = json.dumps({"result": "invalid", "message": "m", "employee_id": "E" * 128}).encode()
    (reply,) = replies(saying(response(422, body)), ["E" * 300])
    assert (reply.outcome, reply.message) == ("refused", "m")
