"""The solutions of notebook 10."""

from __future__ import annotations

from empkit.course.exercises.solutions.solution import Solution

SOLUTIONS = {
    "10.1": Solution(
        hints=(
            "The first try gives the run of the liar. Which run had several protocols?",
            "A comparison needs yours and one of the kit's in the same run, and no broken promise.",
            "The run of part 2 has all of it: it is called runs.",
        ),
        code="""\
check("10.1", runs)
""",
    ),
    "10.2": Solution(
        hints=(
            "A workload takes a number, a list, or something else: see part 1.",
            "Write some of the records of part 1 into a file, as CSV for instance, and give the "
            "workload the name of that file.",
            "pd.DataFrame(records[:50]).to_csv(file, index=False) writes them; Workload(file, "
            "warm_up=0) reads them.",
        ),
        code="""\
from pathlib import Path

file = Path(folder, "people.csv")
pd.DataFrame(records[:50]).to_csv(file, index=False)
solved = lab.run("http", Workload(file, warm_up=0))
check("10.2", solved)
""",
    ),
    "10.challenge": Solution(
        hints=(
            "The first try gives up early: what does a sender do that does not?",
            "Retries come from the base class, so your protocol has them, too, unless a setting "
            "forbids it.",
            "Neither no retries nor any number of them, since each costs a server that comes back; "
            "and more time than a new server takes to start on a busy machine: "
            "Guarantees(retries=29, deadline_s=60).",
        ),
        code="""\
patient = Guarantees(retries=29, deadline_s=60)
solved = lab.cross(pair, mine, [patient], faults=crash)[0]
check("10.challenge", solved)
""",
    ),
}
