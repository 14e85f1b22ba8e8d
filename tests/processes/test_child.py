"""Child processes: what they report, how they are told and ended, and what one that dies says."""

import os
import signal
import subprocess
import sys
import textwrap

import psutil
import pytest

from empkit.processes.child import ChildError, Processes
from tests.conftest import wait_until


@pytest.fixture
def processes():
    with Processes() as running:
        yield running


@pytest.fixture
def start(processes):
    """Starts Python with a program's text as a child."""

    def run(code, name="child", **environment):
        command = [sys.executable, "-c", textwrap.dedent(code)]
        return processes.start(name, command, environment)

    return run


OBEDIENT = """
    import signal, sys, threading
    from empkit.processes.child import follow_orders, report
    asked_to_end = {signal.SIGTERM}
    if sys.platform != "win32":
        # whichever thread the signal is sent to: a handler runs only once the main thread wakes up,
        # and of a process that was just resumed the kernel may choose another one
        signal.pthread_sigmask(signal.SIG_BLOCK, asked_to_end)
    follow_orders(lambda order: report(heard=order))
    report(ready=True)
    if sys.platform == "win32":
        threading.Event().wait()
    signal.sigwait(asked_to_end)
    sys.exit(5)
"""


@pytest.fixture
def obedient(start):
    """A child that reports each order, and ends with status 5 when it is asked to."""
    child = start(OBEDIENT)
    child.expect("ready", 30)
    return child


