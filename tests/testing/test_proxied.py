"""Any TCP address behind the fault proxy."""

import socket
import time

import pytest

from empkit.faults import FaultError
from empkit.proxy import Latency
from tests.plugin import PLUGINS

pytest_plugins = PLUGINS


@pytest.fixture
def echo():
    """A server that sends back the first bytes of each connection."""
    import threading

    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    while data := connection.recv(1024):
                        connection.sendall(data)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def seconds_of_echo(behind):
    begin = time.monotonic()
    with socket.create_connection((behind.host, behind.port), 5) as connection:
        connection.sendall(b"ping")
        assert connection.recv(4) == b"ping"
    return time.monotonic() - begin


def test_without_a_toxic_everything_passes(fault_proxy, echo):
    behind = fault_proxy(echo)
    assert behind.address != echo
    seconds_of_echo(behind)
    assert behind.counters()["bytes_up"] == 4


def test_a_toxic_is_in_force_in_its_block_alone(fault_proxy, echo):
    behind = fault_proxy(echo)
    with behind.latency(latency_ms=100, direction="down"):
        assert seconds_of_echo(behind) >= 0.1
    with behind.strike(Latency(100, direction="up"), seconds=30):
        assert seconds_of_echo(behind) >= 0.1
    assert min(seconds_of_echo(behind) for _ in range(3)) < 0.1


def test_a_toxic_strikes_one_address_and_no_other(fault_proxy, echo):
    struck, spared = fault_proxy(echo), fault_proxy(echo)
    with struck.down():
        with pytest.raises((ConnectionError, AssertionError)):
            seconds_of_echo(struck)
        seconds_of_echo(spared)


def test_a_toxic_that_met_no_byte_is_an_error(fault_proxy, echo):
    behind = fault_proxy(echo)
    with (
        pytest.raises(FaultError, match=r"latency:.* struck nothing"),
        behind.latency(latency_ms=1),
    ):
        pass


def test_a_toxic_that_there_is_not_is_told_with_those_that_there_are(fault_proxy, echo):
    with pytest.raises(AttributeError, match=r"no toxic 'lag'; use one of ack_loss, .*cut, down,"):
        fault_proxy(echo).lag(ms=3)


@pytest.mark.parametrize("target", ["5432", "localhost", "host:port", "host:99999", ""])
def test_what_is_no_address_is_refused(fault_proxy, target):
    with pytest.raises(ValueError, match=r"is not a valid address; expected HOST"):
        fault_proxy(target)


def test_a_kafka_broker_is_no_target_since_its_clients_go_past_the_proxy(fault_proxy, kafka):
    with pytest.raises(ValueError, match=r"Use its own faults, such as `kafka.slow"):
        fault_proxy(kafka.bootstrap_servers)
