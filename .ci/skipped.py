"""Print the tests that a run of pytest skipped, from its JUnit XML file.

Usage: `python .ci/skipped.py results.xml` prints one node id a line;
`python .ci/skipped.py results.xml --counted .ci/skips.toml` prints how many were skipped for which
reason, and fails when there is a new reason, or more tests than the file says.
"""

import argparse
import collections
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree


def skipped(results: Path) -> Iterator[tuple[str, str]]:
    """Yield the node id and the reason of each; a test's class there is its file's path with
    dots."""
    for case in ElementTree.parse(results).iter("testcase"):  # noqa: S314 (our own file)
        reason = case.find("skipped")
        if reason is not None:
            name = f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name')}"
            yield name, reason.get("message", "")


def too_many(reasons: list[str], allowed: dict[str, int]) -> Iterator[str]:
    """Yield what grew unseen, each a sentence.

    Args:
        reasons: why tests were skipped, one each.
        allowed: how many at most for a reason that begins so.
    """
    counts: collections.Counter[str] = collections.Counter()
    for reason in reasons:
        counts[next((begin for begin in allowed if reason.startswith(begin)), reason)] += 1
    for reason, count in counts.items():
        if count > allowed.get(reason, 0):
            yield f"{count} tests are skipped, at most {allowed.get(reason, 0)} may be: {reason}"


def main() -> None:
    """Print them, or count them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("--counted", type=Path, metavar="TOML")
    options = parser.parse_args()
    found = list(skipped(options.results))
    if options.counted is None:
        print(*(name for name, _ in found), sep="\n", end="\n" if found else "")
        return
    reasons = [re.sub(r"\s+", " ", reason) for _, reason in found]
    print(f"{len(found)} tests were skipped.")
    for reason, count in collections.Counter(reasons).most_common():
        print(f"  {count}: {reason}")
    grown = list(too_many(reasons, tomllib.loads(options.counted.read_text())["at_most"]))
    if grown:
        sys.exit("\n".join([*grown, f"Mend it, or write the new number into {options.counted}."]))


if __name__ == "__main__":
    main()
