"""What the judge names of a faulty server, counted; and that it names nothing else."""

import json
import re
import textwrap

import pytest

from tests.sabotage.copies import run_python, sabotaged
from tests.sabotage.kit import record

RUN = """
    import asyncio, json, threading
    from empkit import Lab, Workload, connect
    from empkit.lab import BrokenPromiseError

    def main(protocols, records, by_hand=0, **pace):
        with Lab() as lab:
            async def send():
                async with connect("http", lab) as client:
                    for number in range(by_hand):
                        await client.send({"employee_id": f"hand-{number}", "first_name": "A",
                                           "last_name": "B"})
            thread = threading.Timer(0.0, lambda: asyncio.run(send()))
            if by_hand:
                asyncio.run(send())
                by_hand *= 20
            def progress(*_):
                if by_hand and thread.ident is None:
                    thread.start()
            try:
                runs = lab.compare(protocols, Workload(records, warm_up=2, **pace),
                                   progress=progress)
            except BrokenPromiseError as error:
                runs = error.runs
            if thread.ident is not None:
                thread.join()
        verdicts, stamps = {}, {}
        for row in runs.timings.itertuples():
            name = row.employee_id[7:] or row.seq
            verdicts.setdefault(row.protocol, {})[name] = row.verdict
            own = (row.sent_ns, row.received_ns, row.stored_ns, row.acked_ns)
            stamps[name] = [None if str(each) == "<NA>" else int(each) for each in own]
        print(json.dumps({"verdicts": verdicts, "broken": runs.broken, "stamps": stamps,
                          "infos": [each.broken for each in runs.runs],
                          "notes": [each.notes for each in runs.runs]}))

    if __name__ == "__main__":
"""


def carry_out(folder, call, **environment):
    """What the kit says of a run with the copy in `folder`."""
    script = textwrap.dedent(RUN) + f"    main({call})\n"
    (folder / "script.py").write_text(script)
    done = run_python(folder, "script.py", **environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


SHIFTS = {"swapped": None, "received-5": (-5, 0), "received+5": (5, 0), "stored-5": (0, -5),
          "stored+5": (0, 5)}  # fmt: skip


@pytest.mark.slow
def test_stamps_out_of_order_and_an_ack_before_its_commit_are_named(tmp_path):
    folder = sabotaged(
        tmp_path,
        (
            "server/stamps.py",
            "dumps((employee_id, protocol, received_ns, stored_ns))",
            "dumps((employee_id, protocol, *_shifted(employee_id, received_ns, stored_ns)))",
        ),
        (
            "server/stamps.py",
            "class StampLog:",
            f"SHIFTS = {SHIFTS!r}\n\n"
            "def _shifted(employee_id, received_ns, stored_ns):\n"
            "    shift = SHIFTS.get(employee_id[7:].partition('.')[0], (0, 0))\n"
            "    if shift is None:\n"
            "        return stored_ns, received_ns\n"
            "    return received_ns + shift[0] * 10**6, stored_ns + shift[1] * 10**6\n\n\n"
            "class StampLog:",
        ),
        (
            "server/store.py",
            "        return future\n\n    async def get",
            "        if rows and 'early' in rows[0]['employee_id']:\n"
            "            answer = self._loop.create_future()\n"
            "            answer.set_result(Stored(['created'], time.monotonic_ns()))\n"
            "            return answer\n"
            "        return future\n\n    async def get",
        ),
        (
            "server/store.py",
            "        try:\n            connection.commit()\n",
            "        if rows and 'early' in rows[0]['employee_id']:\n"
            "            time.sleep(0.05)\n"
            "        try:\n            connection.commit()\n",
        ),
    )
    names = [f"{name}.{number}" for number in range(8) for name in (*SHIFTS, "right")]
    records = [record(name) for name in ["early.0", *names]]
    found = carry_out(folder, f'["http"], {records!r}, in_flight=1')
    (sentences,) = found["infos"]
    told = {
        words: (int(count), rest)
        for sentence in sentences
        for count, words, rest in re.findall(r"(\d+) (\w+ before they were \w+)(.*)", sentence)
    }
    wanted = {}
    for name, (sent, received, stored, acked) in found["stamps"].items():
        kind = name.partition(".")[0]
        broken = {
            "received before they were sent": received < sent,
            "stored before they were received": stored < received,
            "stored before they were sent": stored < sent,
            "acked before they were stored": acked < stored,
        }
        assert any(broken.values()) == _is_seen(kind, sent, received, stored, acked), name
        for words in (each for each, holds in broken.items() if holds):
            wanted[words] = wanted.get(words, 0) + 1
    assert {words: count for words, (count, _) in told.items()} == wanted
    assert "-early.0" in told["acked before they were stored"][1]
    assert wanted["stored before they were received"] >= 8  # those that were swapped


def _is_seen(kind, sent, received, stored, acked):
    """Whether the true stamps, without the shift of this kind of record, leave no room for it."""
    if kind in ("swapped", "early"):
        return True
    shifts = SHIFTS.get(kind, (0, 0))
    received, stored = received - shifts[0] * 10**6, stored - shifts[1] * 10**6
    assert sent <= received <= stored <= acked
    room = {
        (-5, 0): received - sent,
        (5, 0): stored - received,
        (0, -5): stored - received,
        (0, 5): acked - stored,
    }
    return room.get(shifts, 10**10) < 5 * 10**6


@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_second_copy_under_an_id_of_no_run_is_named_and_what_is_sent_by_hand_is_not(
    tmp_path, database, request
):
    folder = sabotaged(
        tmp_path,
        (
            "server/store.py",
            "        self.waiting += len(rows)\n        future",
            "        rows = [*rows, *({**row, 'employee_id': name}\n"
            "                         for row in rows if row['employee_id'].endswith('-twice')\n"
            "                         for name in ('copy-' + row['employee_id'],\n"
            "                                      row['employee_id'].replace('-twice', '~2')))]\n"
            "        self.waiting += len(rows)\n        future",
        ),
    )
    more = {}
    if database == "postgresql":
        more["EMPKIT_LAB_DATABASE"] = request.getfixturevalue("postgres")
    records = [record(name) for name in [*map(str, range(300)), "twice"]]
    found = carry_out(folder, f'["http"], {records!r}, by_hand=3, rate=300.0', **more)
    assert set(found["verdicts"]["http"].values()) == {"stored"}
    (sentences,) = found["infos"]
    (sentence,) = sentences
    assert sentence.startswith("2 stored during the run, under no run's ids, and sent by no client")
    assert "copy-" in sentence
    assert "~2" in sentence  # no name of a warm-up of two
