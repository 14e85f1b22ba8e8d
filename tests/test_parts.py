"""What a machine lacks is fetched, skipped with its reason, or in CI a failure."""

import pytest

from empkit.brokers import BrokerError
from tests import parts
from tests.brokers.test_apache import a_java


@pytest.fixture(params=["true", None], ids=["in CI", "elsewhere"])
def outcome(request, monkeypatch):
    """What becomes of a test whose part is missing."""
    if request.param is None:
        monkeypatch.delenv("CI", raising=False)
        return pytest.skip.Exception
    monkeypatch.setenv("CI", request.param)
    return pytest.fail.Exception


@pytest.fixture
def bare(monkeypatch, tmp_path):
    """A folder that is all of the PATH, and a cache with nothing in it."""
    folder = tmp_path / "bin"
    for name in ("JAVA_HOME", "EMPKIT_KAFKA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(folder))
    return folder


def test_without_java_there_is_no_kafka(outcome, bare, tmp_path):
    with pytest.raises(outcome, match="Java is missing"):
        parts.fetched("kafka", parts.fetch_kafka, tmp_path)


def test_without_maven_kafka_cannot_be_fetched(outcome, bare, tmp_path):
    a_java(bare, 'openjdk version "21"')
    with pytest.raises(outcome, match="Maven is missing"):
        parts.fetched("kafka", parts.fetch_kafka, tmp_path)
    assert not (tmp_path / "cache").exists()


def test_a_kafka_that_the_user_named_is_taken_and_not_fetched(outcome, bare, tmp_path, monkeypatch):
    a_java(bare, 'openjdk version "21"')
    home = tmp_path / "kafka"
    monkeypatch.setenv("EMPKIT_KAFKA_HOME", str(home))
    with pytest.raises(outcome, match=f"There is no Apache Kafka in {home}"):
        parts.fetched("kafka", parts.fetch_kafka, tmp_path)
    home.mkdir()
    (home / "kafka_2.13-4.4.0.jar").touch()
    other_session = tmp_path / "other session"
    other_session.mkdir()
    parts.fetched("kafka", parts.fetch_kafka, other_session)


def test_what_cannot_be_fetched_is_tried_once_by_all_workers(outcome, tmp_path):
    tried = []

    def fetch():
        tried.append(1)
        raise BrokerError("no route to host")

    for _ in range(3):
        with pytest.raises(outcome, match="no route to host"):
            parts.fetched("kafka", fetch, tmp_path)
    assert tried == [1]


def test_without_postgresql_kcat_strace_or_a_namespace_it_is_said(outcome, bare, monkeypatch):
    monkeypatch.setattr(parts, "available", lambda: False)
    with pytest.raises(outcome, match="PostgreSQL's programs"):
        parts.need_postgresql()
    with pytest.raises(outcome, match="kcat is not on this machine"):
        parts.need_program("kcat")
    bare.mkdir()
    unshare = bare / "unshare"
    unshare.write_text("#!/bin/sh\necho 'Operation not permitted' >&2\nexit 1\n")
    unshare.chmod(0o755)
    with pytest.raises(outcome, match=r"time namespace \(Operation not permitted"):
        parts.need_time_namespace()
