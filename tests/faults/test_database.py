"""Faults of the database: while one lasts nothing is stored, and then everything is again."""

import sys

import psutil
import pytest

from empkit.faults import DatabaseLock, DiskFull, FaultError, Scene
from tests.conftest import employee, post


@pytest.mark.slow
def test_while_one_holds_the_lock_no_other_can_take_it_and_then_records_are_stored(lab, fresh_id):
    undo = DatabaseLock().strike(Scene(lab))
    try:
        with pytest.raises(FaultError, match="The lock could not be taken"):
            DatabaseLock().strike(Scene(lab))
    finally:
        undo()
    assert post(lab, employee(fresh_id))[0] == 201


@pytest.mark.skipif(sys.platform != "linux", reason="Only Linux can limit another process's files.")
def test_on_a_full_disk_nothing_is_stored_until_there_is_room_again(lab, fresh_id):
    server = psutil.Process(lab.server.pid)
    before = server.rlimit(psutil.RLIMIT_FSIZE)
    undo = DiskFull().strike(Scene(lab))
    try:
        assert server.rlimit(psutil.RLIMIT_FSIZE)[0] == 0
        if lab.database_url.startswith("sqlite"):  # another one's server writes its own files
            assert post(lab, employee(fresh_id))[0] == 503
    finally:
        undo()
    assert server.rlimit(psutil.RLIMIT_FSIZE) == before
    assert post(lab, employee(fresh_id))[0] == 201
