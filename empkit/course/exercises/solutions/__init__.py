"""The solutions of the exercises: `show_solution("06.1")` gives a hint, then another, and in the
end the solution.

    SOLUTIONS --show_solution--> three hints, then the code
              --tried----------> the code is run where `check` stands, with EMPKIT_GUESS=none

One file a notebook, one entry an exercise.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from empkit.course import ledger
from empkit.course.exercises.solutions import (
    choose,
    failures,
    guarantees,
    http,
    kafka,
    latency,
    load,
    own,
    scale_out,
    start,
    websocket,
)
from empkit.course.exercises.solutions.solution import Solution

SOLUTIONS: dict[str, Solution] = {
    number: solution
    for notebook in (
        start,
        http,
        websocket,
        kafka,
        latency,
        load,
        failures,
        guarantees,
        scale_out,
        choose,
        own,
    )
    for number, solution in notebook.SOLUTIONS.items()
}
"""The solutions by the number of their exercise."""


def show_solution(number: str) -> None:
    """Print a hint; each further call prints one more, and the fourth the solution.

    Of an exercise that is solved the solution is printed at once.

    Args:
        number: of the exercise, as in the notebook.

    Raises:
        KeyError: there is no such exercise.
        ProgressError: the file of progress cannot be read.

    Example:
        >>> show_solution("00.1")
        00.1, hint 1 of 3: Ask of each ack who gives it: ...
    """
    if number not in SOLUTIONS:
        raise KeyError(f"There is no exercise {number!r}; there are {', '.join(SOLUTIONS)}.")
    solution = SOLUTIONS[number]
    last = len(solution.hints) + 1
    with ledger.changing() as kept:
        exercise = kept.exercises.setdefault(number, ledger.Exercise())
        solved = exercise.right is not None
        if not solved:
            exercise.steps = min(exercise.steps + 1, last)
        steps = last if solved else exercise.steps
    for step, hint in enumerate(solution.hints[:steps], 1):
        print(f"{number}, hint {step} of {len(solution.hints)}: {hint}")
    if steps < last:
        more = "one more hint" if steps < len(solution.hints) else "a solution"
        print(f"(The next call gives {more}.)")
    else:
        print(f"{number}, a solution:\n\n{solution.code.rstrip()}")


def tried(number: str, judged: Callable[[str, Any, Any], str | None]) -> None:
    """Run a solution as a reader would, below the cells that have run, and see that it is right.

    It sees copies of the notebook's names, so that it leaves none behind. Outside of a notebook
    nothing is done.

    Args:
        number: of the exercise.
        judged: says what is missing in an answer, from the exercise's number, the answer, and the
            lab on which it is tried (None for none).

    Raises:
        AssertionError: the solution is not right, or checks nothing.
    """
    shell = _shell()
    if shell is None:
        return
    from IPython.utils.capture import capture_output  # noqa: PLC0415 - there is a shell

    verdicts = []

    def check(checked: str, answer: Any, lab: Any = None) -> None:
        if checked != number:
            raise AssertionError(f"the solution of {number} checks {checked}")
        verdicts.append(judged(number, answer, lab))

    code = compile(SOLUTIONS[number].code, f"<the solution of {number}>", "exec")
    with capture_output() as said:
        exec(code, {**shell.user_ns, "check": check})  # noqa: S102 - it is the kit's own code
    if verdicts != [None]:
        raise AssertionError(f"the solution of {number}: {verdicts}\n{said.stdout}{said.stderr}")


def _shell() -> Any:
    """Return the IPython that runs this, if there is one."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None
