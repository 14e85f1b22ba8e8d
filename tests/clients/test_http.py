"""Records over HTTP to servers that are not the kit's."""

import json
import time

import pytest

from tests.clients.foreign import answer, replies, response


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
    "another record": (
        b'{"result": "created", "message": "m", "employee_id": "E2"}', "is about record 'E2'"),
}  # fmt: skip


@pytest.mark.parametrize(("body", "said"), ODD.values(), ids=ODD)
def test_an_answer_that_is_none_of_the_kit_leaves_it_unknown_and_says_why(body, said):
    (reply,) = replies(saying(response(201, body)), ["E1"])
    assert (reply.outcome, reply.result) == ("unknown", "no_answer")
    assert said in reply.message


def test_an_answer_whose_status_contradicts_its_words_is_no_answer():
    for code, result in ((500, "created"), (404, "same"), (201, "unavailable"), (200, "invalid")):
        (reply,) = replies(saying(answer(result, code=code)), ["E1"])
        assert (reply.outcome, "contradicts" in reply.message) == ("unknown", True)


def test_a_redirection_is_said_and_not_followed():
    moved = response(307, b"", "Location: https://example.org/employees")
    (reply,) = replies(saying(moved), ["E1"])
    assert "redirects to 'https://example.org/employees'" in reply.message


def test_an_id_that_is_too_long_is_refused_with_its_beginning():
    body = json.dumps({"result": "invalid", "message": "m", "employee_id": "E" * 128}).encode()
    (reply,) = replies(saying(response(422, body)), ["E" * 300])
    assert (reply.outcome, reply.message) == ("refused", "m")
