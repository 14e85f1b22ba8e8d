"""The rig: what its processes show to others on this machine and beyond it."""

import ipaddress
import os

import psutil
import pytest

from empkit import Lab
from empkit.proxy import ProxyProcess

BEFORE = dict(os.environ)
"""With what the user of the lab has put there, such as the address of a database."""


@pytest.fixture(scope="module")
def parts():
    """A lab with every part that listens, and its processes by name."""
    with Lab(consumers=2) as lab:
        proxy = ProxyProcess(lab.processes)
        proxy.start()
        proxy.listen("server", "127.0.0.1", lab.settings.port)
        yield lab, {child.name: psutil.Process(child.pid) for child in lab.processes.children}
        proxy.stop()


@pytest.mark.slow
def test_every_part_listens_on_loopback_only(parts):
    _, processes = parts
    listening = {
        name: [
            connection.laddr.ip
            for each in (process, *process.children(recursive=True))
            for connection in each.net_connections("inet")
            if connection.status == psutil.CONN_LISTEN
        ]
        for name, process in processes.items()
    }
    assert listening["server"] and listening["proxy"]
    everywhere = [
        (name, address)
        for name, addresses in listening.items()
        for address in addresses
        if not _is_loopback(address)
    ]
    assert everywhere == []


def _is_loopback(address):
    ip = ipaddress.ip_address(address)
    return (getattr(ip, "ipv4_mapped", None) or ip).is_loopback  # Java's 127.0.0.1


@pytest.mark.slow
def test_no_secret_is_in_a_command_line_or_an_environment(parts):
    """Every program of this user, and some of others, can read both."""
    lab, processes = parts
    assert len(lab.secrets()) >= 3
    for name, process in processes.items():
        shown = [*process.cmdline(), *_added(process.environ())]
        assert not [name for text in shown for secret in lab.secrets() if secret in text], name
    added = _added(os.environ)
    assert not [text for text in added for secret in lab.secrets() if secret in text]


def _added(environment):
    """The values that were not there before the lab."""
    return [value for name, value in environment.items() if BEFORE.get(name) != value]
