"""What the tests of a session share starts with the first of them, and again when it was killed."""

import subprocess
import sys

import pytest

from empkit.brokers import BrokerError
from empkit.testing.session import Session


def test_a_broker_that_a_test_killed_is_started_anew():
    with Session() as session:
        first = session.shared(1)
        assert session.shared(1) is first
        first.broker._child.kill()
        assert session.shared(1).bootstrap_servers != first.bootstrap_servers


def test_nothing_is_left_of_a_session_that_has_stopped():
    with Session() as session:
        broker = session.shared(1).broker
        child, folder = broker._child, session._processes.folder
    assert not child.running
    assert not folder.exists()


def test_one_that_runs_elsewhere_is_used_as_it_is():
    with Session() as ours, Session(ours.shared(1).bootstrap_servers) as session:
        theirs = session.shared(3)
        assert theirs.broker_name == "external"
        assert session.shared(1) is theirs
        assert theirs.bootstrap_servers == ours.shared(1).bootstrap_servers


def test_one_that_does_not_run_is_an_error_with_its_address():
    with (
        Session("127.0.0.1:9") as session,
        pytest.raises(BrokerError, match=r"127.0.0.1:9: .*refused"),
    ):
        session.shared(1)


@pytest.mark.slow
@pytest.mark.alone
def test_a_broker_is_ready_in_less_than_half_a_second():
    """In a new process, with everything that is imported for it."""
    code = """
import time
begin = time.perf_counter()
from empkit.testing.session import Session
with Session() as session:
    session.shared(1)
    print(time.perf_counter() - begin)
"""
    command = [sys.executable, "-c", code]
    took = [float(subprocess.check_output(command, text=True)) for _ in range(5)]
    assert min(took) < 0.5
