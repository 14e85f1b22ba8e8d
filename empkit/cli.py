"""The commands: compare, faults, send, serve, consume, broker, dlq, lab, check, kafka install."""

from __future__ import annotations

import itertools
import json
import os
import secrets
import sys
import time
from contextlib import ExitStack
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, cast

import typer
import typer.core
from pydantic import SecretStr, ValidationError
from rich.console import Console
from rich.table import Table

from empkit.processes import interrupts
from empkit.results.status import ExitStatus, described, first_of, of_signal
from empkit.settings import Settings

if TYPE_CHECKING:
    from empkit.experiment.beforehand import Asked
    from empkit.experiment.guarantees import Guarantees
    from empkit.experiment.workload import Workload
    from empkit.records.files import RecordFile
    from empkit.results.runs import Runs


class _Commands(typer.core.TyperGroup):
    """All commands: Ctrl-C and SIGTERM end each with a sentence and a status."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            _interrupted(ctx.invoked_subcommand)
        except typer.Exit:
            raise
        except Exception as error:
            if not interrupts.first():
                raise
            # what a signal tore apart fails in ways of its own
            _interrupted(ctx.invoked_subcommand, f" ({type(error).__name__} while it ended)")


def _interrupted(command: str | None, more: str = "") -> NoReturn:
    name = interrupts.first() or "SIGINT"
    words = "Interrupted" if name == "SIGINT" else "Ended by SIGTERM"
    nothing = ", before anything was measured: there are no results" if command == "compare" else ""
    err.print(_plain(f"{words}{nothing}{more}."), style="yellow")
    raise typer.Exit(of_signal(name))


app = typer.Typer(
    cls=_Commands,
    help="The same employee records over HTTP, WebSocket and Kafka: how long each takes, and what "
    "became of every one.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",  # so that paragraphs are wrapped to the terminal
    context_settings={"help_option_names": ["-h", "--help"]},
)


class _Console(Console):
    """A terminal on which a line that a signal meets is printed once and not again."""

    def print(self, *objects: Any, **options: Any) -> None:
        """Print; what cannot be written is said, and changes nothing of the status."""
        with interrupts.held():
            try:
                super().print(*objects, **options)
            except OSError as error:
                self._give_up(error)

    def write(self, text: str) -> None:
        """Write text as it is, whole or not at all, like `print`."""
        with interrupts.held():
            try:
                self.file.write(text)
                self.file.flush()
            except OSError as error:
                self._give_up(error)

    def on_broken_pipe(self) -> None:
        """Go on when the reader has gone, as with `| head`: the status is that of the run."""
        self._give_up(None)

    def _give_up(self, error: OSError | None) -> None:
        """Write nothing more there, also not what Python flushes at its end."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.file.fileno())
        os.close(nowhere)
        if self is out and error is not None and not isinstance(error, BrokenPipeError):
            err.print(
                f"Standard output cannot be written to ({error.strerror or error}): what was to be "
                "printed is lost. What was measured is in the folder of results.",
                style="yellow",
            )


out = _Console(highlight=False)
err = _Console(stderr=True, highlight=False)

WRONG_USE = int(ExitStatus.WRONG_USE)
EXIT_STATUS = described()


