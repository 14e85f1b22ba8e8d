"""Experiments that want Apache Kafka: recorded runs where it is missing, and marked as such."""

from pathlib import Path

import pytest

from empkit import plots
from empkit.brokers import BrokerError
from empkit.recorded import on_apache

RECORDED = Path(__file__).parents[1] / "notebooks" / "recorded"


def not_called(_):
    raise AssertionError("there is no Apache Kafka to run it on")


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
    (_, killed), source = on_apache(not_called, RECORDED / "three_brokers", brokers=3)
    assert "of 3 broker(s)" in source
    assert [fault.part for fault in killed.runs[0].faults] == ["broker"]
    assert (killed.timings["verdict"] == "stored").all()


def test_no_recording_is_made_without_kafka(tmp_path):
    with pytest.raises(BrokerError):
        on_apache(not_called, tmp_path / "new", keep=True)
    with pytest.raises(FileNotFoundError):
        on_apache(not_called, tmp_path / "none")
