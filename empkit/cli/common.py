"""What the commands share: consoles, messages, settings and options of the command line.

Imports inside the functions keep the start of every other command fast.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
import typer.core
from pydantic import ValidationError
from rich.console import Console

from empkit import shortage
from empkit.plugins import PluginError
from empkit.processes import interrupts
from empkit.results.status import ExitStatus, described, of_signal
from empkit.settings import OLD_NAMES, PREFIX, Settings


class Commands(typer.core.TyperGroup):
    """The group of all commands: after Ctrl-C or SIGTERM, each ends with a message and a status."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            os.getcwd()  # noqa: PTH109 - only whether there is one
        except FileNotFoundError:
            fail("The working folder was removed: change into another folder, and try again.")
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            end_interrupted(ctx.invoked_subcommand)
        except typer.Exit:
            raise
        except PluginError as error:
            fail(str(error))
        except OSError as error:
            if not shortage.is_one(error):
                raise
            fail(shortage.said(error))
        except Exception as error:
            if not interrupts.first():
                raise
            # code that a signal interrupted may raise any exception
            end_interrupted(ctx.invoked_subcommand, f" ({type(error).__name__} while it ended)")


def end_interrupted(command: str | None, more: str = "") -> NoReturn:
    """Print which signal ended the command, and exit with its status."""
    name = interrupts.first() or "SIGINT"
    words = "Interrupted" if name == "SIGINT" else "Ended by SIGTERM"
    nothing = ", before anything was measured: there are no results" if command == "compare" else ""
    err.print(plain(f"{words}{nothing}{more}."), style="yellow")
    raise typer.Exit(of_signal(name))


class Terminal(Console):
    """A console on which a signal cannot interrupt a line, which would then be printed twice."""

    def print(self, *objects: Any, **options: Any) -> None:
        """Print; a failure to write is reported, and does not change the exit status."""
        with interrupts.held():
            try:
                super().print(*objects, **options)
            except OSError as error:
                self._give_up(error)

    def write(self, text: str) -> None:
        """Write text unchanged, as a whole or not at all; failures are handled as in `print`."""
        with interrupts.held():
            try:
                self.file.write(text)
                self.file.flush()
            except OSError as error:
                self._give_up(error)

    def on_broken_pipe(self) -> None:
        """Continue when the reader has closed the pipe, as `| head` does; the status stays."""
        self._give_up(None)

    def _give_up(self, error: OSError | None) -> None:
        """Discard all further output, including what Python flushes when it exits."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.file.fileno())
        os.close(nowhere)
        if self is out and error is not None and not isinstance(error, BrokenPipeError):
            err.print(
                f"Standard output cannot be written to ({error.strerror or error}): the output is "
                "lost. The measurements are in the folder of the results.",
                style="yellow",
            )


out = Terminal(highlight=False)
err = Terminal(stderr=True, highlight=False)

WRONG_USE = int(ExitStatus.WRONG_USE)
EXIT_STATUS = described()


Kafka = Annotated[str | None, typer.Option("--kafka", help="The brokers, HOST:PORT,...")]


ReadyFile = Annotated[
    Path | None,
    typer.Option(
        help="Write the address to this file once it can be used; the file goes at the end.",
        show_default=False,
    ),
]


def members(values: Iterable[str]) -> dict[str, str]:
    """Return values as members of an enum, for an option that is a list: Typer accepts a list of an
    enum, but not a list of a Literal."""
    return {value: value for value in values}


def fail(message: str, status: int = WRONG_USE) -> NoReturn:
    """Print what is wrong, and exit; without a status with that of wrong use."""
    err.print(f"[bold red]empkit:[/] {plain(message)}")
    raise typer.Exit(status)


LONGEST_LINE = 1_000
"""How much is shown of what somebody else wrote, in characters."""


def plain(text: str) -> str:
    """Return text with square brackets escaped, which rich would take for markup."""
    return text.replace("[", r"\[")


def one_line(text: str) -> str:
    """Return text of somebody else's for a terminal: on one line, not too long, and without
    characters that a terminal would obey."""
    shown = text if len(text) <= LONGEST_LINE else f"{text[:LONGEST_LINE]}..."
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in shown)


def warn(sentence: str) -> None:
    """Print a warning."""
    err.print(plain(sentence), style="yellow")


def settings_of(**given: Any) -> Settings:
    """Return the settings of the environment; those that the command line gives go first."""
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        # an error names a setting by the variable that it is accepted under
        name = next((n for n in given if name in {n, *_names(n)}), name)
        if given.get(name) is not None:
            where = OPTIONS.get(name, f"--{name.replace('_', '-')}")
        else:
            where = f"Setting {name if name in OLD_NAMES.values() else _names(name)[0]}"
        fail(f"{where}: {first['msg']}.")


def _names(name: str) -> tuple[str, ...]:
    """Return the environment variables of a setting."""
    variable = name.upper() if name.upper().startswith(PREFIX) else PREFIX + name.upper()
    return (variable, OLD_NAMES[name]) if name in OLD_NAMES else (variable,)


OPTIONS = {
    "server_url": "--server",
    "database_url": "--database",
    "kafka_bootstrap_servers": "--kafka",
}
"""The options that are not called like their setting."""


def settings_with_user(server: str | None) -> Settings:
    """Return the settings for a server, with the user and password that `empkit serve` stored."""
    from empkit import credentials

    try:
        return credentials.found(settings_of(server_url=server))
    except credentials.CredentialsError as error:
        fail(str(error))
    except ValueError as error:
        fail(f"{'EMPKIT_SERVER_URL' if server is None else '--server'}: {error}")
