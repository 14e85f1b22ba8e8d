"""What was seen is collected here, and written into README.md when `--write-table` is given."""

import shutil
from pathlib import Path

import pytest

from services import LIBRARIES, Library
from table import write

README = Path(__file__).with_name("README.md")


class Seen:
    """What the scenarios saw, over the whole run.

    Args:
        broker: `embedded`, `apache` or an address.
    """

    def __init__(self, broker: str) -> None:
        self.broker = broker
        self.cells: dict[tuple[str, str, str], str] = {}
        self._versions: dict[str, str] = {}

    def version(self, library: Library) -> str:
        """Return the version of a library; empty when it is not installed."""
        if library.name not in self._versions:
            found = shutil.which(library.command[0])
            self._versions[library.name] = library.installed() if found else ""
        return self._versions[library.name]

    def note(self, library: Library, kind: str, name: str, cell: str) -> None:
        """Note a cell of the table."""
        self.cells[library.name, kind, name] = cell
        print(f"CELL {library.name} {kind} {name}: {cell}")

    def fails_without_a_fault(self, library: Library, kind: str) -> bool:
        """Return whether the service did not even work without a fault."""
        return self.cells.get((library.name, kind, "no fault"), "each once") != "each once"


def pytest_addoption(parser):
    parser.addoption(
        "--write-table", action="store_true", help="write what was seen into README.md"
    )


def pytest_configure(config):
    config.stash[_seen] = Seen(config.getoption("kafka"))


def pytest_sessionfinish(session):
    if session.config.getoption("--write-table"):
        seen = session.config.stash[_seen]
        versions = {library.name: seen.version(library) for library in LIBRARIES}
        ran = {name for name, _, _ in seen.cells}
        if left_out := [name for name, version in versions.items() if version and name not in ran]:
            pytest.exit(f"--write-table needs a run of all: {', '.join(left_out)} did not run.", 2)
        README.write_text(write(README.read_text(), seen.broker, versions, seen.cells))


@pytest.fixture
def seen(pytestconfig):
    return pytestconfig.stash[_seen]


_seen: pytest.StashKey[Seen] = pytest.StashKey()