def _print_version(wanted: bool) -> None:
    if wanted:
        import empkit

        out.print(f"empkit {empkit.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Options that belong to no command."""


class Mode(StrEnum):
    """The protocols."""

    http = "http"
    websocket = "websocket"
    kafka = "kafka"


class BrokerKind(StrEnum):
    """The brokers."""

    embedded = "embedded"
    apache = "apache"
    external = "external"


class Acks(StrEnum):
    """Whose acknowledgement a producer waits for."""

    none = "0"
    leader = "1"
    all = "all"


class Commit(StrEnum):
    """When the consumer commits its offset."""

    after_store = "after_store"
    before_store = "before_store"


class KafkaProfile(StrEnum):
    """The named sets of Kafka's settings."""

    latency = "latency"
    throughput = "throughput"
    sync = "sync"
    exactly_once = "exactly-once"


class Arrivals(StrEnum):
    """The ways in which records arrive in an open loop."""

    constant = "constant"
    poisson = "poisson"


def fail(message: str) -> NoReturn:
    """Say what is wrong and end with status 2."""
    err.print(f"[bold red]empkit:[/] {_plain(message)}")
    raise typer.Exit(WRONG_USE)


def _plain(text: str) -> str:
    """Text in which square brackets mean nothing to rich."""
    return text.replace("[", r"\[")


def _settings(**given: Any) -> Settings:
    """The settings from the environment, with what the command line says before them."""
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        fail(f"Setting EMPKIT_{str(first['loc'][0]).upper()}: {first['msg']}.")


def _read(file: str) -> RecordFile:
    """The records of a file, with a word on what could not be read and what was renamed."""
    from empkit.records.employee import RecordError
    from empkit.records.files import read_records

    try:
        found = read_records(file)
    except RecordError as error:
        fail(str(error))
    for row in found.unreadable[:20]:
        err.print(_plain(f"line {row.line}: {row.reason}"), style="yellow")
    if len(found.unreadable) > 20:
        err.print(f"... and {len(found.unreadable) - 20} more lines", style="yellow")
    renamed = ", ".join(f"{name} -> {field}" for name, field in found.renamed.items())
    err.print(
        _plain(
            f"{len(found.records)} records from {file}"
            + (f", {len(found.unreadable)} lines left out" if found.unreadable else "")
            + (f"; read as: {renamed}" if renamed else "")
            + (f"; kept as they are: {', '.join(found.kept)}" if found.kept else "")
        )
    )
    if not found.records:
        fail(f"{file} holds no record that can be sent.")
    return found


@app.command(epilog=EXIT_STATUS)
def compare(
    ctx: typer.Context,
    file: Annotated[
        str | None,
        typer.Argument(
            help="CSV, JSON or JSON Lines, gzip or not; - is standard input. "
            "Without it records are made up."
        ),
    ] = None,
    records: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="How many records. A file is cut, or repeated with new ids.",
            show_default="all of FILE, or 2000",
        ),
    ] = None,
    rate: Annotated[
        float | None, typer.Option(help="Open loop: offered rate in records per second.")
    ] = None,
    arrivals: Annotated[
        Arrivals, typer.Option(help="Open loop: gaps between records.")
    ] = Arrivals.constant,
    in_flight: Annotated[
        int | None,
        typer.Option(min=1, help="Closed loop: records under way at any time.", show_default="8"),
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often, in shuffled order.")] = 1,
    protocol: Annotated[
        list[Mode] | None,
        typer.Option(help="Which protocol; may be given several times.", show_default="all"),
    ] = None,
    broker: Annotated[
        BrokerKind | None,
        typer.Option(help="Which Kafka.", show_default="EMPKIT_LAB_BROKER, or embedded"),
    ] = None,
    brokers: Annotated[
        int, typer.Option(min=1, help="How many brokers, embedded or Apache Kafka.")
    ] = 1,
    consumers: Annotated[
        int, typer.Option(min=1, help="How many members the consumer group has.")
    ] = 1,
    database: Annotated[
        str | None,
        typer.Option(
            help="sqlite:///FILE or postgresql://...",
            show_default="an SQLite file for this comparison",
        ),
    ] = None,
    server: Annotated[
        str | None,
        typer.Option(
            help="A server that already runs; user and password come from "
            "EMPKIT_USERNAME and EMPKIT_PASSWORD, or from `empkit serve` on this machine.",
            show_default="one is started",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="For made-up records, arrivals and order.")] = 0,
    out_folder: Annotated[
        Path | None,
        typer.Option("--out", help="Where the results go.", show_default="results/DATE-TIME"),
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            help="What goes wrong, and when: server-crash@2s..5s, latency:latency_ms=100@1s..3s, "
            "duplicates:share=0.1. May be given several times; `empkit faults` lists them.",
        ),
    ] = None,
    kafka_profile: Annotated[
        list[KafkaProfile] | None,
        typer.Option(
            help="A named set of Kafka's settings; several are crossed. sync and exactly-once "
            "want Apache Kafka."
        ),
    ] = None,
    acks: Annotated[
        list[Acks] | None,
        typer.Option(help="Whose ack the producer waits for; several are crossed."),
    ] = None,
    commit: Annotated[
        list[Commit] | None,
        typer.Option(help="When the consumer commits its offset; several are crossed."),
    ] = None,
    retries: Annotated[
        list[int] | None,
        typer.Option(min=0, help="How often a client tries again; several are crossed."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the summary as JSON, and nothing else.")
    ] = False,
) -> None:
    """Send the same records over each protocol, time them, and account for every one.

    Ends with a table and a folder: timings.parquet (one row a record), summary.csv, the figures,
    and report.html.

    Examples:

      empkit compare

      empkit compare employees.csv --in-flight 32 --rounds 3

      empkit compare --rate 500 --records 5000 --protocol websocket --protocol kafka

      empkit compare --rate 500 --records 4000 --fault server-crash@2s..5s
    """
    with interrupts.held():  # an import that is torn apart leaves half a module
        from empkit.experiment import beforehand
        from empkit.experiment.workload import Workload, repeat_to
        from empkit.faults.register import parse_fault
        from empkit.lab import LabError

    source: Any = records or 2_000
    origin = None
    if file is not None:
        found = _read(file)
        source, origin = found.records, (_origin(file), found.sha256)
        if records is not None:
            source = list(repeat_to(source, records))
    folder = out_folder or Path("results") / f"{datetime.now():%Y-%m-%d-%H%M%S}"
    grid = _grid(acks, commit, retries, kafka_profile)
    chosen = list(dict.fromkeys(mode.value for mode in protocol or ()))
    try:
        workload = Workload(
            source,
            in_flight=in_flight,
            rate=rate,
            arrivals=arrivals.value,
            seed=seed,
            origin=origin,
        )
        faults = [parse_fault(text) for text in fault or []]
        settings = _found_settings(server)
        asked = beforehand.Asked(
            given=_given(ctx), protocols=chosen,
            broker=_broker_of(broker, server, chosen, settings),
            brokers=brokers, consumers=consumers, server=server, database=database, out=folder,
            faults=faults, grid=grid, settings=settings,
        )  # fmt: skip
        beforehand.check(asked)
        crossed = _carry_out(asked, workload, rounds)
    except (LabError, ValueError) as error:
        fail(str(error))
    raise typer.Exit(_finish(crossed, asked, as_json=as_json))


