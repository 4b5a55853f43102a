"""What holds under uvicorn itself, by raw bytes, whichever parser it has: h11 is kinder than httptools (RFC 9112 §6.3, CWE-444)."""

import socket
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from threading import Thread
from types import SimpleNamespace

import pytest
import uvicorn

from flasgo import Flasgo, Request, Settings

PATIENCE = 20.0
"""Seconds until something that should happen counts as not happening."""


def application(reached: list[str]) -> Flasgo[Settings]:
    app = Flasgo(
        settings={
            "SECRET_KEY": "q7Vd2mXoR9tLkZ4wPbE8sNcYh1JfGu6A",
            "ALLOWED_HOSTS": ("localhost",),
            "SECURITY_FAILURE_RATE_LIMIT": 0,
            "SESSION_COOKIE_SECURE": False,
            "CSRF_COOKIE_SECURE": False,
        }
    )

    @app.route("/read", methods=["GET", "POST"], csrf=False)
    async def read(request: Request) -> bytes:
        reached.append("read")
        return await request.body()

    @app.route("/deaf", methods=["GET", "POST"], csrf=False)
    async def deaf() -> str:
        reached.append("deaf")
        return "deaf"

    @app.get("/smuggled")
    async def smuggled() -> str:
        reached.append("smuggled")
        return "smuggled"

    return app


@contextmanager
def serving(**options) -> Generator[SimpleNamespace]:
    reached: list[str] = []
    config = uvicorn.Config(application(reached), log_config=None, access_log=False, **options)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield SimpleNamespace(port=listener.getsockname()[1], reached=reached)
        finally:
            server.should_exit = True
            thread.join(PATIENCE)


@pytest.fixture(scope="module", params=["h11", "httptools"])
def running(request) -> Iterator[SimpleNamespace]:
    with serving(http=request.param) as server:
        yield server


@pytest.fixture
def server(running: SimpleNamespace) -> SimpleNamespace:
    running.reached.clear()
    return running


def ask(server, request: bytes) -> bytes:
    """Everything that comes back until the server closes; the client keeps its side open, and sends no more."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        connection.sendall(request)
        said = b""
        while piece := connection.recv(65_536):
            said += piece
        return said


SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
LENGTH = b"Content-Length: %d" % len(SMUGGLED)
CHUNKED = b"Transfer-Encoding: chunked"


def head(line: bytes, *fields: bytes, host: bytes = b"localhost") -> bytes:
    return b"\r\n".join([line, b"Host: " + host, *fields, b"", b""])


@pytest.mark.parametrize(
    "fields",
    [
        (LENGTH, CHUNKED),
        (CHUNKED, LENGTH),
        (CHUNKED, b"Content-Length: 0"),
        (b"transfer-encoding: Chunked", b"content-length: 5"),
        (CHUNKED, CHUNKED),
        (b"Content-Length: 0", LENGTH),
        (b"Content-Length: 0, %d" % len(SMUGGLED),),
        (b"Transfer-Encoding: chunked, identity",),
        (b"Transfer-Encoding: xchunked",),
        (b"Transfer-Encoding : chunked", LENGTH),
    ],
    ids=repr,
)
@pytest.mark.parametrize("line", [b"POST /read HTTP/1.1", b"GET /deaf HTTP/1.1", b"GET /nowhere HTTP/1.1"])
def test_what_may_be_one_request_or_two_is_none(server, line, fields):
    """Whether anybody reads the body or not, the connection ends with the refusal, and what follows is no request."""
    said = ask(server, head(line, *fields) + b"0\r\n\r\n" + SMUGGLED)
    assert said.startswith(b"HTTP/1.1 400 ")
    assert said.count(b"HTTP/1.1 ") == 1
    assert server.reached == []


def test_it_is_refused_for_whichever_host_it_is(server):
    said = ask(server, head(b"GET /deaf HTTP/1.1", LENGTH, CHUNKED, host=b"evil.example") + b"0\r\n\r\n" + SMUGGLED)
    assert said.startswith(b"HTTP/1.1 400 ")
    assert said.count(b"HTTP/1.1 ") == 1
    assert server.reached == []


def test_http_1_0_has_no_chunks(server):
    said = ask(server, head(b"POST /read HTTP/1.0", CHUNKED) + b"0\r\n\r\n" + SMUGGLED)
    assert said.startswith((b"HTTP/1.1 400 ", b"HTTP/1.0 400 "))
    assert "smuggled" not in server.reached


def test_either_alone_is_a_request(server):
    plain = head(b"POST /read HTTP/1.1", b"Content-Length: 2", b"Connection: close") + b"ab"
    assert ask(server, plain).endswith(b"\r\n\r\nab")
    chunks = head(b"POST /read HTTP/1.1", CHUNKED, b"Connection: close") + b"2\r\nab\r\n0\r\n\r\n"
    assert ask(server, chunks).endswith(b"\r\n\r\nab")
    assert server.reached == ["read", "read"]


def names_in(said: bytes) -> set[bytes]:
    """The names of the fields in an answer, but for what is of one visitor."""
    lines = said.partition(b"\r\n\r\n")[0].lower().split(b"\r\n")[1:]
    return {line.partition(b":")[0] for line in lines} - {b"set-cookie", b"vary"}


def test_a_refusal_has_the_headers_of_every_answer():
    with serving(http="h11") as server:
        usual = ask(server, head(b"GET /deaf HTTP/1.1", b"Connection: close"))
        refused = ask(server, head(b"POST /read HTTP/1.1", LENGTH, CHUNKED) + b"0\r\n\r\n")
    assert refused.startswith(b"HTTP/1.1 400 ")
    assert names_in(usual) <= names_in(refused)
