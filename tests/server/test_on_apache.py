"""The consumer on Apache Kafka: what the embedded broker does not have, transactions and topics
that are not created by themselves."""

import asyncio
import json

import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from confluent_kafka import Producer

from empkit import Lab
from empkit.brokers.admin import create_topics, delete_topics
from empkit.brokers.apache import ApacheBroker
from empkit.kafka.connection import kafka_arguments
from empkit.kafka.dead_letters import read_dead_letters
from tests.conftest import employee, is_stored, request, wait_until
from tests.server.test_batches import all_read, append, checked


@pytest.fixture
def without_topics(kafka_jars, monkeypatch):
    """A lab whose broker creates no topic by itself."""
    configure = ApacheBroker._configure

    def configured(self):
        configure(self)
        for number in self._numbers:
            with self._properties(number).open("a") as file:
                file.write("auto.create.topics.enable=false\n")

    monkeypatch.setattr(ApacheBroker, "_configure", configured)
    with Lab("apache") as lab:
        yield lab


def consumer_of(lab):
    return request(lab, "GET", "/health", token="")[2]["consumer"]


@pytest.mark.slow
def test_a_topic_that_is_missing_is_named_and_waited_for(without_topics):
    lab = without_topics
    reach = kafka_arguments(lab.settings)
    delete_topics(reach, [lab.topic])
    wait_until(lambda: consumer_of(lab)["state"] == "failing", 30)
    assert (
        f"There is no topic {lab.topic} at {lab.bootstrap_servers}" in consumer_of(lab)["failure"]
    )
    assert request(lab, "GET", "/health", token="")[2]["status"] == "degraded"
    assert "create it, or name another one in EMPKIT_KAFKA_TOPIC" in lab.server.log.read_text()
    create_topics(reach, [lab.topic], 4)
    wait_until(lambda: consumer_of(lab)["state"] == "running", 30)
    asyncio.run(append(lab, good(["E1"])))
    wait_until(lambda: is_stored(lab, "E1"), 30)
    assert consumer_of(lab)["failure"] is None


def good(names, headers=()):
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, 0, 1 << 20)
    for number, name in enumerate(names):
        assert builder.append(number, 1, None, json.dumps(employee(name)).encode(), list(headers))
    return bytearray(builder.build())


@pytest.mark.slow
def test_the_end_of_a_transaction_before_a_record_that_cannot_be_decoded_is_no_dead_letter(apache):
    lab = apache
    lab.stop_server()  # so that all comes in one fetch
    asyncio.run(append(lab, good(["before"])))
    for number in range(3):
        options = {"bootstrap.servers": lab.bootstrap_servers, "transactional.id": f"gap-{number}"}
        producer = Producer(options)
        producer.init_transactions(30)
        producer.begin_transaction()
        value = json.dumps(employee(f"in-{number}"))
        producer.produce(lab.topic, value, partition=0)
        producer.commit_transaction(30)
        del producer  # it would go on to ask for the broker
    bad = good(["bad"], [("qqqq", b"")])
    asyncio.run(append(lab, checked(bad.replace(b"qqqq", b"\xff\xfe\xff\xfe", 1))))
    asyncio.run(append(lab, good(["after"])))
    lab.start_server()
    wait_until(lambda: is_stored(lab, "after"), 30)
    wait_until(lambda: all_read(lab), 30)
    assert all(is_stored(lab, name) for name in ("before", "in-0", "in-1", "in-2"))
    letters = asyncio.run(read_dead_letters(lab.settings))
    assert [letter.offset for letter in letters] == [7]
