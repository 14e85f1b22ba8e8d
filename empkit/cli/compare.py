"""`empkit compare`: send the same records over each protocol; the results are tables and a folder.

Imports inside the functions keep the start of the command line fast: the lab takes long.
"""

from __future__ import annotations

import inspect
import itertools
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from empkit.brokers import BrokerName
from empkit.cli import ending, measuring
from empkit.cli.common import (
    err,
    fail,
    members,
    out,
    plain,
    settings_with_user,
    warn,
)
from empkit.cli.reading import read_file, refuse_without_file, with_reading
from empkit.clients import PROTOCOLS
from empkit.experiment.arrivals import ArrivalsName
from empkit.experiment.guarantees import Guarantees, choices, values_of
from empkit.processes import interrupts
from empkit.settings import Settings

if TYPE_CHECKING:
    from empkit.experiment.beforehand import Asked
    from empkit.experiment.workload import Record
    from empkit.records.files import RecordFile
    from empkit.records.reading import Reading
    from empkit.results.info import RunInfo
    from empkit.results.runs import Runs


# What is sent, and when.
File = Annotated[
    str | None,
    typer.Argument(
        help="CSV, JSON, JSON Lines, .xlsx, .ods or Parquet, gzip or not; - is standard input. "
        "Without it records are made up."
    ),
]
Records = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="How many records. A file is cut, or repeated with new ids.",
        show_default="all of FILE, or 2000",
    ),
]
Rate = Annotated[float | None, typer.Option(help="Open loop: offered rate in records per second.")]
Arrivals = Annotated[ArrivalsName, typer.Option(help="Open loop: gaps between records.")]
InFlight = Annotated[
    int | None,
    typer.Option(min=1, help="Closed loop: records under way at any time."),
]
Rounds = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="How often, in shuffled order.",
        show_default="5, at the same rate for each 10, with --fault 1",
    ),
]
Seed = Annotated[int, typer.Option(help="For made-up records, arrivals and order.")]

# Over what, and to what.
Protocols = Annotated[
    list[str] | None,
    typer.Option(
        metavar=f"{'|'.join(PROTOCOLS)}|MODULE:CLASS",
        help="Which protocol, also one of your own; may be given several times.",
        show_default="all",
    ),
]
Broker = Annotated[
    BrokerName | None,
    typer.Option(help="Which Kafka.", show_default="EMPKIT_LAB_BROKER, or embedded"),
]
Brokers = Annotated[int, typer.Option(min=1, help="How many brokers, embedded or Apache Kafka.")]
Consumers = Annotated[int, typer.Option(min=1, help="How many members the consumer group has.")]
Database = Annotated[
    str | None,
    typer.Option(
        help="sqlite:///FILE or postgresql://... The list of processes shows a password in it: "
        "keep that in ~/.pgpass.",
        show_default="an SQLite file for this comparison",
    ),
]
Server = Annotated[
    str | None,
    typer.Option(
        help="A server that already runs; user and password come from "
        "EMPKIT_USERNAME and EMPKIT_PASSWORD, or from `empkit serve` on this machine.",
        show_default="one is started",
    ),
]

# What goes wrong, and what is promised.
Faults = Annotated[
    list[str] | None,
    typer.Option(
        help="What goes wrong, and when: server-crash@2s..5s, latency:latency_ms=100@1s..3s, "
        "duplicates:share=0.1. May be given several times; `empkit faults` lists them.",
    ),
]

# What comes out.
OutFolder = Annotated[
    Path | None,
    typer.Option("--out", help="Where the results go.", show_default="results/DATE-TIME"),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print the summary as JSON, and nothing else.")
]
Explain = Annotated[bool, typer.Option(help="Say below the tables what each row means.")]


