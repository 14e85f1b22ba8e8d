"""What the gate's own scripts conclude: the budget of time, the tests that were skipped, the files
that are covered too little, and known vulnerabilities, for which pip-audit is a stand-in, since its
advisories change from day to day."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

GATE = Path(__file__).parents[1] / ".ci"


def script(name):
    """A script of the gate, as a module."""
    spec = importlib.util.spec_from_file_location(name, GATE / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("seconds", "others", "status", "words"),
    [
        (200, 0.0, 0, "Within the budget: 200 s of 300 s"),
        (280, 0.0, 0, "Warning: 280 s of 300 s; others took 0% of the processors: more than 90%"),
        (301, 0.05, 1, "Too long: 301 s of 300 s"),
        (301, 0.5, 0, "whether the budget holds on a quiet machine is not known"),
    ],
)
def test_the_budget_warns_from_nine_tenths_and_fails_beyond_unless_others_took_the_time(
    seconds, others, status, words
):
    found, said = script("budget").verdict(seconds, 300, others)
    assert found == status
    assert words in said


def test_what_others_took_is_what_is_neither_idle_nor_ours():
    began = [0] * 10
    ended = [400, 0, 100, 500, 0, 0, 0, 0, 0, 0]  # ticks: 5 s busy, 5 s idle
    assert script("budget").taken_by_others(began, ended, 4.0, 100) == pytest.approx(0.1)


@pytest.mark.skipif(sys.platform != "linux", reason="the gate runs on Linux")
def test_a_command_over_its_budget_fails_and_one_that_fails_keeps_its_status():
    run = [sys.executable, GATE / "budget.py", "--seconds"]
    for seconds, command, status in (("60", "exit 3", 3), ("60", "true", 0)):
        done = subprocess.run([*run, seconds, "--", "sh", "-c", command], check=False)
        assert done.returncode == status


RESULTS = """<testsuites><testsuite>
<testcase classname="tests.cli.test_cli" name="test_a"><skipped message="kcat is not here."/>
</testcase>
<testcase classname="tests.cli.test_cli" name="test_b"><skipped message="kcat is not here."/>
</testcase>
<testcase classname="tests.cli.test_cli" name="test_c"/></testsuite></testsuites>"""


@pytest.mark.parametrize(
    ("allowed", "said"),
    [
        ('"kcat is" = 2', ""),
        ('"kcat is" = 1', "2 tests are skipped, at most 1 may be: kcat is"),
        ("", "2 tests are skipped, at most 0 may be: kcat is not here."),
    ],
)
def test_skipped_tests_are_counted_and_may_not_grow_unseen(tmp_path, allowed, said):
    (tmp_path / "results.xml").write_text(RESULTS)
    (tmp_path / "skips.toml").write_text(f"[at_most]\n{allowed}\n")
    run = [sys.executable, GATE / "skipped.py", tmp_path / "results.xml"]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    assert done.stdout == "tests/cli/test_cli.py::test_a\ntests/cli/test_cli.py::test_b\n"
    counting = [*run, "--counted", tmp_path / "skips.toml"]
    done = subprocess.run(counting, capture_output=True, text=True, check=False)
    assert "2 tests were skipped." in done.stdout
    assert done.returncode == bool(said)
    assert said in done.stderr


PAGE = """# Tests

## Coverage

| file | why |
| --- | --- |
| `proxy/relay.py` | it is killed |

## More

| `proxy/flow.py` | under another heading |
"""


@pytest.mark.parametrize(
    ("file", "share", "said"),
    [
        ("proxy/flow.py", 84.0, "Cover 1 files with tests, or name each with its reason"),
        ("proxy/flow.py", 85.0, ""),
        ("proxy/relay.py", 10.0, ""),
    ],
)
def test_a_file_that_is_covered_too_little_fails_the_gate_unless_the_page_says_why(
    tmp_path, file, share, said
):
    report = {
        "files": {f"empkit/{file}": {"summary": {"percent_covered": share}}},
        "totals": {"percent_covered": share, "num_statements": 1_000, "num_branches": 200},
    }
    (tmp_path / "coverage.json").write_text(json.dumps(report))
    (tmp_path / "README.md").write_text(PAGE)
    run = [sys.executable, GATE / "covered.py", tmp_path / "coverage.json", tmp_path / "README.md"]
    done = subprocess.run([*run, "--least", "85"], capture_output=True, text=True, check=False)
    assert f"{share:.1f} % of 1,000 statements and 200 branches" in done.stdout
    assert done.returncode == bool(said)
    assert said in done.stderr


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
        [sys.executable, GATE / "audit.py", tmp_path],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == status
    assert words in done.stdout
