"""The clients: what they know of a record when answers are lost, late or never come."""

import asyncio
import contextlib

import pytest

from empkit import connect, wire
from empkit.clients import ClientError
from empkit.clients.control import ControlPlane, NotThisKitError
from empkit.proxy import ProxyProcess, ResetPeer
from tests.conftest import employee, is_stored

DIRECT = ("http", "websocket")


@contextlib.contextmanager
def through_proxy(lab, **changes):
    """A proxy before the lab's server, and the settings that lead through it."""
    proxy = ProxyProcess(lab.processes)
    proxy.start()
    try:
        port = proxy.listen("server", "127.0.0.1", lab.settings.port)
        settings = lab.settings.model_copy(
            update={"server_url": f"http://127.0.0.1:{port}", **changes}
        )
        yield proxy, settings
    finally:
        proxy.stop()


def send(protocol, settings, record, token=None):
    async def run():
        async with connect(protocol, settings, token) as client:
            return await client.send(record)

    return asyncio.run(run())


@pytest.mark.slow
@pytest.mark.parametrize("protocol", DIRECT)
def test_retry_after_lost_ack_stores_once(lab, fresh_id, protocol):
    """The request arrives and is carried out; its answer is lost; the retry hears "same"."""
    with through_proxy(lab) as (proxy, settings):

        async def run():
            async with connect(protocol, settings, lab.token) as client:
                first = await client.send(employee(f"{fresh_id}-a"))
                proxy.add("server", ResetPeer(direction="down", connections=1))
                return first, await client.send(employee(f"{fresh_id}-b"))

        first, second = asyncio.run(run())
    assert (first.outcome, first.attempts) == ("acked", 1)
    assert (second.outcome, second.result) == ("acked", "same")
    assert second.attempts == 2
    assert [attempt.answer for attempt in second.history] == ["no_answer", "same"]
    assert is_stored(lab, f"{fresh_id}-b")


@pytest.mark.slow
@pytest.mark.parametrize("protocol", DIRECT)
def test_no_answer_until_the_deadline_is_unknown_not_failed(lab, fresh_id, protocol):
    changes = {"deadline_s": 0.6, "attempt_timeout_s": 0.2}
    with through_proxy(lab, **changes) as (_, settings):

        async def run():
            async with connect(protocol, settings, lab.token) as client:
                await client.send(employee(f"{fresh_id}-a"))
                lab.server.pause()
                try:
                    return await client.send(employee(f"{fresh_id}-b"))
                finally:
                    lab.server.resume()

        reply = asyncio.run(run())
    assert reply.outcome == "unknown"
    assert reply.attempts > 1


@pytest.mark.slow
def test_no_attempt_begins_after_the_deadline(lab, fresh_id):
    """Each attempt takes 0.5 s, so of those within 0.6 s there are two."""
    settings = lab.settings.model_copy(
        update={"deadline_s": 0.6, "attempt_timeout_s": 0.5, "retries": 20}
    )
    lab.server.pause()
    try:
        reply = send("http", settings, employee(fresh_id), lab.token)
    finally:
        lab.server.resume()
    assert reply.outcome in {"unknown", "failed"}
    assert reply.attempts <= 2


def test_a_health_that_is_not_the_kits_names_where_it_was_asked(lab, monkeypatch):
    async def run():
        async with ControlPlane(lab.settings, lab.token) as server:
            monkeypatch.setattr(server, "get", answers)
            with pytest.raises(NotThisKitError, match=f"{lab.server_url}.*{wire.HEALTH}"):
                await server.health()

    async def answers(*_, **__):
        return {"status": "UP"}

    asyncio.run(run())


def test_what_was_never_sent_is_failed(lab, fresh_id):
    with through_proxy(lab, deadline_s=0.5) as (_, settings):
        pass  # nothing listens there any more
    reply = send("http", settings, employee(fresh_id), lab.token)
    assert reply.outcome == "failed"
    assert "No connection" in reply.message
    with pytest.raises(ClientError, match="No WebSocket at"):
        send("websocket", settings, employee(fresh_id), lab.token)
    assert not is_stored(lab, fresh_id)


@pytest.mark.slow
def test_records_with_one_id_in_flight_get_each_its_own_answer(lab, fresh_id):
    async def run(protocol, employee_id):
        async with connect(protocol, lab) as client:
            return await asyncio.gather(
                *(client.send(employee(employee_id, position=str(n))) for n in range(20))
            )

    for protocol in DIRECT:
        replies = asyncio.run(run(protocol, f"{fresh_id}-{protocol}"))
        results = sorted(reply.result for reply in replies)
        assert results == ["created"] + ["duplicate"] * 19


def test_an_unknown_protocol_is_refused(lab):
    with pytest.raises(ValueError, match="use one of http, websocket, kafka"):
        connect("smtp", lab)