@with_reading
def compare(
    ctx: typer.Context,
    file: File = None,
    records: Records = None,
    rate: Rate = None,
    arrivals: Arrivals = "constant",
    in_flight: InFlight = None,
    rounds: Rounds = None,
    protocol: Protocols = None,
    broker: Broker = None,
    brokers: Brokers = 1,
    consumers: Consumers = 1,
    database: Database = None,
    server: Server = None,
    seed: Seed = 0,
    out_folder: OutFolder = None,
    fault: Faults = None,
    explain: Explain = False,
    as_json: AsJson = False,
    reading: Reading | None = None,
    **chosen: list[Any] | None,
) -> None:
    """Send the same records over each protocol, time them, and account for every one.

    Without --rate and --in-flight there are two experiments: as fast as each goes (closed loop, 8
    in flight), which gives the throughput; then at the same offered rate for each (open loop), half
    of the slowest one's throughput, which gives the latencies. --rate or --in-flight chooses one.
    With --in-flight 1 the latency is that of the unloaded round trip.

    Ends with a table and a folder: timings.parquet (one row per record), summary.csv, the figures,
    and report.html.

    Examples:

      empkit compare

      empkit compare employees.csv --in-flight 32

      empkit compare export.csv --column employee_id='User Id' --decimal ,

      empkit compare --rate 500 --records 5000 --protocol websocket --protocol kafka

      empkit compare --rate 500 --records 4000 --fault server-crash@2s..5s
    """
    with interrupts.held():  # an interrupted import leaves an incomplete module
        from empkit.experiment import beforehand
        from empkit.experiment.workload import Workload
        from empkit.faults.register import parse_fault
        from empkit.lab import LabError

    source, origin = _source(file, records, reading)
    protocols = list(dict.fromkeys(protocol or ()))
    try:
        workload = Workload(
            source, in_flight=in_flight, rate=rate, arrivals=arrivals, seed=seed, origin=origin
        )
        faults = [parse_fault(text) for text in fault or []]
        settings = settings_with_user(server)
        asked = beforehand.Asked(
            given=_given(ctx), protocols=protocols,
            broker=_broker_of(broker, server, protocols, settings),
            brokers=brokers, consumers=consumers, server=server, database=database,
            out=out_folder or ending.RESULTS / f"{datetime.now():%Y-%m-%d-%H%M%S}",
            faults=faults, grid=_grid(chosen), settings=settings,
        )  # fmt: skip
        beforehand.check(asked)
        measured = measuring.carry_out(
            asked, workload, rounds or (1 if faults else None),
            both=rate is None and in_flight is None and not faults,
        )  # fmt: skip
    except (LabError, ValueError) as error:
        fail(str(error))
    raise typer.Exit(finish(measured, asked, as_json=as_json, explain=explain))


def _source(
    file: str | None, count: int | None, reading: Reading | None
) -> tuple[int | Sequence[Record], RecordFile | None]:
    """Return the records of a file and the file, or how many records to make up."""
    from empkit.experiment.workload import repeat_to

    if file is None:
        refuse_without_file(reading)
        return count or measuring.MADE_UP, None
    content = read_file(file, reading)
    records: Sequence[Record] = content.records
    if count is not None:
        records = list(repeat_to(records, count))
    return records, content


def finish(
    measured: measuring.Measured, asked: Asked, *, as_json: bool, explain: bool = False
) -> int:
    """Write the results, print what happened, and return the exit status."""
    from empkit.experiment.environment import command_line
    from empkit.results.as_json import as_json as to_json

    crossed = measured.crossed
    for runs in crossed:
        runs.environment["command"] = command_line(sys.argv)
    carried_out = {runs.guarantees for runs in crossed}
    more = [f"{choice}: not run" for choice in asked.grid if str(choice) not in carried_out]
    more += measured.missing
    with interrupts.held():
        folders = ending.save(crossed, asked.out, warn)
        if not as_json:
            _print_tables(crossed, with_recovery=bool(asked.faults), explain=explain)
        if folders:
            ending.add_extras(crossed, folders, warn)
        else:
            more.append("the results: not written")
        status = ending.status(crossed, more)
        if as_json:
            out.write(json.dumps(to_json(crossed, more, status), indent=2) + "\n")
        top = folders[0].parent if len(folders) > 1 else folders[0] if folders else None
        _conclude(crossed, more, top)
    return status


def _given(ctx: typer.Context) -> set[str]:
    """Return the names of the options on the command line, such as `--brokers`."""
    return {
        max(parameter.opts, key=len)
        for parameter in ctx.command.params
        if parameter.name and _was_given(ctx, parameter.name)
    }


def _was_given(ctx: typer.Context, name: str) -> bool:
    source = ctx.get_parameter_source(name)
    return source is not None and source.name in ("COMMANDLINE", "ENVIRONMENT")


