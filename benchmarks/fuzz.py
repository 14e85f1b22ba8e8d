"""Coverage-guided fuzzing of what reads bytes from outside:
`python -m benchmarks.fuzz proxy --write`.

Each target is a property-based test: Hypothesis makes its inputs from the fuzzer's bytes, or it
takes them as they are, so that one statement of what must hold serves both. atheris (libFuzzer)
keeps the inputs that reach new code, in `benchmarks/corpus/TARGET.zip`, and goes on from there the
next time; with those that failed they are tests (`tests/test_corpus.py`). It ends when the time is
over and the last ten minutes reached no new branch. How often a branch was run is told apart, too
(libFuzzer's features, in steps of powers of two): for how long that brought nothing new is in the
table beside it.

It needs atheris, which is not a dependency of the kit: `pip install atheris`.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from benchmarks.common import RESULTS, replace_section
from benchmarks.fuzzed import MAX_BYTES, TARGETS, seeds_of

QUIET_S = 600.0
"""How long no new branch must have been reached, in seconds."""
INTERRUPTED = 72
"""libFuzzer's exit status after SIGTERM or SIGINT."""
SEEDS = 20
CORPUS = Path(__file__).with_name("corpus")
_STATE = re.compile(rb"^#(\d+)\s+\w+\s+cov: (\d+) ft: (\d+)", re.MULTILINE)


class Fuzzed(NamedTuple):
    """How a target fared.

    Attributes:
        inputs: how many were tried.
        edges: how many branches of the kit they reached.
        seconds: how long it took.
        quiet_s: how long ago the last new one was, in seconds.
        counts_quiet_s: how long ago one was first run so often, in seconds.
        failed: whether an input broke the property.
    """

    inputs: int
    edges: int
    seconds: float
    quiet_s: float
    counts_quiet_s: float
    failed: bool


def fuzz(target: str, minutes: float) -> Fuzzed:
    """Fuzz one target in a process of its own, and show what it prints.

    Args:
        target: one of `TARGETS`.
        minutes: the least time; it goes on until `QUIET_S` reached no new branch.
    """
    with tempfile.TemporaryDirectory() as folder:
        # too few bytes make no input, and the fuzzer begins with none
        seeds = kept(target) or seeds_of(target)
        seeds = seeds or [os.urandom(MAX_BYTES >> number % 5) for number in range(SEEDS)]
        for number, seed in enumerate(seeds):
            (Path(folder) / f"seed-{number}").write_bytes(seed)
        found = _fuzzed([sys.executable, "-m", "benchmarks.fuzzed", target, folder], minutes)
        with zipfile.ZipFile(CORPUS / f"{target}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for place, file in enumerate(sorted(Path(folder).iterdir())):
                archive.writestr(zipfile.ZipInfo(str(place)), file.read_bytes())
    return found


def kept(target: str) -> list[bytes]:
    """Return the inputs that were kept of earlier times."""
    file = CORPUS / f"{target}.zip"
    if not file.exists():
        return []
    with zipfile.ZipFile(file) as archive:
        return [archive.read(name) for name in archive.namelist()]


def _fuzzed(command: list[str], minutes: float) -> Fuzzed:
    """Run the fuzzer, until the time is over or it fails."""
    began = last = last_count = time.monotonic()
    inputs = edges = features = 0
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        try:
            for line in process.stderr:
                now = time.monotonic()
                if found := _STATE.match(line):
                    inputs, reached, counted = map(int, found.groups())
                    if reached > edges:
                        edges, last = reached, now
                    if counted > features:
                        features, last_count = counted, now
                else:
                    sys.stderr.buffer.write(line)
                    sys.stderr.buffer.flush()
                if now - began > 60 * minutes and now - last > QUIET_S:
                    process.terminate()
                    break
        except KeyboardInterrupt:
            process.terminate()
        for line in process.stderr:  # so that it can write to its end
            sys.stderr.buffer.write(line)
        status = process.wait()
    now = time.monotonic()
    failed = status > 0 and status != INTERRUPTED
    return Fuzzed(inputs, edges, now - began, now - last, now - last_count, failed)


def main() -> None:
    """Fuzz the targets that are named, or all; print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", choices=[[], *TARGETS], metavar="TARGET")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--write", action="store_true", help=f"write into {RESULTS.name}")
    options = parser.parse_args()
    lines = [
        "| target | what must hold | inputs | branches | minutes | no new branch for "
        "| no new count for | broken |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for target in options.targets or TARGETS:
        found = fuzz(target, options.minutes)
        lines.append(
            f"| {target} | {TARGETS[target][2]} | {found.inputs:,} | {found.edges:,} "
            f"| {found.seconds / 60:.0f} | {found.quiet_s / 60:.0f} min "
            f"| {found.counts_quiet_s / 60:.0f} min | {'**yes**' if found.failed else 'no'} |"
        )
        print("\n".join(lines), flush=True)
        if options.write:
            head = [
                f"## Fuzzing: {target}",
                "",
                f"By `{parser.prog} {target} --write`: {os.cpu_count()} cores, "
                f"{datetime.now(UTC):%Y-%m-%d}.",
                "",
            ]
            replace_section(f"fuzz, {target}", [*head, *lines[:2], lines[-1]])


if __name__ == "__main__":
    main()
