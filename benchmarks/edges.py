"""Every table of the edges, one after the other: `python -m benchmarks.edges --write`.

    clients     foreign servers, wrong addresses, no descriptors, a full folder
    server      attacks, each with and without its bound
    databases   files that go, fail-overs, no connection left
    kafka       what becomes of acked records on Apache Kafka

It takes some minutes, and the last two need PostgreSQL and Apache Kafka on this machine.
"""

from __future__ import annotations

import subprocess
import sys

PARTS = ("clients", "server", "database", "kafka")


def main() -> None:
    """Run each part with the options given; end with 1 if one did."""
    if {"-h", "--help"} & set(sys.argv):
        print(__doc__)
        return
    failed = [
        part
        for part in PARTS
        if subprocess.run(
            [sys.executable, "-m", f"benchmarks.edges_{part}", *sys.argv[1:]], check=False
        ).returncode
    ]
    for part in failed:
        print(f"benchmarks.edges_{part} failed; see above.", file=sys.stderr)
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
