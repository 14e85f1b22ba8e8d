"""The checks of a comparison before anything starts: options without effect, missing parts, folders
and databases that cannot be written.

    Asked (the options, and which of them were given) --> check --> a sentence, or nothing
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from empkit import addresses
from empkit.brokers import BrokerError
from empkit.clients import client_class
from empkit.clients.base import ClientError
from empkit.clients.control import NotThisKitError, with_control
from empkit.clients.register import check_look
from empkit.experiment.guarantees import Guarantees
from empkit.faults.base import Fault
from empkit.faults.timeline import At
from empkit.settings import Settings
from empkit.wire import Health

ANSWER_TIMEOUT_S = 5.0


class WrongUseError(ValueError):
    """An option cannot be carried out, or has no effect; nothing was run."""


@dataclass(frozen=True)
class Asked:
    """The options of a comparison.

    Attributes:
        given: the names of the options that were given, such as `--brokers`.
        protocols: as given; empty for all protocols.
        broker: which Kafka, by name; `none` for no Kafka.
        brokers: the number of brokers.
        consumers: how many members the consumer group has.
        server: URL of a server that already runs.
        database: URL of that server's database, as given.
        out: the folder of the results.
        faults: the faults, with or without times.
        grid: every combination of the guarantees.
        settings: all other settings.
    """

    given: Collection[str]
    protocols: Sequence[str]
    broker: str
    brokers: int
    consumers: int
    server: str | None
    database: str | None
    out: Path
    faults: Sequence[At | Fault]
    grid: Sequence[Guarantees]
    settings: Settings

    @property
    def open_loop(self) -> bool:
        """Whether records are offered at a rate."""
        return "--rate" in self.given

    @property
    def kafka(self) -> bool:
        """Whether any record goes through Kafka."""
        if not self.protocols:
            return self.broker != "none"
        return any(client_class(protocol).through_kafka for protocol in self.protocols)


def check(asked: Asked) -> None:
    """Check the options of a comparison, the cheapest checks first.

    Raises:
        WrongUseError: a check failed; the message says which, and what to do.
    """
    for find in (_protocols, _without_effect, _kafka, _guarantees, _faults):
        for sentence in find(asked):
            raise WrongUseError(sentence)
    check_folder(asked.out)
    if asked.database is not None:
        check_database(asked.database, "--database")
    elif asked.server is None and asked.settings.lab_database is not None:
        check_database(asked.settings.lab_database, "EMPKIT_LAB_DATABASE")


def _protocols(asked: Asked) -> Iterator[str]:
    """Yield why a protocol cannot be used."""
    for protocol in asked.protocols:
        try:
            check_look(protocol)
        except ValueError as error:
            yield str(error)


def _without_effect(asked: Asked) -> Iterator[str]:
    """Yield a sentence for each option that would change nothing."""
    given = asked.given
    if "--arrivals" in given and "--rate" not in given:
        yield (
            "--arrivals sets the gaps of an open loop and has no effect in a closed one: give "
            "--rate, too, or leave --arrivals out."
        )
    not_ours = {
        "--consumers": "how many consumers there are",
        "--commit": "when its consumer commits",
    }
    for name, what in not_ours.items():
        if asked.server is not None and name in given:
            yield (
                f"{name} has no effect on a server that already runs: that server decides {what}. "
                "Leave it out, or leave --server out."
            )
    if not asked.kafka:
        for name in ("--broker", "--brokers", "--consumers", "--acks", "--commit",
                     "--kafka-profile"):  # fmt: skip
            if name in given:
                yield (
                    f"{name} is about Kafka and has no effect here, where no record goes over it: "
                    f"add --protocol kafka, or leave {name} out."
                )
    if "--brokers" in given and asked.broker == "external":
        yield (
            "--brokers has no effect on an external Kafka, whose brokers run already: leave it out."
        )
    if asked.server is not None and asked.broker in ("embedded", "apache") and asked.kafka:
        yield (
            f"--broker {asked.broker} would start a Kafka from which the server at {asked.server} "
            "does not consume: use --broker external, with EMPKIT_KAFKA_BOOTSTRAP_SERVERS naming "
            "that server's brokers."
        )


def _kafka(asked: Asked) -> Iterator[str]:
    """Yield a sentence for each part of Kafka that is missing."""
    if not asked.kafka:
        return
    if asked.broker == "none":
        yield (
            "There is no Kafka for --protocol kafka: set EMPKIT_KAFKA_BOOTSTRAP_SERVERS=HOST:PORT "
            "to the brokers of that server."
            if asked.server
            else "There is no Kafka for --protocol kafka, since EMPKIT_LAB_BROKER is none: give "
            "--broker embedded."
        )
    try:
        if asked.broker == "apache":
            from empkit.brokers.install import find_java, find_kafka  # noqa: PLC0415 - start-up time

            find_java()
            find_kafka()
        elif asked.broker == "external":
            from empkit.brokers.admin import parse_addresses  # noqa: PLC0415 - start-up time

            servers = asked.settings.kafka_bootstrap_servers
            if not servers:
                yield (
                    "There is no address of a broker. Set EMPKIT_KAFKA_BOOTSTRAP_SERVERS="
                    "HOST:PORT, or use the embedded broker."
                )
            parse_addresses(servers or "")
    except BrokerError as error:
        yield str(error)


def _guarantees(asked: Asked) -> Iterator[str]:
    """Yield a sentence for each guarantee that the chosen Kafka cannot give."""
    if not asked.kafka:
        return
    for guarantees in asked.grid:
        wanted = guarantees.applied(asked.settings)
        special = wanted.kafka_flush or wanted.kafka_transactional
        name = f"--kafka-profile {guarantees.profile}" if guarantees.profile else "this"
        if special and asked.broker == "embedded":
            yield (
                f"{name} needs Apache Kafka (--broker apache): the embedded broker has no disk to "
                "flush to, and shows the records of a transaction before it is committed."
            )
        if special and asked.server is not None:
            yield (
                f"{name} changes the topic or the consumer of the server at {asked.server}, which "
                "is not the lab's own: leave it out, or leave --server out."
            )
        if wanted.kafka_transactional and wanted.kafka_acks != "all":
            yield (
                f"{name} sends in transactions, which need the acks of all: leave --acks "
                f"{wanted.kafka_acks} out."
            )


def _faults(asked: Asked) -> Iterator[str]:
    """Faults that cannot strike here."""
    for each in asked.faults:
        fault = each.fault if isinstance(each, At) else each
        if reason := fault.hindrance(asked):
            yield f"--fault {fault} cannot strike here: {reason}."


def check_folder(folder: Path) -> None:
    """Create a folder, write into it, and remove what was created.

    Raises:
        WrongUseError: the folder cannot be written.
    """
    created = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise WrongUseError(
            f"The results cannot be written to {folder}: {error.strerror or error}. Choose another "
            "folder with --out."
        ) from None
    finally:
        for path in created:
            if path.is_dir():
                path.rmdir()


def check_database(url: str, name: str) -> None:
    """Connect to a database and change nothing in it.

    Args:
        url: of the database.
        name: the option or the variable in which the user gave it.

    Raises:
        WrongUseError: the kit does not support the database, its driver is missing, or it does not
            answer.
    """
    from empkit.databases.engine import (  # noqa: PLC0415 - start-up time
        database_of,
        make_engine,
    )

    try:
        engine = make_engine(url)
    except ValueError as error:
        raise WrongUseError(f"{name}: {error}") from None
    try:
        if reason := database_of(url).hindrance(engine):
            raise WrongUseError(f"{name}: {reason}")
    finally:
        engine.dispose()


def ask_server(settings: Settings) -> Health:
    """Return the health of a server that already runs.

    Raises:
        WrongUseError: no server answers at the URL, or one that is not of this kit.
    """
    url = settings.server_url
    try:
        addresses.parse(url, "http", "https")
    except ValueError as error:
        raise WrongUseError(str(error)) from None
    try:
        return with_control(settings, lambda control: control.health(), timeout_s=ANSWER_TIMEOUT_S)
    except NotThisKitError as error:
        if error.code == 200:
            words = f"{url} does not answer /health as a server of this kit does."
        else:
            words = f"{url} answers /health with {error.code}: that is not a server of this kit."
        raise WrongUseError(words) from None
    except ClientError as error:
        raise WrongUseError(
            f"No server answers at {url}: {str(error).rstrip('.')}. Start one with `empkit serve`, "
            "or give its URL with --server."
        ) from None
