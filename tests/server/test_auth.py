"""Who may send: the one user with its password, and tokens until they expire."""

import json
import time
from types import SimpleNamespace

import jwt
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


@pytest.mark.slow
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


KEY = "k" * 48


def authenticator(**changes):
    return auth.Authenticator(Settings(signing_key=SecretStr(KEY), **changes))


def signed(key=KEY, algorithm="HS256", **changes):
    """A token that is good, but for the changes; a claim that is None is left out."""
    claims = {"sub": "empkit", "exp": time.time() + 60, **changes}
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(claims, key, algorithm)


@pytest.mark.parametrize(
    "token",
    [
        signed("x" * 48), signed("", "none"), signed(algorithm="HS384"), signed(sub="root"),
        signed(sub=None), signed(exp=None), signed(exp=1), signed(nbf=2**40), "", "a.b.c", "\ud800",
    ],
    ids=[
        "another key", "no signature", "another algorithm", "another user", "no user", "no end",
        "expired", "not yet good", "empty", "no token", "no text",
    ],
)  # fmt: skip
def test_a_token_that_was_not_made_for_our_user_is_refused_each_time(token):
    server = authenticator()
    assert server.accepts(signed())
    assert [server.accepts(token) for _ in range(2)] == [False, False]


def test_a_server_accepts_the_tokens_of_every_server_with_the_same_key_and_of_no_other():
    token = authenticator().make_token()
    assert authenticator().accepts(token)
    strangers = [auth.Authenticator(Settings(signing_key=None)) for _ in range(2)]
    assert not strangers[0].accepts(token)
    assert strangers[0].accepts(own := strangers[0].make_token())
    assert not strangers[1].accepts(own)  # without a key each makes one


def test_more_tokens_than_are_remembered_are_all_good():
    server = authenticator()
    tokens = [signed(exp=time.time() + 600 + number) for number in range(1_002)]
    for _ in range(2):
        assert all(map(server.accepts, tokens))
    assert not server.accepts(signed("x" * 48))


@pytest.mark.slow
def test_the_password_is_right_for_its_user_only():
    word = "secr\u00e9t"
    server = authenticator(username="ada", password=SecretStr(word))
    tried = [("ada", word), ("ada", "secret"), ("ada", ""), ("empkit", word), ("", "")]
    assert [server.password_is_right(*each) for each in tried] == [True] + [False] * 4


@pytest.mark.slow
def test_without_a_password_nobody_can_log_in():
    server = authenticator(password=None)
    assert not any(server.password_is_right("empkit", word) for word in ("", "None", "empkit"))


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer a.b.c", "a.b.c"), ("bearer  a.b.c ", "a.b.c"), ("BEARER a b", "a b"),
        ("Basic a.b.c", None), ("Bearer", None), ("Bearer  ", None), ("a.b.c", None), ("", None),
        (None, None),
    ],
)  # fmt: skip
def test_a_token_is_read_from_a_bearer_header_only(header, token):
    assert auth.bearer_token(header) == token
