"""HTTP: a token for all protocols, a record, and a wrong token."""

from __future__ import annotations

from empkit.check.base import Check, FailedError, Planned
from empkit.check.records import STAYS, read_back, send
from empkit.check.server import LETS_IN, WRONG_TOKEN, connected
from empkit.clients.base import UnauthorizedError
from empkit.wire import EMPLOYEES


async def _token(check: Check) -> str:
    settings = check.settings
    if settings.password is None:
        raise FailedError(
            "there is no password to get one with",
            "Set EMPKIT_USERNAME and EMPKIT_PASSWORD as they are set for the server. The "
            "password that `empkit serve` makes is found without them, by the same user on the "
            "same machine.",
        )
    async with connected(settings) as control:
        try:
            check.token = await control.log_in()
        except UnauthorizedError as error:
            raise FailedError(
                f"the server refuses user {settings.username!r} or the password",
                "Set EMPKIT_USERNAME and EMPKIT_PASSWORD as they are set for the server, or "
                "unset EMPKIT_PASSWORD to use the one that `empkit serve` has made.",
            ) from error
    return f"given to {settings.username}"


async def _record(check: Check) -> str:
    employee_id, record = await send(check, "http")
    await read_back(check, employee_id, record, "See the server's log.")
    return f"stored and read back as {employee_id}, {STAYS}"


async def _wrong_token(check: Check) -> str:
    # an empty object: even a server that lets it pass has nothing to store
    async with connected(check.settings, WRONG_TOKEN) as control:
        response = await control.response(EMPLOYEES, "POST", b"{}")
    if response.code != 401:
        raise FailedError(f"answered {response.code}, not 401", LETS_IN)
    return "refused with 401, as it should be"


STEPS = (
    Planned("all", "token", _token, ("server",)),
    Planned("http", "a record over HTTP", _record, ("token", "database")),
    Planned("http", "a wrong token over HTTP", _wrong_token, ("server",)),
)
