"""Print the tests that a run of pytest skipped, one node id a line, from its JUnit XML file.

Usage: `python .ci/skipped.py results.xml`
"""

import sys
from xml.etree import ElementTree


def main() -> None:
    """Print them; a test's class name there is its file's path with dots."""
    for case in ElementTree.parse(sys.argv[1]).iter("testcase"):  # noqa: S314 (our own file)
        if case.find("skipped") is not None:
            print(f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name')}")


main()
