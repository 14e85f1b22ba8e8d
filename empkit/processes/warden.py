"""The warden: a process that outlives its owner only to clean up after it.

It runs as a script with only the standard library, so that it starts in milliseconds. It reads
orders from its standard input, one JSON list per line, and acts when that pipe closes. The
operating system closes the pipe however the owner ends, also by SIGKILL:

    owner --- ["watch", pid] / ["forget", pid] / ["folder", path] ---> warden
    owner ended: every watched process group gets SIGKILL, every folder is removed
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sys


def kill_group(pid: int) -> None:
    """Kill the process and the group that it leads, whether it runs, sleeps or is stopped.

    Windows has no process groups: there the children are found by the id of their parent, so that
    children of a process that has already ended are not found.

    Args:
        pid: a process that was started in a new session, so that its group has the same id.
    """
    if sys.platform == "win32":
        import subprocess  # noqa: PLC0415 - at the top it would double the warden's start-up time

        command = ["taskkill", "/F", "/T", "/PID", str(pid)]
        with contextlib.suppress(OSError):
            subprocess.run(command, capture_output=True, check=False)
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def main() -> None:
    """Carry out orders until the owner has ended, then clean up."""
    # `killall python` hits the warden too; ignore it so that the children are still cleaned up
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
