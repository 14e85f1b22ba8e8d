"""Batches that no client would write: what the consumer makes of any bytes in the log.

The embedded broker takes them as they are; Apache Kafka checks what it is sent, and refuses them.
"""

import asyncio
import json
import struct

import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c

from empkit import Lab
from empkit.kafka.dead_letters import read_dead_letters
from tests.conftest import employee, is_stored, request, wait_until

MAGIC, CRC, ATTRIBUTES, FIRST_RECORD = 16, 17, 21, 61
"""Positions in a batch of the second format."""


def batch(names):
    """A batch of good records, as bytes that may be changed."""
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, 0, 1 << 20)
    for number, name in enumerate(names):
        value = json.dumps(employee(name)).encode()
        assert builder.append(number, 1, None, value, [])
    return bytearray(builder.build())


def checked(data):
    """The batch with the checksum of its changed bytes."""
    struct.pack_into(">I", data, CRC, calc_crc32c(bytes(data[ATTRIBUTES:])))
    return data


def corrupt_crc(data):
    data[-3] ^= 0xFF
    return data


def unknown_codec(data):
    struct.pack_into(">h", data, ATTRIBUTES, 6)
    return checked(data)


def not_the_codec_it_says(data):
    struct.pack_into(">h", data, ATTRIBUTES, 3)
    return checked(data)


def truncated_record(data):
    data[FIRST_RECORD] = 0x7E  # the length of the first record
    return checked(data)


def truncated_last_record(data):
    data = data[:-4]
    struct.pack_into(">i", data, 8, len(data) - 12)
    return checked(data)


def more_records_than_there_are(data):
    struct.pack_into(">i", data, FIRST_RECORD - 4, 9)
    return checked(data)


async def append(lab, data, partition=0):
    """Append bytes to the log as they are."""
    client = AIOKafkaClient(bootstrap_servers=lab.bootstrap_servers)
    await client.bootstrap()
    try:
        node = next(iter(client.cluster.brokers())).nodeId
        topics = [(lab.topic, [(partition, bytes(data))])]
        response = await client.send(node, ProduceRequest(None, 1, 5_000, topics))
        assert [part[1] for _, parts in response.topics for part in parts] == [0]
    finally:
        await client.close()


def all_read(lab):
    consumer = request(lab, "GET", "/health", token="")[2]["consumer"]
    return consumer["state"] == "running" and consumer["lag"] == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "spoil",
    [
        corrupt_crc, unknown_codec, not_the_codec_it_says, truncated_record, truncated_last_record,
        more_records_than_there_are,
    ],
)  # fmt: skip
def test_a_batch_that_cannot_be_decoded_is_stepped_over_and_all_others_are_stored(spoil):
    with Lab("embedded") as lab:
        asyncio.run(append(lab, batch(["before-0", "before-1"])))
        asyncio.run(append(lab, spoil(batch(["bad-0", "bad-1", "bad-2"]))))
        asyncio.run(append(lab, batch(["after-0", "after-1"])))
        asyncio.run(append(lab, batch(["beside"]), partition=1))
        for name in ("before-0", "before-1", "after-0", "after-1", "beside"):
            wait_until(lambda name=name: is_stored(lab, name))
        wait_until(lambda: all_read(lab))
        letters = asyncio.run(read_dead_letters(lab.settings))
        buried = {letter.offset for letter in letters}
        stored = {2 + number for number in range(3) if is_stored(lab, f"bad-{number}")}
        # the embedded broker gives out as many offsets as the batch says that it has records
        assert {2, 3, 4} <= stored | buried
        assert not stored & buried
        assert min(buried) >= 2
        assert {letter.result for letter in letters} == {"unreadable"}
        assert request(lab, "GET", "/health", token="")[2]["consumer"]["unreadable"] == len(buried)


@pytest.mark.slow
def test_a_record_whose_key_is_too_large_for_a_dead_letter_does_not_stop_the_consumer():
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, 0, 1 << 22)
    builder.append(0, 1, b"k" * 1_048_570, b"no record", [])
    with Lab("embedded") as lab:
        asyncio.run(append(lab, builder.build()))
        asyncio.run(append(lab, batch(["E1"])))
        wait_until(lambda: is_stored(lab, "E1"))
        letters = asyncio.run(read_dead_letters(lab.settings))
        assert sum("its bytes are left out" in letter.reason for letter in letters) == 1
