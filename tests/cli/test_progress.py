"""Reading a large file: a terminal shows how far it is, and Ctrl-C ends it at once."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.signals import hearing

pty = pytest.importorskip("pty", reason="Windows has no pseudo-terminals")
fcntl = pytest.importorskip("fcntl")
termios = pytest.importorskip("termios")

ROWS = 600_000
SIZE = b"\x18\x00\x64\x00" + bytes(4)
"""24 lines of 100 columns."""
AT_ONCE_S = 5.0
"""In seconds; the file takes longer on any machine, and a busy one takes some to end a process."""


@pytest.mark.slow
def test_a_large_file_shows_how_far_reading_is_and_ctrl_c_ends_it_with_130(tmp_path):
    file = tmp_path / "large.csv"
    rows = b"".join(b"E%d,Nia,Orr\n" % number for number in range(ROWS))
    file.write_bytes(b"employee_id,first_name,last_name\n" + rows)
    terminal, its_end = pty.openpty()
    fcntl.ioctl(its_end, termios.TIOCSWINSZ, SIZE)
    command = hearing([sys.executable, "-m", "empkit", "send", str(file)])
    shown = b""
    with subprocess.Popen(command, stdin=its_end, stdout=its_end, stderr=its_end) as process:
        os.close(its_end)
        while b"%|" not in shown:
            shown += os.read(terminal, 4096)
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        with contextlib.suppress(OSError):  # the other end is closed
            while more := os.read(terminal, 4096):
                shown += more
        status = process.wait()
    os.close(terminal)
    assert status == 130
    assert time.monotonic() - began < AT_ONCE_S
    assert b"Interrupted." in shown
    assert b"Traceback" not in shown
