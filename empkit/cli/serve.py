"""`empkit serve`, `consume` and `broker`: parts of the system that run until Ctrl-C.

Imports inside the functions keep the start of the command line fast: the server takes long.
"""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import SecretStr

from empkit.cli.common import Kafka, ReadyFile, err, fail, out, settings_of
from empkit.processes import interrupts

if TYPE_CHECKING:
    from empkit.settings import Settings


Host = Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")]
Database = Annotated[
    str | None,
    typer.Option(
        help="sqlite:///FILE or postgresql://... The list of processes shows a password in it: "
        "give the URL in EMPKIT_DATABASE_URL instead, or the password in ~/.pgpass.",
        show_default="sqlite:///employees.db",
    ),
]


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

    Without EMPKIT_PASSWORD it generates a password and stores it in a file that only you can read;
    `empkit send`, `check` and `compare --server` read it there. Several servers may share one
    PostgreSQL and one Kafka; give them the same EMPKIT_PASSWORD and EMPKIT_SIGNING_KEY.
    """
    settings = settings_of(
        host=host, port=port, database_url=database, kafka_bootstrap_servers=kafka
    )
    _serve(settings, "Server at {url}, described at {url}/docs.")


def consume(
    host: Host = None,
    port: Annotated[
        int, typer.Option(help="Port of its /health and /timings; 0 takes a free one.")
    ] = 0,
    database: Database = None,
    kafka: Kafka = None,
) -> None:
    """Run one more consumer until Ctrl-C: a member of the group that stores the records.

    The topic's partitions are assigned to all consumers, including those of servers; when one
    stops, its partitions are assigned to the others.
    """
    settings = settings_of(
        host=host, port=port, database_url=database, kafka_bootstrap_servers=kafka,
        consume_only=True,
    )  # fmt: skip
    if settings.kafka_bootstrap_servers is None:
        fail("There are no brokers to consume from. Give --kafka HOST:PORT.")
    _serve(settings, "Consumer; its health endpoint is {url}/health.")


def _serve(settings: Settings, what: str) -> None:
    """Run a server until a signal ends it; `what` is printed with its URL when it is ready."""
    import secrets

    from empkit import credentials
    from empkit.server.run import serve as run_server
    from empkit.shortage import is_one

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
                fail("The server did not start; the reason is above.")
        except KeyboardInterrupt:
            pass
        except OSError as error:
            if is_one(error):
                raise
            fail(f"The server cannot listen on {settings.host}:{settings.port}: {error}")
        except ValueError as error:
            fail(str(error))


def broker(
    partitions: Annotated[int, typer.Option(min=1, help="Partitions of each topic.")] = 4,
    ready_file: ReadyFile = None,
) -> None:
    """Run the embedded broker until Ctrl-C, and print its address."""
    from empkit.brokers import BrokerError, make_broker
    from empkit.processes.child import ChildError, Processes

    clear(ready_file)
    with ExitStack() as cleanup:
        try:
            embedded = make_broker(
                "embedded", cleanup.enter_context(Processes()), settings_of(), brokers=1,
                partitions=partitions,
            )  # fmt: skip
            embedded.start()
        except (BrokerError, ChildError) as error:
            fail(str(error))
        announce_and_wait(
            embedded.bootstrap_servers,
            ready_file,
            f"Topics: {settings_of().kafka_topic}, {settings_of().dead_letter_topic}. To use it:\n"
            f"  export EMPKIT_KAFKA_BOOTSTRAP_SERVERS={embedded.bootstrap_servers}\n"
            "It keeps about 5 MiB per partition, in memory only. Ctrl-C stops it.",
        )


def clear(ready_file: Path | None) -> None:
    """Remove the file that an earlier program left, before anything is started.

    Raises:
        typer.Exit: it cannot be a file.
    """
    if ready_file is None:
        return
    try:
        ready_file.unlink(missing_ok=True)
    except OSError as error:
        fail(f"--ready-file: {ready_file} cannot be a file: {error.strerror or error}.")


def announce_and_wait(address: str, ready_file: Path | None, words: str) -> None:
    """Print an address, and have it in a file, until SIGINT or SIGTERM.

    The file appears with the whole address in it, so that a script can wait for the file alone. A
    script may send the signal as soon as it is there: that is no interruption, too.

    Args:
        address: for clients.
        ready_file: the file.
        words: what is printed for people.
    """
    interrupts.listen()
    try:
        if ready_file is not None:
            part = ready_file.with_name(f".{ready_file.name}.{os.getpid()}")
            try:
                part.write_text(f"{address}\n")
                part.replace(ready_file)
            except OSError as error:
                reason = error.strerror or error
                fail(f"--ready-file: {ready_file} cannot be written: {reason}.")
        out.print(address)
        err.print(words, style="dim")
        wait_for_signal()
    except KeyboardInterrupt:
        pass
    finally:
        if ready_file is not None:
            ready_file.unlink(missing_ok=True)


def wait_for_signal() -> None:
    """Return at SIGINT or SIGTERM; a SIGINT that is ignored, as under `nohup`, stays ignored."""
    interrupts.listen()
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        pass
