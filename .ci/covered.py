"""Check which files of the package the tests cover too little, from coverage's JSON report.

Usage: `python .ci/covered.py coverage.json tests/README.md --least 85`

A file of which the tests run less (its lines and branches together) has to be named under the
heading "Coverage" of the page, with its reason. A name there that no file needs any more is
printed, so that the page does not grow old.
"""

import argparse
import json
import re
import sys
from pathlib import Path


def named(page: str) -> set[str]:
    """Return the files, below `empkit/`, that the page's table under "Coverage" names."""
    section = page.partition("\n## Coverage\n")[2].partition("\n## ")[0]
    rows = (line for line in section.splitlines() if line.startswith("| `"))
    return {match[1] for row in rows if (match := re.match(r"\| `([^`]+\.py)` \|", row))}


def shares(report: dict[str, dict[str, dict[str, dict[str, float]]]]) -> dict[str, float]:
    """Return how much of each file was run, in percent, by its path below `empkit/`."""
    return {
        path.replace("\\", "/").rpartition("empkit/")[2]: file["summary"]["percent_covered"]
        for path, file in report["files"].items()
    }


def main() -> None:
    """Print the files below the least share; the status is 1 if one of them has no reason."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("report", type=Path)
    parser.add_argument("page", type=Path)
    parser.add_argument("--least", type=float, required=True, help="in percent")
    options = parser.parse_args()
    report = json.loads(options.report.read_text())
    found, reasons = shares(report), named(options.page.read_text())
    below = {path: share for path, share in found.items() if share < options.least}
    total = report["totals"]
    print(
        f"{total['percent_covered']:.1f} % of {total['num_statements']:,} statements and "
        f"{total['num_branches']:,} branches; {len(below)} of {len(found)} files are below "
        f"{options.least:.0f} %."
    )
    for path, share in sorted(below.items()):
        print(f"  {share:.0f} % {path}{'' if path in reasons else ': no reason is given'}")
    for path in sorted(reasons - below.keys()):
        print(f"  {path} has a reason in {options.page} and needs none here.")
    if missing := below.keys() - reasons:
        sys.exit(
            f"Cover {len(missing)} files with tests, or name each with its reason in the table "
            f'under "Coverage" in {options.page}.'
        )


if __name__ == "__main__":
    main()
