"""`empkit sample`: a file to begin with."""

import io
import subprocess
import sys
from pathlib import Path

import pytest

from empkit import read_records, sample_records


def test_a_sample_file_is_read_as_the_records_that_were_made_up():
    command = [sys.executable, "-m", "empkit", "sample", "30", "--seed", "7"]
    written = subprocess.run(command, capture_output=True, check=True).stdout
    found = read_records(io.BytesIO(written))
    assert found.records == sample_records(30, seed=7)
    assert (found.unreadable, found.renamed, found.kept) == ([], {}, [])


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /dev/full")
def test_an_output_that_is_full_is_not_called_a_folder():
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "empkit", "sample", "3"],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 2
    assert "No space left on device, where the output goes" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows removes no folder that is in use")
def test_a_working_folder_that_was_removed_is_named(tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    script = f"import os, runpy; os.chdir({str(gone)!r}); os.rmdir({str(gone)!r})\n"
    script += (
        "import sys; sys.argv = ['empkit', 'sample', '3']\nfrom empkit.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "The working folder was removed" in done.stderr
