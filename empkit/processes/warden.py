"""The process that outlives its owner just long enough to clean up after it.

Run as a script, on nothing but the standard library, so that it starts in milliseconds. It reads
orders from its standard input, one JSON list a line, and acts when that pipe closes, which the
operating system does however the owner ended, SIGKILL included:

    owner --- ["watch", pid] / ["forget", pid] / ["folder", path] ---> warden
    owner gone: every watched process group gets SIGKILL, every folder is removed
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sys


def kill_group(pid: int) -> None:
    """End the process and the group that it leads, whether it runs, sleeps or is stopped.

    Windows has no process groups: there its children are found by the number of their parent, and
    what a child has left behind when it ended of its own accord is not found any more.

    Args:
        pid: a process started in a session of its own, so that its group has the same number.
    """
    if sys.platform == "win32":
        import subprocess  # here: elsewhere it would double the time that a warden needs to start

        command = ["taskkill", "/F", "/T", "/PID", str(pid)]
        with contextlib.suppress(OSError):
            subprocess.run(command, capture_output=True, check=False)
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def main() -> None:
    """Follow orders until the owner is gone, then clean up."""
    # who ends all Pythons at once means us, too, but not that the rest may stay
    for name in ("SIGTERM", "SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    watched: set[int] = set()
    folders: set[str] = set()
    for line in sys.stdin.buffer:
        order, value = json.loads(line)
        if order == "watch":
            watched.add(value)
        elif order == "forget":
            watched.discard(value)
        elif order == "folder":
            folders.add(value)
    for pid in watched:
        kill_group(pid)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
