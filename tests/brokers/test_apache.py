"""Apache Kafka itself, on this machine's Java."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from pathlib import Path

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from empkit.brokers import BrokerError, apache, make_broker
from empkit.brokers.apache import JAVA_FLAGS, RESERVED_WHILE_USED
from empkit.brokers.install import default_folder, find_jars, find_java, find_kafka, install_kafka
from empkit.processes.child import Processes
from empkit.settings import Settings

TOPIC = "employee-records"
DEADLINE_S = 40


@pytest.fixture
def processes():
    with Processes() as processes:
        yield processes


@contextlib.contextmanager
def running(processes, brokers):
    broker = make_broker("apache", processes, Settings(kafka_topic=TOPIC), brokers=brokers)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


def a_producer(broker):
    return AIOKafkaProducer(
        bootstrap_servers=broker.bootstrap_servers,
        enable_idempotence=True,
        request_timeout_ms=3_000,
        retry_backoff_ms=50,
    )


async def send(broker, numbers):
    async with asyncio.timeout(DEADLINE_S), a_producer(broker) as producer:
        for number in numbers:
            await producer.send_and_wait(TOPIC, b"%d" % number, key=b"%d" % number)


async def read_in_group(broker, count):
    values = []
    async with (
        asyncio.timeout(DEADLINE_S),
        AIOKafkaConsumer(
            TOPIC,
            bootstrap_servers=broker.bootstrap_servers,
            group_id="readers",
            auto_offset_reset="earliest",
            session_timeout_ms=1_500,
            heartbeat_interval_ms=300,
            retry_backoff_ms=50,
        ) as consumer,
    ):
        partitions = len(consumer.assignment())
        while len(values) < count:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                values += [int(record.value) for record in records]
        await consumer.commit()
    return partitions, sorted(values)


@pytest.mark.slow
def test_one_broker_keeps_its_log_when_it_is_killed(kafka_jars, processes):
    with running(processes, 1) as broker:
        host, port = broker.bootstrap_servers.split(":")
        asyncio.run(send(broker, range(20)))

        broker.down()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((host, int(port)), 1)
        if RESERVED_WHILE_USED:  # nobody else takes the port of a broker that is down
            with socket.socket() as other, pytest.raises(OSError, match="in use"):
                other.bind((host, int(port)))
        broker.up()

        asyncio.run(send(broker, range(20, 30)))
        assert asyncio.run(read_in_group(broker, 30)) == (4, list(range(30)))
        asyncio.run(answers_nobody_while_paused(broker, processes.children[0].pid))
    assert processes.children == []
    assert [path for path in processes.folder.iterdir() if path.is_dir()] == []


async def partitions_of(broker, topic):
    client = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
    await client.start()
    [described] = await client.describe_topics([topic])
    await client.close()
    return len(described["partitions"])


@pytest.mark.slow
def test_a_broker_that_already_runs_is_given_the_topics_that_are_missing(kafka_jars, processes):
    with running(processes, 1) as theirs:
        settings = Settings(kafka_topic="new", kafka_bootstrap_servers=theirs.bootstrap_servers)
        ours = make_broker("external", processes, settings, partitions=3)
        for _ in range(2):  # the second time they exist
            ours.start()
            assert asyncio.run(partitions_of(ours, "new")) == 3
            assert asyncio.run(partitions_of(ours, "new.dlq")) == 3
            ours.stop()


def wait_until_stopped(pid):
    """The signal has been sent; it takes a moment until the process has got it."""
    deadline = time.monotonic() + DEADLINE_S
    while psutil.Process(pid).status() != psutil.STATUS_STOPPED:
        assert time.monotonic() < deadline
        time.sleep(0.001)


async def answers_nobody_while_paused(broker, pid):
    async with asyncio.timeout(DEADLINE_S), a_producer(broker) as producer:
        await producer.send_and_wait(TOPIC, b"before")
        broker.pause()
        wait_until_stopped(pid)
        late = await producer.send(TOPIC, b"late")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(late), 0.3)
        broker.resume()
        await late


@pytest.mark.slow
def test_three_brokers_lose_no_acked_record_when_one_is_killed(kafka_jars, processes):
    async def scenario():
        async with asyncio.timeout(DEADLINE_S), a_producer(broker) as producer:
            for number in range(20):
                await producer.send_and_wait(TOPIC, b"%d" % number)
            broker.down(1)
            waiting = [await producer.send(TOPIC, b"%d" % number) for number in range(20, 60)]
            await asyncio.gather(*waiting)

    with running(processes, 3) as broker:
        asyncio.run(scenario())
        _, values = asyncio.run(read_in_group(broker, 60))
        assert values == list(range(60))
        broker.up(1)
        with pytest.raises(BrokerError, match="no broker 4"):
            broker.down(4)


def test_ports_that_are_in_use_are_not_chosen_and_too_few_are_said(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as used:
        port = used.getsockname()[1]
        monkeypatch.setattr(apache, "PORTS", range(port, port + 1))
        with pytest.raises(BrokerError, match=f"Fewer than 1 ports are free between {port} and"):
            apache._reserve_ports(1)
    (reserved,) = apache._reserve_ports(1)
    with reserved, pytest.raises(BrokerError, match="Fewer than 1 ports"):
        apache._reserve_ports(1)


def test_a_broker_that_was_not_started_says_what_to_do(processes):
    with pytest.raises(BrokerError, match="Apache Kafka does not run; start it first"):
        make_broker("apache", processes, Settings()).up()


@pytest.mark.slow
def test_a_broker_that_cannot_start_says_what_it_logged(kafka_jars, processes, monkeypatch):
    monkeypatch.setattr("empkit.brokers.apache.JAVA_FLAGS", (*JAVA_FLAGS, "-Xmx1k"))
    with pytest.raises(BrokerError, match="Too small maximum heap"), running(processes, 1):
        pass
    assert processes.children == []


def a_java(folder, said):
    folder.mkdir()
    java = folder / "java"
    java.write_text(f"#!/bin/sh\necho '{said}' >&2\n")
    java.chmod(0o755)
    return java


def test_java_is_taken_from_java_home_before_the_path(tmp_path, monkeypatch):
    (tmp_path / "jdk").mkdir()
    java = a_java(tmp_path / "jdk" / "bin", 'openjdk version "21.0.2" 2024-01-16')
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "jdk"))
    assert Path(find_java()) == java


@pytest.mark.parametrize("version", ["11.0.2", "1.8.0_392"])
def test_a_java_that_is_too_old_is_named(tmp_path, monkeypatch, version):
    a_java(tmp_path / "bin", f'java version "{version}"')
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(BrokerError, match=r"is Java (11|8); Apache Kafka needs 17 or later"):
        find_java()


@pytest.mark.parametrize("said", [None, "Unable to locate a Java Runtime."])
def test_without_java_it_says_what_to_install(tmp_path, monkeypatch, said):
    if said is None:
        (tmp_path / "bin").mkdir()
    else:
        a_java(tmp_path / "bin", said)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(BrokerError, match="Java is missing"):
        find_java()


def test_without_kafka_it_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("EMPKIT_KAFKA_HOME", str(tmp_path))
    with pytest.raises(BrokerError, match="`empkit kafka install`"):
        find_kafka()


def test_kafka_is_found_in_an_unpacked_release_and_in_a_folder_of_jars(tmp_path, monkeypatch):
    release, jars = tmp_path / "kafka_2.13-4.4.0", tmp_path / "jars"
    for folder in (release / "libs", jars):
        folder.mkdir(parents=True)
        (folder / "kafka_2.13-4.4.0.jar").touch()
        (folder / "scala-library-2.13.18.jar").touch()
    for home in (release, jars):
        monkeypatch.setenv("EMPKIT_KAFKA_HOME", str(home))
        assert [jar.name[:5] for jar in find_kafka()] == ["kafka", "scala"]
    assert find_jars(tmp_path) == []


def test_installing_goes_to_the_cache_and_touches_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = default_folder()
    assert folder.parent == tmp_path / "empkit"
    folder.mkdir(parents=True)
    (folder / "notes.txt").touch()
    with pytest.raises(BrokerError, match="contains something other"):
        install_kafka()
    (folder / "kafka_2.13-4.4.0.jar").touch()
    assert install_kafka() == folder
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert default_folder().is_relative_to(Path.home() / ".cache")


def test_without_maven_it_says_what_to_install(tmp_path, monkeypatch):
    a_java(tmp_path / "bin", 'openjdk version "21"')
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(BrokerError, match=r"Maven is missing\. Install it"):
        install_kafka(tmp_path / "kafka")


def test_what_maven_says_is_passed_on(tmp_path, monkeypatch):
    a_java(tmp_path / "bin", 'openjdk version "21"')
    maven = tmp_path / "bin" / "mvn"
    maven.write_text("#!/bin/sh\necho '[ERROR] no route to host'\nexit 1\n")
    maven.chmod(0o755)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(BrokerError, match="no route to host"):
        install_kafka(tmp_path / "kafka")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bin"]