def has_ended(pid):
    """Whether a process is gone, or only waits for its parent to read its status."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


# Reports


def test_reports_come_in_order_without_what_is_no_json_and_end_with_none(start):
    child = start("print('{\"n\": 1}', 'oops', '{\"n\": 2}', sep='\\n')")
    assert [child.report(30) for _ in range(4)] == [{"n": 1}, {"n": 2}, None, None]


def test_a_child_that_reports_nothing_in_time_is_named(obedient):
    with pytest.raises(TimeoutError, match="child reported nothing within 0 s"):
        obedient.report(0)
    with pytest.raises(ChildError, match="child did not report 'result' within 0 s"):
        obedient.expect("result", 0)


def test_reports_before_the_one_that_is_waited_for_are_dropped(obedient):
    for number in range(3):
        obedient.order(number=number)
    obedient.order(last=True)
    while "last" not in obedient.expect("heard", 30)["heard"]:
        pass
    with pytest.raises(TimeoutError):
        obedient.report(0)


def test_a_child_that_dies_says_its_status_and_the_last_five_lines_of_its_log(start):
    child = start("import sys; sys.exit('\\n'.join(f'line {n}' for n in range(7)))")
    with pytest.raises(ChildError) as caught:
        child.expect("ready", 30)
    assert str(caught.value) == (
        "child ended with status 1 before it reported 'ready'. Its log ends with:"
        "\n  line 2\n  line 3\n  line 4\n  line 5\n  line 6"
    )


def test_a_child_that_is_killed_says_the_signal(obedient):
    os.kill(obedient.pid, signal.SIGKILL)
    with pytest.raises(ChildError) as caught:
        obedient.expect("result", 30)
    assert str(caught.value) == "child ended with status -9 before it reported 'result'."
    assert (obedient.running, obedient.exit_status) == (False, -9)


def test_a_log_is_continued_by_the_next_child_of_the_same_name(start, processes):
    for word in ("first", "second"):
        start(f"import sys; sys.exit({word!r})").wait(30)
    assert (processes.folder / "child.log").read_text() == "first\nsecond\n"


def test_the_logs_of_processes_that_have_ended_are_few_and_lose_nothing(start, processes):
    """A lab whose processes are killed again and again must not fill its folder."""
    for name, word in (("child", ""), ("said", "a"), ("c-1", "b"), ("c-2", ""), ("c-3", "c")):
        child = start(f"import sys; sys.exit({word!r})" if word else "", name)
        child.wait(30)
        processes.release(child)
        assert child.log_text() == (f"{word}\n" if name == "said" else "")
        assert child.log_tail() == (" Its log ends with:\n  a" if name == "said" else "")
    texts = {path.name: path.read_text() for path in processes.folder.iterdir()}
    assert texts == {"said.log": "a\n", "c-ended.log": "b\nc\n"}


def test_a_log_that_another_process_writes_to_stays(start, processes):
    first, second = start(""), start("import sys; sys.stdin.readline(); sys.exit('a word')")
    first.wait(30)
    processes.release(first)
    second.order(go=True)
    second.wait(30)
    assert (processes.folder / "child.log").read_text() == "a word\n"


# Orders


@pytest.mark.parametrize("length", [1, 300_000])  # more than one read of the pipe
def test_an_order_arrives_as_it_was_given(obedient, length):
    obedient.order(text="é" * length, number=1.5)
    assert obedient.expect("heard", 30)["heard"] == {"text": "é" * length, "number": 1.5}


def test_a_child_that_has_ended_takes_no_orders_and_says_what_it_logged(start):
    child = start("import sys; sys.exit('no room left')")
    wait_until(lambda: not child.running)
    for _ in range(2):  # with its pipes open, and closed
        with pytest.raises(ChildError, match=r"accepts no orders\. Its log ends with:\n  no room"):
            child.order(stop=True)
        child.wait(30)


def test_a_child_ends_when_nobody_is_left_to_give_orders():
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(OBEDIENT)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as child:  # fmt: skip
        assert child.stdout.readline() == b'{"ready": true}\n'
        child.stdin.close()
        assert child.wait(30) == 1


def test_the_environment_is_ours_with_what_is_added_and_without_what_is_taken_away(
    start, monkeypatch
):
    monkeypatch.setenv("EMPKIT_OURS", "1")
    monkeypatch.setenv("EMPKIT_NOT_FOR_CHILDREN", "2")
    code = """
        import json, os
        print(json.dumps({name: os.environ[name] for name in os.environ if "EMPKIT_" in name}))
    """
    seen = start(code, EMPKIT_NOT_FOR_CHILDREN=None, EMPKIT_ADDED="3").report(30)
    assert (seen["EMPKIT_OURS"], seen["EMPKIT_ADDED"]) == ("1", "3")
    assert "EMPKIT_NOT_FOR_CHILDREN" not in seen


# Paused, asked to end, killed


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGSTOP")
def test_a_paused_child_is_stopped_at_once_and_obeys_when_it_is_resumed(obedient):
    obedient.pause()
    assert psutil.Process(obedient.pid).status() == psutil.STATUS_STOPPED
    assert obedient.running
    obedient.order(number=1)
    obedient.resume()
    assert obedient.expect("heard", 30)["heard"] == {"number": 1}


@pytest.mark.skipif(sys.platform == "win32", reason="no process can be asked to end")
@pytest.mark.parametrize("paused", [False, True])
def test_a_child_that_is_asked_to_end_says_its_own_status(obedient, paused):
    if paused:
        obedient.pause()
    obedient.stop(30)
    assert obedient.exit_status == 5


@pytest.mark.skipif(sys.platform == "win32", reason="no process can be asked to end")
def test_a_child_that_does_not_end_when_asked_is_killed(start):
    child = start("""
        import signal
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print('{"ready": true}', flush=True)
        while True:
            signal.pause()
    """)
    child.expect("ready", 30)
    child.stop(timeout_s=0.05)
    assert child.exit_status == -signal.SIGKILL


def test_what_a_killed_child_has_started_is_killed_with_it(start):
    child = start("""
        import json, subprocess, sys
        own = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        print(json.dumps({"pid": own.pid}), flush=True)
        own.wait()
    """)
    grandchild = child.expect("pid", 30)["pid"]
    child.kill()
    wait_until(lambda: has_ended(grandchild))


def test_waiting_for_a_child_that_goes_on_has_a_limit(obedient):
    with pytest.raises(TimeoutError, match="child still runs after 0 s"):
        obedient.wait(0)
    obedient.signal(signal.SIGTERM)
    assert obedient.wait(30) == 5


def test_all_children_and_the_folder_go_with_their_owner():
    with Processes() as processes:
        folder = processes.folder
        children = [processes.start(f"child-{n}", ["sleep", "600"]) for n in range(3)]
        processes.release(children[0], kill=True)
        assert processes.children == children[1:]
        assert (folder / "child-1.log").exists()
    assert [child.running for child in children] == [False] * 3
    assert processes.children == []
    assert not folder.exists()
