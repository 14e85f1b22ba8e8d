"""The consumer: what happens while a part of it is away."""

import asyncio
import contextlib
import json
import subprocess

import pytest
from aiokafka import AIOKafkaProducer
from confluent_kafka import Producer

from empkit import Lab
from empkit.kafka.dead_letters import read_dead_letters
from empkit.server.consumer import Consumer, _Batch
from empkit.server.store import Stored, StoreUnavailableError
from empkit.settings import Settings
from tests.conftest import employee, is_stored, post, request, wait_until
from tests.parts import need_program


def produce(lab, ids):
    async def run():
        async with AIOKafkaProducer(bootstrap_servers=lab.bootstrap_servers) as producer:
            for each in ids:
                await producer.send_and_wait(lab.topic, json.dumps(employee(each)).encode())

    asyncio.run(run())


def consumer_state(lab):
    return request(lab, "GET", "/health", token="")[2]["consumer"]["state"]


@pytest.mark.slow
def test_a_broker_away_at_start_stops_neither_http_nor_the_consumer_for_good():
    with Lab() as lab:
        lab.stop_server()
        lab.broker.down()
        lab.start_server()
        assert post(lab, employee("E1"))[0] == 201
        assert consumer_state(lab) == "connecting"
        assert request(lab, "GET", "/health", token="")[2]["status"] == "degraded"
        lab.broker.up()
        wait_until(lambda: consumer_state(lab) == "running")
        produce(lab, ["E2"])
        wait_until(lambda: is_stored(lab, "E2"))


@pytest.mark.slow
def test_records_that_came_before_and_while_a_killed_server_was_down_are_stored():
    """What the first description's consumer lost: it read from the end, and in no group."""
    with Lab() as lab:
        produce(lab, [f"E{number}" for number in range(50)])
        lab.kill_server()
        produce(lab, [f"F{number}" for number in range(50)])
        lab.start_server()
        names = [f"{letter}{number}" for letter in "EF" for number in range(50)]
        wait_until(lambda: is_stored(lab, "F49"))
        wait_until(lambda: request(lab, "GET", "/health")[2]["consumer"]["lag"] == 0)
        assert all(is_stored(lab, name) for name in names)


def consumer_health(lab):
    return request(lab, "GET", "/health", token="")[2]["consumer"]


def all_read(lab):
    health = consumer_health(lab)
    return health["state"] == "running" and health["lag"] == 0


def foreign(lab, values, **options):
    """Sends values with a client that shares no code with the kit's; None is no value."""
    producer = Producer({"bootstrap.servers": lab.bootstrap_servers, "linger.ms": 50, **options})
    for value in values:
        producer.produce(lab.topic, value)
    assert producer.flush(10) == 0


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_a_batch_that_another_producer_compressed_is_stored(lab, fresh_id, codec):
    records = [employee(f"{fresh_id}-{number}") for number in range(20)]
    foreign(lab, [json.dumps(each).encode() for each in records], **{"compression.type": codec})
    wait_until(lambda: all(is_stored(lab, each["employee_id"]) for each in records))


def test_a_record_without_key_and_value_goes_to_the_dead_letters_and_the_rest_is_stored(
    lab, fresh_id
):
    foreign(lab, [None, json.dumps(employee(fresh_id)).encode(), None])
    wait_until(lambda: is_stored(lab, fresh_id))
    wait_until(lambda: all_read(lab))
    letters = asyncio.run(read_dead_letters(lab.settings))
    assert sum(letter.reason == "No value" for letter in letters) == 2


def test_a_record_that_cannot_be_decoded_is_stepped_over_and_the_rest_is_stored():
    """aiokafka decodes names of headers as UTF-8, and hands out nothing of a call that fails."""
    kcat = [need_program("kcat"), "-P"]
    with Lab() as lab:
        where = ["-b", lab.bootstrap_servers, "-t", lab.topic]
        names = [f"E{number}" for number in range(60)]
        for number, name in enumerate(names):
            value = json.dumps(employee(name)).encode()
            if number % 20 == 10:
                subprocess.run([*kcat, *where, "-H", b"\xff=1"], input=b"lost", check=True)
            subprocess.run([*kcat, *where], input=value, check=True)
        wait_until(lambda: consumer_health(lab)["unreadable"] == 3 and all_read(lab))
        assert [name for name in names if not is_stored(lab, name)] == []
        letters = asyncio.run(read_dead_letters(lab.settings))
        assert sum("cannot be decoded (UnicodeDecodeError" in each.reason for each in letters) == 3
        assert all(letter.offset >= 0 and letter.result == "unreadable" for letter in letters)
        log = lab.server.log.read_text()
        for letter in letters:
            place = f"offset {letter.offset} of partition {letter.partition} of {lab.topic}"
            assert f"Stepped over {place}: it cannot be decoded" in log
        lab.stop_server()
        lab.start_server()
        wait_until(lambda: all_read(lab))
        assert consumer_health(lab)["unreadable"] == 0  # not once more: its offset is committed


