"""What may be in force at once, and what is undone while the broker is paused."""

import time

import pytest

from empkit.faults import FaultError
from tests.conftest import wait_until
from tests.plugin import PLUGINS

pytest_plugins = PLUGINS


def quickest(topic):
    begin = time.perf_counter()
    topic.produce("v")
    return time.perf_counter() - begin


@pytest.mark.parametrize(
    ("outer", "inner"),
    [
        (lambda kafka: kafka.down(), lambda kafka: kafka.down()),
        (lambda kafka: kafka.down(), lambda kafka: kafka.down(1)),
        (lambda kafka: kafka.down(1), lambda kafka: kafka.down()),
        (lambda kafka: kafka.slow(300), lambda kafka: kafka.slow(50)),
        (lambda kafka: kafka.pause(), lambda kafka: kafka.pause()),
        (lambda kafka: kafka.pause(), lambda kafka: kafka.down()),
        (lambda kafka: kafka.pause(), lambda kafka: kafka.slow()),
    ],
)
def test_the_end_of_one_fault_does_not_end_another(kafka, outer, inner):
    with outer(kafka), pytest.raises(FaultError, match="cannot strike while"):
        inner(kafka).start()
    assert quickest(kafka.topic()) < 5


def test_two_faults_of_the_same_answers_are_refused_since_neither_knows_what_it_struck(kafka):
    topic = kafka.topic()
    with (
        kafka.errors("NOT_ENOUGH_REPLICAS", 1) as errors,
        pytest.raises(FaultError, match="lost-acks:count=1 cannot strike while broker-errors:"),
    ):
        topic.produce("v")
        kafka.lost_acks(1).start()
    assert errors.spans[0].struck == 1
    with kafka.lost_acks(1), kafka.errors("UNKNOWN_SERVER_ERROR", 1, request="Metadata"):
        topic.produce("v")
        kafka.topic().leaders()


def test_different_brokers_may_be_down_at_once(kafka_cluster):
    with kafka_cluster.down(1), kafka_cluster.down(2):
        pass


def test_what_ends_while_the_broker_is_paused_is_undone_with_the_pause(kafka):
    topic = kafka.topic()
    topic.produce("v")
    with kafka.slow(400, seconds=0.1) as slow, kafka.pause(at=0.05, seconds=0.2) as pause:
        wait_until(lambda: slow.over and pause.over)
    assert quickest(topic) < 0.3


@pytest.mark.parametrize("value", [0, -5])
def test_a_fault_that_does_nothing_is_refused(kafka, value):
    for make in (kafka.slow, kafka.lost_acks, kafka.held_answers):
        with pytest.raises(ValueError, match=f"is {value}; expected 1 or more"):
            make(value)
    with pytest.raises(ValueError, match="count is 0"):
        kafka.errors(count=0)


@pytest.mark.slow
def test_more_errors_than_one_call_of_the_library_takes_are_planned_and_cancelled(kafka):
    with pytest.raises(FaultError, match="struck nothing"), kafka.errors(count=600):
        assert kafka._running.broker.planned_answers("Produce")[0] >= 600
    assert quickest(kafka.topic()) < 5