def _broker_of(
    broker: BrokerName | None, server: str | None, chosen: list[str], settings: Settings
) -> str:
    """Return which Kafka to use; print it when a server that already runs excludes Kafka."""
    from empkit.experiment import beforehand

    if server is None:
        return broker or settings.lab_broker
    health = beforehand.ask_server(settings)
    err.print(plain(f"Using the server at {server}."), style="dim")
    if settings.password is None:
        fail(
            f"The server at {server} requires a user and a password: set EMPKIT_USERNAME and "
            "EMPKIT_PASSWORD to those that it was started with."
        )
    if broker is not None:
        return broker
    reason = ""
    if not settings.kafka_bootstrap_servers:
        reason = "EMPKIT_KAFKA_BOOTSTRAP_SERVERS is not set"
    elif health.consumer.state == "off":
        reason = "the server runs no Kafka consumer (it was started without --kafka)"
    if reason and "kafka" in chosen:
        fail(f"--protocol kafka cannot be used with the server at {server}: {reason}.")
    if reason and not chosen:
        err.print(plain(f"Kafka is left out: {reason}."), style="yellow")
    return "none" if reason else "external"


def _print_tables(crossed: list[Runs], *, with_recovery: bool, explain: bool) -> None:
    from empkit.cli.tables import explanations, recovery_table, summary_table
    from empkit.results.answer import answer

    table = answer(crossed)
    out.print(summary_table(table))
    labels = table.labels
    if with_recovery:
        recovery = recovery_table(crossed)
        labels += [str(label) for label in recovery.columns[0].cells]
        out.print(recovery)
        for runs in crossed:
            asked = f"{runs.guarantees}, " if len(crossed) > 1 else ""
            for line in runs.lasted():
                out.print(plain(asked + line), soft_wrap=True)
    if explain:
        out.print(explanations(labels))


def _grid(chosen: Mapping[str, list[Any] | None]) -> list[Guarantees]:
    """Return every combination of the choices."""
    values = [[str(value) if isinstance(value, StrEnum) else value for value in of or [None]]
              for of in chosen.values()]  # fmt: skip
    combined = itertools.product(*values)
    grid: list[dict[str, Any]] = [dict(zip(chosen, one, strict=True)) for one in combined]
    return [Guarantees(**choice) for choice in grid]


def _options() -> list[inspect.Parameter]:
    """Return an option for each choice of `Guarantees` that the command line has."""
    made = []
    for name, choice in choices().items():
        if choice.option:
            values = values_of(name)
            kind: Any = StrEnum(name, members(values)) if isinstance(values, tuple) else values
            least = 0 if kind is int else None
            annotation = Annotated[
                list[kind] | None, typer.Option(choice.option, help=choice.help, min=least)
            ]
            made.append(
                inspect.Parameter(
                    name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation
                )
            )
    return made


def _with_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command that takes `**chosen` an option for each choice, before its last one."""
    signature = inspect.signature(command, eval_str=True)
    *before, last, _ = signature.parameters.values()
    keywords = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in (*before, *_options(), last)
    ]
    vars(command)["__signature__"] = signature.replace(parameters=keywords)
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in keywords}
    return command


def _conclude(crossed: list[Runs], more: list[str], where: Path | None) -> None:
    """Print what was found, where the results are, and whether a promise was broken."""
    from empkit.results.conclusion import closing

    _warn_of_invalid([run for runs in crossed for run in runs.runs])
    for runs in crossed:
        for run in runs.runs:
            for note in run.notes:
                if note not in run.not_valid.values():
                    warn(f"{run.protocol} {run.round}: {note}")
        for sentence in runs.findings:
            warn(sentence)
        for sentence in runs.broken:
            err.print(plain(sentence), style="red")
    if where is not None:
        page = ending.page(where)
        err.print(plain(f"Results in {where}" + (f"; open {page}" if page else "")), soft_wrap=True)
    broken = any(runs.broken for runs in crossed)
    missing = more or any(runs.unmeasured for runs in crossed)
    if heard := interrupts.first():
        words = "Interrupted" if heard == "SIGINT" else "Ended by SIGTERM"
        warn(f"{words}." if missing else f"{words} after everything had been measured.")
    style = "bold red" if broken else "yellow" if missing else "green"
    err.print(plain(closing(crossed, more)), style=style)


def _warn_of_invalid(runs: Sequence[RunInfo]) -> None:
    """Say how many runs cannot be used, and one example of each cause; the report has the rest."""
    wrong = [run for run in runs if not run.valid]
    if not wrong:
        return
    warn(f"The numbers of {len(wrong)} of {len(runs)} runs cannot be used; the report says why.")
    examples: dict[str, list[RunInfo]] = {}
    for run in wrong:
        for cause in run.not_valid:
            examples.setdefault(cause, []).append(run)
    for cause, of_cause in examples.items():
        run = of_cause[0]
        again = f" (and {len(of_cause) - 1} more runs)" if len(of_cause) > 1 else ""
        warn(f"{run.protocol} {run.round}{again}: {run.not_valid[cause]}")


_with_options(compare)
