"""Whether the titles of the default comparison can be trusted:
`python -m benchmarks.claims equal --write`, and `planted` and `busy` in its place.

    equal     two protocols that are one and the same: a title that names a first one is an alarm
    planted   the same two, the second one behind the proxy's toxic `latency`: is the first named?
    busy      three identical comparisons beside busy neighbours: none may name a first one, and
              each must say why

In `equal` and `planted` both go through the proxy, each by a listener of its own, and only the
second listener has the toxic. Run `equal` and `planted` while nothing else uses the machine.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, NamedTuple
from urllib.parse import urlsplit

from benchmarks.common import RESULTS, replace_section
from benchmarks.validity import busy_neighbours, quiet
from empkit import Lab, Workload, load, plots
from empkit.cli.measuring import EQUAL_ROUNDS, MADE_UP, ROUNDS, records_at
from empkit.clients.http import HttpClient
from empkit.proxy import Latency, ProxyProcess
from empkit.results.load import equal_rate
from empkit.results.runs import Runs
from empkit.settings import Settings

TIMES = 10
PLANTED = 0.3
"""How much slower the second one is made, as a share of the median until a record is stored."""
AT_ONCE = 3
"""How many identical comparisons `busy` makes in each turn."""
CLAIMS = ("first", "stores most")
"""The words of a title that names a first one."""
REASONS = ("valid", "no ranking", "no difference that shows")
"""The words of a title that says why it names none."""


class First(HttpClient):
    """HTTP, by the listener that `ADDRESS` names."""

    protocol: ClassVar[str] = "first-twin"
    label: ClassVar[str] = "Twin A"
    ADDRESS: ClassVar[str] = "BENCHMARK_TWIN_A"

    def __init__(self, settings: Settings, token: str | None = None) -> None:
        super().__init__(
            settings.model_copy(update={"server_url": os.environ[self.ADDRESS]}), token
        )


class Second(First):
    """The same by the other listener."""

    protocol: ClassVar[str] = "second-twin"
    label: ClassVar[str] = "Twin B"
    ADDRESS: ClassVar[str] = "BENCHMARK_TWIN_B"


TWINS = {f"benchmarks.claims:{twin.__name__}": twin for twin in (First, Second)}


class Compared(NamedTuple):
    """One default comparison.

    Attributes:
        titles: of its figures of latency and throughput.
        valid: how many of its runs are valid.
        runs: how many runs it has.
        ratio: the second one's median until a record is stored, divided by the first one's.
    """

    titles: list[str]
    valid: int
    runs: int
    ratio: float = float("nan")

    @property
    def names_a_first(self) -> bool:
        """Whether a title does."""
        return any(words in title for title in self.titles for words in CLAIMS)

    @property
    def names_twin_a(self) -> bool:
        """Whether the latencies' title says that the first twin acks and stores first."""
        of_rounds = r"( \([^)]*not valid\))?"  # of which some are not valid
        return all(
            re.search(f"{First.label}{of_rounds} {verb} first", self.titles[0])
            for verb in ("acks", "stores")
        )

    @property
    def reasoned(self) -> bool:
        """Whether each title says why it names none."""
        return all(any(words in title for words in REASONS) for title in self.titles)


@contextlib.contextmanager
def behind(lab: Lab) -> Iterator[ProxyProcess]:
    """Put each twin behind a listener of its own."""
    server = urlsplit(lab.server_url)
    assert server.hostname and server.port
    proxy = ProxyProcess(lab.processes, 0)
    proxy.start()
    try:
        for twin in TWINS.values():
            port = proxy.listen(twin.ADDRESS, server.hostname, server.port)
            os.environ[twin.ADDRESS] = f"http://127.0.0.1:{port}"
        yield proxy
    finally:
        proxy.stop()


def compared_twins(lab: Lab) -> Compared:
    """Compare the twins as `empkit compare` does without options."""
    (closed,) = lab.cross(TWINS, Workload(MADE_UP), rounds=ROUNDS, progress=quiet)
    rate = equal_rate(closed)
    even = Workload(records_at(rate), rate=rate)
    (equal,) = lab.cross(TWINS, even, rounds=EQUAL_ROUNDS, progress=quiet)
    medians = equal.summary()["stored_p50_ms"]
    first, second = (float(medians[name]) for name in TWINS)
    return judged(equal, closed)._replace(ratio=second / first)


def judged(equal: Runs, closed: Runs) -> Compared:
    """Return what the titles claim: of latencies at an equal load, of throughput as fast as can."""
    titles = [plots.latency(equal).get_suptitle(), plots.rates(closed).get_suptitle()]
    infos = [*equal.runs, *closed.runs]
    words = [title.replace("\n", " ") for title in titles]
    return Compared(words, sum(info.valid for info in infos), len(infos))


