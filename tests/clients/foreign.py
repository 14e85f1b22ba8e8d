"""Servers that are not the kit's: each answers as a test tells it to."""

import asyncio
import contextlib
import json
from http import HTTPStatus

from empkit import Settings, connect
from tests.conftest import employee

TOKEN = "a.b.c"


def answer(result="created", message="m", code=None, head=(), **more):
    """The bytes of an answer of the kit."""
    code = code or {"created": 201, "same": 200, "duplicate": 409, "invalid": 422}[result]
    body = json.dumps({"result": result, "message": message} | more).encode()
    return response(code, body, *head)


def response(code, body=b"", *head, version="1.1", length=True):
    """The bytes of any response."""
    lines = [f"HTTP/{version} {code} {HTTPStatus(code).phrase}", *head]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@contextlib.asynccontextmanager
async def token_server(answer):
    """A server that answers each form, whatever it holds, with the bytes of `answer(form)`."""

    async def script(form, _connection, _request):
        yield await answer(form)

    async with http_server(script, bytes) as url:
        yield url


@contextlib.asynccontextmanager
async def http_server(script, loads=json.loads):
    """A server that answers each record with what `script(record, connection, request)` yields.

    `script` is an async generator of bytes to send; None closes the connection.
    """
    writers = []

    async def serve(reader, writer):
        connection, request = len(writers), 0
        writers.append(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
                record = loads(await reader.readexactly(length))
                async for data in script(record, connection, request):
                    if data is None:
                        return
                    writer.write(data)
                    await writer.drain()
                request += 1

    async def handle(reader, writer):
        try:
            await serve(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            for writer in writers:
                writer.close()


def replies(script, ids, together=False, **changes):
    """The replies to records of these ids, sent over HTTP one after the other or together."""

    async def run():
        async with http_server(script) as url:
            settings = Settings(server_url=url, **{"deadline_s": 3, "retries": 0} | changes)
            async with connect("http", settings, TOKEN) as client:
                waits = [client.send(employee(each)) for each in ids]
                if together:
                    return await asyncio.gather(*waits)
                return [await wait for wait in waits]

    return asyncio.run(asyncio.wait_for(run(), 30))
