"""The gate's look for known vulnerabilities: what it says and how it ends. pip-audit itself is a
stand-in, since its advisories change from day to day."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

AUDIT = Path(__file__).parents[1] / ".ci" / "audit.py"
FLAW = {"id": "PYSEC-0000-1", "fix_versions": ["1.1"]}
SOUND = {"name": "sound", "version": "2.0", "vulns": []}
FLAWED = {"name": "flawed", "version": "1.0", "vulns": [FLAW]}
UNKNOWN = {"name": "unknown", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("printed", "status", "words"),
    [
        ([SOUND, UNKNOWN], 0, "1 of 2 packages were audited."),
        ([SOUND, FLAWED], 1, "flawed 1.0: PYSEC-0000-1, mended in 1.1"),
        ([UNKNOWN], 0, "Not audited: the advisories of none of 1 packages can be had here."),
        (None, 0, "Not audited, since the advisories cannot be had here: no network"),
    ],
)
def test_a_known_vulnerability_fails_the_gate_and_no_advisories_are_no_verdict(
    tmp_path, printed, status, words
):
    said = "" if printed is None else json.dumps({"dependencies": printed})
    (tmp_path / "pip_audit.py").write_text(
        f"import sys\nprint({said!r})\nprint('no network', file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, AUDIT, tmp_path],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == status
    assert words in done.stdout
