"""The parts that all clients share: the reply, and the rules for retries.

    ClientError
      +-- NotSentError      nothing of the record can have arrived
      +-- NoAnswerError     the record may have arrived, and may be stored
      +-- UnauthorizedError the token was refused, so nothing was stored; a new token may help

An attempt ends with an answer or with one of these errors. Unless the answer is final, the client
retries, with exponential back-off and jitter, within a number of attempts and a deadline. When any
attempt of a record may have arrived, its outcome is never `failed`.
"""

from __future__ import annotations

import asyncio
import html
import time
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, NamedTuple, Protocol, Self

import tenacity

from empkit import wire
from empkit.clients.limits import Limits
from empkit.clients.look import Look
from empkit.clock import now_ns
from empkit.processes.context import Closing
from empkit.records import ledger
from empkit.records.employee import encode_record
from empkit.settings import Settings

Outcome = Literal["acked", "refused", "failed", "unknown"]

FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 1.0


class ClientError(RuntimeError):
    """A client could not carry out a request.

    Attributes:
        retry_after_s: how long the server asks to wait before the next attempt, in seconds.
    """

    def __init__(self, message: str, retry_after_s: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class NotSentError(ClientError):
    """Nothing of the record can have arrived."""


class NoAnswerError(ClientError):
    """No answer came, or it was lost: the record may be stored."""


class UnauthorizedError(ClientError):
    """The token was refused."""


class Receiver(Protocol):
    """What a protocol's receiving side gets of the server that it is mounted in.

    Attributes:
        app: the ASGI application (FastAPI), for routes of its own.
    """

    app: Any

    def token_is_good(self, token: str) -> bool:
        """Whether the sender may send."""

    async def store(self, payload: bytes) -> Answer:
        """Check a record and store it; the answer comes when it is durable, or refused."""


class Answer(NamedTuple):
    """The answer of the server or the broker to one attempt.

    `result` is the server's result (`empkit.server.answers`), or `sent` from a broker. An answer
    that is not `of_all` speaks for its own attempt only: a server that refuses a duplicate without
    comparing may have stored the record from an earlier attempt whose answer was lost.
    """

    result: str
    message: str
    of_all: bool = True


class Attempt(NamedTuple):
    """One attempt of a record that needed several."""

    sent_ns: int
    answered_ns: int
    answer: str


@dataclass(slots=True)
class Reply:
    """The outcome of sending one record, as the client knows it.

    Attributes:
        outcome: `acked`, `refused`, `failed` or `unknown` (see `empkit.results.verdicts`).
        result: its reason in one word: `created`, `same`, `sent`, `duplicate`, `invalid`, ...
        message: the message of the server or the broker, or what went wrong.
        employee_id: the id in the record.
        attempts: how many times it was sent.
        sent_ns: when it was first handed to the protocol.
        acked_ns: when the outcome was known.
        history: each attempt, when there was more than one.

    Example:
        >>> Reply("acked", "created", "Stored.", "E1", 1, sent_ns=0, acked_ns=1_500_000).status
        'success'
    """

    outcome: Outcome
    result: str
    message: str
    employee_id: str | None
    attempts: int
    sent_ns: int
    acked_ns: int
    history: list[Attempt] = field(default_factory=list)

    @property
    def status(self) -> str:
        """`success` or `error`, as in the server's replies."""
        return "success" if self.outcome == "acked" else "error"

    def __repr__(self) -> str:
        return f"<Reply: {'; '.join(f'{name} {value}' for name, value in self._said().items())}>"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{name}</th><td>{html.escape(value)}</td></tr>"
            for name, value in self._said().items()
        )
        return f"<p><b>Reply</b></p><table>{rows}</table>"

    def _said(self) -> dict[str, str]:
        """Return what a reader wants to know, in words."""
        return {
            "outcome": self.outcome,
            "result": self.result,
            "message": " ".join(self.message.split()),
            "employee_id": "none" if self.employee_id is None else self.employee_id,
            "attempts": str(self.attempts),
            "after": f"{(self.acked_ns - self.sent_ns) / 1e6:,.2f} ms",
        }


