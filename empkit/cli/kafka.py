"""`empkit kafka install`: fetch Apache Kafka.

Imports inside the function keep the start of the command line fast.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from empkit.cli.common import fail, out


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
