"""`empkit send`: send the records of a file to a running server.

Imports inside the functions keep the start of the command line fast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from empkit.cli.common import Kafka, err, fail, one_line, out, plain, settings_with_user
from empkit.cli.reading import read_file, with_reading
from empkit.clients import PROTOCOLS
from empkit.processes import interrupts

if TYPE_CHECKING:
    from empkit.records.encoded import EncodedRecords
    from empkit.records.reading import Reading
    from empkit.settings import Settings

NOT_ALL = 1
"""The exit status when not all rows of the file were accepted."""


@with_reading
def send(
    file: Annotated[
        str,
        typer.Argument(help="CSV, JSON, JSON Lines, .xlsx, .ods or Parquet; - is standard input."),
    ],
    mode: Annotated[
        str,
        typer.Option(
            metavar=f"{'|'.join(PROTOCOLS)}|MODULE:CLASS",
            help="Over which protocol, also your own.",
        ),
    ] = "http",
    server: Annotated[str | None, typer.Option(help="The server's URL.")] = None,
    kafka: Kafka = None,
    in_flight: Annotated[int, typer.Option(min=1, help="Records under way at any time.")] = 32,
    reading: Reading | None = None,
) -> None:
    """Send a file for real: each record once, under its own id, to a running server.

    Prints a line for each record that was not accepted, and a final count. Exit status: 0 all rows
    of the file accepted, 1 not all (none if the server cannot be reached, or takes no connection
    now), 2 wrong use. Sending the same file again changes nothing: a
    record that is already stored with the same content counts as accepted.

    A value that cannot be used is reported, and its record sent without it, unless the record
    needs it (id and names) or --strict-values is given.

    Examples:

      empkit send employees.csv

      empkit send export.csv --column employee_id='User Id' --decimal , --date-format %d.%m.%Y

      empkit send no-headings.csv --column employee_id=1 --column full_name=2
    """
    from empkit.clients import ClientError
    from empkit.clients.base import NotSentError

    content = read_file(file, reading)
    records = content.records
    settings = settings_with_user(server)
    if kafka is not None:
        settings = settings.model_copy(update={"kafka_bootstrap_servers": kafka})
    counts = {"acked": 0, "refused": 0, "failed": 0, "unknown": 0}
    try:
        interrupts.run(_send_all(records, mode, settings, in_flight, counts))
    except KeyboardInterrupt:
        known = sum(counts.values())
        err.print(
            f"{known:,} of {len(records):,} were sent and answered ({counts['acked']:,} acked); up "
            f"to {min(in_flight, len(records) - known):,} more may have been sent. Sending "
            "the same file again does not change what is stored.",
            style="yellow",
        )
        raise
    except NotSentError as error:  # nothing is wrong with the command: it may succeed later
        fail(f"{error} `empkit check` says more.", NOT_ALL)
    except (ClientError, ValueError) as error:
        fail(f"{error} `empkit check` says more.")
    total = sum(counts.values())
    out.print(f"{total} sent: " + ", ".join(f"{count} {name}" for name, count in counts.items()))
    if content.unreadable:
        err.print(
            plain(f"Rows of {file} that were not sent: {len(content.unreadable)}; see above."),
            style="yellow",
        )
    if counts["acked"] < total or content.unreadable:
        raise typer.Exit(NOT_ALL)


async def _send_all(
    records: EncodedRecords,
    mode: str,
    settings: Settings,
    in_flight: int,
    counts: dict[str, int],
) -> None:
    """Send all records, and count the outcomes in `counts` as they arrive."""
    import asyncio

    from tqdm import tqdm

    from empkit.clients import connect

    left = zip(records, records.payloads(), strict=True)
    with tqdm(total=len(records), unit="rec", delay=2, leave=False, disable=None) as bar:
        async with connect(mode, settings) as client, asyncio.TaskGroup() as workers:

            async def worker() -> None:
                for record, payload in left:
                    reply = await client.send_encoded(record["employee_id"], payload)
                    counts[reply.outcome] += 1
                    bar.update()
                    if reply.outcome != "acked":
                        what = f"{reply.outcome}: {record['employee_id']}: {reply.message}"
                        bar.write(one_line(what))

            for _ in range(in_flight):
                workers.create_task(worker())
