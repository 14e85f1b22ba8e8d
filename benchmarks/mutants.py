"""How many faults of the smallest kind the tests find: the code is changed in one place at a time
(a mutant), and a test must fail. `python -m benchmarks.mutants --write` puts it into RESULTS.md.

    the judge           every mutant, by tests in one process: mutmut runs and counts them
    the running system  some drawn at random, by tests with real processes: mutmut makes the
                        mutants, and this module runs the tests, since a mutant that runs in a
                        child process is found by what the test sees of it

`survivors.toml` beside this module says why a mutant that no test finds does not matter.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import random
import secrets
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from benchmarks.common import RESULTS, replace_section

ROOT = Path(__file__).parents[1]
MUTANTS = ROOT / "mutants"
"""Where mutmut puts the changed copy."""
SURVIVORS = Path(__file__).with_name("survivors.toml")

JUDGE = (
    "empkit/experiment/audit.py", "empkit/experiment/content.py", "empkit/experiment/goodness.py",
    "empkit/experiment/held.py", "empkit/experiment/stamp_order.py", "empkit/results/*.py",
)  # fmt: skip
LEAST_OF_JUDGE, LEAST_OF_SYSTEM = 0.9, 0.8

_CONSUMER = (
    "tests/server/test_decoding.py", "tests/server/test_batches.py",
    "tests/server/test_bad_input.py", "tests/server/test_consumer.py",
)  # fmt: skip
_STORE = ("tests/server/test_stamps.py", "tests/server/test_store.py")
_CLIENTS = (
    "tests/test_shown.py", "tests/clients/test_base.py", "tests/clients/test_tokens.py",
)  # fmt: skip
_PROXY = (
    "tests/proxy/toxics", "tests/proxy/test_relay.py", "tests/proxy/test_flow.py",
    "tests/proxy/test_process.py",
)  # fmt: skip
TESTS = {
    "empkit/server/store.py": _STORE,
    "empkit/server/stamps.py": _STORE,
    "empkit/server/consumer.py": _CONSUMER,
    "empkit/server/reader.py": _CONSUMER,
    "empkit/server/answers.py": (
        "tests/server/test_http.py", "tests/server/test_websocket.py", *_CONSUMER[:3],
    ),
    "empkit/clients/websocket.py": ("tests/clients/test_websocket.py", *_CLIENTS),
    "empkit/clients/http*.py": (
        "tests/clients/test_http1.py", "tests/clients/test_http.py", *_CLIENTS,
    ),
    "empkit/clients/kafka.py": ("tests/clients/test_kafka.py", *_CLIENTS),
    "empkit/clients/*.py": (
        "tests/clients/test_limits.py", "tests/clients/test_http.py", "tests/test_registers.py",
        *_CLIENTS, "tests/clients/test_plugin.py",
    ),
    "empkit/proxy/*.py": _PROXY,
}  # fmt: skip
"""The tests of each module, the quickest first; the first pattern that fits a path counts."""

PYTEST = (
    "-m", "pytest", "-x", "-q", "-o", "addopts=", "-p", "no:cacheprovider", "-p", "no:empkit",
    "-p", "benchmarks.few_examples", "-k", "not postgresql and not sliced", "--tb=no",
)  # fmt: skip
SELECTIONS = ("not alone and not slow", "not alone and slow")
"""What is run of the tests; the slow ones with a mutant that the others do not find. Those that
measure time are no part of it: they fail of a busy machine, too."""
NO_TESTS = 5
"""The status of pytest where nothing is selected."""
CONTROLS = 10
"""How many runs of the tests without a mutant are among the others: none of them may fail."""


class Mutant(NamedTuple):
    """One change in one place.

    Attributes:
        name: as mutmut has it: the module, the function, a number; "" for no change.
        path: of the file that is changed, below the repository.
        status: `killed`, `timeout`, `survived`, `no tests`, ...
    """

    name: str
    path: str
    status: str = ""

    @property
    def found(self) -> bool:
        """Whether the tests found it."""
        return self.status in ("killed", "timeout", "segfault")

    @property
    def function(self) -> str:
        """The name of the function that is changed."""
        module, _, mangled = self.name.rpartition(".")
        name = mangled.partition("__mutmut_")[0].removeprefix("x_").removeprefix("xǁ")
        return f"{module}.{name.replace('ǁ', '.')}"


def generate() -> None:
    """Make the changed copy anew; mutmut has no command for that alone.

    Raises:
        subprocess.CalledProcessError: mutmut could not.
    """
    shutil.rmtree(MUTANTS, ignore_errors=True)
    MUTANTS.mkdir()
    code = (
        "from mutmut.__main__ import copy_also_copy_files, copy_src_dir, create_mutants\n"
        f"copy_src_dir(); copy_also_copy_files(); create_mutants({os.cpu_count()})"
    )
    with (MUTANTS / "generated.log").open("w") as log:
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, stdout=log, stderr=log, check=True)


def mutants_of(patterns: Iterable[str]) -> list[Mutant]:
    """Return the mutants of files, with their last status, in the order of their names."""
    from mutmut.stats import status_by_exit_code  # noqa: PLC0415 - an extra

    found = []
    for meta in MUTANTS.rglob("*.py.meta"):
        path = meta.relative_to(MUTANTS).with_suffix("").as_posix()
        if any(fnmatch.fnmatch(path, pattern) for pattern in patterns):
            codes = json.loads(meta.read_text())["exit_code_by_key"]
            found += [Mutant(name, path, status_by_exit_code[code]) for name, code in codes.items()]
    return sorted(found)


def judge() -> list[Mutant]:
    """Run all mutants of the judge.

    Raises:
        SystemExit: mutmut could not, as when a test fails without a mutant.
    """
    names = sorted({mutant.name.rpartition(".")[0] for mutant in mutants_of(JUDGE)})
    mutmut = str(Path(sys.executable).with_name("mutmut"))
    command = [mutmut, "run", *(f"{name}.*" for name in names)]
    log = MUTANTS / "judge.log"
    with log.open("w") as file:
        done = subprocess.run(command, cwd=ROOT, stdout=file, stderr=file, check=False)
    if done.returncode:
        raise SystemExit(f"mutmut ended with {done.returncode}; see the end of {log}.")
    return mutants_of(JUDGE)


def tests_of(path: str) -> tuple[str, ...]:
    """Return the tests of a file."""
    return next(tests for pattern, tests in TESTS.items() if fnmatch.fnmatch(path, pattern))


def status_of(name: str, tests: Sequence[str], timeouts_s: Mapping[str, float]) -> str:
    """Run tests with a mutant, one selection after the other until one finds it.

    Args:
        name: of the mutant; "" for none.
        tests: what to run.
        timeouts_s: the selections, in order, each with the seconds after which its tests are ended,
            which counts as found.
    """
    for selection, timeout_s in timeouts_s.items():
        status = run_tests(name, tests, selection, timeout_s)
        if status != "survived":
            return status
    return "survived"


def run_tests(name: str, tests: Sequence[str], selection: str, timeout_s: float) -> str:
    """Run a selection of tests with a mutant, in processes that all have the changed copy."""
    environment = {
        **os.environ, "MUTANT_UNDER_TEST": name, "PYTHONPATH": str(MUTANTS),
        "PY_IGNORE_IMPORTMISMATCH": "1",
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, *PYTEST, "-m", selection, *tests], cwd=MUTANTS, env=environment,
        start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        status = process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        if sys.platform != "win32":  # where mutmut does not run
            os.killpg(process.pid, signal.SIGKILL)  # its children end with it: see the warden
        process.wait()
        return "timeout"
    return "survived" if status in (0, NO_TESTS) else "killed"


def check_children() -> None:
    """Assert that child processes of a test run the changed copy, too.

    Raises:
        SystemExit: they do not.
    """
    # the server puts its answers into words, and no test of this file does
    mutants = mutants_of(["empkit/server/answers.py"])
    tests = ("tests/server/test_http.py",)
    quick = {SELECTIONS[0]: 300.0}
    if not any(status_of(mutant.name, tests, quick) == "killed" for mutant in mutants[:10]):
        raise SystemExit("A mutant of the server's process is not run by the tests.")


def system(seed: int, count: int) -> list[Mutant]:
    """Draw mutants of the running system, and run each with its tests.

    Args:
        seed: of the draw.
        count: how many.

    Raises:
        SystemExit: tests fail without a mutant.
    """
    everything = mutants_of(TESTS)
    drawn = random.Random(seed).sample(everything, min(count, len(everything)))
    check_children()
    limits: dict[tuple[str, ...], dict[str, float]] = {}
    for tests in sorted({tests_of(mutant.path) for mutant in drawn}):
        limits[tests] = {}
        for selection in SELECTIONS:
            began = time.monotonic()
            if run_tests("", tests, selection, 900) != "survived":
                raise SystemExit(f"Without a mutant these fail: {' '.join(tests)}, {selection}.")
            took_s = time.monotonic() - began
            limits[tests][selection] = 3 * took_s + 30
            print(f"{took_s:.0f} s: {selection}: {' '.join(tests)}", flush=True)

    def run(mutant: Mutant) -> Mutant:
        tests = tests_of(mutant.path)
        began = time.monotonic()
        ended = mutant._replace(status=status_of(mutant.name, tests, limits[tests]))
        name = mutant.name or "no mutant"
        print(f"{time.monotonic() - began:.0f} s: {ended.status} {name}", flush=True)
        return ended

    controls = [mutant._replace(name="") for mutant in drawn[:CONTROLS]]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(run, [*drawn, *controls]))


def changed_line(mutant: Mutant) -> str:
    """Return what a mutant has in place of the code: its changed lines in one."""
    from mutmut.mutation.diff_apply import get_diff_for_mutant  # noqa: PLC0415 - an extra

    lines = get_diff_for_mutant(mutant.name, path=Path(mutant.path)).splitlines()[2:]
    added = " ".join(" ".join(line[1:].split()) for line in lines if line.startswith("+"))
    gone = " ".join(" ".join(line[1:].split()) for line in lines if line.startswith("-"))
    return added or f"without: {gone}"


def reasons() -> dict[tuple[str, str], str]:
    """Return why survivors do not matter, by function and changed line."""
    entries = tomllib.loads(SURVIVORS.read_text())["survivor"]
    return {(entry["function"], line): entry["why"] for entry in entries for line in entry["lines"]}


def table(mutants: Sequence[Mutant]) -> list[str]:
    """Return one line per file, and one for all."""
    lines = [
        "| file | mutants | found | by a time-out | not found | run by no test |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    groups = {
        path: [m for m in mutants if m.path == path] for path in sorted({m.path for m in mutants})
    }
    for path, group in [*groups.items(), ("**all**", list(mutants))]:
        found = sum(mutant.found for mutant in group)
        late = sum(mutant.status == "timeout" for mutant in group)
        idle = sum(mutant.status == "no tests" for mutant in group)
        lines.append(
            f"| {path} | {len(group)} | {found} ({found / len(group):.0%}) | {late} "
            f"| {len(group) - found - idle} | {idle} |"
        )
    return lines


def looked_at(mutants: Sequence[Mutant]) -> list[str]:
    """Return the survivors, each with why it does not matter."""
    why = reasons()
    rows: dict[tuple[str, str], list[str]] = {}
    for mutant in mutants:
        if not mutant.found:
            line = changed_line(mutant)
            sentence = why.get((mutant.function, line), "**not looked at**")
            rows.setdefault((mutant.function, sentence), []).append(line.replace("|", "\\|"))
    return [
        "| function | in place of its code | why it does not matter |",
        "| --- | --- | --- |",
        *(
            f"| {function.removeprefix('empkit.')} | {'<br>'.join(f'`{line}`' for line in lines)} "
            f"| {sentence} |"
            for (function, sentence), lines in rows.items()
        ),
    ]


def share(mutants: Sequence[Mutant]) -> float:
    """Return which share of mutants was found."""
    return sum(mutant.found for mutant in mutants) / len(mutants)


def main() -> int:
    """Run the parts; print what they found. Return 1 if the tests find too few."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutants", description=__doc__)
    parser.add_argument("--part", choices=["judge", "system"], help="only this one")
    parser.add_argument("--count", type=int, default=200, help="of the running system's mutants")
    parser.add_argument("--seed", type=int, help="of their draw; by default a new one")
    parser.add_argument("--keep", action="store_true", help="use the changed copy that is there")
    parser.add_argument("--write", action="store_true", help=f"write into {RESULTS.name}")
    options = parser.parse_args()
    seed = secrets.randbelow(10**6) if options.seed is None else options.seed
    os.chdir(ROOT)
    if not options.keep:
        generate()
    ended = 0
    for part in [options.part] if options.part else ["judge", "system"]:
        began = time.monotonic()
        if part == "judge":
            mutants, least = judge(), LEAST_OF_JUDGE
            title, controls = "The judge, in one process", []
            words = "Every mutant of these files."
        else:
            everything = system(seed, options.count)
            mutants = [mutant for mutant in everything if mutant.name]
            controls = [mutant for mutant in everything if not mutant.name]
            title, least = "The running system, with its processes", LEAST_OF_SYSTEM
            wrong = sum(mutant.found for mutant in controls)
            words = (
                f"{len(mutants)} mutants drawn with `--seed {seed}`; of {len(controls)} runs of "
                f"the same tests without a mutant {wrong or 'none'} failed."
            )
        minutes = (time.monotonic() - began) / 60
        lines = [
            f"## Mutants: {title[:1].lower()}{title[1:]}",
            "",
            f"By `{parser.prog} --write`: {share(mutants):.1%} found, at least {least:.0%} wanted. "
            f"{words} mutmut {version('mutmut')}, {minutes:.0f} minutes on {os.cpu_count()} cores, "
            f"{datetime.now(UTC):%Y-%m-%d}.",
            "",
            *table(mutants),
            "",
            *looked_at(mutants),
        ]
        print("\n".join(lines), flush=True)
        if options.write:
            replace_section(f"mutants, {part}", lines)
        ended = ended or int(share(mutants) < least)
    return ended


if __name__ == "__main__":
    sys.exit(main())
