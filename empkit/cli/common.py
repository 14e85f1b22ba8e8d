"""What the commands share: the terminal, how they end, and the settings that a command line gives.

Imports inside the functions keep the start of every other command fast.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, get_args

import typer
import typer.core
from pydantic import ValidationError
from rich.console import Console

from empkit.processes import interrupts
from empkit.results.status import ExitStatus, described, of_signal
from empkit.settings import Settings

if TYPE_CHECKING:
    from empkit.records.files import RecordFile


class Commands(typer.core.TyperGroup):
    """All commands: Ctrl-C and SIGTERM end each with a sentence and a status."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            end_interrupted(ctx.invoked_subcommand)
        except typer.Exit:
            raise
        except Exception as error:
            if not interrupts.first():
                raise
            # what a signal tore apart fails in ways of its own
            end_interrupted(ctx.invoked_subcommand, f" ({type(error).__name__} while it ended)")


def end_interrupted(command: str | None, more: str = "") -> NoReturn:
    """Say which signal ended the command, and end with its status."""
    name = interrupts.first() or "SIGINT"
    words = "Interrupted" if name == "SIGINT" else "Ended by SIGTERM"
    nothing = ", before anything was measured: there are no results" if command == "compare" else ""
    err.print(plain(f"{words}{nothing}{more}."), style="yellow")
    raise typer.Exit(of_signal(name))


class Terminal(Console):
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


out = Terminal(highlight=False)
err = Terminal(stderr=True, highlight=False)

WRONG_USE = int(ExitStatus.WRONG_USE)
EXIT_STATUS = described()


Kafka = Annotated[str | None, typer.Option("--kafka", help="The brokers, HOST:PORT,...")]


def members(literal: Any) -> dict[str, str]:
    """The values of a Literal as members of an enum, for an option that may be given several times.

    Typer takes a Literal, and a list of an enum, but no list of a Literal:

        class Acks(StrEnum):
            vars().update(members(AcksName))
    """
    return {value: value for value in get_args(literal)}


def fail(message: str) -> NoReturn:
    """Say what is wrong and end with status 2."""
    err.print(f"[bold red]empkit:[/] {plain(message)}")
    raise typer.Exit(WRONG_USE)


def plain(text: str) -> str:
    """Text in which square brackets mean nothing to rich."""
    return text.replace("[", r"\[")


def warn(sentence: str) -> None:
    """Print a sentence that matters and is no error."""
    err.print(plain(sentence), style="yellow")


def settings_of(**given: Any) -> Settings:
    """The settings from the environment, with what the command line says before them."""
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        fail(f"Setting EMPKIT_{str(first['loc'][0]).upper()}: {first['msg']}.")


def settings_with_user(server: str | None) -> Settings:
    """The settings for a server, with the user and password that `empkit serve` keeps for it."""
    from empkit import credentials

    return credentials.found(settings_of(server_url=server))


def read_file(file: str) -> RecordFile:
    """The records of a file, with a word on what could not be read and what was renamed."""
    from empkit.records.employee import RecordError
    from empkit.records.files import read_records

    try:
        content = read_records(file)
    except RecordError as error:
        fail(str(error))
    for row in content.unreadable[:20]:
        err.print(plain(f"line {row.line}: {row.reason}"), style="yellow")
    if len(content.unreadable) > 20:
        err.print(f"... and {len(content.unreadable) - 20} more lines", style="yellow")
    renamed = ", ".join(f"{name} -> {field}" for name, field in content.renamed.items())
    err.print(
        plain(
            f"{len(content.records)} records from {file}"
            + (f", {len(content.unreadable)} lines left out" if content.unreadable else "")
            + (f"; read as: {renamed}" if renamed else "")
            + (f"; kept as they are: {', '.join(content.kept)}" if content.kept else "")
        )
    )
    if not content.records:
        fail(f"{file} holds no record that can be sent.")
    return content
