"""Measures whether the kit knows a run that is valid from one that is not:
`python -m benchmarks.validity --write`.

Default-like runs on the quiet machine, and the same runs beside busy neighbours: of the first
nearly all must be valid, of the second nearly none. The table goes into `RESULTS.md`. Run it while
nothing else uses the machine.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from benchmarks.common import RESULTS, replace_section
from empkit import Lab, Workload
from empkit.results.info import RunInfo

WORKLOADS = {
    "closed loop, 8 in flight": Workload(records=2_000, in_flight=8),
    "open loop, 1,000/s": Workload(records=2_000, rate=1_000),
}
LEAST_SHARE = 0.95
"""Of 20 runs, 19 must be judged as they should."""


class Judged(NamedTuple):
    """One run: what was measured, and the run."""

    workload: str
    protocol: str
    info: RunInfo


def quiet(*_: object) -> None:
    """Show no progress."""


def measured(runs: int) -> list[Judged]:
    """Carry out so many runs: each protocol with each workload, in turns."""
    judged: list[Judged] = []
    with Lab() as lab:
        kinds = [(name, protocol) for name in WORKLOADS for protocol in lab.protocols]
        for number in range(runs):
            name, protocol = kinds[number % len(kinds)]
            info = lab.run(protocol, WORKLOADS[name], progress=quiet).runs[0]
            judged.append(Judged(name, protocol, info))
            causes = ", ".join(info.not_valid) or "valid"
            print(f"{number + 1}: {name}, {protocol}: {causes}", file=sys.stderr, flush=True)
    return judged


@contextlib.contextmanager
def busy_neighbours(count: int) -> Iterator[str]:
    """Run so many busy processes meanwhile; yield what they are."""
    if shutil.which("stress-ng"):
        name = f"`stress-ng --cpu {count}`"
        commands = [["stress-ng", "--quiet", "--cpu", str(count)]]
    else:
        name = f"{count} busy loops of Python"
        commands = [[sys.executable, "-c", "while True: pass"]] * count
    with contextlib.ExitStack() as cleanup:
        for command in commands:
            neighbour = cleanup.enter_context(subprocess.Popen(command))
            cleanup.callback(neighbour.terminate)
        yield name


def rows(where: str, judged: list[Judged]) -> list[str]:
    """Return a line for each kind of run."""
    lines = []
    for kind in dict.fromkeys((each.workload, each.protocol) for each in judged):
        infos = [each.info for each in judged if (each.workload, each.protocol) == kind]
        others = [info.processor.others_s for info in infos if info.processor.others_s is not None]
        own = [info.processor.own_s for info in infos if info.processor.own_s is not None]
        late = [info.sending_late_p99_ms for info in infos if info.sending_late_p99_ms is not None]
        causes = {cause for info in infos for cause in info.not_valid}
        lines.append(
            f"| {where} | {kind[0]} | {kind[1]} | {sum(info.valid for info in infos)} of "
            f"{len(infos)} | {_median(others, 's')} | {_median(own, 's')} | {_median(late, 'ms')} "
            f"| {', '.join(sorted(causes)) or '-'} |"
        )
    return lines


def _median(values: list[float], unit: str) -> str:
    return f"{statistics.median(values):.2f} {unit}" if values else "-"


def main() -> None:
    """Measure both ways, print the table, and with `--write` put it into `RESULTS.md`."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.validity", description=__doc__)
    parser.add_argument("--runs", type=int, default=20, help="how many, quiet and busy")
    parser.add_argument("--write", action="store_true", help=f"write into {RESULTS.name}")
    options = parser.parse_args()
    alone = measured(options.runs)
    with busy_neighbours(2 * (os.cpu_count() or 1)) as neighbours:
        beside = measured(options.runs)
    valid = sum(each.info.valid for each in alone)
    spoiled = sum(not each.info.valid for each in beside)
    lines = [
        "## Valid and not valid",
        "",
        f"By `{parser.prog} --write`: of {options.runs} runs on the quiet machine {valid} were "
        f"valid; of {options.runs} beside {neighbours} {spoiled} were not. "
        f"{os.cpu_count()} cores, {datetime.now(UTC):%Y-%m-%d}; medians of the runs.",
        "",
        "| where | workload | protocol | valid | others' processor time | own | sent late, p99 "
        "| why not |",
        "| --- | --- | --- | --- | ---: | ---: | ---: | --- |",
        *rows("quiet", alone),
        *rows("beside the neighbours", beside),
    ]
    print("\n".join(lines))
    if options.write:
        replace_section("validity", lines)
    if min(valid, spoiled) < LEAST_SHARE * options.runs:
        sys.exit(1)


if __name__ == "__main__":
    main()
