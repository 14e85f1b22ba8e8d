"""A topic of a test's own, on a real broker: written, read, watched, and judged."""

import asyncio
import threading
import time

import pytest
from confluent_kafka import Consumer

from empkit.brokers import BrokerError
from tests.plugin import PLUGINS

pytest_plugins = PLUGINS


@pytest.fixture
def orders(kafka):
    return kafka.topic()


def entries(*numbers):
    return [(str(number), f"order {number}") for number in numbers]


def number(record):
    return int(record.key)


def commit(kafka, topic, group, offset, partition=0):
    """What a consumer of that group does when it has done its work."""
    from confluent_kafka import TopicPartition

    consumer = Consumer({"bootstrap.servers": kafka.bootstrap_servers, "group.id": group})
    place = TopicPartition(topic.name, partition, offset)
    consumer.commit(offsets=[place], asynchronous=False)
    consumer.close()


def test_what_is_produced_is_read_back_with_its_place(kafka):
    topic = kafka.topic(partitions=3)
    before = time.time()
    written = topic.produce("Käse", "k", partition=2, headers={"trace": "1", "none": None})
    assert (written.partition, written.offset, written.key) == (2, 0, b"k")
    (record,) = topic.read()
    assert written == record
    assert record.value == "Käse".encode()
    assert record.headers == (("trace", b"1"), ("none", None))
    assert before - 0.01 <= record.time_s <= time.time()
    assert topic.offsets() == {0: (0, 0), 1: (0, 0), 2: (0, 1)}


def test_a_record_without_key_or_value_is_read(orders):
    orders.produce(None)
    assert [(record.key, record.value) for record in orders.read()] == [(None, None)]


def test_keys_that_are_no_text_are_told_apart(orders):
    orders.produce_all([(bytes([200 + n]), str(n)) for n in range(20)])
    orders.assert_each_once()
    orders.assert_each_once(expected=[bytes([200 + n]) for n in range(20)])
    orders.assert_order_per_key(lambda record: -int(record.value))


@pytest.mark.parametrize("group", ["", None])
def test_a_group_without_a_name_is_refused(orders, group):
    for ask in (orders.lag, orders.committed, orders.wait_until_read):
        with pytest.raises(ValueError, match="The name of a consumer group is"):
            ask(group)


def test_what_comes_after_the_last_record_is_not_waited_for(kafka, orders, monkeypatch):
    """As the mark at the end of a transaction, which has an offset."""
    orders.produce_all(entries(1, 2))
    commit(kafka, orders, "billing", 2)
    monkeypatch.setattr(type(orders._log), "bounds", lambda *_: {0: (0, 3)})
    monkeypatch.setattr(type(orders._log), "read", lambda *_: [])
    orders.wait_until_read("billing", timeout=0)


def test_each_topic_holds_the_records_of_its_own(kafka, orders):
    other = kafka.topic()
    assert other.name != orders.name
    orders.produce_all(entries(1, 2))
    other.produce("x")
    assert (len(orders.read()), len(other.read())) == (2, 1)


def test_a_read_returns_what_came_since_the_one_before(orders):
    orders.produce_all(entries(1))
    assert len(orders.read()) == 1
    orders.produce_all(entries(*range(2, 501)))
    assert [number(record) for record in orders.read()] == list(range(1, 501))


def test_a_record_that_the_program_lost_is_named(orders):
    orders.produce_all(entries(*(n for n in range(10) if n != 7)))
    with pytest.raises(AssertionError) as failed:
        orders.assert_each_once(number, range(10))
    said = str(failed.value)
    assert said.startswith(f"{orders.name}: each of 10 records is to be there once; 1 are missing")
    assert "Missing: 7. Of 7, the one before it, 6, is at partition 0, offset 6; the one" in said
    assert "No fault struck in this test." in said


def test_a_record_that_was_doubled_is_named_with_the_fault_that_did_it(kafka, orders):
    with kafka.lost_acks(1):
        orders.produce("first", "0")
    orders.produce_all(entries(1, 2))
    with pytest.raises(AssertionError) as failed:
        orders.assert_each_once(number, range(3))
    said = str(failed.value)
    assert "More than once: 0. 0 is at partition 0, offset 0 and at partition 0, offset 1." in said
    assert "In force then: lost-acks:count=1 (" in said


def test_a_record_out_of_order_is_named(orders):
    orders.produce_all([("a", "1"), ("b", "1"), ("a", "3"), ("a", "2")])
    with pytest.raises(AssertionError, match=r"The first is 2 of key 'a' at partition 0, offset 3"):
        orders.assert_order_per_key(lambda record: int(record.value))


