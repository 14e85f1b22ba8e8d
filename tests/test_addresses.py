"""Addresses: read in one way by all protocols, or refused with a sentence."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empkit import Settings, connect
from empkit.addresses import check_brokers, host_and_port, parse
from empkit.clients import ClientError

READ = {
    "http://127.0.0.1:8000": "http://127.0.0.1:8000",
    "HTTP://Example.ORG:80/": "http://example.org:80",
    "https://example.org": "https://example.org",
    "http://[::1]:8000/a/b/": "http://[::1]:8000/a/b",
    "http://münchen.example:1": "http://xn--mnchen-3ya.example:1",
    "http://host:": "http://host",
    "http://example.org/http/": "http://example.org/http",
}


@pytest.mark.parametrize(("url", "meant"), READ.items())
def test_a_url_is_read_in_one_way(url, meant):
    address = parse(url, "http", "https")
    assert address.url == meant
    assert parse(address.url, "http", "https") == address
    assert Settings(server_url=url).websocket_url() == meant.replace("http", "ws", 1) + "/ws"


NOT_READ = {
    "http://127.0.0.1:99999": "'99999' is not a port; one is from 1 to 65535",
    "http://127.0.0.1:0": "'0' is not a port",
    "http://127.0.0.1:-1": "'-1' is not a port",
    "http://127.0.0.1:http": "'http' is not a port",
    "http://[::1": "is not a URL",
    "http://[zz]:1": "is not",
    "127.0.0.1:8000": "expected http://HOST:PORT",
    "localhost:8000": "expected http://HOST:PORT",
    "ws://host:1": "expected http://HOST:PORT",
    "http://": "expected http://HOST:PORT",
    "": "expected http://HOST:PORT",
    "http://a b": "expected http://HOST:PORT",
    "http://host\r\nX: y": "expected http://HOST:PORT",
    "http://host/?q=1": "more than a host",
    "http://host/#a": "more than a host",
    "http://ho..st.é": "no valid host",
    "http://a..b:1": "no valid host",
    f"http://{'a' * 70}.org": "no valid host",
    "http://.:80": "no valid host",
    "http://user:hunter2@host:1": "EMPKIT_USERNAME and EMPKIT_PASSWORD",
    "HTTP://user:hunter2@host:99999": "EMPKIT_USERNAME and EMPKIT_PASSWORD",
    "http://user:hunter2@[::1": "is not a URL",
}


@pytest.mark.parametrize(("url", "said"), NOT_READ.items())
def test_what_is_no_url_is_refused_alike_by_all_clients_without_its_password(url, said):
    for protocol in ("http", "websocket"):
        with pytest.raises(ValueError, match=said) as caught:
            connect(protocol, Settings(server_url=url))
        assert "hunter2" not in str(caught.value)


def test_the_url_of_a_websocket_is_looked_at_too():
    assert Settings(ws_url="WSS://Host:1/ws?v=1").websocket_url() == "wss://host:1/ws?v=1"
    for url in ("http://host/ws", "ws://user:hunter2@host/ws", "ws://host:99999/ws"):
        with pytest.raises(ValueError, match=r"ws://HOST:PORT|not a port"):
            connect("websocket", Settings(ws_url=url))


@given(
    st.text(max_size=30) | st.text("htps:/[]@?#.0129%é \t\n-", max_size=30).map("http://".__add__)
)
def test_any_text_is_an_address_or_a_sentence(text):
    try:
        address = parse(text, "http", "https")
    except ValueError as error:
        assert str(error).endswith(".")
    else:
        assert parse(address.url, "http", "https") == address
        assert (address.url.isascii(), address.url.isprintable()) == (True, True)
        assert 1 <= address.port <= 65_535


def test_an_address_of_a_broker_whose_port_cannot_be_is_refused():
    for text in ("a:1", "a:1,b:65535", "a", "[::1]:9092", "[::1]", "a:1, b:2"):
        assert check_brokers(text) == text
    for text in ("a:0", "a:65536", "a:x", "a:", ":1", "a:1,b:99999", "kafka://a:1", "u:p@a:1"):
        with pytest.raises(ValueError, match="HOST:PORT"):
            check_brokers(text)
    settings = Settings(kafka_bootstrap_servers="127.0.0.1:99999")
    with pytest.raises(ClientError, match="from 1 to 65535"):
        asyncio.run(connect("kafka", settings).open())


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("localhost:5432", ("localhost", 5432)),
        ("[::1]:80", ("::1", 80)),
        ("http://127.0.0.1:8000/x", ("127.0.0.1", 8000)),
    ],
)
def test_host_and_port_are_read(text, address):
    assert host_and_port(text) == address


@pytest.mark.parametrize("text", ["5432", "localhost", "host:port", "host:99999", "host:0", ""])
def test_what_has_no_host_and_port_is_refused(text):
    with pytest.raises(ValueError, match=r"is not a valid address; expected HOST:PORT"):
        host_and_port(text)


def test_a_password_in_an_address_is_not_shown():
    with pytest.raises(ValueError, match=r"'//\.\.\.@host'") as refused:
        host_and_port("//me:secret@host")
    assert "secret" not in str(refused.value)
