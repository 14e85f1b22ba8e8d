"""The Kafka client: brokers that are missing or gone, and the partition of a key."""

import asyncio

import pytest

from empkit import Lab, connect
from empkit.clients import ClientError
from empkit.clients.kafka import partition_of
from empkit.settings import Settings
from tests.clients.test_base import send
from tests.conftest import employee
from tests.plugin import PLUGINS

pytest_plugins = PLUGINS


def test_kafka_without_brokers_says_what_to_set():
    with Lab(broker="none") as own, pytest.raises(ClientError, match="BOOTSTRAP_SERVERS"):
        send("kafka", own.settings, employee("never"))


@pytest.mark.slow
def test_a_client_whose_brokers_are_gone_closes_all_the_same(fresh_id):
    """An idempotent producer by itself would wait for the brokers for ever."""
    with Lab("embedded") as lab:

        async def run():
            settings = lab.settings.model_copy(update={"deadline_s": 0.5, "attempt_timeout_s": 0.5})
            async with connect("kafka", settings) as client:
                assert (await client.send(employee(fresh_id))).outcome == "acked"
                lab.broker.down()
                gone = await asyncio.gather(
                    *(client.send(employee(f"{fresh_id}-{n}")) for n in range(20))
                )
                async with asyncio.timeout(10):
                    await client.close()
            return gone

        gone = asyncio.run(run())
    assert {reply.outcome for reply in gone} == {"unknown"}


def test_the_records_of_one_key_go_to_one_partition_and_keys_spread():
    partitions = list(range(8))
    found = {key: partition_of(b"E%d" % key, partitions, partitions) for key in range(200)}
    assert found == {key: partition_of(b"E%d" % key, partitions, [3]) for key in range(200)}
    assert set(found.values()) == set(partitions)
    assert partition_of(None, partitions, [3]) == 3  # without a key, where there is a leader


def test_a_record_has_its_id_as_its_key_and_one_without_has_none(kafka):
    topic = kafka.topic()
    settings = Settings(kafka_bootstrap_servers=kafka.bootstrap_servers, kafka_topic=topic.name)

    async def send():
        async with connect("kafka", settings) as client:
            for record in (employee("E1"), {"first_name": "Nia"}):
                await client.send(record)

    asyncio.run(send())
    assert [record.key for record in topic.read()] == [b"E1", None]
