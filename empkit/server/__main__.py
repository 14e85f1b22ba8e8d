"""Runs the server as a child process: `python -m empkit.server`; see `empkit.server.run`."""

import gc


def main() -> None:
    """Import the server without looking for garbage, and run it as a child process."""
    # What is imported stays, and looking for garbage among it took 14 % of the time that it needs;
    # the server enables the collection when it has started.
    gc.disable()
    from empkit.server.run import main as run  # noqa: PLC0415 - see above

    run()


if __name__ == "__main__":
    main()
