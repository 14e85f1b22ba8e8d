"""The project's own files keep their word to each other."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def bounds(requirements):
    """Name and lower bound of each requirement, without the platform that it is for."""
    return {re.sub(r"\[.*\]|;.*|\s", "", requirement).lower() for requirement in requirements}


def test_environment_yml_has_the_dependencies_of_pyproject():
    lines = re.findall(r"^ +- ([\w.-]+>=[\d.]+)$", (ROOT / "environment.yml").read_text(), re.M)
    wanted = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["test"]
    assert set(lines) - {f"python{PROJECT['requires-python']}"} == bounds(wanted)


def test_every_dependency_has_a_lower_bound():
    extras = PROJECT["optional-dependencies"].values()
    for requirement in [*PROJECT["dependencies"], *(each for extra in extras for each in extra)]:
        assert re.search(r">=\d", requirement), requirement


def test_the_readme_names_every_top_level_part():
    readme = (ROOT / "README.md").read_text()
    for name in ("notebooks", "empkit", "docker", "tests", "environment.yml", "benchmarks"):
        assert f"`{name}" in readme, name


def test_imports_point_one_way():
    """The server never imports the lab, a client never the server, nothing the command line."""
    forbidden = {
        "server": ("lab", "cli", "experiment", "clients", "brokers", "faults", "proxy"),
        "clients": ("server", "lab", "cli", "experiment", "brokers", "faults", "proxy"),
        "brokers": ("server", "lab", "cli", "experiment", "clients"),
        "proxy": ("server", "lab", "cli", "experiment", "clients", "brokers"),
        "": ("cli",),
    }
    for folder, names in forbidden.items():
        for path in (ROOT / "empkit" / folder).rglob("*.py"):
            found = re.findall(r"^\s*(?:from|import) empkit\.(\w+)", path.read_text(), re.M)
            assert not set(found) & set(names), path


def test_importing_the_package_loads_nothing_heavy():
    code = (
        "import sys, empkit; heavy = {'pandas', 'matplotlib', 'fastapi', 'aiokafka', 'sqlalchemy'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
