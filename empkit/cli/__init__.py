"""The command line: one file per command; they are registered here, in the order of `--help`.

    main --> app (Commands) --> compare.py, send.py, ... --> ending.py, tables.py --> common.py

To import it is to import every command, so each imports inside its function what takes long.
"""

from __future__ import annotations

from typing import Annotated

import typer

from empkit.cli import (
    check,
    compare,
    dlq,
    faults,
    kafka,
    lab,
    progress,
    proxy,
    sample,
    schema,
    send,
    serve,
)
from empkit.cli.common import EXIT_STATUS, Commands, out
from empkit.processes import interrupts

app = typer.Typer(
    cls=Commands,
    help="The same employee records over HTTP, WebSocket and Kafka: how long each takes, and what "
    "became of every one.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",  # so that paragraphs are wrapped to the terminal
    context_settings={"help_option_names": ["-h", "--help"]},
)


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


app.command(epilog=EXIT_STATUS)(compare.compare)
app.command()(send.send)
app.command()(sample.sample)
app.command()(serve.serve)
app.command()(serve.consume)
app.command()(serve.broker)
app.command()(proxy.proxy)
app.command()(check.check)
app.command()(faults.faults)
app.command()(schema.schema)
app.command()(dlq.dlq)
app.command()(lab.lab)
app.command()(progress.progress)

kafka_commands = typer.Typer(help="Apache Kafka on this machine.", no_args_is_help=True)
kafka_commands.command()(kafka.install)
app.add_typer(kafka_commands, name="kafka")


def main() -> None:
    """Run the command line; Ctrl-C and SIGTERM end it with what was started stopped."""
    interrupts.listen()
    try:
        app()
    finally:
        interrupts.ignore()
