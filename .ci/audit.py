"""Look for known vulnerabilities in the packages of an environment, with pip-audit.

Usage: `python .ci/audit.py SITE_PACKAGES`, in an environment that has pip-audit. It ends with 1
when a package has a known vulnerability. The advisories come over the network; where they cannot be
had, it says so and ends with 0: that is no verdict on the packages.
"""

import json
import subprocess
import sys
from typing import Any


def audited(folder: str) -> list[dict[str, Any]] | str:
    """Return what is known of each package, or why nothing is."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pip_audit", "--path", folder, "--skip-editable"),
            *("--format", "json", "--progress-spinner", "off"),
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    try:
        packages: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except ValueError:
        return done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "no output"
    return packages


def main() -> None:
    """Print what was found."""
    packages = audited(sys.argv[1])
    if isinstance(packages, str):
        print(f"Not audited, since the advisories cannot be had here: {packages}")
        return
    known = [package for package in packages if "vulns" in package]
    if not known:
        print(f"Not audited: the advisories of none of {len(packages)} packages can be had here.")
        return
    print(f"{len(known)} of {len(packages)} packages were audited.")
    found = [(package, flaw) for package in known for flaw in package["vulns"]]
    for package, flaw in found:
        mended = ", ".join(flaw["fix_versions"]) or "no version yet"
        print(f"{package['name']} {package['version']}: {flaw['id']}, mended in {mended}")
    sys.exit(1 if found else 0)


main()