def _origin(file: str) -> str:
    return "standard input" if file == "-" else f"file {Path(file).name}"


def _finish(crossed: list[Runs], asked: Asked, *, as_json: bool) -> int:
    """Write everything, say what happened, and return the exit status."""
    from empkit import ending
    from empkit.experiment.environment import command_line
    from empkit.results.as_json import as_json as to_json

    for runs in crossed:
        runs.environment["command"] = command_line(sys.argv)
    more = [f"{guarantees}: not run" for guarantees in asked.grid[len(crossed) :]]
    with interrupts.held():
        folders = ending.save(crossed, asked.out, _warn)
        if not as_json:
            _print_tables(crossed, with_recovery=bool(asked.faults))
        ending.add_extras(crossed, folders, _warn)
        status = ending.status(crossed, more)
        if as_json:
            out.write(json.dumps(to_json(crossed, more, status), indent=2) + "\n")
        _conclude(crossed, more, folders)
    return status


def _given(ctx: typer.Context) -> set[str]:
    """The options that were given, by the names that they are given with."""
    return {
        max(each.opts, key=len)
        for each in ctx.command.params
        if each.name and _was_given(ctx, each.name)
    }


def _was_given(ctx: typer.Context, name: str) -> bool:
    source = ctx.get_parameter_source(name)
    return source is not None and source.name in ("COMMANDLINE", "ENVIRONMENT")


