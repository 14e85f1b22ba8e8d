"""`empkit check`: try each protocol, step by step.

Imports inside the function keep the start of the command line fast.
"""

from __future__ import annotations

from typing import Annotated

import typer

from empkit.cli.common import Kafka, out, plain, settings_with_user


def check(
    server: Annotated[
        str | None, typer.Option(help="The server's URL.", show_default="http://127.0.0.1:8000")
    ] = None,
    kafka: Kafka = None,
) -> None:
    """Try each protocol, step by step, and say what is wrong and what to do about it.

    Exit status: 0 every step worked, 1 one did not.
    """
    from empkit.check import check_all

    settings = settings_with_user(server)
    if kafka is not None:
        settings = settings.model_copy(update={"kafka_bootstrap_servers": kafka})
    failed = False
    for step in check_all(settings):
        mark = {"ok": "[green]ok[/]  ", "failed": "[red]FAIL[/]", "skipped": "[yellow]--[/]  "}
        out.print(f"{mark[step.state]} {step.protocol:<10} {plain(step.what)}")
        if step.advice:
            out.print(f"                {plain(step.advice)}")
        failed |= step.state == "failed"
    if failed:
        raise typer.Exit(1)