class Outcome(NamedTuple):
    """What one kind of this benchmark found.

    Attributes:
        found: the comparisons.
        sentence: the result in words.
        as_it_should_be: whether it is what is wanted.
    """

    found: list[Compared]
    sentence: str
    as_it_should_be: bool


def equal(times: int) -> Outcome:
    """Compare equal twins."""
    with Lab() as lab, behind(lab):
        found = repeated(times, lambda: compared_twins(lab))
    named = sum(compared.names_a_first for compared in found)
    sentence = f"Equal twins ({_ratios(found)}): {named} of {times} comparisons name a first one."
    return Outcome(found, sentence, named <= 0.1 * times)


def planted(times: int) -> Outcome:
    """Compare twins of which the second one is slower."""
    with Lab() as lab, behind(lab) as proxy:
        (pilot,) = lab.cross(TWINS, Workload(400, rate=500), rounds=3, progress=quiet)
        delay_ms = PLANTED * statistics.median(pilot.summary()["stored_p50_ms"])
        proxy.add(Second.ADDRESS, Latency(delay_ms, direction="up"))
        found = repeated(times, lambda: compared_twins(lab))
    right = sum(compared.names_twin_a for compared in found)
    sentence = (
        f"Second twin {PLANTED:.0%} slower (toxic `latency`, {delay_ms:.2f} ms; {_ratios(found)}): "
        f"the first one is named by {right} of {times} comparisons."
    )
    return Outcome(found, sentence, right == times)


def busy(times: int) -> Outcome:
    """Carry out `empkit compare` beside busy neighbours."""
    with (
        busy_neighbours(2 * (os.cpu_count() or 1)) as neighbours,
        tempfile.TemporaryDirectory() as folder,
    ):
        out = Path(folder)

        def compared() -> Compared:
            command = [sys.executable, "-m", "empkit", "compare", "--out", str(out)]
            subprocess.run(command, check=True, capture_output=True)
            found = judged(*(load(out / experiment) for experiment in ("open", "closed")))
            shutil.rmtree(out)
            return found

        found = repeated(times * AT_ONCE, compared)
    silent = sum(not compared.names_a_first and compared.reasoned for compared in found)
    sentence = (
        f"{times} times {AT_ONCE} identical comparisons beside {neighbours}: {silent} of "
        f"{len(found)} name no first one in any title, and say why."
    )
    return Outcome(found, sentence, silent == len(found))


KINDS = {kind.__name__: kind for kind in (equal, planted, busy)}


def repeated(times: int, compare: Callable[[], Compared]) -> list[Compared]:
    """Compare so many times, and print a line about each."""
    found = []
    for number in range(times):
        found.append(compare())
        tell(number, found[-1])
    return found


def _ratios(found: list[Compared]) -> str:
    ratios = [compared.ratio for compared in found]
    return f"ratio of the medians {min(ratios):.2f} to {max(ratios):.2f}"


def tell(number: int, compared: Compared) -> None:
    """Print a line about one comparison."""
    words = f"{number + 1}: {compared.valid} of {compared.runs} runs valid"
    words += f", ratio {compared.ratio:.2f}: {' | '.join(compared.titles)}"
    print(words, file=sys.stderr, flush=True)


def lines_of(found: list[Compared]) -> list[str]:
    """Return the lines that all three kinds have: what the titles said, and valid runs."""
    titles = Counter(shape(title) for compared in found for title in compared.titles)
    return [
        f"Of {sum(each.runs for each in found)} runs {sum(each.valid for each in found)} were "
        "valid. The titles, without their numbers:",
        "",
        *(f"- {count} times: {title}" for title, count in titles.most_common()),
    ]


def shape(title: str) -> str:
    """Return a title without its numbers, so that equal ones can be counted."""
    return re.sub(r"[\d.,]*\d", "N", title)


def main() -> None:
    """Measure, print the result, and with `--write` put it into `RESULTS.md`."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.claims", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--times", type=int, default=TIMES)
    parser.add_argument("--write", action="store_true", help=f"write into {RESULTS.name}")
    options = parser.parse_args()
    outcome = KINDS[options.kind](options.times)
    lines = [
        f"## Titles: {options.kind}",
        "",
        f"By `{parser.prog} {options.kind} --write`. {outcome.sentence} {os.cpu_count()} cores, "
        f"{datetime.now(UTC):%Y-%m-%d}.",
        "",
        *lines_of(outcome.found),
    ]
    print("\n".join(lines))
    if options.write:
        replace_section(f"claims, {options.kind}", lines)
    if not outcome.as_it_should_be:
        sys.exit(1)


if __name__ == "__main__":
    main()
