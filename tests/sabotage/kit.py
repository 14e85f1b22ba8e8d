"""One run of the kit with every sabotage that it has to name by itself.

Each of them strikes the record whose id ends in its name, and no other: so one run over each
protocol is enough for all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.sabotage.copies import run_python, sabotaged
from tests.sabotage.table import BY_THE_KIT, Sabotage, edits_of

PROTOCOLS = ("http", "websocket", "kafka")
OTHERS = 498
"""Good records that no sabotage strikes; with `many-499`, one in 500 is dropped. Two that are not
good follow them, of which the last has no id."""

SCRIPT = """
import json, sys
from pathlib import Path
from empkit import Lab, Workload
from empkit.lab import BrokenPromiseError

if __name__ == "__main__":
    records = json.loads(Path("records.json").read_text())
    with Lab() as lab:
        try:
            runs = lab.compare(PROTOCOLS, Workload(records, in_flight=2, warm_up=2),
                               progress=lambda *_: None)
        except BrokenPromiseError as error:
            runs = error.runs
    verdicts = {}
    for row in runs.timings.itertuples():
        verdicts.setdefault(row.protocol, {})[row.employee_id[7:]] = row.verdict
    print(json.dumps({"verdicts": verdicts, "sentences": runs.broken, "status": runs.status}))
"""


class Said(NamedTuple):
    """What the kit says of the run.

    Args:
        verdicts: by protocol and the end of the id.
        sentences: on broken promises.
        status: the exit status.
    """

    verdicts: dict[str, dict[str, str]]
    sentences: list[str]
    status: int


def record(name: str, **changes: Any) -> dict[str, Any]:
    """Return a record with a value of each kind, good but for the changes.

    Args:
        name: its id.
        changes: fields, in place of the usual ones.
    """
    return {
        "employee_id": name, "first_name": " Ada ", "last_name": "Byron",
        "email": "ada@example.com", "salary": 61000.1, "hire_date": "2020-02-29", "badge": None,
        "floor": [1, {"b": 2.5}],
    } | changes  # fmt: skip


def carry_out(tmp_path: Path, sabotages: Sequence[Sabotage] = BY_THE_KIT) -> Said:
    """Run a copy of the kit with these sabotages.

    Args:
        tmp_path: an empty folder.
        sabotages: of the kit.
    """
    folder = sabotaged(tmp_path, *edits_of(sabotages))
    records = [record(each.record, **each.sends) for each in sabotages]
    records += [record(f"other-{number}") for number in range(OTHERS)]
    records += [record("bad", salary=-1), {"employee_id": 5}]
    (folder / "records.json").write_text(json.dumps(records))
    (folder / "script.py").write_text(SCRIPT.replace("PROTOCOLS", repr(list(PROTOCOLS))))
    done = run_python(folder, "script.py")
    assert done.returncode == 0, done.stderr
    return Said(**json.loads(done.stdout.splitlines()[-1]))


def names(said: Said, sabotage: Sabotage) -> None:
    """Assert that the kit has named a sabotage.

    Args:
        said: what it said.
        sabotage: a row of the table.
    """
    wanted = sabotage.verdict
    if not isinstance(wanted, Mapping):
        wanted = dict.fromkeys(PROTOCOLS, wanted)
    given = {protocol: said.verdicts[protocol][sabotage.record] for protocol in PROTOCOLS}
    assert given == wanted, f"the kit does not name it: {sabotage.broken}"
    assert sabotage.says or set(wanted.values()) != {"stored"}, "the row asserts nothing"
    if sabotage.says:
        sentences = "\n".join(said.sentences)
        assert re.search(sabotage.says, sentences), f"{sabotage.says!r} is not in\n{sentences}"
