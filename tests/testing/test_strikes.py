"""When a fault of a test strikes, when it is undone, and what is said of it."""

import socket
import time

import pytest

from empkit.faults import FaultError
from empkit.testing.kafka import Kafka
from empkit.testing.strikes import Strikes
from tests.conftest import wait_until
from tests.plugin import PLUGINS

pytest_plugins = PLUGINS


def answers(kafka):
    """Whether the broker accepts a connection."""
    host, port = kafka.bootstrap_servers.split(":")
    try:
        socket.create_connection((host, int(port)), 2).close()
    except ConnectionRefusedError:
        return False
    return True


def test_a_fault_is_in_force_in_its_block_and_not_after(kafka):
    assert answers(kafka)
    with kafka.down():
        assert not answers(kafka)
    assert answers(kafka)


def test_with_at_and_seconds_it_strikes_in_the_background(kafka):
    begin = time.monotonic()
    with kafka.down(at=0.2, seconds=0.2) as fault:
        assert answers(kafka)
        wait_until(lambda: not answers(kafka))
        assert time.monotonic() - begin >= 0.2
        assert not fault.over
        wait_until(lambda: answers(kafka))
        assert time.monotonic() - begin >= 0.4
        wait_until(lambda: fault.over)
    (span,) = fault.spans
    assert span.start_ns - fault.begun_ns >= 0.2e9
    assert span.end_ns - fault.begun_ns >= 0.4e9


def test_a_block_that_fails_undoes_its_fault_and_its_error_is_the_one_that_is_seen(kafka):
    with pytest.raises(ZeroDivisionError), kafka.down(), kafka.slow(at=60):
        raise ZeroDivisionError
    assert answers(kafka)


def test_a_fault_that_came_too_late_for_its_block_is_an_error(kafka):
    with (
        pytest.raises(
            FaultError, match=r"broker-down was to strike at 60 s, and its block was over"
        ),
        kafka.down(at=60),
    ):
        pass


def test_a_fault_that_struck_nothing_is_an_error(kafka):
    with (
        pytest.raises(FaultError, match=r"lost-acks:count=2 struck nothing within"),
        kafka.lost_acks(2),
    ):
        pass


def test_a_fault_is_started_once(kafka):
    fault = kafka.down()
    with fault:
        pass
    with pytest.raises(FaultError, match=r"started already"):
        fault.start()


def test_without_a_block_it_lasts_until_it_is_stopped(kafka):
    fault = kafka.down().start()
    assert not answers(kafka)
    fault.stop()
    assert answers(kafka)


def test_times_that_make_no_sense_are_refused(kafka):
    with pytest.raises(ValueError, match=r"is not a span"):
        kafka.down(at=-1)
    with pytest.raises(ValueError, match=r"is not a span"):
        kafka.down(at=1, seconds=-1)


def test_the_timeline_has_each_fault_with_its_times_and_what_it_struck(kafka):
    topic = kafka.topic()
    with kafka.errors(count=2):
        topic.produce("v")
    with kafka.slow(5):
        pass
    first, second = kafka.timeline.splitlines()
    assert first.startswith("broker-errors:request=Produce,error=NOT_ENOUGH_REPLICAS,count=2 (0.")
    assert first.endswith("2 requests answered with the error")
    assert second.startswith("broker-slow:ms=5 (0.")


def test_the_nearest_fault_is_named_when_none_was_in_force(kafka, _empkit_strikes):
    with kafka.slow(1):
        now = time.time()
    said = _empkit_strikes.in_force(now + 5, now + 6)
    assert said.startswith("No fault was in force then; the nearest, 4.9")
    assert "In force then: broker-slow:ms=1 (" in _empkit_strikes.in_force(now - 1, now + 6)
    assert "the nearest, 4.9" in _empkit_strikes.in_force(now - 6, now - 5)


def test_without_a_block_a_fault_that_did_not_strike_is_an_error_at_the_end_and_said_once(kafka):
    strikes = Strikes()
    earlier = Kafka(kafka._running, strikes)
    earlier.lost_acks(5, at=100).start()
    with pytest.raises(FaultError, match="lost-acks:count=5 was to strike at 100 s"):
        earlier.close()
    strikes.stop()
