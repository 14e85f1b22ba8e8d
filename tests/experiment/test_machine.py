"""What the machine did meanwhile: with real processes, and for what those cannot do with files."""

import contextlib
import os
import subprocess
import sys

import psutil
import pytest

from empkit import Lab
from empkit.experiment import machine
from empkit.results.info import ProcessorTime
from tests.conftest import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")

BURNS = "while True: pass"
STARTS = f"import subprocess, sys; subprocess.run([sys.executable, '-c', '{BURNS}'])"


@contextlib.contextmanager
def running(code):
    """A process with this code; it and its children are ended."""
    with subprocess.Popen([sys.executable, "-c", code]) as process:
        try:
            yield psutil.Process(process.pid)
        finally:
            for each in (*psutil.Process(process.pid).children(recursive=True), process):
                each.kill()


def used_s(process):
    """The processor time of a process and its children, in seconds."""
    times = [each.cpu_times() for each in (process, *process.children(recursive=True))]
    return sum(each.user + each.system for each in times)


def while_it_uses(process, seconds, pids):
    """What happened while a process used so much processor time."""
    before, begun_s = machine.read(pids), used_s(process)
    wait_until(lambda: used_s(process) - begun_s >= seconds)
    return machine.between(before, machine.read(pids), all_ours=True)


@pytest.mark.slow
@pytest.mark.parametrize("code", [BURNS, STARTS], ids=["itself", "its child"])
def test_the_processor_time_of_a_part_is_the_labs_and_that_of_another_process_is_not(code):
    with running(code) as process:
        wait_until(lambda: used_s(process) > 0.2)
        ours = while_it_uses(process, 0.5, [process.pid])
        theirs = while_it_uses(process, 0.5, [])
    assert 0.5 <= ours.own_s + 0.05 < 3.0
    assert theirs.others_s >= 0.45
    assert theirs.own_s < 0.5  # of this process, which only waits
    assert ours.window_s > 0.05


def test_the_processor_time_of_a_part_that_is_killed_is_the_labs_as_long_as_it_ran():
    with running(BURNS) as process:
        wait_until(lambda: used_s(process) > 0.3)
        before = machine.read([process.pid])
        begun_s = used_s(process)
        wait_until(lambda: used_s(process) - begun_s >= 0.5)
        last_s = used_s(process)
    found = machine.between(before, machine.read([]), all_ours=True)
    assert found.own_s >= last_s - begun_s - 0.05


@pytest.mark.slow
def test_parts_that_share_a_processor_wait_for_it():
    with running(BURNS) as one, running(BURNS) as other:
        for process in (one, other):
            process.cpu_affinity([min(os.sched_getaffinity(0))])
        found = while_it_uses(one, 0.5, [one.pid, other.pid])
    assert found.delayed_s >= 0.3


@pytest.mark.slow
def test_a_lab_knows_its_processes_and_those_of_its_postgresql(postgres, monkeypatch):
    monkeypatch.setenv("EMPKIT_LAB_DATABASE", postgres)
    with Lab("none") as lab:
        pids, known = machine.processes_of(lab)
        names = {psutil.Process(pid).name() for pid in machine._with_children(machine.PROC, pids)}
        assert known and lab.server.pid in pids
        assert any("postgres" in name for name in names)
        lab._server_url = lab.server_url  # as one that the lab did not start
        assert machine.processes_of(lab)[1] is False
        lab._server_url = None


# What a real /proc does not show on request


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """A function that writes the files of a machine, and reads them."""
    proc, groups = tmp_path / "proc", tmp_path / "cgroup"
    pid = os.getpid()

    def write(path, text):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def reading(*, steal=0, idle=0, at_s=1, group="0::/a/b", files=()):
        monkeypatch.setattr(machine, "now_ns", lambda: at_s * 10**9)
        processors = "cpu0 0 0\ncpu1 0 0\nintr 7 0\n"
        write(proc / "stat", f"cpu  555 0 0 {idle} 7 0 0 {steal} 0 0\n{processors}")
        write(proc / str(pid) / "stat", f"{pid} (a) b) S {' '.join(['0'] * 10)} 1 2 0 0 20")
        write(proc / str(pid) / "task" / str(pid) / "schedstat", "5000000 7000000 3\n")
        write(proc / "self" / "cgroup", f"9:memory:/x\n{group}\n")
        for name, text in files:
            write(groups / name, text)
        return machine.read([], proc, groups)

    return reading


def test_time_that_the_host_took_is_neither_idle_nor_used_by_others(fake):
    tick = os.sysconf("SC_CLK_TCK")
    before = fake(steal=10, idle=100)
    after = fake(steal=10 + 3 * tick, idle=100 + 6 * tick, at_s=6)
    found = machine.between(before, after, all_ours=True)
    assert found.steal_s == pytest.approx(3.0)
    assert found.others_s == pytest.approx(1.0)  # of two processors in five seconds
    assert found.throttled_s is None


@pytest.mark.parametrize(
    ("group", "file", "text"),
    [
        ("0::/a/b", "a/b/cpu.stat", "usage_usec 5\nthrottled_usec {us}\n"),
        ("0::/a/b", "a/cpu.stat", "throttled_usec {us}\n"),
        ("0::/a/b", "unified/a/b/cpu.stat", "throttled_usec {us}\n"),
        ("4:cpu,cpuacct:/a/b", "cpu,cpuacct/a/b/cpu.stat", "throttled_time {ns}\n"),
        ("1:cpu:/", "cpu/cpu.stat", "nr_throttled 1\nthrottled_time {ns}\n"),
        ("0::/seen/from/outside", "cpu.stat", "throttled_usec {us}\n"),
    ],
    ids=["version 2", "above", "hybrid", "version 1", "root of version 1", "in a container"],
)
def test_time_that_a_control_group_held_back_is_known(fake, group, file, text):
    before, after = (
        fake(group=group, files=[(file, text.format(us=seconds * 10**6, ns=seconds * 10**9))])
        for seconds in (2, 5)
    )
    found = machine.between(before, after, all_ours=True)
    assert found.throttled_s == pytest.approx(3.0)


def test_where_the_platform_cannot_tell_it_is_not_known(tmp_path, monkeypatch, fake):
    assert machine.read([], tmp_path / "none") is None
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "stat").write_text("cpu\n")
    assert machine.read([], tmp_path / "empty") is None
    monkeypatch.setattr(sys, "platform", "darwin")
    assert machine.read([]) is None
    assert machine.between(None, None, all_ours=True) == ProcessorTime()


def test_with_parts_that_the_lab_did_not_start_only_others_time_is_not_known(fake):
    found = machine.between(fake(), fake(steal=50, at_s=2), all_ours=False)
    assert found.others_s is None and found.steal_s > 0 and found.window_s > 0
