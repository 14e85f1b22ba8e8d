"""`empkit dlq`: list dead letters, and send them again.

Imports inside the function keep the start of the command line fast.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from empkit.cli.common import Kafka, fail, one_line, out, plain, settings_of
from empkit.processes import interrupts


def dlq(
    kafka: Kafka = None,
    resend: Annotated[
        Path | None,
        typer.Option(
            help="A file of dead letters, as this command lists them with --json, with "
            "corrected values; they are sent to the topic again."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line: a file to correct and resend.")
    ] = False,
) -> None:
    """List the records that the consumer refused, with the reason; resend corrected ones."""
    from aiokafka.errors import KafkaError

    from empkit.kafka import dead_letters

    settings = settings_of(kafka_bootstrap_servers=kafka)
    if not settings.kafka_bootstrap_servers:
        fail("There are no brokers to ask. Give --kafka HOST:PORT.")
    corrected = _read_corrected(resend) if resend is not None else None
    try:
        if corrected is not None:
            count = interrupts.run(dead_letters.send_again(settings, corrected))
            out.print(f"{count} sent to {settings.kafka_topic}")
            return
        letters = interrupts.run(dead_letters.read_dead_letters(settings))
    except (KafkaError, OSError, ValueError) as error:
        fail(f"{settings.kafka_bootstrap_servers}: {error}. `empkit check` says more.")
    for letter in letters:
        if as_json:
            sys.stdout.write(json.dumps(letter.to_json()) + "\n")
        else:
            again = " (sent again)" if letter.resent else ""
            line = one_line(f"{letter.position}: {letter.reason}{again}")
            out.print(plain(line), soft_wrap=True)
    if not as_json:
        resent = sum(letter.resent for letter in letters)
        again = f", {resent} of them sent again" if resent else ""
        out.print(f"{len(letters)} dead letters in {settings.dead_letter_topic}{again}")


def _read_corrected(file: Path) -> list[tuple[str | None, bytes | None, bytes]]:
    """Return position, key and value of each dead letter in a file that is still to be sent."""
    from empkit.kafka.dead_letters import as_bytes

    number = resent = 0
    corrected = []
    try:
        for number, text in enumerate(file.read_text().splitlines(), start=1):  # noqa: B007
            if not text.strip():
                continue
            line = json.loads(text)
            if line.get("resent"):
                resent += 1
            else:
                key, value = as_bytes(line.get("key")), as_bytes(line["value"])
                corrected.append((_position(line), key, value))
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}.")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        why = f"line {number}: {type(error).__name__} {error}"
        fail(f"{file} is not what `empkit dlq --json` prints, in {why}.")
    if resent:
        out.print(f"{resent} left out: sent again before")
    filled = [(position, key, value) for position, key, value in corrected if value is not None]
    if len(filled) < len(corrected):
        out.print(f"{len(corrected) - len(filled)} left out: their value is null; write one")
    return filled


def _position(line: dict[str, Any]) -> str | None:
    """Return the position of a letter; None of a line that was written by hand without one."""
    if line.keys() >= {"topic", "partition", "offset"}:
        return f"{line['topic']}/{line['partition']}/{line['offset']}"
    return None