def _broker_of(
    broker: BrokerKind | None, server: str | None, chosen: list[str], settings: Settings
) -> str:
    """Which Kafka is meant; with a server that already runs, what is left out is said."""
    from empkit.experiment import beforehand

    if server is None:
        return broker.value if broker else settings.lab_broker
    health = beforehand.ask_server(settings)
    err.print(_plain(f"Using the server at {server}."), style="dim")
    if settings.password is None:
        fail(
            f"The server at {server} wants a user and a password: set EMPKIT_USERNAME and "
            "EMPKIT_PASSWORD to those that it was started with."
        )
    if broker is not None:
        return broker.value
    reason = ""
    if not settings.kafka_bootstrap_servers:
        reason = "EMPKIT_KAFKA_BOOTSTRAP_SERVERS is not set"
    elif health["consumer"].get("state") == "off":
        reason = "the server runs no Kafka consumer (it was started without --kafka)"
    if reason and "kafka" in chosen:
        fail(f"--protocol kafka cannot be used with the server at {server}: {reason}.")
    if reason and not chosen:
        err.print(_plain(f"Kafka is left out: {reason}."), style="yellow")
    return "none" if reason else "external"


def _carry_out(asked: Asked, workload: Workload, rounds: int) -> list[Runs]:
    """Start the lab, run everything, stop the lab; ends here when nothing was measured."""
    from empkit.lab import Lab, LabError

    began = time.monotonic()
    if asked.server is None:
        err.print("Starting the lab: broker, server, database ...", style="dim")
    crossed: list[Runs] = []
    ready = False
    lab = Lab(
        broker=cast("Any", asked.broker), database=asked.database, server=asked.server,
        settings=asked.settings, brokers=asked.brokers, consumers=asked.consumers,
    )  # fmt: skip
    try:
        with lab:
            ready = True
            err.print(f"Ready after {time.monotonic() - began:.1f} s.", style="dim")
            crossed = lab.cross(
                asked.protocols or None, workload, asked.grid, rounds=rounds, faults=asked.faults
            )
    except LabError as error:
        if not ready:
            raise
        _end_without_results(str(error))
    except KeyboardInterrupt:
        if not crossed:
            raise
    return crossed


def _end_without_results(reason: str) -> NoReturn:
    """Say why nothing was measured, and end accordingly."""
    err.print(_plain(f"Nothing was measured: {reason}"), style="bold red")
    raise typer.Exit(first_of([of_signal(interrupts.first()), ExitStatus.NOT_MEASURED]))


def _print_tables(crossed: list[Runs], *, with_recovery: bool) -> None:
    for runs in crossed:
        if len(crossed) > 1:
            out.print(f"[bold]{_plain(runs.runs[0].guarantees)}[/]")
        out.print(summary_table(runs))
    if with_recovery or len(crossed) > 1:
        out.print(recovery_table(crossed))
        for runs in crossed:
            asked = f"{runs.runs[0].guarantees}, " if len(crossed) > 1 else ""
            for line in runs.lasted():
                out.print(_plain(asked + line), soft_wrap=True)


def _grid(
    acks: list[Acks] | None,
    commit: list[Commit] | None,
    retries: list[int] | None,
    profiles: list[KafkaProfile] | None,
) -> list[Guarantees]:
    """Every combination of the choices."""
    from empkit.experiment.guarantees import Guarantees

    of_acks: list[Any] = [each.value for each in acks or []] or [None]
    of_commit: list[Any] = [each.value for each in commit or []] or [None]
    of_retries: list[Any] = [*(retries or [])] or [None]
    of_profiles: list[Any] = [each.value for each in profiles or []] or [None]
    return [
        Guarantees(acks=one, commit=two, retries=three, profile=four)
        for one, two, three, four in itertools.product(of_acks, of_commit, of_retries, of_profiles)
    ]


def _found_settings(server: str | None) -> Settings:
    from empkit import credentials

    return credentials.found(_settings(server_url=server))


def _warn(sentence: str) -> None:
    err.print(_plain(sentence), style="yellow")


