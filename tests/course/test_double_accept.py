"""The mistake of accepting a WebSocket twice."""

import asyncio

import pytest

from empkit.course.double_accept import try_double_accept


@pytest.mark.slow
def test_after_a_second_accept_the_client_sees_a_closed_connection_and_the_log_says_why(lab):
    seen = asyncio.run(try_double_accept(lab))
    assert seen.client.startswith("closed, code")
    assert "got 'websocket.accept'" in seen.server
    assert not [child for child in lab.processes.children if child.name == "double-accept"]
