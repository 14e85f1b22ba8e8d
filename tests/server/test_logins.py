"""Log-ins: wrong ones are bounded and cost nobody else anything, right ones always succeed."""

import asyncio
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

import pytest
from pydantic import SecretStr

from empkit import Lab
from empkit.server import logins
from empkit.server.auth import Authenticator
from empkit.server.logins import Logins, TooManyError
from empkit.settings import Settings
from tests.conftest import request


def log_in(lab, password, user=None):
    form = f"username={user or lab.settings.username}&password={password}"
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    return request(lab, "POST", "/token", form, token="", **kind)


@pytest.mark.slow
def test_a_flood_of_wrong_passwords_is_refused_and_delays_neither_health_nor_right_ones():
    with Lab("none") as lab, ThreadPoolExecutor(40) as senders:
        flood = [senders.submit(log_in, lab, "wrong", f"u{number}") for number in range(100)]
        wait(flood, return_when=FIRST_COMPLETED)
        health = request(lab, "GET", "/health", token="")
        right = log_in(lab, lab.settings.password.get_secret_value())
        still_hashed = sum(not each.done() for each in flood)
        answers = [each.result() for each in flood]
    assert (health[0], right[0]) == (200, 200)
    assert still_hashed > 0
    codes = [code for code, _, _ in answers]
    assert set(codes) == {401, 429}
    assert codes.count(429) > 50
    _, headers, answer = next(each for each in answers if each[0] == 429)
    assert answer["detail"].startswith("Too many log-ins: ")
    assert int(headers["Retry-After"]) >= 1


def test_wrong_passwords_are_limited_by_user_and_address_and_right_ones_are_not(monkeypatch):
    monkeypatch.setattr(logins, "MOST_WRONG", 2)
    authenticator = Authenticator(Settings(username="nia", password=SecretStr("right")))

    async def run():
        several = Logins(authenticator)
        try:
            for _ in range(2):
                assert not await several.is_right("nia", "wrong", "127.0.0.1")
            with pytest.raises(TooManyError, match="2 wrong passwords within 60 s") as error:
                await several.is_right("nia", "wrong", "127.0.0.1")
            assert 0 < error.value.retry_after_s <= 60
            assert not await several.is_right("nia", "wrong", "127.0.0.2")
            assert not await several.is_right("bo", "wrong", "127.0.0.1")
            assert await several.is_right("nia", "right", "127.0.0.1")
        finally:
            several.stop()

    asyncio.run(run())
