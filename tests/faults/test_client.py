"""Faults of the client: killed, paused, or with a token that expires."""

import pytest

from empkit import At
from empkit.faults import ClientKill, ClientPause, TokenExpiry
from tests.faulted import counts, run


@pytest.mark.parametrize("protocol", ["http", "websocket", "kafka"])
def test_a_killed_client_leaves_records_whole_or_not_at_all(lab, protocol):
    runs = run(lab, protocol, At(0.6, ClientKill()))
    assert runs.runs[0].cut_short
    found = counts(runs)
    assert found.pop("offered") == runs.runs[0].offered < 500
    assert set(found) <= {"stored", "unconfirmed", "failed"}


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["http", "websocket"])
def test_a_client_that_stops_and_a_token_that_expires(lab, protocol):
    runs = run(lab, protocol, At(0.4, ClientPause(), until=0.7), TokenExpiry(after_s=2.0))
    assert counts(runs) == {"offered": 500, "stored": 500}
    late = (runs.timings["sent_ns"] - runs.timings["intended_ns"]).max() / 1e6
    assert late > 200  # the stall of the sender is in the response times
