"""`empkit sample`: a file to begin with."""

import io
import subprocess
import sys

from empkit import read_records, sample_records


def test_the_file_that_it_writes_is_read_as_the_records_that_it_made_up():
    command = [sys.executable, "-m", "empkit", "sample", "30", "--seed", "7"]
    written = subprocess.run(command, capture_output=True, check=True).stdout
    found = read_records(io.BytesIO(written))
    assert found.records == sample_records(30, seed=7)
    assert (found.unreadable, found.renamed, found.kept) == ([], {}, [])
