"""While coverage records: let those children save what they ran that have nothing to put in order.

The kit kills an embedded broker, and a load generator that has reported its end, since that is
quick and loses nothing. Here they are asked to end first, so that coverage hears of it and saves.
"""

import os

from empkit.processes.child import Child, Processes


def is_recorded() -> bool:
    """Whether coverage records, child processes included."""
    return "COVERAGE_PROCESS_CONFIG" in os.environ


def end_politely() -> None:
    """Ask brokers and load generators to end when they are released, before they are killed.

    A fault that kills one does not release it, and still kills it; so does all that kills a server.
    """
    release = Processes.release

    def politely(self: Processes, child: Child, *, kill: bool = False) -> None:
        has_state = not (child.name == "broker" or child.name.startswith("generator-"))
        release(self, child, kill=kill and has_state)

    Processes.release = politely
