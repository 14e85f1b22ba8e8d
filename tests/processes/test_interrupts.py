"""A Jupyter kernel that is interrupted, restarted or killed while a run is under way."""

import contextlib
import os
import queue
import secrets
import signal
import time
from pathlib import Path

import psutil
import pytest
from jupyter_client import KernelManager

from tests.conftest import wait_until
from tests.signals import OWNER, end_marked

PATIENCE_S = 60.0

LAB = """
from empkit import Lab, Workload
lab = Lab().start()
print(lab.processes.folder)
"""
LONG = """
runs = lab.run("http", Workload(records=100_000, rate=200, warm_up=0))
print(runs.runs[0].cut_short, runs.runs[0].offered < 100_000)
"""
SHORT = """
runs = lab.run("http", Workload(records=20, in_flight=4, warm_up=0))
print(int(runs.verdicts().loc["http", "stored"]), "stored")
"""


class Kernel:
    """A real kernel in a process of its own, spoken to as a notebook does."""

    def __init__(self):
        self.mark = secrets.token_hex(16)

    def start(self):
        self.manager = KernelManager()
        self.manager.start_kernel(env={**os.environ, OWNER: self.mark})
        self.connect()

    def connect(self):
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=PATIENCE_S)

    @property
    def process(self):
        return psutil.Process(self.manager.provisioner.pid)

    def begin(self, code):
        """Run a cell; what it says comes from `hear`."""
        return self.client.execute(code)

    def hear(self, cell, until):
        """What the cell prints until it says a thing of that kind."""
        give_up, printed = time.monotonic() + PATIENCE_S, ""
        while time.monotonic() < give_up:
            with contextlib.suppress(queue.Empty):
                message = self.client.get_iopub_msg(timeout=1.0)
                kind, content = message["msg_type"], message["content"]
                if message["parent_header"].get("msg_id") != cell:
                    continue
                assert kind != "error", "\n".join(content["traceback"])
                if kind == "stream" and content["name"] == "stdout":
                    printed += content["text"]
                if kind == until or content.get("execution_state") == until:
                    return printed
        raise AssertionError(f"no {until!r} within {PATIENCE_S} s; it printed {printed!r}")

    def run(self, code):
        return self.hear(self.begin(code), "idle").strip()

    def begin_long_run(self):
        """Start a lab and a run in it; what is under way then."""
        folder = Path(self.run(LAB))
        cell = self.begin(LONG)
        self.hear(cell, "update_display_data")  # the live figure: records are on their way
        started = self.process.children(recursive=True)
        assert sum("empkit.experiment.run" in " ".join(each.cmdline()) for each in started) == 1
        assert folder.is_dir()
        return cell, started, folder

    def stop(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture
def kernel():
    running = Kernel()
    try:
        running.start()
        yield running
        running.stop()
    finally:
        end_marked(running.mark)


def is_gone(process):
    """Whether a process has ended, waited for by its parent or not."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_until_gone(started, folder):
    wait_until(lambda: all(is_gone(each) for each in started) and not folder.exists())


@pytest.mark.slow
def test_a_kernel_that_is_interrupted_ends_the_run_and_its_next_cell_works(kernel):
    cell, started, _ = kernel.begin_long_run()
    kernel.manager.interrupt_kernel()
    assert kernel.hear(cell, "idle").strip() == "True True"
    left = {each for each in kernel.process.children(recursive=True) if not is_gone(each)}
    # server, broker and the load generator, which has finished in order, and nothing new
    assert left == set(started)
    assert kernel.run(SHORT) == "20 stored"


@pytest.mark.slow
def test_a_kernel_that_is_restarted_leaves_nothing_and_a_new_lab_starts(kernel):
    _, started, folder = kernel.begin_long_run()
    kernel.client.stop_channels()
    kernel.manager.restart_kernel()
    kernel.connect()
    wait_until_gone(started, folder)
    kernel.run(LAB)
    assert kernel.run(SHORT) == "20 stored"


@pytest.mark.slow
def test_a_kernel_that_is_killed_leaves_nothing_and_a_new_lab_starts(kernel):
    _, started, folder = kernel.begin_long_run()
    os.kill(kernel.process.pid, signal.SIGKILL)
    wait_until_gone(started, folder)
    kernel.stop()
    kernel.start()
    kernel.run(LAB)
    assert kernel.run(SHORT) == "20 stored"
