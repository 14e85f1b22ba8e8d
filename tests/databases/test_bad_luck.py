"""Bad luck of a database: nothing acked is lost, the cause is said, and the server goes on."""

import pytest

from empkit.databases.cluster import Cluster
from tests import parts

edges = pytest.importorskip("benchmarks.edges_database", exc_type=ModuleNotFoundError)


@pytest.fixture(scope="module")
def cluster():
    parts.need_postgresql()
    with Cluster() as running:
        yield running


@pytest.mark.slow
@pytest.mark.parametrize("fault", edges.FAULTS)
def test_what_was_acked_is_kept_the_cause_is_said_and_the_server_goes_on(
    fault, request, monkeypatch
):
    monkeypatch.setattr(edges, "AWAY_S", 1.0)
    kind = edges.FAULTS[fault].database
    cluster = request.getfixturevalue("cluster") if kind == "postgresql" else None
    told = edges.told(fault, cluster)
    assert told.lost == 0
    assert told.acked > edges.ENOUGH
    assert not edges.unsaid(told)
