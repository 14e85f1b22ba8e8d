"""What a test can do to its broker, and that the next test sees nothing of it."""

import asyncio
import threading
import time

import pytest
from aiokafka import AIOKafkaProducer

from empkit.brokers import BrokerError
from empkit.faults import FaultError, LeaderKill
from empkit.testing.kafka import Kafka, Running
from empkit.testing.log import Log
from empkit.testing.strikes import Strikes
from tests.conftest import wait_until
from tests.plugin import PLUGINS

pytest_plugins = PLUGINS


def numbers(topic):
    return [int(record.value) for record in topic.read()]


def quickest(do, times=5):
    """The shortest of some measurements, in seconds: what others run does not count."""

    def once():
        begin = time.perf_counter()
        do()
        return time.perf_counter() - begin

    return min(once() for _ in range(times))


def test_the_name_of_a_topic_says_the_test_and_is_one_for_kafka(kafka):
    assert kafka.topic().name.startswith("test_the_name_of_a_topic_says_")
    assert len(Kafka(kafka._running, Strikes(), "ä" * 900 + "[x:" + "y" * 900).topic().name) < 249


def test_no_two_tests_have_the_same_consumer_group(kafka):
    one, other = kafka.group("billing"), kafka.group("billing")
    assert one != other
    assert one.startswith("billing-")


def test_a_topic_without_partitions_is_refused(kafka):
    with pytest.raises(ValueError, match=r"at least 1 partition"):
        kafka.topic(partitions=0)


@pytest.mark.alone
def test_a_fresh_topic_takes_less_than_20_ms(kafka):
    assert quickest(kafka.topic) < 0.02


def test_lost_acks_are_lost_for_a_producer_with_a_long_timeout(kafka):
    """aiokafka waits 40 s for an answer."""
    topic = kafka.topic()

    async def send():
        async with AIOKafkaProducer(
            bootstrap_servers=kafka.bootstrap_servers, retry_backoff_ms=10
        ) as producer:
            for number in range(6):
                await producer.send_and_wait(topic.name, str(number).encode())

    with kafka.lost_acks(2) as fault:
        asyncio.run(asyncio.wait_for(send(), 20))
    assert fault.spans[0].struck == 2
    assert numbers(topic) == [0, 0, 0, 1, 2, 3, 4, 5]


def test_errors_store_nothing_and_the_producer_sends_again(kafka):
    topic = kafka.topic()
    with kafka.errors("NOT_LEADER_FOR_PARTITION", 2) as fault:
        topic.produce("1")
    assert fault.spans[0].struck == 2
    assert numbers(topic) == [1]


@pytest.mark.parametrize("request_kind", ["Produce", "Fetch", "OffsetCommit", "JoinGroup"])
def test_what_was_planned_and_not_needed_is_gone_with_the_block(kafka, request_kind):
    topic = kafka.topic()
    broker = kafka._running.broker
    with (
        pytest.raises(FaultError, match=r"struck nothing"),
        kafka.errors("REQUEST_TIMED_OUT", 3, request=request_kind),
    ):
        pass
    planned, used = broker.planned_answers(request_kind)
    assert planned == used
    topic.produce("1")
    assert numbers(topic) == [1]


def test_held_answers_are_gone_too_while_the_broker_is_down(kafka):
    topic = kafka.topic()
    broker = kafka._running.broker
    with kafka.down(), pytest.raises(FaultError, match=r"struck nothing"), kafka.lost_acks(2):
        pass
    assert len(set(broker.planned_answers("Produce"))) == 1
    begin = time.monotonic()
    topic.produce("1")
    assert time.monotonic() - begin < 5


def test_the_end_of_a_test_undoes_what_is_in_force(kafka):
    strikes = Strikes()
    earlier = Kafka(kafka._running, strikes)
    earlier.slow(2_000).start()
    earlier.lost_acks(3).start()
    earlier.down().start()
    with pytest.raises(FaultError, match="lost-acks:count=3 struck nothing within"):
        earlier.close()
    topic = kafka.topic()
    assert quickest(lambda: topic.produce("1"), 3) < 0.5
    assert numbers(topic) == [1, 1, 1]


def test_a_fault_that_was_made_and_not_started_is_an_error_at_the_end(kafka):
    earlier = Kafka(kafka._running, Strikes())
    earlier.down(at=1)
    with pytest.raises(
        FaultError, match=r"broker-down was made and never struck. Write it as `with"
    ):
        earlier.close()


