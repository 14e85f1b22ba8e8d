"""Tests that send signals mean what they say, however they themselves were started."""

import signal
import subprocess
import sys

import pytest

from tests.signals import started

# The line comes from inside the block that hears the signal: before it, the signal could be first.
WAITS = """
import signal, sys, time
try:
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    print({signal.SIGINT, signal.SIGTERM} & blocked, flush=True)
    time.sleep(600)
except KeyboardInterrupt:
    sys.exit(7)
"""

LEAVES = """
import subprocess, sys
child = "import time; print('here', flush=True); time.sleep(600)"
process = subprocess.Popen(
    [sys.executable, "-c", child], stdout=subprocess.PIPE, start_new_session=True
)
process.stdout.readline()
print(process.pid, flush=True)
"""


@pytest.fixture
def ignored():
    """What a script or nohup leaves us with, and a mask on top."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGTERM])
    yield
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 7), (signal.SIGTERM, -signal.SIGTERM)]
)
def test_a_program_hears_what_its_parent_ignores_or_blocks(ignored, number, status):
    command = [sys.executable, "-c", WAITS]
    with started(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline().strip() == "set()"
        process.send_signal(number)
        assert process.wait(20) == status


def test_what_a_program_leaves_behind_is_seen_and_ended_with_the_block():
    command = [sys.executable, "-c", LEAVES]
    with pytest.raises(ZeroDivisionError), started(command, stdout=subprocess.PIPE) as process:
        orphan = int(process.stdout.readline())
        process.wait(20)
        assert [each.pid for each in process.left()] == [orphan]
        process.tidy_s = 0.0  # there is no warden that would clean up
        1 / 0  # noqa: B018
    assert process.left() == []
