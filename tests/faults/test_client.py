"""Faults of the client: killed, paused, or with a token that expires."""

import sys

import psutil
import pytest

from empkit import At
from empkit.faults import ClientKill, ClientPause, TokenExpiry
from empkit.faults.base import Offer, Scene
from empkit.processes.child import Processes
from tests.conftest import wait_until
from tests.faulted import counts, run


def test_a_killed_or_stopped_client_is_every_load_generator():
    with Processes() as processes:
        generators = [
            processes.start(f"generator-{number}", [sys.executable, "-c", "input()"])
            for number in range(2)
        ]
        scene = Scene(None, generators)

        def stopped():
            states = [psutil.Process(each.pid).status() for each in generators]
            return [state == psutil.STATUS_STOPPED for state in states]

        undo = ClientPause().strike(scene)
        assert stopped() == [True, True]
        undo()
        wait_until(lambda: stopped() == [False, False])
        ClientKill().strike(scene)
        assert [each.exit_status for each in generators] == [-9, -9]


def test_the_first_of_several_expiries_says_how_long_the_token_lives():
    offer = Offer(iter(()), seed=0, rate=None)
    for fault in (TokenExpiry(after_s=1.5), TokenExpiry(after_s=4.0)):
        assert fault.change(offer) == ()
    assert offer.token_lifetime_s == 1.5


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["http", "websocket", "kafka"])
def test_a_killed_client_leaves_records_whole_or_not_at_all(lab, protocol):
    runs = run(lab, protocol, At(0.6, ClientKill()))
    assert runs.runs[0].cut_short
    found = counts(runs)
    assert found.pop("offered") == runs.runs[0].offered < 500
    assert set(found) <= {"stored", "unconfirmed", "failed"}


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["http", "websocket"])
def test_a_client_that_pauses_and_a_token_that_expires_lose_nothing_and_the_pause_is_in_the_latency(
    lab, protocol
):
    runs = run(lab, protocol, At(0.4, ClientPause(), until=0.7), TokenExpiry(after_s=2.0))
    assert counts(runs) == {"offered": 500, "stored": 500}
    late = (runs.timings["sent_ns"] - runs.timings["intended_ns"]).max() / 1e6
    assert late > 200  # the stall of the sender is in the response times