class Client(Closing):
    """A connection over one protocol.

    A client of your own defines `open`, `close` and `_attempt`, which sends a record once; the
    retries are inherited. `lab.compare(["http", "my_module:MyClient"])` compares it.

    Args:
        settings: where to send, how long to wait, how often to try.

    Example:
        >>> connect("http", lab).ack_means, connect("kafka", lab).ack_means
        ('the record is stored', 'the broker has the record; it is stored later')
    """

    protocol: ClassVar[str] = "own"
    through_kafka: ClassVar[bool] = False
    """Whether an ack comes from a broker, and the record is stored later, by the consumer."""
    ack_means: ClassVar[str] = "the receiver says so"
    """What its ack promises, in words that follow "acked:"."""
    label: ClassVar[str] = ""
    """Its name for people; without one that of the class."""
    colour: ClassVar[str] = ""
    """Its colour in figures; without one a colour of the palette."""
    marker: ClassVar[str] = "D"
    line: ClassVar[str] = ":"

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.reconnections = 0
        self._limits = Limits(settings.attempt_timeout_s)

    @classmethod
    def look(cls) -> Look:
        """How the protocol is shown: as the class itself says, not one that it derives from."""
        usual = Look(cls.__name__)
        said = {name: vars(cls)[name] for name in Look._fields if vars(cls).get(name)}
        return usual._replace(**said)

    @classmethod
    def mount(cls, receiver: Receiver) -> None:
        """Add the receiving side to a server, beside its own routes.

        Args:
            receiver: the application and the way to its store; see `empkit.server.receiver`.
        """

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    @abstractmethod
    async def open(self) -> None:
        """Get ready to send.

        Raises:
            ClientError: the server or the broker cannot be reached, or refuses the client.
        """

    @abstractmethod
    async def close(self) -> None:
        """Close every connection."""

    @abstractmethod
    async def _attempt(self, employee_id: str | None, payload: bytes) -> Answer:
        """Send once and wait for the answer.

        Raises:
            ClientError: one of those listed at the top of this module.
        """

    async def send(self, record: Mapping[str, Any]) -> Reply:
        """Send one record and wait until its outcome is known.

        Args:
            record: the fields of an employee, as `format_employee_record` returns them.

        Raises:
            RecordError: the record cannot be written as JSON.
        """
        employee_id = record.get("employee_id")
        known = employee_id if isinstance(employee_id, str) else None
        return await self.send_encoded(known, encode_record(record))

    async def send_encoded(self, employee_id: str | None, payload: bytes) -> Reply:
        """Send one record that is JSON already; see `send`."""
        if ledger.sent is not None:
            ledger.note(employee_id, payload)
        sent_ns = now_ns()
        # the first attempt, nearly always the only one, bypasses the retry machinery
        first = await self._try(employee_id, payload)
        if isinstance(first, Answer) and (reply := _final(first, employee_id, sent_ns)):
            return reply
        history = [Attempt(sent_ns, now_ns(), _word(first))]
        return await self._retry(employee_id, payload, history, first)

    async def _try(self, employee_id: str | None, payload: bytes) -> Answer | ClientError:
        limit = self._limits.begin()
        try:
            return await self._attempt(employee_id, payload)
        except asyncio.CancelledError as error:
            if not limit.is_all():
                raise
            said = heard(error) or "No answer"
            return NoAnswerError(f"{said} within {self._limits.seconds:g} s.")
        except ClientError as error:
            return error
        finally:
            self._limits.end(limit)

    async def _retry(
        self,
        employee_id: str | None,
        payload: bytes,
        history: list[Attempt],
        last: Answer | ClientError,
    ) -> Reply:
        """Retry until there is a final answer, no attempt is left, or the deadline has passed."""
        sent_ns = history[0].sent_ns
        may_be_stored = _may_be_stored(last)
        left_s = self.settings.deadline_s - (now_ns() - sent_ns) / 1e9
        first_pause_s = max(min(FIRST_PAUSE_S, left_s), _asked_s(last))
        pause = tenacity.wait_random_exponential(multiplier=FIRST_PAUSE_S, max=LONGEST_PAUSE_S)
        retrying = tenacity.AsyncRetrying(
            stop=tenacity.stop_after_attempt(self.settings.retries)
            | tenacity.stop_before_delay(max(left_s - first_pause_s, 0)),
            wait=lambda state: max(pause(state), _asked_s(last)),
            retry=tenacity.retry_if_result(lambda reply: reply is None),
            retry_error_callback=lambda _: None,
        )

        async def again() -> Reply | None:
            nonlocal last, may_be_stored
            began_ns = now_ns()
            last = await self._try(employee_id, payload)
            history.append(Attempt(began_ns, now_ns(), _word(last)))
            may_be_stored |= _may_be_stored(last)
            if not isinstance(last, Answer):
                return None
            if may_be_stored and not last.of_all and last.result in wire.REFUSALS:
                why = f"{last.message} An earlier attempt had no answer; it may have been stored."
                return Reply("unknown", last.result, why, employee_id, 1, sent_ns, now_ns())
            return _final(last, employee_id, sent_ns)

        reply: Reply | None = None
        if self.settings.retries and 0 < left_s >= first_pause_s:
            await asyncio.sleep(first_pause_s)
            reply = await retrying(again)
        if reply is None:
            outcome: Outcome = "unknown" if may_be_stored else "failed"
            message = last.message if isinstance(last, Answer) else str(last)
            reply = Reply(outcome, _word(last), message, employee_id, 1, sent_ns, now_ns())
        reply.attempts = len(history)
        reply.history = history
        return reply


