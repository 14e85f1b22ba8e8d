"""A limit on how long each of many attempts may take, with one timer for all of them.

`asyncio.timeout` sets and cancels a timer for each, which took a tenth of what a record over Kafka
costs its sender. All limits here are equally long, so they run out in the order in which they
began, and only the oldest needs a timer.
"""

from __future__ import annotations

import asyncio


class Limit:
    """Of one attempt: `ran_out` says whether it was ended by us."""

    __slots__ = ("_cancelling", "due", "ran_out", "task")

    def __init__(self, task: asyncio.Task[object], due: float) -> None:
        self.task = task
        self.due = due
        self.ran_out = False
        self._cancelling = task.cancelling()

    def is_all(self) -> bool:
        """Whether the limit is the only reason for which the task was cancelled; as in
        `asyncio.timeout`, our own request is taken back."""
        return self.ran_out and self.task.uncancel() <= self._cancelling


class Limits:
    """The attempts under way, the oldest first.

    Args:
        seconds: how long each may take.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._under_way: dict[Limit, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> Limit:
        """Limit what the current task does from now on; it is cancelled when the time is over."""
        task = asyncio.current_task()
        assert task is not None, "only a task can be cancelled"
        loop = task.get_loop()
        limit = Limit(task, loop.time() + self.seconds)
        self._under_way[limit] = None
        if self._timer is None:
            self._timer = loop.call_at(limit.due, self._look)
        return limit

    def end(self, limit: Limit) -> None:
        """What was limited is over."""
        self._under_way.pop(limit, None)

    def _look(self) -> None:
        """Cancel what is over its time, and come back when the next will be."""
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