def test_a_slow_broker_delays_each_answer(kafka):
    topic = kafka.topic()
    topic.produce("0")
    assert quickest(lambda: topic.produce("0")) < 0.05
    with kafka.slow(60):
        assert quickest(lambda: topic.produce("0"), 2) >= 0.06


def test_one_of_three_brokers_is_down_and_the_others_answer(kafka_cluster):
    topic = kafka_cluster.topic(partitions=3)
    assert len(kafka_cluster.bootstrap_servers.split(",")) == 3
    with kafka_cluster.errors(count=1) as fault:
        for partition in range(3):
            topic.produce(str(partition), partition=partition)
    assert fault.spans[0].struck >= 1
    assert sorted(numbers(topic)) == [0, 1, 2]
    with pytest.raises(BrokerError, match=r"There is no broker 4; there are \[1, 2, 3\]"):
        kafka_cluster.down(4).start()


def test_a_leader_moves_for_the_block_and_back(kafka_cluster):
    topic = kafka_cluster.topic(partitions=2)
    before = topic.leaders()
    to = before[1] % 3 + 1
    with kafka_cluster.move_leader(topic, to, partition=1) as fault:
        topic.produce("1", partition=1)
        assert topic.leaders() == {0: before[0], 1: to}
    assert topic.leaders() == before
    assert str(fault) == f"leader-move:partition=1,to={to}"
    with pytest.raises(FaultError, match=r"has no partition 2; it has \[0, 1\]"):
        kafka_cluster.move_leader(topic, 1, partition=2).start()
    with pytest.raises(FaultError, match=rf"Broker {before[0]} leads partition 0 already"):
        kafka_cluster.move_leader(topic, before[0]).start()


def test_a_held_answer_comes_late_and_the_record_is_there_before(kafka):
    topic, other = kafka.topic(), Log(kafka.bootstrap_servers)
    late = threading.Thread(target=topic.produce, args=("1",))
    with kafka.held_answers(60_000):
        late.start()
        wait_until(lambda: other.bounds(topic.name, 1)[0] == (0, 1))
        assert late.is_alive()
        kafka._running.broker.down()
        kafka._running.broker.up()
    late.join()
    other.close()
    assert set(numbers(topic)) == {1}


def test_what_the_embedded_broker_cannot_say_or_do_names_the_lack(kafka):
    topic = kafka.topic()
    with pytest.raises(BrokerError, match=r"no DescribeGroups request\); mark the test with @pyt"):
        topic.members("billing")
    with pytest.raises(FaultError, match=r"no DeleteRecords request\); mark the test with @pytest"):
        kafka.retention(topic).start()


def test_an_ack_is_lost_however_soon_the_record_comes(kafka_cluster):
    topic = kafka_cluster.topic()
    for _ in range(5):
        with kafka_cluster.lost_acks(1) as fault:
            topic.produce("0", partition=0)
        assert fault.spans[0].struck == 1
    assert numbers(topic) == [0] * 10


def test_errors_strike_three_brokers_after_acks_were_lost_on_them(kafka_cluster):
    """The library looks at the errors of all brokers only where one has never had its own."""
    topic = kafka_cluster.topic()
    with kafka_cluster.lost_acks(1):
        topic.produce("0")
    with kafka_cluster.errors(count=1) as fault:
        topic.produce("1")
    assert fault.spans[0].struck == 1


def test_a_fault_that_the_broker_lacks_says_what_it_needs(kafka):
    with pytest.raises(FaultError, match=r"leader-kill needs Apache Kafka with several brokers"):
        kafka.strike(LeaderKill()).start()


def test_a_broker_that_is_not_our_own_is_not_struck(kafka):
    theirs = Running(kafka._running.broker, "external", kafka.bootstrap_servers)
    with pytest.raises(
        FaultError, match=r"not the test run's own. Run the test with --kafka=embed"
    ):
        Kafka(theirs, Strikes()).down()


def test_a_factory_gives_brokers_that_share_nothing(broker_factory):
    one, other = broker_factory(), broker_factory(brokers=2)
    addresses = [*one.bootstrap_servers.split(","), *other.bootstrap_servers.split(",")]
    assert len(set(addresses)) == 3
    with one.down():
        topic = other.topic()
        topic.produce("1")
        assert numbers(topic) == [1]


_known = pytest.StashKey()


def test_every_test_gets_the_same_broker(kafka, pytestconfig):
    known = pytestconfig.stash.setdefault(_known, set())
    known.add(kafka.bootstrap_servers)
    assert len(known) == 1


test_every_other_test_gets_it_too = test_every_test_gets_the_same_broker
