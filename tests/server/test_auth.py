"""A token is good until it expires, and not a moment longer."""

import json
import time
from types import SimpleNamespace

import pytest
from pydantic import SecretStr
from websockets.exceptions import ConnectionClosed

from empkit import Settings
from empkit.server import auth
from tests.conftest import employee, is_stored, post, wait_until
from tests.server.test_websocket import ask, opened


def test_a_token_that_was_seen_is_refused_once_it_has_expired(monkeypatch):
    settings = Settings(signing_key=SecretStr("k" * 48), token_lifetime_s=60)
    authenticator = auth.Authenticator(settings)
    token, now = authenticator.make_token(), time.time()
    assert [authenticator.accepts(token) for _ in range(2)] == [True, True]
    for later, good in ((58, True), (61, False), (58, True)):
        monkeypatch.setattr(auth, "time", SimpleNamespace(time=lambda then=now + later: then))
        assert authenticator.accepts(token) is good


def test_a_token_that_expires_closes_every_door_that_it_opened(lab, fresh_id):
    token, until = lab.make_token(3.0), time.time() + 3.0
    with opened(lab, token) as socket:
        assert ask(socket, employee(f"{fresh_id}-1"))["status"] == "success"
        assert post(lab, employee(f"{fresh_id}-2"), token=token)[0] == 201
        wait_until(lambda: time.time() > until)
        status, answer = post(lab, employee(f"{fresh_id}-3"), token=token)
        assert (status, answer["message"]) == (401, "Unauthorized: Invalid token")
        socket.send(json.dumps(employee(f"{fresh_id}-4")))
        assert json.loads(socket.recv(timeout=20))["message"] == "Unauthorized: Invalid token"
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=20)
        assert closed.value.rcvd.code == 1008
    stored = [is_stored(lab, f"{fresh_id}-{number}") for number in (1, 2, 3, 4)]
    assert stored == [True, True, False, False]
