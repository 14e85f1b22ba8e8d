"""Log-ins: a bound on what hashing passwords may cost, and on wrong guesses.

right, as known from the start --> hashed, in a thread for these
else --> too many wrong ones of this user and address, or too many wait: 429
     --> hashed, one at a time, in a thread for those

All are hashed, so that the time of an answer tells nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor

from empkit.server.auth import Authenticator

MOST_WAITING = 8
"""How many passwords may wait to be hashed, which takes 0.15 s each."""
MOST_WRONG, WRONG_S = 10, 60.0
"""How many wrong passwords of one user and address are hashed, and in how many seconds."""
MOST_SENDERS = 1_000
"""Of how many pairs of user and address wrong passwords are counted; the oldest are forgotten."""


class TooManyError(Exception):
    """The password was not looked at.

    Args:
        reason: why.
        retry_after_s: when another one will be, in seconds.
    """

    def __init__(self, reason: str, retry_after_s: float) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class Logins:
    """Compares passwords for a server.

    Args:
        authenticator: knows the right one.
    """

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator
        self._hashing = ThreadPoolExecutor(1, "empkit-passwords")
        self._hashing_right = ThreadPoolExecutor(1, "empkit-right-passwords")
        self._waiting = 0
        self._wrong: dict[tuple[str, str], deque[float]] = {}

    def stop(self) -> None:
        """Forget the passwords that still wait."""
        for executor in (self._hashing, self._hashing_right):
            executor.shutdown(wait=False, cancel_futures=True)

    async def is_right(self, username: str, password: str, address: str) -> bool:
        """Return whether user and password are right.

        Args:
            username: the user.
            password: the password.
            address: the sender's address, for counting wrong ones.

        Raises:
            TooManyError: too many were wrong, or too many wait. Never for the right password.
        """
        if self._authenticator.knows(username, password):
            return await self._hash(self._hashing_right, username, password)
        wrong = self._recent(username, address)
        if len(wrong) >= MOST_WRONG:
            left_s = wrong[0] + WRONG_S - time.monotonic()
            raise TooManyError(f"{MOST_WRONG} wrong passwords within {WRONG_S:g} s", left_s)
        if self._waiting >= MOST_WAITING:
            raise TooManyError(f"{self._waiting} other passwords wait to be compared", 1.0)
        wrong.append(time.monotonic())
        self._waiting += 1
        try:
            right = await self._hash(self._hashing, username, password)
        finally:
            self._waiting -= 1
        if right:
            wrong.clear()
        return right

    async def _hash(self, executor: ThreadPoolExecutor, username: str, password: str) -> bool:
        return await asyncio.get_running_loop().run_in_executor(
            executor, self._authenticator.password_is_right, username, password
        )

    def _recent(self, username: str, address: str) -> deque[float]:
        """Return when the sender's wrong passwords of the last time came, the oldest first."""
        wrong = self._wrong.pop((username, address), deque())
        while wrong and wrong[0] < time.monotonic() - WRONG_S:
            wrong.popleft()
        while len(self._wrong) >= MOST_SENDERS:
            del self._wrong[next(iter(self._wrong))]
        self._wrong[username, address] = wrong  # the latest is the last to be forgotten
        return wrong