def _conclude(crossed: list[Runs], more: list[str], folders: list[Path]) -> None:
    """Say what was found, where the results are, and whether a promise was broken."""
    from empkit import ending
    from empkit.results.conclusion import closing

    for runs in crossed:
        for run in runs.runs:
            for note in run.notes:
                _warn(f"{run.protocol} {run.round}: {note}")
        for sentence in runs.findings:
            _warn(sentence)
        for sentence in runs.broken:
            err.print(_plain(sentence), style="red")
    page = ending.page(folders)
    where = folders[0] if len(folders) == 1 else folders[0].parent
    err.print(_plain(f"Results in {where}" + (f"; open {page}" if page else "")), soft_wrap=True)
    broken = any(runs.broken for runs in crossed)
    missing = more or any(runs.unmeasured for runs in crossed)
    if heard := interrupts.first():
        words = "Interrupted" if heard == "SIGINT" else "Ended by SIGTERM"
        _warn(f"{words}." if missing else f"{words}, when all had been measured.")
    style = "bold red" if broken else "yellow" if missing else "green"
    err.print(_plain(closing(crossed, more)), style=style)


def recovery_table(crossed: list[Runs]) -> Table:
    """What the faults did, a column a run."""
    import pandas as pd

    frame = pd.concat([runs.recovery() for runs in crossed], ignore_index=True)
    table = Table(title="What the faults did", title_justify="left")
    table.add_column("")
    for row in frame.itertuples():
        asked = "" if row.guarantees == "as set" else f"\n{row.guarantees}"
        table.add_column(_plain(f"{row.protocol} {row.round}{asked}"), justify="right")
    for column in frame.columns.drop(["protocol", "round", "guarantees"]):
        table.add_row(str(column).replace("_", " "), *(_cell(value) for value in frame[column]))
    return table


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return _plain(value)
    if value is None or value != value:  # noqa: PLR0124 - so is NaN found
        return "-"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}"


def summary_table(runs: Runs) -> Table:
    """The summary as a table: a column a protocol, so that it fits a terminal."""
    summary = runs.summary()
    table = Table(title="What became of the records, and when", title_justify="left")
    table.add_column("")
    for name in summary.index:
        table.add_column(str(name), justify="right")

    def row(label: str, column: str, form: str) -> None:
        values = summary[column]
        cells = [format(value, form) if value == value else "-" for value in values]  # noqa: PLR0124
        table.add_row(label, *cells)

    row("records offered", "offered", ",.0f")
    row("acked", "acked", ",.0f")
    for verdict in runs.verdicts().columns[1:]:
        row(f"  {verdict}", verdict, ",.0f")
    for kind in ("ack", "stored"):
        table.add_section()
        for name in ("p50", "p90", "p99", "max"):
            row(f"{kind} latency {name}, ms", f"{kind}_{name}_ms", ",.2f")
    table.add_section()
    row("records stored per second", "records_per_s", ",.0f")
    return table


@app.command()
def send(
    file: Annotated[str, typer.Argument(help="CSV, JSON or JSON Lines; - is standard input.")],
    mode: Annotated[Mode, typer.Option(help="Over which protocol.")] = Mode.http,
    server: Annotated[str | None, typer.Option(help="The server's URL.")] = None,
    kafka: Annotated[str | None, typer.Option(help="The brokers, HOST:PORT,...")] = None,
    in_flight: Annotated[int, typer.Option(min=1, help="Records under way at any time.")] = 32,
) -> None:
    """Send a file for real: each record once, under its own id, to a server that runs.

    Prints a line for each record that was not accepted, and a closing count. Exit status: 0 all
    accepted, 1 not all, 2 wrong use. A second run of the same file changes nothing: what is stored
    with the same content counts as accepted.
    """
    from empkit.clients import ClientError

    records = _read(file).records
    settings = _found_settings(server)
    if kafka is not None:
        settings = settings.model_copy(update={"kafka_bootstrap_servers": kafka})
    counts = {"acked": 0, "refused": 0, "failed": 0, "unknown": 0}
    try:
        interrupts.run(_send_all(records, mode.value, settings, in_flight, counts))
    except KeyboardInterrupt:
        known = sum(counts.values())
        err.print(
            f"{known:,} of {len(records):,} were sent and answered ({counts['acked']:,} acked); up "
            f"to {min(in_flight, len(records) - known):,} more may have been sent. To send the "
            "same file again changes nothing of what is stored.",
            style="yellow",
        )
        raise
    except (ClientError, ValueError) as error:
        fail(f"{error} `empkit check` says more.")
    total = sum(counts.values())
    out.print(f"{total} sent: " + ", ".join(f"{count} {name}" for name, count in counts.items()))
    if counts["acked"] < total:
        raise typer.Exit(1)


