"""Whatever bytes a server sends, in whatever pieces: no record gets the answer to another, and none
is acked but by its own. `python -m benchmarks.fuzz http websocket` looks for inputs that break it.

Both clients are driven without a network, so that the order of events is that of the input.
"""

import asyncio
import base64
import hashlib
import json
import socket

import h11
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.uri import parse_uri

from empkit import Settings
from empkit.clients import http1, websocket
from empkit.clients.base import Answer, ClientError
from empkit.clients.http import HttpClient

RECORDS = 4
WORDS = ("created", "same", "duplicate", "invalid", "unavailable")
pieces = st.lists(st.integers(1, 60), max_size=6)
any_input = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


class Memory(asyncio.Transport):
    """A transport that keeps what is written, and loses its connection when it is closed."""

    def __init__(self, protocol):
        super().__init__()
        self.protocol, self.closing, self.lost = protocol, False, False
        self.quiet = socket.socket(type=socket.SOCK_DGRAM)  # one to which nothing ever comes

    def get_extra_info(self, name, default=None):
        return {"socket": self.quiet}.get(name, default)

    def write(self, data):
        pass

    def writelines(self, parts):
        pass

    def get_write_buffer_size(self):
        return 0

    def set_write_buffer_limits(self, high=None, low=None):
        pass

    def can_write_eof(self):
        return True

    def write_eof(self):
        pass

    def pause_reading(self):
        pass

    def resume_reading(self):
        pass

    def is_closing(self):
        return self.closing

    def close(self):
        self.end(None)

    abort = close

    def end(self, error):
        if not self.closing:
            self.closing = True
            asyncio.get_running_loop().call_soon(self._lose, error)

    def _lose(self, error):
        if not self.lost:
            self.lost = True
            self.quiet.close()
            self.protocol.connection_lost(error)

    def feed(self, data):
        if not self.closing:
            self.protocol.data_received(data)

    def finish(self):
        if not self.closing:
            self.protocol.eof_received()
            self.close()


def cut(data, sizes):
    """The data in pieces of these sizes, and the rest."""
    for size in sizes:
        yield data[:size]
        data = data[size:]
    yield data


def run(work):
    """Run a coroutine; an error in a callback of the event loop is one of the test."""
    wrong = []

    async def watched():
        asyncio.get_running_loop().set_exception_handler(lambda _, what: wrong.append(what))
        await work
        await asyncio.sleep(0)

    asyncio.run(watched())
    assert not wrong, wrong


def said(result, about, **more):
    return json.dumps({"result": result, "message": f"{result} E{about}"} | more).encode()


async def settled():
    for _ in range(4):
        await asyncio.sleep(0)


# HTTP


def whole(code, body, *head):
    lines = [f"HTTP/1.1 {code} X", *head, f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


CODES = {"created": 201, "same": 200, "duplicate": 409, "invalid": 422, "unavailable": 503}


@st.composite
def http_parts(draw, about):
    """Bytes that a server may send to record `about`: those with words for another name it."""
    kind = draw(st.integers(0, 5))
    result = draw(st.sampled_from(WORDS))
    if kind <= 1:
        other = draw(st.integers(0, RECORDS - 1)) if kind else about
        more = {"employee_id": f"E{other}"} if kind or draw(st.booleans()) else {}
        body = said(result, other, **more)
        code = draw(st.sampled_from([CODES[result], 500, 204, 103]))
        if draw(st.booleans()):
            return whole(code, body)
        at = draw(st.integers(0, len(body)))
        chunks = b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in (body[:at], body[at:]) if p)
        return b"HTTP/1.1 %d X\r\nTransfer-Encoding: chunked\r\n\r\n%b0\r\n\r\n" % (code, chunks)
    if kind == 2:
        return draw(st.sampled_from([b"HTTP/1.1 103 X\r\nLink: x\r\n\r\n", b"\r\n", b"0\r\n\r\n"]))
    if kind == 3:
        lines = draw(
            st.lists(
                st.sampled_from(
                    [
                        b"HTTP/1.1 201 X", b"HTTP/1.0 200 OK", b"HTTP/1.1 100 C", b"HTTP/1.1 304 N",
                        b"Content-Length: 5", b"Content-Length: 0", b"Transfer-Encoding: chunked",
                        b"Connection: close", b"Content-Encoding: gzip", b"X: y", b"", b"",
                        b"Retry-After: 3", b"Connection: upgrade", b"Upgrade: x",
                    ]
                ),
                max_size=6,
            )
        )  # fmt: skip
        return b"\r\n".join(lines) + b"\r\n"
    return draw(st.binary(max_size=30))


@st.composite
def http_scripts(draw):
    """What happens to each record: the bytes, how they are cut, and whether the connection ends."""
    return [
        (
            b"".join(draw(st.lists(http_parts(about), max_size=4))),
            draw(pieces),
            draw(st.booleans()),
        )
        for about in range(RECORDS)
    ]


