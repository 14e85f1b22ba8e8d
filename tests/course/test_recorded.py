"""Experiments that want Apache Kafka or PostgreSQL: recorded where it is missing, and marked so."""

import re
from pathlib import Path

import pandas as pd
import pytest

from empkit import Workload, plots
from empkit.brokers import BrokerError
from empkit.course.recorded import on_apache, on_postgresql
from empkit.databases.cluster import Cluster

RECORDED = Path(__file__).parents[2] / "notebooks" / "recorded"


def not_called(_):
    raise AssertionError("there is nothing to run it on")


@pytest.fixture(autouse=True)
def without_kafka(monkeypatch, tmp_path):
    monkeypatch.setenv("EMPKIT_KAFKA_HOME", str(tmp_path))


def test_a_recording_says_that_it_is_one_with_its_date_and_versions():
    (plain, idempotent), source = on_apache(not_called, RECORDED / "idempotence")
    assert source.startswith("RECORDED on 2026-")
    assert "Apache Kafka 4." in source
    assert "aiokafka 0." in source
    assert "not measured here:" in source
    extra = [each.runs[0].appended - each.runs[0].offered for each in (plain, idempotent)]
    assert extra[0] > 0
    assert extra[1] == 0
    assert "copies too many, the database none" in plots.copies([plain, idempotent]).get_suptitle()


def test_the_death_of_a_leader_was_recorded_too():
    (_, leader, every), source = on_apache(not_called, RECORDED / "three_brokers", brokers=3)
    assert "of 3 brokers" in source
    assert [fault.part for fault in every.runs[0].faults] == ["broker"]
    assert (every.timings["verdict"] == "stored").all()
    assert (leader.timings["verdict"] == "lost").any()


def test_no_recording_is_made_without_kafka(tmp_path):
    with pytest.raises(BrokerError):
        on_apache(not_called, tmp_path / "new", keep=True)
    with pytest.raises(FileNotFoundError):
        on_apache(not_called, tmp_path / "none")


def small(lab):
    return lab.run("http", Workload(records=60, warm_up=0), progress=lambda *_: None)


@pytest.mark.slow
def test_postgresql_is_measured_beside_sqlite_and_its_recording_is_read_where_it_is_missing(
    postgres, tmp_path, monkeypatch
):
    monkeypatch.setenv("EMPKIT_LAB_DATABASE", postgres)
    runs, source = on_postgresql(small, tmp_path / "new", keep=True)
    assert postgres not in (tmp_path / "new/2/runs.json").read_text()  # with its password
    kinds = [each.environment["database"].partition("+")[0] for each in runs]
    assert kinds == ["sqlite", "postgresql"]
    assert source.startswith("Measured just now, on SQLite and on PostgreSQL ")
    monkeypatch.delenv("EMPKIT_LAB_DATABASE")
    monkeypatch.setattr("empkit.databases.cluster.available", lambda: False)
    again, source = on_postgresql(not_called, tmp_path / "new")
    assert source.startswith("RECORDED on ") and "with SQLite and PostgreSQL " in source
    assert "PostgreSQL's programs are not on this machine" in source
    pd.testing.assert_frame_equal(runs[1].verdicts(), again[1].verdicts())
    with pytest.raises(RuntimeError, match="EMPKIT_LAB_DATABASE"):
        on_postgresql(not_called, tmp_path / "none", keep=True)


def test_postgresql_was_recorded(monkeypatch):
    monkeypatch.delenv("EMPKIT_LAB_DATABASE", raising=False)
    monkeypatch.setattr("empkit.databases.cluster.available", lambda: False)
    runs, _ = on_postgresql(not_called, RECORDED / "postgresql")
    assert all((each.timings["verdict"] == "stored").all() for each in runs)


@pytest.mark.slow
def test_a_postgresql_server_is_started_and_leaves_nothing(postgres):
    with Cluster() as cluster:
        assert re.fullmatch(r"\d+\.\d+", cluster.version)
        folder, server = cluster.folder, cluster._server
    assert not folder.exists()
    assert not server.running