def heard(error: BaseException | None) -> str:
    """Return what had come of an answer when its request was cancelled, as the beginning of a
    sentence; empty if nothing had."""
    return "".join(getattr(error, "__notes__", ()))


async def when_it_may(connect: Callable[[], Awaitable[object]], deadline_s: float) -> None:
    """Connect; where the server asks to wait, wait and connect again.

    Args:
        connect: makes one attempt.
        deadline_s: how long after the first attempt the last may begin, in seconds.

    Raises:
        ClientError: it cannot connect, or the server asks to wait longer.
    """
    last_s = time.monotonic() + deadline_s
    while True:
        try:
            await connect()
            return
        except NotSentError as error:
            pause_s = max(error.retry_after_s, FIRST_PAUSE_S)
            if not error.retry_after_s or time.monotonic() + pause_s > last_s:
                raise
        await asyncio.sleep(pause_s)


_NOTHING_STORED = (*wire.REFUSALS, wire.UNAUTHORIZED, wire.UNAVAILABLE)
"""The results that say that nothing was stored; any other word does not."""


def _final(answer: Answer, employee_id: str | None, sent_ns: int) -> Reply | None:
    """Return the reply for a final answer, or None when a retry may help."""
    result, message = answer.result, answer.message
    if result in wire.ACKS:
        return Reply("acked", result, message, employee_id, 1, sent_ns, now_ns())
    if result in wire.REFUSALS:
        return Reply("refused", result, message, employee_id, 1, sent_ns, now_ns())
    return None


def _may_be_stored(last: Answer | ClientError) -> bool:
    if isinstance(last, Answer):
        return last.result not in _NOTHING_STORED
    return isinstance(last, NoAnswerError)


def _asked_s(last: Answer | ClientError) -> float:
    """Return how long the server asks to wait before the next attempt, in seconds."""
    return last.retry_after_s if isinstance(last, ClientError) else 0.0


def _word(last: Answer | ClientError) -> str:
    """Return one word for how an attempt ended."""
    if isinstance(last, Answer):
        return last.result
    if isinstance(last, NotSentError):
        return "not_sent"
    return "no_answer" if isinstance(last, NoAnswerError) else wire.UNAUTHORIZED
