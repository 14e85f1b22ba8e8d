"""The embedded broker, as its clients and its owner see it."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import time

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import RequestTimedOutError

from empkit.brokers import BrokerError, make_broker
from empkit.brokers import librdkafka as binding
from empkit.brokers.embedded import EmbeddedBroker
from empkit.processes.child import Processes
from empkit.settings import Settings
from tests.signals import started

TOPIC = "employee-records"
DEADLINE_S = 10


@pytest.fixture
def processes():
    with Processes() as processes:
        yield processes


@pytest.fixture
def broker(processes):
    broker = EmbeddedBroker(processes, Settings(kafka_topic=TOPIC))
    broker.start()
    return broker


@pytest.fixture
def three_brokers(processes):
    broker = EmbeddedBroker(processes, Settings(kafka_topic=TOPIC), brokers=3)
    broker.start()
    return broker


@contextlib.asynccontextmanager
async def a_producer(broker, **options):
    options = {"request_timeout_ms": 2_000, "retry_backoff_ms": 20, **options}
    async with (
        asyncio.timeout(DEADLINE_S),
        AIOKafkaProducer(bootstrap_servers=broker.bootstrap_servers, **options) as producer,
    ):
        yield producer


async def read_all(broker, count, **options):
    """The first `count` values of the topic, and what was there when no more came for 300 ms."""
    options = {"auto_offset_reset": "earliest", "fetch_max_wait_ms": 10, **options}
    values = []
    async with (
        asyncio.timeout(DEADLINE_S),
        AIOKafkaConsumer(TOPIC, bootstrap_servers=broker.bootstrap_servers, **options) as consumer,
    ):
        while True:
            batch = await consumer.getmany(timeout_ms=300)
            values += [record.value for records in batch.values() for record in records]
            if len(values) >= count and not batch:
                return values


async def topics_of(broker, *names):
    client = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
    await client.start()
    try:
        topics = await client.describe_topics(list(names))
    finally:
        await client.close()
    return {
        topic["topic"]: {one["partition"]: one["leader"] for one in topic["partitions"]}
        for topic in topics
    }


async def told_addresses(broker):
    """What a client learns that connects for the first time."""
    client = AIOKafkaClient(bootstrap_servers=broker.bootstrap_servers)
    await client.bootstrap()
    await client.close()
    return {one.nodeId: (one.host, one.port) for one in client.cluster.brokers()}


def test_an_unknown_kind_of_broker_and_a_number_of_none_are_refused(processes):
    assert isinstance(make_broker("embedded", processes, Settings()), EmbeddedBroker)
    with pytest.raises(ValueError, match="use one of embedded, apache, external"):
        make_broker("redpanda", processes, Settings())
    with pytest.raises(ValueError, match="brokers is 0"):
        make_broker("embedded", processes, Settings(), brokers=0)


def test_a_broker_that_has_started_has_its_topics_with_their_partitions(processes):
    broker = make_broker("embedded", processes, Settings(kafka_topic="t"), partitions=7)
    broker.start()

    topics = asyncio.run(topics_of(broker, "t", "t.dlq"))
    assert {name: len(leaders) for name, leaders in topics.items()} == {"t": 7, "t.dlq": 7}


@pytest.mark.slow
@pytest.mark.alone
def test_a_group_gets_its_partitions_at_once_and_its_commits_stay(broker):
    async def scenario():
        options = {
            "bootstrap_servers": broker.bootstrap_servers,
            "group_id": "g",
            "auto_offset_reset": "earliest",
            "enable_auto_commit": False,
            "fetch_max_wait_ms": 10,
            "session_timeout_ms": 1_500,
            "heartbeat_interval_ms": 200,
        }
        begun = time.monotonic()
        async with AIOKafkaConsumer(TOPIC, **options) as consumer:
            joined_s = time.monotonic() - begun
            partitions = consumer.assignment()
            async with a_producer(broker, enable_idempotence=True) as producer:
                for number in range(20):
                    await producer.send_and_wait(TOPIC, b"%d" % number, key=b"%d" % number)
            read = 0
            while read < 20:
                read += sum(map(len, (await consumer.getmany(timeout_ms=1_000)).values()))
            await consumer.commit()
            ends = await consumer.end_offsets(partitions)
        async with AIOKafkaConsumer(TOPIC, **options) as later:
            committed = {one: await later.committed(one) for one in partitions}
        return joined_s, len(partitions), ends, committed

    joined_s, partitions, ends, committed = asyncio.run(scenario())
    assert joined_s < 1  # a few ms; 3 s with the delay that the library has by default
    assert partitions == 4
    assert sum(ends.values()) == 20
    assert {one: offset or 0 for one, offset in committed.items()} == ends


def test_a_broker_that_is_down_refuses_connections_and_comes_back_with_its_address_and_log(broker):
    address = broker.addresses[1]

    async def send(value):
        async with a_producer(broker) as producer:
            await producer.send_and_wait(TOPIC, value)

    asyncio.run(send(b"before"))
    broker.down()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, 1)
    broker.up()
    asyncio.run(send(b"after"))
    assert sorted(asyncio.run(read_all(broker, 2))) == [b"after", b"before"]


def test_an_idempotent_producer_sends_through_an_outage_without_loss(broker):
    async def scenario():
        async with a_producer(broker, enable_idempotence=True) as producer:
            await producer.send_and_wait(TOPIC, b"0")
            await asyncio.to_thread(broker.down)
            waiting = [await producer.send(TOPIC, b"%d" % number) for number in range(1, 10)]
            await asyncio.to_thread(broker.up)
            await asyncio.gather(*waiting)

    asyncio.run(scenario())
    assert sorted(asyncio.run(read_all(broker, 10))) == [b"%d" % number for number in range(10)]


def test_one_broker_of_three_goes_down_alone(three_brokers):
    three_brokers.down(2)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(three_brokers.addresses[2], 1)
    for number in (1, 3):
        socket.create_connection(three_brokers.addresses[number], 1).close()


def test_a_partition_gets_the_leader_that_it_is_told(three_brokers):
    for leader in (1, 2, 3):
        three_brokers.move_leader(TOPIC, 0, leader)
        assert asyncio.run(topics_of(three_brokers, TOPIC))[TOPIC][0] == leader


def test_an_advertised_address_is_what_clients_are_told(three_brokers):
    three_brokers.advertise(2, "127.0.0.1", 1234)
    expected = {**three_brokers.addresses, 2: ("127.0.0.1", 1234)}
    assert asyncio.run(told_addresses(three_brokers)) == expected


def test_errors_that_a_broker_is_told_answer_the_next_requests_and_append_nothing(broker):
    async def scenario():
        async with a_producer(broker) as producer:
            broker.push_errors("Produce", ["NOT_ENOUGH_REPLICAS", 19, "_TRANSPORT"])
            await producer.send_and_wait(TOPIC, b"once")

    asyncio.run(scenario())
    assert asyncio.run(read_all(broker, 1)) == [b"once"]


@pytest.mark.slow
def test_a_held_answer_leaves_a_record_that_its_sender_does_not_know_of(broker):
    async def scenario():
        async with a_producer(broker, request_timeout_ms=300) as producer:
            await producer.partitions_for(TOPIC)
            broker.hold_answers("Produce", 1, 2_000)
            with pytest.raises(RequestTimedOutError):
                await producer.send_and_wait(TOPIC, b"unknown", partition=0)

    asyncio.run(scenario())
    assert b"unknown" in asyncio.run(read_all(broker, 1))


def test_round_trip_time_delays_every_answer(broker):
    async def scenario():
        async with a_producer(broker) as producer:
            await producer.send_and_wait(TOPIC, b"warm")
            took = []
            for ms in (150, 0):
                broker.round_trip_time(ms)
                begun = time.monotonic()
                await producer.send_and_wait(TOPIC, b"timed")
                took.append(time.monotonic() - begun)
            return took

    slow, fast = asyncio.run(scenario())
    assert slow >= 0.15
    assert fast < slow


def wait_until_stopped(children):
    """The signal has been sent; it takes a moment until the process has got it."""
    deadline = time.monotonic() + DEADLINE_S
    while any(psutil.Process(one.pid).status() != psutil.STATUS_STOPPED for one in children):
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_a_paused_broker_answers_nobody_until_it_is_resumed(broker, processes):
    async def scenario():
        async with a_producer(broker) as producer:
            await producer.send_and_wait(TOPIC, b"0")
            broker.pause()
            wait_until_stopped(processes.children)
            sent = await producer.send(TOPIC, b"1")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asyncio.shield(sent), 0.2)
            with pytest.raises(BrokerError, match="paused"):
                broker.down()
            broker.resume()
            await sent
        broker.down()

    asyncio.run(scenario())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("order", "sentence"),
    [
        (lambda broker: broker.push_errors("Produce", ["NOPE"]), "no error 'NOPE'"),
        (lambda broker: broker.push_errors("Nope", [1]), "no request 'Nope'"),
        (lambda broker: broker.advertise(9, "127.0.0.1", 1), "no broker 9"),
        (lambda broker: broker.down(9), "no broker 9"),
        (lambda broker: broker.create_topic(TOPIC, 1), "already exists"),
        (lambda broker: broker.move_leader(TOPIC, 99, 1), "Unknown topic or partition"),
    ],
)
def test_an_order_that_cannot_be_followed_says_why_and_does_no_harm(broker, order, sentence):
    with pytest.raises(BrokerError, match=sentence):
        order(broker)
    broker.create_topic("still-here", 1)


def test_a_stopped_broker_takes_no_orders_and_starts_again(broker):
    broker.stop()
    broker.stop()
    assert broker.bootstrap_servers == ""
    with pytest.raises(BrokerError, match="start it first"):
        broker.down()
    broker.start()
    broker.down()


def test_an_embedded_broker_dies_with_its_owner():
    script = (
        "import time\n"
        "from empkit.brokers.embedded import EmbeddedBroker\n"
        "from empkit.processes.child import Processes\n"
        "from empkit.settings import Settings\n"
        "broker = EmbeddedBroker(Processes(), Settings())\n"
        "broker.start()\n"
        "print(broker.bootstrap_servers, flush=True)\n"
        "time.sleep(60)\n"
    )
    with started([sys.executable, "-c", script], stdout=subprocess.PIPE) as owner:
        host, _, port = owner.stdout.readline().decode().strip().rpartition(":")
        socket.create_connection((host, int(port)), 1).close()
        owner.send_signal(signal.SIGKILL)
        owner.wait()
        # with its process its port is gone; to connect once more could meet the next one to have it
        assert owner.wait_until_gone(DEADLINE_S) == []


def test_without_the_library_of_the_broker_it_is_said_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(binding.ctypes.util, "find_library", lambda name: None)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    with pytest.raises(binding.LibraryError, match="pip install --force-reinstall"):
        binding.load_library()


def test_a_broker_whose_library_cannot_be_loaded_says_so_to_its_owner(
    processes, monkeypatch, tmp_path
):
    broken = tmp_path / "lib"
    broken.mkdir()
    (broken / "confluent_kafka").mkdir()
    (broken / "confluent_kafka" / "__init__.py").touch()
    libraries = broken / "confluent_kafka.libs"
    libraries.mkdir()
    (libraries / "librdkafka-0.so.1").write_text("no library")
    monkeypatch.setenv("PYTHONPATH", os.fspath(broken))
    with pytest.raises(BrokerError, match="cannot be loaded"):
        EmbeddedBroker(processes, Settings()).start()
    assert processes.children == []


def test_the_process_of_a_broker_imports_nothing_that_it_does_not_need():
    script = (
        "import sys, json; import empkit.brokers.embedded;"
        "print(json.dumps([n for n in ('confluent_kafka', 'aiokafka', 'pydantic', 'asyncio')"
        " if n in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert json.loads(done.stdout) == []
