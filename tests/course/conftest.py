"""What tests of the course share: a working folder with a reader in it."""

import pytest

from empkit.course import ledger


@pytest.fixture
def reader(tmp_path, monkeypatch):
    """A working folder of its own, and somebody who guesses, which a run of the tests has not."""
    monkeypatch.delenv("EMPKIT_GUESS")
    monkeypatch.setattr(ledger, "_in_memory", {})
    monkeypatch.chdir(tmp_path)
    return tmp_path
