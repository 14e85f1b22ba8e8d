"""A signal that comes while the command line is still imported."""

import subprocess
import sys

import pytest

from tests.signals import hearing

SENDS = """
import os, signal, sys

class Signals:
    def find_spec(self, name, *_):
        if name == "empkit.cli":
            os.kill(os.getpid(), signal.{signal})

sys.meta_path.insert(0, Signals())
from empkit.__main__ import main
main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize(
    ("signal", "status", "words"),
    [("SIGINT", 130, "Interrupted"), ("SIGTERM", 143, "Ended by SIGTERM")],
)
def test_a_signal_before_anything_was_started_is_said_and_is_the_exit_status(signal, status, words):
    done = subprocess.run(
        hearing([sys.executable, "-c", SENDS.format(signal=signal), "schema"]),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == f"{words} before anything was started.\n"
    assert (done.returncode, done.stdout) == (status, "")
