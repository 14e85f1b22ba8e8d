"""The HTTP endpoints."""

from __future__ import annotations

import asyncio
import math
import os
from typing import Annotated, Any
from urllib.parse import parse_qsl

import orjson
from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi.security import OAuth2PasswordBearer
from pydantic import BaseModel, ValidationError

from empkit import wire
from empkit.clock import KEPT_S, clock_id, now_ns
from empkit.records.employee import MAX_ID, NO_NUL, Employee, row_to_record, to_row
from empkit.server import answers
from empkit.server.answers import Answer
from empkit.server.auth import Authenticator, bearer_token
from empkit.server.logins import TooManyError
from empkit.server.state import State
from empkit.server.store import StoreFullError, StoreUnavailableError
from empkit.versions import versions

router = APIRouter()
"""The endpoints of every process of the system: tokens, health, stamps."""
employees = APIRouter()
"""The endpoints that only a server has: the records."""

PartOfId = Annotated[str, Query(max_length=MAX_ID, pattern=NO_NUL)]

LONGEST_FORM = 4_096
"""The largest form with user and password that is read, in bytes."""

_scheme = OAuth2PasswordBearer(tokenUrl="token", auto_error=False)


class Token(BaseModel):
    """What `POST /token` gives."""

    access_token: str
    token_type: str = "bearer"  # noqa: S105 - the kind, not a token


class AnswerModel(BaseModel):
    """What became of one record (see `empkit.server.answers`)."""

    status: str
    message: str
    employee_id: str | None
    result: str
    field: str | None = None


class EmployeePage(BaseModel):
    """Employees in the order of their ids; `next` goes into `after` for the following page."""

    employees: list[dict[str, Any]]
    next: str | None


class StampModel(BaseModel):
    """When the server had a record whole and when it was durable, on the server's clock;
    `stored_ns` is 0 where a consumer read a record that the database held already."""

    employee_id: str
    protocol: str
    received_ns: int
    stored_ns: int


class StampPage(BaseModel):
    """Stamps, oldest first; `next` goes into `after` for those that follow. The oldest that the
    server keeps is at `begins`: it no longer has those before it."""

    timings: list[StampModel]
    begins: int
    next: int
    clock: str


def state_of(request: Request) -> State:
    """Return the state of the running server."""
    state: State = request.app.state.empkit
    return state


async def require_token(request: Request, _: Annotated[str | None, Depends(_scheme)]) -> None:
    """Let only a sender with a good token pass (401 otherwise)."""
    refusal = refuse(request, state_of(request).authenticator)
    if refusal is not None:
        raise HTTPException(401, refusal.message, {"WWW-Authenticate": "Bearer"})


def refuse(request: Request, authenticator: Authenticator) -> Answer | None:
    """Return the refusal of a request without a valid token; None if it may pass."""
    token = bearer_token(request.headers.get("authorization"))
    if token is None:
        return answers.unauthorized(answers.MISSING_TOKEN)
    if not authenticator.accepts(token):
        return answers.unauthorized(answers.INVALID_TOKEN)
    return None


# Any client may request a token without authentication, so the form is read by hand, up to a limit.
@router.post(
    wire.TOKEN,
    responses={
        401: {"description": "Wrong user or password"},
        413: {"description": "Too large"},
        422: {"description": "No user or no password"},
        429: {"description": "Too many log-ins; see Retry-After"},
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/x-www-form-urlencoded": {
                    "schema": {
                        "type": "object",
                        "required": ["username", "password"],
                        "properties": {
                            "username": {"type": "string"},
                            "password": {"type": "string", "format": "password"},
                        },
                    }
                }
            },
        }
    },
)
async def token(request: Request) -> Token:
    """Exchange user and password for a token (OAuth2 password form)."""
    authenticator, logins = state_of(request).authenticator, state_of(request).logins
    body, size = await _body(request, LONGEST_FORM)
    if size > LONGEST_FORM:
        raise HTTPException(413, f"The form is larger than {LONGEST_FORM} bytes")
    form = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
    if not {"username", "password"} <= form.keys():
        raise HTTPException(422, "The form needs username and password")
    address = request.client.host if request.client else ""
    try:
        right = await logins.is_right(form["username"], form["password"], address)
    except TooManyError as error:
        headers = {"Retry-After": str(math.ceil(error.retry_after_s))}
        raise HTTPException(429, f"Too many log-ins: {error}", headers) from error
    if not right:
        raise HTTPException(
            401, "Unauthorized: Wrong user or password", {"WWW-Authenticate": "Bearer"}
        )
    return Token(access_token=authenticator.make_token())


_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"model": AnswerModel, "description": "Stored before, with the same content"},
    201: {"model": AnswerModel, "description": "Created"},
    401: {"model": AnswerModel, "description": "No good token"},
    409: {"model": AnswerModel, "description": "The id is taken by other content"},
    413: {"model": AnswerModel, "description": "Too large"},
    422: {"model": AnswerModel, "description": "Not an employee; `field` names what is wrong"},
    503: {"model": AnswerModel, "description": "The database is away; see Retry-After"},
}