async def _send_all(
    records: list[dict[str, Any]],
    mode: str,
    settings: Settings,
    in_flight: int,
    counts: dict[str, int],
) -> None:
    """Send all, and count the answers in `counts` as they come."""
    import asyncio

    from tqdm import tqdm

    from empkit.clients import connect

    left = iter(records)
    with tqdm(total=len(records), unit="rec", delay=2, leave=False, disable=None) as bar:
        async with connect(mode, settings) as client, asyncio.TaskGroup() as workers:

            async def worker() -> None:
                for record in left:
                    reply = await client.send(record)
                    counts[reply.outcome] += 1
                    bar.update()
                    if reply.outcome != "acked":
                        bar.write(f"{reply.outcome}: {record['employee_id']}: {reply.message}")

            for _ in range(in_flight):
                workers.create_task(worker())


Host = Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")]
Database = Annotated[
    str | None,
    typer.Option(help="sqlite:///FILE or postgresql://...", show_default="sqlite:///employees.db"),
]


@app.command()
def serve(
    host: Host = None,
    port: Annotated[
        int | None, typer.Option(help="Port; 0 takes a free one.", show_default="8000")
    ] = None,
    database: Database = None,
    kafka: Annotated[
        str | None, typer.Option(help="The brokers, HOST:PORT,...; without them no consumer runs.")
    ] = None,
) -> None:
    """Run the server until Ctrl-C.

    Without EMPKIT_PASSWORD it makes a password and keeps it in a file that only you can read, where
    `empkit send`, `check` and `compare --server` find it. Several servers may share one PostgreSQL
    and one Kafka; give them the same EMPKIT_PASSWORD and EMPKIT_SIGNING_KEY.
    """
    settings = _settings(host=host, port=port, database_url=database, kafka_bootstrap_servers=kafka)
    _serve(settings, "Server at {url}, described at {url}/docs.")


@app.command()
def consume(
    host: Host = None,
    port: Annotated[
        int, typer.Option(help="Port of its /health and /timings; 0 takes a free one.")
    ] = 0,
    database: Database = None,
    kafka: Annotated[str | None, typer.Option(help="The brokers, HOST:PORT,...")] = None,
) -> None:
    """Run one more consumer until Ctrl-C: a member of the group that stores what Kafka holds.

    The topic's partitions are shared among all consumers, those of servers too; when one is gone
    its partitions go to the others.
    """
    settings = _settings(
        host=host, port=port, database_url=database, kafka_bootstrap_servers=kafka,
        consume_only=True,
    )  # fmt: skip
    if settings.kafka_bootstrap_servers is None:
        fail("There are no brokers to consume from. Give --kafka HOST:PORT.")
    _serve(settings, "Consumer; its health is at {url}/health.")


def _serve(settings: Settings, what: str) -> None:
    """Run a server until a signal ends it; `what` says what it is, once it is there."""
    from empkit import credentials
    from empkit.server.run import serve as run_server

    made = settings.password is None and not settings.consume_only
    if made:
        password = SecretStr(secrets.token_urlsafe(24))
        settings = settings.model_copy(update={"password": password})
    with ExitStack() as cleanup:

        def ready(url: str) -> None:
            out.print(f"{what.format(url=url)} Ctrl-C stops it.")
            if made:
                path = cleanup.enter_context(credentials.kept(settings, url))
                out.print(f"User and password: {path}")
            brokers = settings.kafka_bootstrap_servers
            out.print(
                f"Consumes {settings.kafka_topic} from {brokers}"
                if brokers
                else "No consumer: EMPKIT_KAFKA_BOOTSTRAP_SERVERS is not set."
            )

        try:
            if not run_server(settings, ready):
                fail("The server did not come up; the reason is above.")
        except KeyboardInterrupt:
            pass
        except OSError as error:
            fail(f"Nothing can listen on {settings.host}:{settings.port}: {error}")
        except ValueError as error:
            fail(str(error))