class Stumbling(Consumer):
    """A consumer that ends unexpectedly, once."""

    stumbled = False

    @contextlib.asynccontextmanager
    async def _connection(self):
        yield None

    async def _consume(self, kafka):
        if not self.stumbled:
            self.stumbled = True
            raise RuntimeError("planted")
        await asyncio.Event().wait()


def test_a_consumer_that_ends_unexpectedly_is_said_to_fail_and_is_started_again():
    async def run():
        consumer = Stumbling(Settings(kafka_bootstrap_servers="127.0.0.1:1"), None, None)
        states = []
        consumer.start()
        async with asyncio.timeout(10):
            while not (states and states[-1] == "running" and consumer.stumbled):
                await asyncio.sleep(0)
                health = await consumer.health()
                if health.state == "failing":
                    assert health.failure == "RuntimeError: planted"
                states.append(health.state)
        await consumer.stop()
        return states

    states = asyncio.run(run())
    assert "failing" in states
    assert states[-1] == "running"


@pytest.mark.slow
def test_a_consumer_that_joins_the_group_of_the_embedded_broker_does_not_say_that_it_lost_it():
    """The embedded broker answers InvalidRequest to a member whose group changes as it joins."""
    with Lab() as lab:
        lab.stop_server()
        alone = lab.settings.model_copy(update={"kafka_leader_wait_ms": 0})  # as `empkit consume`
        for _ in range(3):
            lab.group.start(1, alone)
        logs = [child.log.read_text() for child in lab.consumers]
        assert any("group changed" in log or "rebalancing" in log for log in logs)
        assert [log for log in logs if "lost its broker" in log] == []
        assert [log for log in logs if "does not reach" in log] == []
        assert [log for log in logs if "Unexpected error from SyncGroup" in log] == []


class OfOneBatch(Consumer):
    """A consumer that has read one record; notes what becomes of it, and in which order."""

    def __init__(self, commit, away=0):
        settings = Settings(kafka_commit=commit)
        super().__init__(settings, self, None)
        self.events, self.away, self.has_both = [], away, asyncio.Event()

    async def _read(self, kafka, read):
        await read.put(_Batch({("t", 0): 1}, [{"employee_id": "E1"}], [None], [], 1))
        await asyncio.Event().wait()

    def _note(self, event):
        self.events.append(event)
        if {"stored", "committed"} <= set(self.events):
            self.has_both.set()

    def add(self, rows, received_ns, protocol):
        """In place of the store's."""
        answer = asyncio.get_running_loop().create_future()
        if self.away:
            self.away -= 1
            self._note("away")
            answer.set_exception(StoreUnavailableError("away"))
        else:
            self._note("stored")
            answer.set_result(Stored(["created"], 2))
        return answer

    async def commit(self, offsets):
        """In place of Kafka's."""
        assert offsets == {("t", 0): 1}
        self._note("committed")


def consumed(commit, away=0):
    """What became of a record, in order."""

    async def run():
        consumer = OfOneBatch(commit, away)
        consuming = asyncio.create_task(consumer._consume(consumer))
        both = asyncio.create_task(consumer.has_both.wait())
        await asyncio.wait([consuming, both], return_when=asyncio.FIRST_COMPLETED)
        if consuming.done():
            consuming.result()  # raises
        consuming.cancel()
        await asyncio.gather(consuming, return_exceptions=True)
        return consumer.events

    return asyncio.run(asyncio.wait_for(run(), 20))


def test_the_offset_is_committed_after_the_store_unless_asked_otherwise():
    assert consumed(Settings().kafka_commit) == ["stored", "committed"]
    assert consumed("before_store") == ["committed", "stored"]


def test_a_database_that_is_away_is_tried_again_and_its_offset_waits():
    assert consumed("after_store", away=2) == ["away", "away", "stored", "committed"]