def as_h11_reads(data, ended):
    """The response in these bytes as another parser reads it; None where it reads none."""
    other = h11.Connection(h11.CLIENT)
    other.send(
        h11.Request(method="POST", target="/", headers=[("Host", "x"), ("Content-Length", "0")])
    )
    other.send(h11.EndOfMessage())
    try:
        other.receive_data(data)
        if ended:
            other.receive_data(b"")
        code, body = 0, b""
        while True:
            event = other.next_event()
            if isinstance(event, h11.Response):
                code = event.status_code
                if dict(event.headers).get(b"content-encoding"):
                    return None
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                return code, body
            elif event in (h11.NEED_DATA, h11.PAUSED) or isinstance(event, h11.ConnectionClosed):
                return None
    except (h11.RemoteProtocolError, RuntimeError):
        return None


@any_input
@given(http_scripts())
def test_over_http_each_answer_is_that_of_its_own_request(scripts):
    async def work():
        client = HttpClient(Settings(), "token")
        await client.open()
        transports, responses = [], []

        async def connect():
            connection = http1._Connection()
            transports.append(Memory(connection))
            connection.connection_made(transports[-1])
            return connection

        client._http._connect = connect
        client._http._answered = True  # no handshake is tried to find out whether it speaks TLS
        ask = client._http.request

        async def request(head, body):
            responses.append(await ask(head, body))
            return responses[-1]

        client._http.request = request
        for about, (data, sizes, ends) in enumerate(scripts):
            before = len(responses)
            asked = asyncio.create_task(client._attempt(f"E{about}", b"{}"))
            await settled()
            transport, heard = next(t for t in transports if not t.closing), b""
            for piece in cut(data, sizes):
                if len(responses) == before:
                    heard += piece
                transport.feed(piece)
                await settled()
            ended = ends and len(responses) == before
            if ends:
                transport.finish()
                await settled()
            if not asked.done():
                asked.cancel()  # as at its timeout
            try:
                answer = await asked
            except (ClientError, asyncio.CancelledError):
                answer = None
            if answer is not None and answer.of_all:
                assert answer.message == f"{answer.result} E{about}"
            if len(responses) > before:
                read = as_h11_reads(heard, ended)
                assert read in (None, (responses[-1].code, responses[-1].body))
        await client.close()
        await settled()

    run(work())


# WebSocket


@st.composite
def ws_parts(draw):
    """Bytes that a server may send: an answer with another record's words names that record."""
    kind = draw(st.integers(0, 5))
    if kind <= 2:
        number, about = draw(st.integers(0, RECORDS + 1)), draw(st.integers(1, RECORDS))
        result = draw(st.sampled_from([*WORDS, "unauthorized", "fine"]))
        more = {}
        if kind == 0:
            about = number
        elif kind == 1:
            more = {"employee_id": f"E{about}"}
        else:
            number = draw(st.sampled_from([None, "1", 1.0, True, [1], -1, 10**30]))
        data = said(result, about, number=number, **more)
        if draw(st.integers(0, 9)) == 0:
            data = data[: draw(st.integers(0, len(data)))]
    elif kind == 3:
        data = draw(st.sampled_from([b"hello", b"[]", b"null", b"\xff", b"", b'{"result": [1]}']))
    elif kind == 4:
        frame = Frame(draw(st.sampled_from([Opcode.PING, Opcode.PONG, Opcode.CLOSE])), b"\x03\xe8")
        return frame.serialize(mask=False)
    else:
        return draw(st.binary(max_size=12))
    opcode = draw(st.sampled_from([Opcode.TEXT, Opcode.BINARY]))
    frames, rest = b"", data
    for size in draw(st.lists(st.integers(0, 40), max_size=3)):
        frames += Frame(opcode, rest[:size], fin=False).serialize(mask=False)
        opcode, rest = Opcode.CONT, rest[size:]
    return frames + Frame(opcode, rest).serialize(mask=False)


def opened():
    """A connection after its handshake, and its transport."""
    protocol = ClientProtocol(parse_uri("ws://host/ws"), max_size=2**16)
    connection = websocket._Connection(protocol)
    transport = Memory(connection)
    connection.connection_made(transport)
    protocol.send_request(protocol.connect())
    connection.send_data()
    accept = hashlib.sha1(f"{protocol.key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()
    transport.feed(
        b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + base64.b64encode(accept) + b"\r\n\r\n"
    )
    return connection, transport


@any_input
@given(st.lists(ws_parts(), max_size=8), pieces, st.booleans())
def test_over_a_websocket_each_answer_is_that_of_its_own_message(parts, sizes, ends):
    async def work():
        connection, transport = opened()
        asked = [asyncio.create_task(connection.ask(b"{}", f"E{n + 1}")) for n in range(RECORDS)]
        await settled()
        for piece in cut(b"".join(parts), sizes):
            was_usable, before = connection.usable, [task.done() for task in asked]
            transport.feed(piece)
            await settled()
            if not was_usable:
                assert all(before)
        if ends:
            transport.finish()
            await settled()
        for number, task in enumerate(asked, 1):
            if not task.done():
                assert connection.usable
                task.cancel()
            try:
                answer = await task
            except (ClientError, asyncio.CancelledError):
                continue
            assert isinstance(answer, Answer)
            assert answer.message == f"{answer.result} E{number}"
        transport.abort()
        await settled()

    run(work())
