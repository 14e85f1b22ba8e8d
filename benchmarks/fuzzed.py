"""What is fuzzed, and the process that does it: `python -m benchmarks.fuzzed TARGET FOLDER`.

Nothing of the kit may be imported before atheris instruments it: of a module that is imported
already no branch is counted, and an input that reaches new code in it is thrown away.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any

MAX_BYTES = 4096

TARGETS = {
    "proxy": (
        "tests.proxy.test_relay",
        "test_the_stream_stays_the_same_in_order_and_content",
        "the streams that arrive are those that were sent, whatever toxics come and go",
    ),
    "consumer": (
        "tests.server.test_decoding",
        "test_each_message_becomes_a_row_or_a_dead_letter_as_the_schema_has_it",
        "each message becomes a row if the published schema calls it good, else a dead letter",
    ),
    "http": (
        "tests.clients.test_any_bytes",
        "test_over_http_each_answer_is_that_of_its_own_request",
        "no record gets the answer to another, each is that which h11 reads",
    ),
    "websocket": (
        "tests.clients.test_any_bytes",
        "test_over_a_websocket_each_answer_is_that_of_its_own_message",
        "no record gets the answer to another, none is acked but by its own",
    ),
    "files": (
        "tests.records.test_any_bytes",
        "every_row_is_read_or_reported",
        "only a sentence refuses a file, and every row of it is read or reported, in bounded time",
    ),
}
"""Module, test, and what must hold."""


def of(target: str) -> Callable[[bytes], Any]:
    """Return what takes one input: a function of bytes, or the property of Hypothesis, which makes
    its own inputs from them.

    Returns:
        The function; it returns None for an input that is too short to be one.
    """
    module, name, _ = TARGETS[target]
    test = getattr(importlib.import_module(module), name)
    found: Callable[[bytes], Any] = (
        test.hypothesis.fuzz_one_input if hasattr(test, "hypothesis") else test
    )
    return found


def seeds_of(target: str) -> list[bytes]:
    """Return the inputs to begin with that the module of a test has."""
    return list(getattr(importlib.import_module(TARGETS[target][0]), "SEEDS", []))


def main(target: str, folder: str) -> None:
    """Fuzz until the process is ended, from and into a folder of inputs."""
    import atheris  # noqa: PLC0415 - only here, and only where it is installed

    early = [name for name in sys.modules if name.partition(".")[0] == "empkit"]
    assert not early, f"imported before they are instrumented: {early}"
    with atheris.instrument_imports(include=["empkit"]):
        test = of(target)
    arguments = [
        *("fuzz", folder, "-timeout=60", "-rss_limit_mb=2048"),
        *(f"-max_len={MAX_BYTES}", "-len_control=0", f"-artifact_prefix={folder}/"),
    ]
    atheris.Setup(arguments, test)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
