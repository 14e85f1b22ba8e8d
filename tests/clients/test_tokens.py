"""Tokens: fetched, renewed once for all, and refused with a sentence."""

import asyncio

import pytest

from empkit import connect
from empkit.clients import ClientError
from empkit.clients.base import NotSentError
from empkit.proxy import ResetPeer
from tests.clients.test_base import DIRECT, send, through_proxy
from tests.conftest import employee


@pytest.mark.parametrize("protocol", DIRECT)
def test_an_expired_token_is_renewed_in_the_middle(lab, fresh_id, protocol):
    old = lab.make_token(0.000001)
    reply = send(protocol, lab.settings, employee(fresh_id), old)
    assert reply.outcome == "acked"
    # a WebSocket may hear of it before it has sent anything
    assert reply.attempts == 2 or (protocol, reply.attempts) == ("websocket", 1)


def test_two_hundred_refused_at_once_get_one_new_token(lab, fresh_id):
    async def run():
        async with connect("http", lab.settings, "not.a.token") as client:
            return await asyncio.gather(
                *(client.send(employee(f"{fresh_id}-{number}")) for number in range(200))
            )

    replies = asyncio.run(asyncio.wait_for(run(), 20))
    assert {reply.outcome for reply in replies} == {"acked"}


def test_a_wrong_password_is_said_at_once(lab):
    wrong = lab.settings.model_copy(update={"password": None})
    for protocol in DIRECT:
        with pytest.raises(ClientError, match="EMPKIT_PASSWORD"):
            send(protocol, wrong, employee("never"))


def test_a_lost_answer_to_a_token_request_is_no_lost_answer_to_a_record(lab):
    with through_proxy(lab) as (proxy, settings):
        proxy.add("server", ResetPeer(direction="down"))
        with pytest.raises(NotSentError, match="connection was lost"):
            send("http", settings, employee("never"))
