"""What a step is, how it is carried out, and what its result is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from empkit.settings import Settings

STEP_TIMEOUT_S = 3.0
ANSWER_TIMEOUT_S = 2.0
"""For one wait within a step; shorter than it, so that the step can say what it waited for."""
REACH_TIMEOUT_S = 1.0
POLL_S = 0.02


@dataclass(frozen=True)
class Step:
    """The result of one step.

    Attributes:
        protocol: which protocol, or `all`.
        what: what was tried, and what was seen.
        state: `ok`, `failed` or `skipped`.
        advice: what to do, when it failed.
    """

    protocol: str
    what: str
    state: Literal["ok", "failed", "skipped"]
    advice: str = ""


@dataclass
class Check:
    """What the steps of one check share.

    Attributes:
        settings: where the server and the brokers are, and user and password.
        token: the token, once a step has got one.
        in_topic: the record that a step has sent into the topic.
        failed: the names of the steps that failed or were skipped.
    """

    settings: Settings
    token: str = ""
    in_topic: dict[str, str] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)


class FailedError(Exception):
    """A step failed: what was seen, and what to do."""

    def __init__(self, seen: str, advice: str) -> None:
        super().__init__(seen)
        self.advice = advice


class Planned(NamedTuple):
    """A step to be tried.

    Attributes:
        protocol: which protocol, or `all`.
        name: the name of the step.
        action: tries it, and returns what was seen.
        needs: the names of the steps without which it is skipped.
    """

    protocol: str
    name: str
    action: Callable[[Check], Coroutine[Any, Any, str]]
    needs: tuple[str, ...] = ()


def carry_out(planned: Planned, check: Check) -> Step:
    """Try one step, or skip it when one that it needs has failed.

    Args:
        planned: the step.
        check: what the earlier steps have left; the step adds to it.
    """
    protocol, name, action, needs = planned

    def failed(seen: str, advice: str) -> Step:
        check.failed.add(name)
        return Step(protocol, f"{name}: {seen}", "failed", advice)

    for need in needs:
        if need in check.failed:
            check.failed.add(name)
            return Step(protocol, f"{name}: not tried, it needs `{need}`", "skipped")
    try:
        # not asyncio.run: nest_asyncio replaces it by one that wants the main thread
        with asyncio.Runner() as runner:
            return Step(protocol, f"{name}: {runner.run(_in_time(action(check)))}", "ok")
    except FailedError as error:
        return failed(str(error), error.advice)
    except TimeoutError:
        return failed(
            f"no answer within {STEP_TIMEOUT_S:g} s",
            "A program accepts connections there, but does not answer: it may be paused or "
            "overloaded, or be another program.",
        )
    except Exception as error:  # noqa: BLE001 - one step must not stop the others
        return failed(
            f"{type(error).__name__}: {error}",
            "This error is unexpected. See the logs of the server and of the broker.",
        )


async def _in_time(action: Coroutine[Any, Any, str]) -> str:
    async with asyncio.timeout(STEP_TIMEOUT_S):
        return await action
