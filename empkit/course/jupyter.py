"""JupyterLab, for `empkit lab`: Ctrl-C while it starts ends it without a traceback."""

from __future__ import annotations

import os
import signal
import sys
from typing import NoReturn


def _end(*_: object) -> NoReturn:
    """End at once: nothing has been started yet."""
    os.write(2, b"Interrupted before JupyterLab had started.\n")
    os._exit(130)


def main() -> None:
    """Run JupyterLab; it takes the arguments of the command line."""
    signal.signal(signal.SIGINT, _end)
    if sys.platform != "win32":  # `empkit lab` has blocked it until here
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    from jupyter_server import serverapp  # noqa: PLC0415 - a signal during start-up is heard
    from jupyterlab import labapp  # noqa: PLC0415 - a signal during start-up is heard

    class ServerApp(serverapp.ServerApp):
        """The server, which from its start on handles Ctrl-C itself."""

        def start_ioloop(self) -> None:
            """Run until the end; without a terminal it wants Python's own handler."""
            if signal.getsignal(signal.SIGINT) is _end:
                signal.signal(signal.SIGINT, signal.default_int_handler)
            super().start_ioloop()

    class LabApp(labapp.LabApp):  # type: ignore[misc]
        """JupyterLab on that server."""

        serverapp_class = ServerApp

    sys.argv[0] = "jupyter-lab"
    LabApp.launch_instance()


if __name__ == "__main__":
    main()
