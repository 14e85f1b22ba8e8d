"""The entry point of the command line: it handles signals before it imports what takes long."""

from __future__ import annotations

from empkit.processes import interrupts


def main() -> None:
    """Run the command line."""
    interrupts.listen()
    try:
        with interrupts.held():
            from empkit.cli import main as run  # noqa: PLC0415 - a signal during start-up is heard
        run()
    except KeyboardInterrupt:
        import sys  # noqa: PLC0415 - a signal during start-up is heard

        from empkit.results.status import of_signal  # noqa: PLC0415 - a signal during start-up is heard

        status = of_signal(interrupts.first())
        words = "Ended by SIGTERM" if interrupts.first() == "SIGTERM" else "Interrupted"
        sys.stderr.write(f"{words} before anything was started.\n")
        sys.exit(status)


if __name__ == "__main__":
    main()
