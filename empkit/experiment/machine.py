"""What the machine did while a run was measured: processor time of ours, of others, and lost.

Read once before and once after, from /proc and the control groups of Linux, in the process that
conducts the runs and not in one that is measured. Elsewhere it is not known.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from empkit.clock import now_ns
from empkit.databases.cluster import process_of
from empkit.results.info import ProcessorTime

if TYPE_CHECKING:
    from empkit.rig.rig import Rig

PROC = Path("/proc")
GROUPS = Path("/sys/fs/cgroup")


class _Process(NamedTuple):
    """One process: the processor time that it and the children that it waited for have used, and
    how long each of its threads was ready to run and had no processor, in seconds."""

    used_s: float
    reaped_s: float
    delayed_s: dict[int, float]


class Reading(NamedTuple):
    """The counters of the machine at one moment, in seconds since it was started.

    Attributes:
        at_ns: the moment, on the clock of the stamps.
        processors: how many there are.
        idle_s: for how long they had nothing to run, over all of them.
        steal_s: the time that the host took from this virtual machine.
        throttled_s: the time that a control group held this process back for its quota; None if it
            has none.
        owner: the process that conducts.
        parts: the processes that are measured, by id.
    """

    at_ns: int
    processors: int
    idle_s: float
    steal_s: float
    throttled_s: float | None
    owner: _Process
    parts: dict[int, _Process]


def read(pids: Iterable[int], proc: Path = PROC, groups: Path = GROUPS) -> Reading | None:
    """Read the counters; None where the platform has none.

    Args:
        pids: the processes that are measured, without their children.
        proc, groups: where the kernel shows them.
    """
    if sys.platform != "linux":
        return None
    try:
        processors, idle_s, steal_s = _processors(proc)
        at_ns = now_ns()  # of this moment: what was not idle until then was busy
        owner = _process(proc, os.getpid())
    except (OSError, ValueError, IndexError):  # not mounted, or not as Linux has it
        return None
    parts = {}
    for pid in _with_children(proc, pids):
        with contextlib.suppress(OSError):  # it has ended
            parts[pid] = _process(proc, pid)
    throttled_s = _throttled(proc, groups)
    return Reading(at_ns, processors, idle_s, steal_s, throttled_s, owner, parts)


def between(before: Reading | None, after: Reading | None, *, all_ours: bool) -> ProcessorTime:
    """Return what happened between two readings.

    Args:
        before, after: the readings.
        all_ours: whether every part of the system on this machine is known, so that what they have
            not used was used by others.
    """
    if before is None or after is None:
        return ProcessorTime()
    parts = [
        (pid, before.parts.get(pid, _Process(0.0, 0.0, {})), now)
        for pid, now in after.parts.items()
    ]
    used_s = after.owner.used_s - before.owner.used_s
    used_s += sum(now.used_s + now.reaped_s - then.used_s - then.reaped_s for _, then, now in parts)
    used_s += _ended(before, after)
    delayed_s = sum(
        waited_s - then.delayed_s.get(thread, 0.0)
        for _, then, now in parts
        for thread, waited_s in now.delayed_s.items()
    )
    window_s = (after.at_ns - before.at_ns) / 1e9
    steal_s = after.steal_s - before.steal_s
    busy_s = after.processors * window_s - (after.idle_s - before.idle_s) - steal_s
    throttled = None
    if before.throttled_s is not None and after.throttled_s is not None:
        throttled = after.throttled_s - before.throttled_s
    return ProcessorTime(
        window_s=window_s,
        own_s=used_s,
        others_s=max(0.0, busy_s - used_s) if all_ours else None,
        delayed_s=delayed_s,
        steal_s=steal_s,
        throttled_s=throttled,
    )


def _ended(before: Reading, after: Reading) -> float:
    """Return what parts that ended meanwhile had used since the first reading, in seconds.

    Their owner has waited for them, and its count of such children grew by all that they used.
    """
    gone = [then.used_s for pid, then in before.parts.items() if pid not in after.parts]
    if not gone:
        return 0.0
    return max(0.0, after.owner.reaped_s - before.owner.reaped_s - sum(gone))


class Readings:
    """The readings of one run.

    Args:
        rig: the system under test.
    """

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._taken: list[Reading | None] = []

    def take(self) -> None:
        """Read the counters: before the first record, and after the last."""
        self._taken.append(read(processes_of(self._rig)[0]))

    def processor(self) -> ProcessorTime:
        """Return what happened from the first reading to the last."""
        if len(self._taken) < 2:
            return ProcessorTime()
        first, *_, last = self._taken
        return between(first, last, all_ours=processes_of(self._rig)[1])


def processes_of(rig: Rig) -> tuple[list[int], bool]:
    """Return the processes of a system under test, and whether they are all that it has here.

    A broker, server or database that the lab did not start may be on this machine, and its
    processor time is then neither others' nor known.
    """
    pids = [child.pid for child in rig.processes.children]
    known = rig.has_own_server and rig.broker_name != "external"
    url = urlsplit(rig.settings.database_url)
    if not url.scheme.startswith("sqlite"):
        server = process_of(rig.settings.database_url)
        known = known and server is not None
        pids += [server] if server is not None else []
    return pids, known


def _tick_s() -> float:
    """Return the unit of the times in /proc, in seconds."""
    if sys.platform == "win32":  # it has no /proc
        return 0.01
    return 1 / os.sysconf("SC_CLK_TCK")


def _processors(proc: Path) -> tuple[int, float, float]:
    """Return how many processors there are, for how long they had nothing to run, and the time that
    the host took.

    The busy time of the same file is of no use: it is what ran at each tick of the kernel's timer,
    and a system that works in step with the timer, as at 500 records/s, is counted too much or too
    little by a factor of two. Idle time is measured where the tick stops in idleness
    (https://docs.kernel.org/timers/no_hz.html), so the rest was busy.

    Columns: user, nice, system, idle, iowait, irq, softirq, steal
    (https://man7.org/linux/man-pages/man5/proc_stat.5.html).
    """
    total, *others = (line.split() for line in (proc / "stat").read_text().splitlines())
    _, _, _, idle, waiting, _, _, steal = (int(ticks) for ticks in total[1:9])
    count = sum(words[0].startswith("cpu") for words in others if words)
    tick_s = _tick_s()
    return count, (idle + waiting) * tick_s, steal * tick_s


def _process(proc: Path, pid: int) -> _Process:
    """Read one process.

    Raises:
        OSError: it has ended, or there is no such file.
    """
    # the name, in brackets, may have spaces and brackets in it
    fields = (proc / str(pid) / "stat").read_text().rpartition(")")[2].split()
    tick_s = _tick_s()
    user, system, reaped_user, reaped_system = (int(ticks) * tick_s for ticks in fields[11:15])
    delayed = {}
    for thread in (proc / str(pid) / "task").iterdir():
        with contextlib.suppress(OSError):  # it has ended
            _, delayed_ns, _ = (thread / "schedstat").read_text().split()
            delayed[int(thread.name)] = int(delayed_ns) / 1e9
    return _Process(user + system, reaped_user + reaped_system, delayed)


def _with_children(proc: Path, pids: Iterable[int]) -> list[int]:
    """Return processes and all processes that they have started, such as those of PostgreSQL."""
    found: list[int] = []
    todo = list(pids)
    while todo:
        pid = todo.pop()
        found.append(pid)
        with contextlib.suppress(OSError):  # it has ended, or the kernel does not list children
            children = (proc / str(pid) / "task" / str(pid) / "children").read_text()
            todo += map(int, children.split())
    return found


def _throttled(proc: Path, groups: Path) -> float | None:
    """Return how long the control groups of this process have been held back, in seconds.

    Of groups within each other the largest value is that of the one with the quota
    (https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files; in version 1 the file
    is in the hierarchy of the `cpu` controller, and counts nanoseconds).
    """
    values: list[float] = []
    with contextlib.suppress(OSError):  # no control groups
        for line in (proc / "self" / "cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if not controllers:
                roots = [groups, groups / "unified"]  # version 2, alone or beside version 1
            elif "cpu" in controllers.split(","):
                roots = [groups / controllers, groups / "cpu"]
            else:
                continue
            for root in roots:
                group = root / path.lstrip("/")
                while group.is_relative_to(root):
                    values += _held(group / "cpu.stat")
                    group = group.parent
    return max(values, default=None)


def _held(file: Path) -> list[float]:
    """Return how long one group was held back; nothing where it has no quota or no such file."""
    units = {"throttled_usec": 1e6, "throttled_time": 1e9}
    try:
        lines = [line.split() for line in file.read_text().splitlines()]
    except OSError:
        return []
    return [int(value) / units[name] for name, value in lines if name in units]
