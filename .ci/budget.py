"""Run a command within a budget of time: a warning at 90 % of it, a failure beyond.

Usage: `python .ci/budget.py --seconds 300 -- pytest`

The budget is for two quiet processors: where other processes, or other machines on the same
hardware, took a tenth of the time or more, a command that was late is only warned of.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

WARNED_SHARE = 0.9
BUSY_SHARE = 0.1
"""From what share of the processors' time on, taken by others, the machine was not quiet."""


def taken_by_others(began: list[int], ended: list[int], ours: float, ticks: int) -> float:
    """Return the share of the processors' time that went to others.

    Args:
        began, ended: the first line of /proc/stat, in ticks, before and after.
        ours: what the command used, in seconds.
        ticks: in a second.
    """
    passed = [after - before for before, after in zip(began, ended, strict=True)]
    idle = passed[3] + passed[4]  # idle, and waiting for a disk
    return max(0.0, (sum(passed[:8]) - idle) / ticks - ours) / max(sum(passed[:8]) / ticks, 1e-9)


def verdict(seconds: float, budget: float, others: float) -> tuple[int, str]:
    """Return the status and what is said of it.

    Args:
        seconds: that the command took.
        budget: that it may take.
        others: the share of the processors' time that others took.
    """
    said = f"{seconds:.0f} s of {budget:.0f} s; others took {others:.0%} of the processors"
    if seconds > budget and others < BUSY_SHARE:
        return 1, f"Too long: {said}. Make tests quicker, or mark what takes long `slow`."
    if seconds > budget:
        return 0, f"Warning: {said}: whether the budget holds on a quiet machine is not known."
    if seconds > WARNED_SHARE * budget:
        return 0, f"Warning: {said}: more than {WARNED_SHARE:.0%} of the budget is used."
    return 0, f"Within the budget: {said}."


def main() -> None:
    """Run it; the status is that of the command, or 1 if it took too long."""
    import os  # noqa: PLC0415 - with resource, which Windows has not
    import resource  # noqa: PLC0415

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, required=True, help="the budget")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()

    def stat() -> list[int]:
        line, _ = Path("/proc/stat").read_text().split("\n", 1)
        return [int(each) for each in line.split()[1:]]

    began, start = stat(), time.monotonic()
    status = subprocess.run(options.command, check=False).returncode
    seconds, used = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    ours = used.ru_utime + used.ru_stime
    others = taken_by_others(began, stat(), ours, os.sysconf("SC_CLK_TCK"))
    late, said = verdict(seconds, options.seconds, others)
    print(said)
    sys.exit(status or late)


if __name__ == "__main__":
    main()