@app.command()
def broker(
    partitions: Annotated[int, typer.Option(min=1, help="Partitions of each topic.")] = 4,
) -> None:
    """Run the embedded broker until Ctrl-C, and print its address."""
    from empkit.brokers import BrokerError, make_broker
    from empkit.processes.child import ChildError, Processes

    with Processes() as processes:
        try:
            embedded = make_broker(
                "embedded", processes, _settings(), brokers=1, partitions=partitions
            )
            embedded.start()
        except (BrokerError, ChildError) as error:
            fail(str(error))
        out.print(f"{embedded.bootstrap_servers}")
        err.print(
            f"Topics: {_settings().kafka_topic}, {_settings().dead_letter_topic}. To use it:\n"
            f"  export EMPKIT_KAFKA_BOOTSTRAP_SERVERS={embedded.bootstrap_servers}\n"
            "It keeps about 5 MiB a partition, in memory only. Ctrl-C stops it.",
            style="dim",
        )
        wait_for_signal()


def wait_for_signal() -> None:
    """Return when somebody wants us to end; an ignored SIGINT, as under `nohup`, stays ignored."""
    interrupts.listen()
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        pass


@app.command()
def check(
    server: Annotated[
        str | None, typer.Option(help="The server's URL.", show_default="http://127.0.0.1:8000")
    ] = None,
    kafka: Annotated[str | None, typer.Option(help="The brokers, HOST:PORT,...")] = None,
) -> None:
    """Try each protocol, step by step, and say what is wrong and what to do about it.

    Exit status: 0 every step worked, 1 one did not.
    """
    from empkit.check import check_all

    settings = _found_settings(server)
    if kafka is not None:
        settings = settings.model_copy(update={"kafka_bootstrap_servers": kafka})
    failed = False
    for step in check_all(settings):
        mark = {"ok": "[green]ok[/]  ", "failed": "[red]FAIL[/]", "skipped": "[yellow]--[/]  "}
        out.print(f"{mark[step.state]} {step.protocol:<10} {_plain(step.what)}")
        if step.advice:
            out.print(f"                {_plain(step.advice)}")
        failed |= step.state == "failed"
    if failed:
        raise typer.Exit(1)


@app.command()
def faults() -> None:
    """List what can go wrong, with the words for `compare --fault`."""
    from empkit.faults.register import fault_kinds

    title = "empkit compare --fault NAME:KEY=VALUE,...@FROM..UNTIL"
    table = Table("name", "when", "settings", "what", title=title, title_justify="left")
    for name, kind in fault_kinds().items():
        settings = ", ".join(setting.name for setting in kind.settings)
        when = "2s..5s" if kind.timed else "whole run"
        table.add_row(name, when, settings, _plain(kind.words))
    out.print(table)


class Document(StrEnum):
    """What has a JSON Schema."""

    employee = "employee"
    result = "result"


@app.command()
def schema(
    of: Annotated[
        Document, typer.Argument(help="An employee record, or what `compare --json` prints.")
    ] = Document.employee,
) -> None:
    """Print a JSON Schema: of an employee record, which a server must take, or of a result."""
    from empkit.experiment import content
    from empkit.results import as_json

    module = as_json if of is Document.result else content
    sys.stdout.write(module.SCHEMA_FILE.read_text(encoding="utf-8"))