# The body is read and checked by hand, so that each record is parsed once and a body that is too
# large is refused before all of it is read; the schema for OpenAPI is given by hand, too.
@employees.post(
    wire.EMPLOYEES,
    status_code=201,
    responses=_ANSWERS,
    openapi_extra={
        "security": [{"OAuth2PasswordBearer": []}],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": Employee.model_json_schema()}},
        },
    },
)
async def create_employee(request: Request) -> Response:
    """Store one employee. The answer comes when the record is durable."""
    state = state_of(request)
    answer = refuse(request, state.authenticator)
    if answer is None:
        limit = state.settings.max_record_bytes
        body, size = await _body(request, limit)
        received_ns = now_ns()
        answer = (
            answers.too_large(size, limit)
            if size > limit
            else await accept(state, body, received_ns, "http")
        )
    response = Response(answer.body(), answer.code, media_type="application/json")
    if answer.code == 503:
        response.headers["Retry-After"] = str(answers.RETRY_AFTER_S)
    elif answer.code == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


async def _body(request: Request, limit: int) -> tuple[bytes, int]:
    """Return the body and its size; reading ends once it is larger than `limit` bytes."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        return b"", int(declared)
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            break
    return body, len(body)


async def accept(state: State, data: bytes | str, received_ns: int, protocol: str) -> Answer:
    """Check one record, store it, and return the answer; HTTP and WebSocket share this."""
    try:
        employee = Employee.model_validate_json(data)
    except ValidationError as error:
        return answers.invalid(error, data)
    try:
        stored = await state.store.add([to_row(employee)], received_ns, protocol)
    except (StoreFullError, StoreUnavailableError) as error:
        return answers.unavailable(error, employee)
    return answers.of_result(employee.employee_id, stored.results[0])


@employees.get(
    f"{wire.EMPLOYEES}/{{employee_id}}",
    dependencies=[Depends(require_token)],
    responses={
        401: {"description": "No good token"},
        404: {"description": "No such employee"},
        503: {"description": "The database is away"},
    },
)
async def get_employee(request: Request, employee_id: str) -> dict[str, Any]:
    """One employee."""
    try:
        row = await state_of(request).store.get(employee_id)
    except StoreUnavailableError as error:
        raise _away(error) from error
    if row is None:
        raise HTTPException(404, f"There is no employee {employee_id[:MAX_ID]}")
    return row_to_record(row)


@employees.get(
    wire.EMPLOYEES,
    dependencies=[Depends(require_token)],
    responses={
        401: {"description": "No good token"},
        503: {"description": "The database is away"},
    },
)
async def list_employees(
    request: Request,
    after: PartOfId = "",
    limit: Annotated[int, Query(ge=1, le=10_000)] = 100,
    prefix: PartOfId = "",
) -> EmployeePage:
    """Employees in the order of their ids, page by page (`after`: the last id you have seen)."""
    try:
        rows = await state_of(request).store.page(after, limit, prefix)
    except StoreUnavailableError as error:
        raise _away(error) from error
    following = rows[-1]["employee_id"] if len(rows) == limit else None
    return EmployeePage(employees=[row_to_record(row) for row in rows], next=following)


def _away(error: StoreUnavailableError) -> HTTPException:
    headers = {"Retry-After": str(answers.RETRY_AFTER_S)}
    return HTTPException(503, f"Error: the database is away: {error}", headers)


@router.get(wire.HEALTH)
async def health(
    request: Request, late_s: Annotated[float, Query(ge=0, le=KEPT_S)] = KEPT_S
) -> wire.Health:
    """The database, the consumer with its lag, and how late the event loop ran in the last `late_s`
    seconds."""
    state = state_of(request)
    database = wire.DatabaseHealth(
        kind=state.store.kind,
        failure=await state.store.failure_now(),
        waiting=state.store.waiting,
        commits=state.store.commits,
    )
    off = wire.ConsumerHealth(state="off")
    consumer = await state.consumer.health() if state.consumer else off
    well = database.failure is None and consumer.state in {"off", "running"}
    return wire.Health(
        status="ok" if well else "degraded",
        database=database,
        consumer=consumer,
        loop_late_ms=state.watch.late_ms(now_ns() - int(late_s * 1e9)),
        websockets=state.websockets,
        timings_end=state.stamps.end(),
        clock=clock_id(),
        pid=os.getpid(),
    )


@router.get(
    wire.ABOUT,
    dependencies=[Depends(require_token)],
    responses={401: {"description": "No good token"}},
)
async def about(request: Request) -> wire.About:
    """The kind of the database, the settings that the server goes by, and its versions."""
    state = state_of(request)
    return wire.About(
        database=state.store.kind,
        settings=state.settings.in_result("server", "both"),
        versions=versions(),
    )


@router.get(
    wire.TIMINGS,
    dependencies=[Depends(require_token)],
    responses={200: {"model": StampPage}, 401: {"description": "No good token"}},
)
async def timings(
    request: Request,
    after: Annotated[int, Query(ge=0, le=2**62)] = 0,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1_000,
) -> Response:
    """The server's stamps of stored records, page by page (`after`: the `next` you were given)."""
    state = state_of(request)
    stamps, following = await asyncio.to_thread(state.stamps.page, after, limit)
    page = {
        "timings": [stamp._asdict() for stamp in stamps],
        "begins": state.stamps.begin(),
        "next": following,
        "clock": clock_id(),
    }
    return Response(orjson.dumps(page), media_type="application/json")
