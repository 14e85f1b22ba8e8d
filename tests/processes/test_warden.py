"""The warden's ways to end processes."""

import os
import subprocess
import sys

import pytest

from empkit.processes import warden


def test_on_windows_the_whole_tree_below_a_process_is_ended(tmp_path, monkeypatch):
    """By `taskkill /T`, since there are no process groups."""
    said = tmp_path / "said"
    taskkill = tmp_path / "taskkill"
    taskkill.write_text(f'#!/bin/sh\necho "$@" > {said}\n')
    taskkill.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(warden.sys, "platform", "win32")
    warden.kill_group(4711)
    assert said.read_text() == "/F /T /PID 4711\n"


@pytest.mark.skipif(sys.platform == "win32", reason="there are no process groups")
def test_a_child_of_a_child_is_ended_with_it():
    child = subprocess.Popen(
        ["sh", "-c", "sleep 600 & echo $!; wait"], stdout=subprocess.PIPE, start_new_session=True
    )
    grandchild = int(child.stdout.readline())
    warden.kill_group(child.pid)
    assert child.stdout.read() == b""  # the pipe closes when the last one that holds it is gone
    child.wait()
    child.stdout.close()
    assert grandchild != child.pid