def test_what_the_program_sent_and_did_not_store_is_found_in_the_log(orders):
    orders.produce_all(entries(*range(5)))
    orders.assert_nothing_lost(sent=range(5), stored=[4, 3, 2, 1, 0])
    with pytest.raises(
        AssertionError, match=r"3 is in the log at partition 0, offset 3: its consum"
    ):
        orders.assert_nothing_lost(sent=range(5), stored=[0, 1, 2, 4])
    with pytest.raises(AssertionError, match=r"9 is not in the log either: it did not arrive"):
        orders.assert_nothing_lost(sent=[*range(5), 9], stored=range(5))


def test_what_is_as_it_should_be_fails_no_assertion(orders):
    orders.produce_all(entries(*range(50)))
    orders.assert_each_once(number, range(50))
    orders.assert_each_once()
    orders.assert_order_per_key(number, key=lambda record: record.topic)


def test_a_function_of_the_test_that_fails_is_told_with_the_record(orders):
    orders.produce("v", "no number")
    with pytest.raises(
        AssertionError, match=r"raised ValueError: .* partition 0, offset 0 of .*b'no"
    ):
        orders.assert_each_once(number, [1])


def test_the_lag_of_a_group_is_what_it_has_not_committed(kafka):
    topic = kafka.topic(partitions=2)
    topic.produce_all([("a", "1")] * 4)
    assert topic.lag("billing") == 4
    (partition,) = {record.partition for record in topic.read()}
    commit(kafka, topic, "billing", 3, partition)
    assert topic.committed("billing")[partition] == 3
    assert (topic.lag("billing"), topic.lag("other")) == (1, 4)


def test_waiting_ends_when_the_group_has_read_everything(kafka, orders):
    orders.produce_all(entries(1, 2))
    later = threading.Timer(0.1, commit, (kafka, orders, "billing", 2))
    later.start()
    orders.wait_until_read("billing")
    assert orders.lag("billing") == 0
    later.join()


def test_a_group_that_does_not_read_is_named_with_its_offset(kafka, orders):
    orders.produce_all(entries(1, 2, 3))
    with pytest.raises(
        AssertionError, match=r"'billing' has not .*committed nothing: check its name"
    ):
        orders.wait_until_read("billing", timeout=0.05)
    commit(kafka, orders, "billing", 1)
    with pytest.raises(AssertionError, match=r"offset 1, and 2 records follow. Until its session"):
        orders.wait_until_read("billing", timeout=0.05)


@pytest.mark.slow
def test_waiting_outlasts_a_pause_of_the_broker_or_names_it(kafka, orders, monkeypatch):
    orders.produce_all(entries(1))
    commit(kafka, orders, "billing", 1)
    monkeypatch.setattr("empkit.testing.log.TIMEOUT_S", 0.3)  # a question does not outlast it
    with kafka.pause(seconds=1):
        orders.wait_until_read("billing")
    with (
        kafka.pause(),
        pytest.raises(AssertionError, match=r"'billing' .*not known\. .* In force then: broker"),
    ):
        orders.wait_until_read("billing", timeout=0)


def test_in_an_event_loop_waiting_says_how_to_wait(orders):
    async def test():
        orders.produce("v")
        with pytest.raises(RuntimeError, match=r"asyncio.to_thread"):
            orders.wait_until_read("billing")
        assert await asyncio.to_thread(orders.lag, "billing") == 1

    asyncio.run(test())


@pytest.mark.slow
def test_what_the_broker_dropped_is_said(orders):
    filler = "x" * 900_000
    orders.produce_all([(str(n), filler) for n in range(10)])
    with pytest.raises(
        AssertionError, match=r"begins at offset [1-9].*: older records have been dr"
    ):
        orders.assert_each_once(number, range(10))


@pytest.mark.slow
def test_a_broker_that_does_not_answer_is_told_and_not_waited_for_for_ever(
    kafka, orders, monkeypatch
):
    monkeypatch.setattr("empkit.testing.log.TIMEOUT_S", 0.5)
    orders.produce("v")
    with (
        kafka.pause(),
        pytest.raises(BrokerError, match=r"cannot be read .*0.5 s\). Read it while no fault"),
    ):
        orders.read()
    assert len(orders.read()) == 1


def test_a_partition_whose_leader_has_just_come_up_is_asked_again(kafka):
    topic = kafka.topic()
    topic.produce("v")
    with kafka.errors("NOT_LEADER_FOR_PARTITION", 2, request="ListOffsets"):
        assert topic.offsets() == {0: (0, 1)}
