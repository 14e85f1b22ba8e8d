"""Tokens: fetched, renewed once for all, and refused with a sentence."""

import asyncio
import contextlib
import json
import time

import pytest
from pydantic import SecretStr

from empkit import Settings, connect
from empkit.clients import ClientError, fetch_token
from empkit.clients.base import NotSentError
from empkit.proxy import ResetPeer
from tests.clients.foreign import response, token_server
from tests.clients.test_base import DIRECT, send, through_proxy
from tests.conftest import employee


@pytest.mark.slow
@pytest.mark.parametrize("protocol", DIRECT)
def test_an_expired_token_is_renewed_in_the_middle(lab, fresh_id, protocol):
    old = lab.make_token(0.000001)
    # a password takes a while to hash, on a busy machine longer than an attempt may take
    patient = lab.settings.model_copy(update={"attempt_timeout_s": 60.0, "deadline_s": 60.0})
    reply = send(protocol, patient, employee(fresh_id), old)
    assert reply.outcome == "acked"
    # a WebSocket may hear of it before it has sent anything
    assert reply.attempts == 2 or (protocol, reply.attempts) == ("websocket", 1)


def test_two_hundred_records_that_are_refused_at_once_get_one_new_token(lab, fresh_id, monkeypatch):
    fetched = []

    async def fetch(*arguments):
        fetched.append(await fetch_token(*arguments))
        return fetched[-1]

    monkeypatch.setattr("empkit.clients.http.fetch_token", fetch)

    async def run():
        async with connect("http", lab.settings, "not.a.token") as client:
            return await asyncio.gather(
                *(client.send(employee(f"{fresh_id}-{number}")) for number in range(200))
            )

    replies = asyncio.run(asyncio.wait_for(run(), 60))
    assert {reply.outcome for reply in replies} == {"acked"}
    assert len(fetched) == 1


def test_a_wrong_password_is_said_at_once(lab):
    wrong = lab.settings.model_copy(update={"password": None})
    for protocol in DIRECT:
        with pytest.raises(ClientError, match="EMPKIT_PASSWORD"):
            send(protocol, wrong, employee("never"))


@pytest.mark.slow
def test_a_lost_answer_to_a_token_request_is_no_lost_answer_to_a_record(lab):
    with through_proxy(lab) as (proxy, settings):
        proxy.add("server", ResetPeer(direction="down"))
        with pytest.raises(NotSentError, match="connection was lost"):
            send("http", settings, employee("never"))


ODD = ("tök", "a\r\nX: y", "a b", "", 7, None)


@pytest.mark.parametrize("protocol", DIRECT)
@pytest.mark.parametrize("token", ODD[:-1])
def test_a_token_that_no_header_can_hold_is_refused_in_a_sentence(protocol, token):
    with pytest.raises(ValueError, match="visible ASCII characters"):
        connect(protocol, Settings(), token)


def fetched(body, code=200, *head, wait_s=0.0, length=True):
    """What comes of a request for a token that is answered so."""

    async def answer(_form):
        await asyncio.sleep(wait_s)
        return response(code, body, *head, length=length)

    async def run():
        async with token_server(answer) as url:
            settings = Settings(server_url=url, password=SecretStr("x"), deadline_s=0.5)
            async with connect("http", settings):
                pass

    asyncio.run(asyncio.wait_for(run(), 60))


@pytest.mark.parametrize("token", ODD)
def test_a_server_that_gives_no_usable_token_is_said_to_be_no_empkit_server(token):
    with pytest.raises(ClientError, match="without a token: is this an empkit server"):
        fetched(json.dumps({"access_token": token}).encode())


def test_a_server_that_takes_no_log_in_now_is_not_called_another():
    with pytest.raises(NotSentError, match="takes no log-in now") as caught:
        fetched(b"", 429, "Retry-After: 9")
    assert caught.value.retry_after_s == 9


@pytest.mark.slow
@pytest.mark.parametrize("protocol", DIRECT)
@pytest.mark.parametrize("code", [429, 503])
def test_the_time_that_a_server_asks_for_before_a_log_in_is_waited_for(protocol, code):
    asked = []

    async def answer(_form):
        asked.append(time.monotonic())
        if len(asked) == 1:
            return response(code, b"", "Retry-After: 1")
        return response(200, b'{"access_token": "a.b.c"}')

    async def run():
        async with token_server(answer) as url:
            # nothing is at the address of the WebSocket
            settings = Settings(
                server_url=url, ws_url="ws://127.0.0.1:9", password=SecretStr("x"), deadline_s=20
            )
            with contextlib.suppress(NotSentError):
                async with connect(protocol, settings):
                    pass

    asyncio.run(asyncio.wait_for(run(), 60))
    assert len(asked) == 2
    assert asked[1] - asked[0] >= 1


def test_the_url_of_a_server_is_shown_as_it_is_asked():
    async def answer(_form):
        return response(404)

    async def run():
        async with token_server(answer) as url:
            settings = Settings(server_url=f"{url}/", password=SecretStr("x"))
            with pytest.raises(ClientError) as caught:
                async with connect("http", settings):
                    pass
            assert str(caught.value).startswith(f"{url}/token answered 404")

    asyncio.run(asyncio.wait_for(run(), 60))


def test_a_token_whose_answer_is_not_whole_is_said_with_its_status():
    with pytest.raises(NotSentError, match=r"answered 200, but its body was not whole within 0\.5"):
        fetched(b"", 200, "Content-Length: 50", length=False)


@pytest.mark.slow
def test_a_server_that_never_answers_the_request_for_a_token_is_given_up():
    with pytest.raises(NotSentError, match=r"did not answer within 0\.5 s"):
        fetched(b"", wait_s=60)


@pytest.mark.slow
@pytest.mark.parametrize("protocol", DIRECT)
def test_no_token_is_in_a_url(protocol):
    """Proxies and servers write URLs into their logs, and not the headers."""
    token = "not.in-any.url"

    async def run():
        heads = []

        async def hang_up(reader, writer):
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.close()

        async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            settings = Settings(server_url=f"http://127.0.0.1:{port}", ws_url=None, retries=0)
            with contextlib.suppress(NotSentError):
                async with connect(protocol, settings, token) as client:
                    await client.send(employee("E1"))
        return heads

    (head,) = asyncio.run(asyncio.wait_for(run(), 20))
    first, _, headers = head.partition(b"\r\n")
    assert token.encode() not in first
    assert b"Authorization: Bearer " + token.encode() in headers