@app.command()
def dlq(
    kafka: Annotated[str | None, typer.Option(help="The brokers, HOST:PORT,...")] = None,
    resend: Annotated[
        Path | None,
        typer.Option(
            help="A file of dead letters, as this command lists them with --json, with "
            "their values mended; they are sent to the topic again."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line: a file to mend and resend.")
    ] = False,
) -> None:
    """List what the consumer refused, with the reason; send it again when it is mended."""
    from aiokafka.errors import KafkaError

    from empkit.kafka import dead_letters

    settings = _settings(kafka_bootstrap_servers=kafka)
    if not settings.kafka_bootstrap_servers:
        fail("There are no brokers to ask. Give --kafka HOST:PORT.")
    letters = _mended(resend) if resend is not None else None
    try:
        if letters is not None:
            count = interrupts.run(dead_letters.send_again(settings, letters))
            out.print(f"{count} sent to {settings.kafka_topic}")
            return
        found = interrupts.run(dead_letters.read_dead_letters(settings))
    except (KafkaError, OSError, ValueError) as error:
        fail(f"{settings.kafka_bootstrap_servers}: {error}. `empkit check` says more.")
    for letter in found:
        if as_json:
            sys.stdout.write(json.dumps(letter.to_json()) + "\n")
        else:
            where = f"{letter.topic}/{letter.partition}/{letter.offset}"
            out.print(_plain(f"{where}: {letter.reason}"), soft_wrap=True)
    if not as_json:
        out.print(f"{len(found)} dead letters in {settings.dead_letter_topic}")


def _mended(file: Path) -> list[tuple[bytes | None, bytes]]:
    """Key and value of each dead letter in a file of them."""
    from empkit.kafka.dead_letters import as_bytes

    try:
        lines = [json.loads(line) for line in file.read_text().splitlines() if line.strip()]
        return [(as_bytes(line.get("key")), as_bytes(line["value"]) or b"") for line in lines]
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}.")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        fail(f"{file} is not what `empkit dlq --json` prints: {type(error).__name__} {error}.")


@app.command()
def lab(
    folder: Annotated[
        Path, typer.Option("--to", help="Where the working copy of the notebooks is.")
    ] = Path("empkit-notebooks"),
    fresh: Annotated[
        bool,
        typer.Option(help="Begin anew; notebooks that were changed are kept as NAME.mine.ipynb."),
    ] = False,
    port: Annotated[int, typer.Option(help="Port of JupyterLab.")] = 8888,
    browser: Annotated[bool, typer.Option(help="Open the browser.")] = True,
) -> None:
    """Open the course in JupyterLab, in a working copy, so that the originals stay as they are.

    Ctrl-C ends it.
    """
    from empkit.course.notebooks import working_copy

    try:
        aside = working_copy(folder, fresh=fresh)
    except OSError as error:
        fail(f"The notebooks cannot be copied to {folder}: {error}")
    for path in aside:
        out.print(f"Yours is kept as {path}")
    out.print(f"The notebooks are in {folder}; JupyterLab starts, Ctrl-C ends it.")
    sys.stdout.flush()
    arguments = ["--ip=127.0.0.1", f"--port={port}", f"--ServerApp.root_dir={folder.resolve()}"]
    arguments += ["--JupyterApp.answer_yes=True"]  # or Ctrl-C asks, and goes on if nobody answers
    if not browser:
        arguments.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--allow-root")  # as in a container; it listens on loopback only
    # it takes our place: Ctrl-C, the exit status and whoever waits for us are its own
    os.execv(sys.executable, [sys.executable, "-m", "jupyterlab", *arguments])  # noqa: S606


kafka_commands = typer.Typer(help="Apache Kafka on this machine.", no_args_is_help=True)
app.add_typer(kafka_commands, name="kafka")


@kafka_commands.command()
def install(
    folder: Annotated[
        Path | None, typer.Argument(help="Where to.", show_default="the user's cache")
    ] = None,
) -> None:
    """Fetch Apache Kafka's jars with Maven, so that `--broker apache` can run it on Java 17+."""
    from empkit.brokers import BrokerError
    from empkit.brokers.install import install_kafka

    try:
        out.print(str(install_kafka(folder)))
    except BrokerError as error:
        fail(str(error))


def main() -> None:
    """Run the command line; Ctrl-C and SIGTERM end it with what was started stopped."""
    interrupts.listen()
    try:
        app()
    finally:
        interrupts.ignore()


if __name__ == "__main__":
    main()
