"""A timeout for each of many attempts, with one timer for all of them.

`asyncio.timeout` sets and cancels a timer for each attempt, which took a tenth of the time that a
record over Kafka costs its sender. All timeouts here are equally long, so they expire in the order
in which they began, and only the oldest needs a timer.
"""

from __future__ import annotations

import asyncio


class Limit:
    """The timeout of one attempt; `ran_out` says whether it has expired and ended the attempt."""

    __slots__ = ("_cancelling", "due", "ran_out", "task")

    def __init__(self, task: asyncio.Task[object], due: float) -> None:
        self.task = task
        self.due = due
        self.ran_out = False
        self._cancelling = task.cancelling()

    def is_all(self) -> bool:
        """Return whether this timeout is the only reason why the task was cancelled; as in
        `asyncio.timeout`, its own request to cancel is withdrawn."""
        return self.ran_out and self.task.uncancel() <= self._cancelling


class Limits:
    """The timeouts of the attempts under way, the oldest first.

    Args:
        seconds: the timeout of each attempt.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._under_way: dict[Limit, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> Limit:
        """Start a timeout for the current task; when it expires, the task is cancelled."""
        task = asyncio.current_task()
        assert task is not None, "only a task can be cancelled"
        loop = task.get_loop()
        limit = Limit(task, loop.time() + self.seconds)
        self._under_way[limit] = None
        if self._timer is None:
            self._timer = loop.call_at(limit.due, self._look)
        return limit

    def end(self, limit: Limit) -> None:
        """Remove the timeout of an attempt that has ended."""
        self._under_way.pop(limit, None)

    def _look(self) -> None:
        """Cancel the attempts whose timeout has expired, and set the timer for the next one."""
        self._timer = None
        while self._under_way:
            limit = next(iter(self._under_way))
            loop = limit.task.get_loop()
            if limit.due > loop.time():
                self._timer = loop.call_at(limit.due, self._look)
                return
            del self._under_way[limit]
            limit.ran_out = True
            limit.task.cancel()
