"""A broker that is not ours."""

from __future__ import annotations

import socket
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empkit.brokers import BrokerError, make_broker
from empkit.brokers.admin import parse_addresses
from empkit.brokers.external import ExternalBroker
from empkit.processes.child import Processes
from empkit.settings import Settings
from tests.plugin import PLUGINS

pytest_plugins = PLUGINS


@pytest.fixture
def processes():
    with Processes() as processes:
        yield processes


def external(processes, servers):
    return ExternalBroker(processes, Settings(kafka_bootstrap_servers=servers))


def test_a_broker_that_is_not_ours_is_used_as_it_is_and_left_as_it_was(processes, kafka):
    broker = make_broker(
        "external", processes, Settings(kafka_bootstrap_servers=kafka.bootstrap_servers)
    )
    broker.start()
    assert broker.bootstrap_servers == kafka.bootstrap_servers
    for order in (broker.down, broker.up, broker.pause, broker.resume):
        with pytest.raises(BrokerError, match="is external"):
            order()
    broker.stop()
    assert broker.bootstrap_servers == ""
    external(processes, kafka.bootstrap_servers).start()


def test_one_broker_that_can_be_reached_is_enough(processes, kafka):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        closed = f"127.0.0.1:{gone.getsockname()[1]}"
    external(processes, f"{closed},{kafka.bootstrap_servers}").start()


@pytest.mark.alone
def test_a_broker_that_cannot_be_reached_is_named_soon(processes):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        address = f"127.0.0.1:{gone.getsockname()[1]}"
    begun = time.monotonic()
    with pytest.raises(BrokerError, match=rf"{address}.*Check EMPKIT_KAFKA_BOOTSTRAP_SERVERS"):
        external(processes, address).start()
    assert time.monotonic() - begun < 3.5


def test_without_an_address_it_says_which_setting_is_missing(processes, monkeypatch):
    monkeypatch.delenv("EMPKIT_KAFKA_BOOTSTRAP_SERVERS", raising=False)
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    with pytest.raises(BrokerError, match="Set EMPKIT_KAFKA_BOOTSTRAP_SERVERS=HOST:PORT"):
        external(processes, None).start()


HOSTS = st.from_regex(r"[a-z0-9]([a-z0-9.-]{0,20}[a-z0-9])?", fullmatch=True)
ADDRESSES = st.lists(st.tuples(HOSTS, st.integers(1, 65_535)), min_size=1, max_size=5)


@pytest.mark.slow
@given(ADDRESSES)
def test_addresses_are_read_as_they_are_written(addresses):
    assert parse_addresses(", ".join(f"{host}:{port}" for host, port in addresses)) == addresses


def test_an_ipv6_address_is_in_brackets():
    assert parse_addresses("[::1]:9092") == [("::1", 9092)]


@pytest.mark.slow
@given(
    st.one_of(st.text(), HOSTS, ADDRESSES.map(lambda some: f"{some[0][0]}:{some[0][1] + 65_535}"))
)
def test_what_is_no_address_is_refused_in_a_sentence(text):
    try:
        addresses = parse_addresses(text)
    except BrokerError as error:
        assert "HOST:PORT" in str(error)
    else:
        assert all(host and 0 < port < 65_536 for host, port in addresses)
