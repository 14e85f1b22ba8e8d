"""What `empkit compare` measures: starts the lab, carries out one experiment or two, and prints a
line when a round is complete.

    neither --rate nor --in-flight   as fast as each goes --> a rate for all --> at that rate
    one of them                      that experiment

Imports inside the functions keep the start of the command line fast: the lab takes long.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NoReturn, cast

import typer

from empkit.cli.common import err, plain, warn
from empkit.processes import interrupts
from empkit.results.status import ExitStatus, first_of, of_signal

if TYPE_CHECKING:
    from empkit.experiment.beforehand import Asked
    from empkit.experiment.workload import Workload
    from empkit.lab import Lab
    from empkit.results.info import RunInfo
    from empkit.results.runs import Runs

ROUNDS = 5
"""How many rounds by default of one experiment, or of the one as fast as each goes."""
EQUAL_ROUNDS = 10
"""How many rounds by default of the experiment at the same rate for each. The latencies of two
protocols differ by 10 to 15 % more in one round than in another: the more rounds, the smaller the
difference that is found. `python -m benchmarks.claims planted` plants 30 %."""
MADE_UP = 2_000
"""How many records are made up by default."""
EQUAL_S = 0.8
"""How long made-up records are offered in a round at the rate for all: many short rounds say more
than few long ones, since it is the rounds that differ."""
LONG_S = 20.0
"""An experiment that will take longer than this says so beforehand, in seconds."""


@dataclass
class Measured:
    """What was measured.

    Attributes:
        crossed: the runs of each choice of guarantees, the experiment at the same rate first.
        missing: a sentence for each experiment that was asked for and is missing altogether.
    """

    crossed: list[Runs] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def carry_out(asked: Asked, workload: Workload, rounds: int | None, *, both: bool) -> Measured:
    """Start the lab, carry out the experiments, stop the lab; exit when nothing was measured.

    Args:
        asked: the options.
        workload: the records and their pace; with `both` its pace is not used.
        rounds: of each experiment; None for as many as each has by default.
        both: whether to measure as fast as each goes and then at a rate for all.
    """
    from empkit.lab import Lab, LabError

    began = time.monotonic()
    if asked.server is None:
        err.print("Starting the lab: broker, server, database ...", style="dim")
    measured = Measured()
    ready = False
    lab = Lab(
        broker=cast("Any", asked.broker), database=asked.database, server=asked.server,
        settings=asked.settings, brokers=asked.brokers, consumers=asked.consumers,
    )  # fmt: skip
    try:
        with lab:
            ready = True
            err.print(f"Ready after {time.monotonic() - began:.1f} s.", style="dim")
            measured.crossed = _experiment(lab, asked, workload, rounds or ROUNDS)
            if both:
                _at_a_rate_for_all(lab, asked, workload, rounds or EQUAL_ROUNDS, measured)
    except LabError as error:
        if not ready:
            raise
        if not measured.crossed:
            _end_without_results(str(error))
        measured.missing.append(str(error))
    except KeyboardInterrupt:
        if not measured.crossed:
            raise
    return measured


def _at_a_rate_for_all(
    lab: Lab, asked: Asked, workload: Workload, rounds: int, measured: Measured
) -> None:
    """Carry out the experiment at a rate that the closed loop before allows each protocol."""
    from empkit.results.load import equal_rate, unequal_load

    what = "the experiment at the same rate for each"
    measured.missing = [f"{what}: not run"]
    if any(runs.unmeasured for runs in measured.crossed):
        return
    try:
        rate = equal_rate(*measured.crossed)
    except ValueError as error:
        measured.missing = [f"{what}: {error}"]
        return
    err.print(plain(
        f"At the same rate for each: {rate:,g} records/s, half of the slowest one's throughput, "
        "rounded down to 1, 2 or 5 times a power of ten."
    ))  # fmt: skip
    records = workload.records
    if isinstance(records, int) and "--records" not in asked.given:
        records = records_at(rate, records)
    even = replace(workload, records=records, rate=rate, in_flight=None)
    equal = _experiment(lab, asked, even, rounds)
    measured.crossed = [*equal, *measured.crossed]
    measured.missing = []
    for sentence in dict.fromkeys(filter(None, map(unequal_load, equal))):
        words = sentence[:1].upper() + sentence[1:]
        warn(f"{words}: compare again with --rate {rate / 2:g}.")


def records_at(rate: float, most: int = MADE_UP) -> int:
    """Return how many made-up records a round has at the rate for all.

    Args:
        rate: in records per second.
        most: how many there are at most, unless that is too few for a p99.
    """
    from empkit.experiment.search import LEAST_RECORDS

    return max(LEAST_RECORDS, min(most, int(rate * EQUAL_S)))


def _experiment(lab: Lab, asked: Asked, workload: Workload, rounds: int) -> list[Runs]:
    """Carry out one experiment, with each choice of guarantees."""
    per_round = len(asked.protocols or lab.protocols) * len(asked.grid)
    report = _Report(per_round, rounds)
    if workload.rate:
        records = workload.records
        count = records if isinstance(records, int) else len(cast("Sequence[Any]", records))
        seconds = count / workload.rate * per_round * rounds
        if seconds > LONG_S:
            fewer = " (--rounds 1 is a first look)" if rounds > 1 else ""
            words = f"{per_round * rounds} runs of {count / workload.rate:,.0f} s each"
            err.print(f"This takes at least {seconds:,.0f} s: {words}{fewer}.", style="dim")
    return lab.cross(
        asked.protocols or None, workload, asked.grid, rounds=rounds, faults=asked.faults,
        on_run=report,
    )  # fmt: skip


@dataclass
class _Report:
    """Prints a line when a round is complete.

    Attributes:
        per_round: how many runs a round has.
        rounds: how many rounds there are.
        runs: those of the round that is under way.
    """

    per_round: int
    rounds: int
    runs: list[RunInfo] = field(default_factory=list)

    def __call__(self, run: RunInfo) -> None:
        """Note a run."""
        self.runs.append(run)
        if len(self.runs) < self.per_round:
            return
        from tqdm import tqdm

        words = []
        for one in sorted(self.runs, key=lambda one: (one.protocol, one.guarantees)):
            choice = f" {one.choice}" if one.choice else ""
            rate = one.offered / max(1e-9, (one.end_ns - one.start_ns) / 1e9)
            words.append(f"{one.protocol}{choice} {rate:,.0f}/s")
        line = f"Round {run.round} of {self.rounds}, answered: {', '.join(words)}"
        with tqdm.external_write_mode(file=err.file):  # a progress bar may stand there
            err.print(plain(line), style="dim", soft_wrap=True)
        self.runs.clear()


def _end_without_results(reason: str) -> NoReturn:
    """Print why nothing was measured, and exit with the status for it."""
    err.print(plain(f"Nothing was measured: {reason}"), style="bold red")
    raise typer.Exit(first_of([of_signal(interrupts.first()), ExitStatus.NOT_MEASURED]))
