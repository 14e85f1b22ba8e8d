"""Faults of the network: records go through the proxy, and none is lost there."""

import statistics

import pytest

from empkit import At, Lab, Workload
from empkit.faults import Network, SlowReader
from empkit.proxy import Cut, Latency, Stall
from tests.faulted import counts, run


@pytest.mark.slow
def test_a_network_fault_also_strikes_a_websocket_that_has_an_address_of_its_own(lab):
    there = lab.settings.model_copy(update={"ws_url": lab.ws_url})
    with Lab("none", server=lab.server_url, settings=there) as visitor:
        runs = run(visitor, "websocket", At(0.4, Network(Cut())))
    assert runs.runs[0].reconnections == 1


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.parametrize("protocol", ["http", "websocket", "kafka"])
def test_the_records_really_go_through_the_proxy(lab, protocol):
    """A delay put on the way out only is found in the service time of every record it met."""
    fault = Network(Latency(latency_ms=40, direction="up"))
    runs = run(lab, protocol, At(0.0, fault), workload=Workload(records=60, in_flight=1))
    took = ((runs.timings["acked_ns"] - runs.timings["sent_ns"]) / 1e6).tolist()
    # the last one that was faster was on its way before the toxic was there; a busy machine may
    # have slowed one before it
    met = took[max((number for number, ms in enumerate(took) if ms <= 39), default=-1) + 1 :]
    assert len(met) > 40
    assert statistics.median(met) < 60


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["http", "websocket", "kafka"])
@pytest.mark.parametrize("toxic", [Cut(), Stall()])
def test_a_bad_network_loses_nothing(lab, protocol, toxic):
    runs = run(lab, protocol, At(0.4, Network(toxic), until=0.8))
    assert counts(runs) == {"offered": 500, "stored": 500}


@pytest.mark.slow
def test_a_client_that_reads_slowly_is_waited_for_and_loses_nothing(lab):
    slow = SlowReader(bytes_per_s=4_000)
    runs = run(lab, "websocket", At(0.3, slow, until=1.0))
    assert counts(runs) == {"offered": 500, "stored": 500}
    waited = (runs.timings["acked_ns"] - runs.timings["stored_ns"]).max() / 1e6
    assert waited > 200  # the answers were there long before they were read
