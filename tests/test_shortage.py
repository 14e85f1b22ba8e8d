"""What commands say when descriptors or space run out: the cause, what to do, and a status."""

import contextlib
import errno
import os
import subprocess
import sys

import pytest

from empkit import Lab, LabError, Workload, shortage
from empkit.cli import ending
from tests.made_up_runs import made_up

COMMAND = [sys.executable, "-m", "empkit"]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits and mounts as on Linux")


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """Makes a small file system, which is then the folder for temporary files."""
    with contextlib.ExitStack() as cleanup:

        def make(size):
            folder = tmp_path / f"tiny-{size}"
            folder.mkdir()
            mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
            if subprocess.run(mount, capture_output=True, check=False).returncode:
                pytest.skip("only root may mount")
            cleanup.callback(subprocess.run, ["umount", "-l", str(folder)], check=True)
            monkeypatch.setenv("TMPDIR", str(folder))
            monkeypatch.setattr("tempfile.tempdir", None)
            return folder

        yield make


def limited(most, *arguments):
    """What a command says that may have so many descriptors, on one line, and its status."""
    import resource

    ended = subprocess.run(
        [*COMMAND, *arguments],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (most, most)),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return " ".join((ended.stdout + ended.stderr).split()), ended.returncode


@pytest.mark.slow
@pytest.mark.parametrize("most", [8, 16, 24, 48])
@pytest.mark.parametrize("command", ["compare", "serve --port 0", "broker"])
def test_a_command_without_enough_descriptors_says_how_many_it_needs(most, command, tmp_path):
    said, status = limited(
        most, *command.split(), *(["--out", str(tmp_path / "out")] if command == "compare" else [])
    )
    assert f"this process may have only {most}: raise the limit" in said
    assert "Traceback" not in said
    assert status == 2


@pytest.mark.slow
def test_a_server_may_have_more_descriptors_than_it_began_with(tmp_path):
    with Lab("none") as lab:
        import resource

        soft, hard = resource.prlimit(lab.server.pid, resource.RLIMIT_NOFILE)
        assert soft == hard or soft >= lab.settings.max_connections


def test_no_descriptor_left_is_said_with_what_to_do():
    said = shortage.said(OSError(errno.EMFILE, os.strerror(errno.EMFILE)))
    assert said.startswith("This process has no file descriptors left (Too many open files;")
    assert "ulimit -n 1024" in said


@pytest.mark.slow
@pytest.mark.parametrize("size", ["64k", "1m", "4m"])
def test_a_full_temporary_folder_is_named_and_nothing_is_left_in_it(size, tiny):
    folder = tiny(size)
    full = r"No space left on device: .* is full\. Free some space"
    with pytest.raises(LabError, match=full), Lab("none") as lab:
        # the fourth megabyte is filled by the database and the stamps, during the run
        lab.run("http", Workload(20_000, in_flight=32, warm_up=0))
    assert not list(folder.iterdir())


def test_results_for_which_there_is_no_place_at_all_are_said_to_be_lost(tiny, monkeypatch):
    folder = tiny("64k")
    # Python takes another folder if this one is full from the beginning
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    said = []
    assert ending.save([made_up(count=5_000)], folder / "out", said.append) == []
    assert "Nor can they be written to" in said[0]
    assert "is full. Free some space" in said[0]
    assert not list(folder.glob("empkit-results-*"))
