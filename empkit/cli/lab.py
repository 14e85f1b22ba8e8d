"""`empkit lab`: open the course in JupyterLab.

Imports inside the function keep the start of the command line fast.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from empkit.cli.common import fail, out


def lab(
    folder: Annotated[
        Path, typer.Option("--to", help="Where the working copy of the notebooks is.")
    ] = Path("empkit-notebooks"),
    fresh: Annotated[
        bool,
        typer.Option(
            help="Start from the originals; changed notebooks are kept as NAME.mine.ipynb."
        ),
    ] = False,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port of JupyterLab.")] = 8888,
    browser: Annotated[bool, typer.Option(help="Open the browser.")] = True,
) -> None:
    """Open the course in JupyterLab, in a working copy, so that the originals stay unchanged.

    Ctrl-C stops it.
    """
    from empkit.course.notebooks import working_copy
    from empkit.processes.child import module_command

    try:
        aside = working_copy(folder, fresh=fresh)
    except OSError as error:
        fail(f"The notebooks cannot be copied to {folder}: {error}")
    for path in aside:
        out.print(f"Your version is kept as {path}")
    out.print(f"The notebooks are in {folder}; JupyterLab is starting, Ctrl-C stops it.")
    sys.stdout.flush()
    arguments = ["--ip=127.0.0.1", f"--port={port}", f"--ServerApp.root_dir={folder.resolve()}"]
    arguments += ["--JupyterApp.answer_yes=True"]  # otherwise Ctrl-C asks for confirmation
    if not browser:
        arguments.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--allow-root")  # as in a container; it listens on loopback only
    # JupyterLab replaces this process: Ctrl-C goes to it, and its exit status is the command's
    if sys.platform != "win32":  # until the other program listens to it
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    os.execv(sys.executable, module_command("empkit.course.jupyter", *arguments))  # noqa: S606
