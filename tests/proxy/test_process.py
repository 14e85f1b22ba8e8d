"""The proxy as a process, measured and commanded from outside."""

from __future__ import annotations

import socket
import statistics

import pytest

from empkit.proxy import Down, ProxyError
from tests.echo import LIMIT_S, proxied, relayed, round_trips_ms


@pytest.mark.alone
def test_without_toxics_the_proxy_adds_less_than_a_tenth_of_a_millisecond_a_hop():
    with proxied() as (_, through, past), relayed() as bare:
        added, least = [], []
        for _ in range(11):  # the quietest, since other work on this machine only adds
            each_ms = [statistics.median(round_trips_ms(s, 100)) for s in (through, bare, past)]
            added.append((each_ms[0] - each_ms[2]) / 2)
            least.append((each_ms[1] - each_ms[2]) / 2)
        # where the machine wakes a process slowly, any relay takes longer: then as a bare one does
        assert min(added) < max(0.1, 1.2 * min(least))


def test_a_proxy_obeys_commands_from_another_process_and_says_why_it_refuses_one():
    with proxied() as (proxy, through, _):
        assert len(round_trips_ms(through, 1)) == 1
        assert proxy.counters()["echo"] == {
            "accepted": 1,
            "open": 1,
            "bytes_up": 200,
            "bytes_down": 200,
        }
        later = proxy.listen("later")
        with pytest.raises(ProxyError, match="'later': the name is taken"):
            proxy.listen("later")
        with pytest.raises(ProxyError, match="no toxic 'none-1'"):
            proxy.remove("none-1")
        proxy.set_upstream("later", "127.0.0.1", through.getpeername()[1])
        down = proxy.add("echo", Down())
        assert through.recv(1) == b""
        proxy.remove(down)
        with socket.create_connection(("127.0.0.1", later), LIMIT_S) as connection:
            round_trips_ms(connection, 1)
        proxy.stop()
        with pytest.raises(ProxyError, match="start it first"):
            proxy.counters()
