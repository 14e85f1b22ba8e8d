"""What a run costs besides the records that it sends, and how soon the lab is ready:
`python -m benchmarks.rounds --write`.

With `--against PYTHON`, the interpreter of another installation, both are measured in turns.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from datetime import UTC, datetime

from benchmarks.common import RESULTS, replace_section

MEASURE = """
import json, time
from empkit import Lab, Workload
began = time.perf_counter()
with Lab() as lab:
    found = {"the lab is ready": time.perf_counter() - began}
    few = Workload(records=100, in_flight=8)
    lab.compare(workload=few, progress=lambda *_: None)
    for protocol in lab.protocols:
        began = time.perf_counter()
        runs = lab.run(protocol, few, rounds=6, progress=lambda *_: None)
        took = time.perf_counter() - began
        sending = sum(info.end_ns - info.start_ns for info in runs.runs) / 1e9
        found[f"a run over {protocol}, without its sending"] = (took - sending) / len(runs.runs)
print(json.dumps(found))
"""


def measured(python: str) -> dict[str, float]:
    """Return the times in seconds, as an installation measures itself."""
    with tempfile.TemporaryDirectory() as elsewhere:  # so that no other package is found first
        done = subprocess.run(
            [python, "-c", MEASURE], cwd=elsewhere, capture_output=True, text=True, check=True
        )
    times: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return times


def main() -> None:
    """Measure in turns, print the table, and with `--write` put it into `RESULTS.md`."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rounds", description=__doc__)
    parser.add_argument("--against", metavar="PYTHON", help="of another installation")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--write", action="store_true", help=f"write into {RESULTS.name}")
    options = parser.parse_args()
    sides = [sys.executable, *([options.against] if options.against else [])]
    found = [[measured(python) for python in sides] for _ in range(options.rounds)]
    lines = [
        "## The cost of a run",
        "",
        f"By `{parser.prog} --write`: medians of {options.rounds} rounds, {os.cpu_count()} cores, "
        f"{datetime.now(UTC):%Y-%m-%d}.",
        "",
        "| seconds | now | before | now / before |",
        "| --- | ---: | ---: | ---: |",
    ]
    for what in found[0][0]:
        now = statistics.median(of_round[0][what] for of_round in found)
        before, ratio = "-", "-"
        if options.against:
            before = f"{statistics.median(of_round[1][what] for of_round in found):.2f}"
            ratio = f"{statistics.median(one[what] / other[what] for one, other in found):.2f}"
        lines.append(f"| {what} | {now:.2f} | {before} | {ratio} |")
    print("\n".join(lines))
    if options.write:
        replace_section("rounds", lines)


if __name__ == "__main__":
    main()
