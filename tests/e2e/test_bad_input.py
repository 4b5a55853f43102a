"""What strangers may send to a real server: the right 4xx, never a 500, never a hang, and nothing broken afterwards."""

import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from http.client import HTTPResponse
from pathlib import Path
from select import select
from textwrap import dedent
from typing import Any

import pytest

PATIENCE = 10.0
"""Seconds until an answer that should come counts as a hang."""

APPLICATION = """
    from msgspec import Struct
    from flasgo import Flasgo, Request

    class Point(Struct):
        x: int
        y: int

    app = Flasgo(settings={
        "SECRET_KEY": "test-bad-input-0123456789abcdefghijklmn",
        "CSRF_ENABLED": False,
        "MAX_REQUEST_BODY_BYTES": 10_000,
        "REQUEST_READ_TIMEOUT_SECONDS": 0.3,
    })

    @app.get("/")
    async def index() -> str:
        return "index"

    @app.post("/json")
    async def json(point: Point) -> Point:
        return point

    @app.post("/sync-json")
    def sync_json(point: Point) -> Point:
        return point

    @app.post("/body")
    async def body(request: Request) -> str:
        return str(len(await request.body()))

    @app.post("/ignored")
    async def ignored() -> str:
        return "ignored"

    @app.get("/numbers/<int:number>")
    async def number(number: int, limit: int = 1) -> str:
        return str(number)

    @app.get("/files/<path:name>")
    async def file(name: str, q: str = "") -> str:
        return repr(name + q)

    @app.get("/slash/")
    async def slash() -> str:
        return "slash"
"""


class Server:
    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.process = process
        self.port = port
        self.log = log

    @property
    def said(self) -> str:
        return self.log.read_text()

    def connect(self) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def talk(
        self, *pieces: bytes | float, count: int = 1, method: str = "GET"
    ) -> list[tuple[int, dict[str, str], bytes]]:
        """Send bytes, with pauses between them, and read so many responses; fewer when the server closes the connection."""
        with self.connect() as connection:
            for piece in pieces:
                if isinstance(piece, bytes):
                    try:
                        connection.sendall(piece)
                    except (BrokenPipeError, ConnectionResetError):
                        break  # it has answered, and does not want the rest
                else:
                    time.sleep(piece)
            return read_responses(connection, count, method)

    def status(self, *pieces: bytes | float, method: str = "GET") -> int:
        """The status of the one response."""
        answers = self.talk(*pieces, method=method)
        assert answers, "the server closed the connection without an answer"
        return answers[0][0]


class Reader:
    """A socket for HTTPResponse whose buffer outlives one response, for those that come after it."""

    def __init__(self, connection: socket.socket) -> None:
        self.file = connection.makefile("rb")
        self.close = self.file.close
        self.file.close = lambda: None  # type: ignore[method-assign]  # HTTPResponse closes what it has read

    def makefile(self, _mode: str):
        return self.file


def read_responses(connection: socket.socket, count: int, method: str) -> list[tuple[int, dict[str, str], bytes]]:
    answers = []
    reader: Any = Reader(connection)  # HTTPResponse wants a socket for its makefile alone
    try:
        for _ in range(count):
            with closing(HTTPResponse(reader, method=method)) as response, suppress(ConnectionError):
                response.begin()
                answers.append((response.status, dict(response.headers.items()), response.read()))
    finally:
        reader.close()
    return answers


@pytest.fixture(scope="module")
def running(tmp_path_factory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    (folder / "served.py").write_text(dedent(APPLICATION))
    log = folder / "log"
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener, log.open("wb") as output:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "uvicorn",
                "served:app",
                "--fd",
                str(listener.fileno()),
                "--http",
                "httptools",
                "--loop",
                "uvloop",
            ],
            cwd=folder,
            pass_fds=[listener.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        server = Server(process, listener.getsockname()[1], log)
        try:
            assert server.status(get("/")) == 200, server.said
            yield server
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture
def server(running: Server) -> Iterator[Server]:
    """The server, which after each test still answers, and has said nothing of exceptions."""
    before = len(running.said)
    yield running
    assert running.status(get("/")) == 200
    said = running.said[before:]
    assert "Traceback" not in said
    assert "ERROR" not in said


def get(path: str | bytes, *headers: bytes, method: bytes = b"GET", host: bytes = b"localhost") -> bytes:
    target = path.encode() if isinstance(path, str) else path
    return b"\r\n".join([b"%s %s HTTP/1.1" % (method, target), b"Host: " + host, *headers, b"", b""])


def post(path: str, body: bytes, *headers: bytes, length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return get(path, b"Content-Length: %d" % size, *headers, method=b"POST") + body


JSON = b"Content-Type: application/json"
CHUNKED = b"Transfer-Encoding: chunked"


def chunks(*pieces: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (*pieces, b""))


# ── bodies ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"x":1,"y":2}', 200),
        (b'{"x":1,"y":', 400),
        (b"", 400),
        (b"\xff\xfe", 400),
        (b'{"x":1,"y":"\xff"}', 400),
        (b'{"x":1,"y":2,"unknown":"\xff"}', 400),
        (b'{"x":1,"y":2,"unknown":"\xc3\xa9"}', 200),
        ('{"x":1,"y":2}'.encode("utf-16"), 400),
        (b'\xef\xbb\xbf{"x":1,"y":2}', 400),
        (b'{"x":1,"x":3,"y":2}', 200),
        (b"\x00", 400),
        (b"[" * 9_000, 400),
        (b'{"x":' * 1_500 + b"1" + b"}" * 1_500, 400),
        (b'{"x":1,"y":' + b"9" * 9_000 + b"}", 422),
        (b'{"x":1,"y":1e999}', 422),
        (b'{"x":1,"y":NaN}', 400),
        (b'{"x":1}', 422),
        (b'{"x":"\\ud800","y":1}', 400),
        (b"null", 422),
    ],
)
@pytest.mark.parametrize("path", ["/json", "/sync-json"])
def test_json_that_is_not_what_it_should_be_is_400_or_422(server, path, body, status):
    chunked = get(path, JSON, CHUNKED, method=b"POST") + chunks(*([body] if body else []))
    assert [server.status(post(path, body, JSON)), server.status(chunked)] == [status, status]


def test_another_media_type_is_415(server):
    for kind in (b"text/plain", b"text/json", b"application/xml", b"\xff/\xff", b""):
        assert server.status(post("/json", b"{}", b"Content-Type: " + kind)) == 415
    assert server.status(post("/json", b"{}", JSON, b"Content-Encoding: gzip")) == 415


@pytest.mark.parametrize("framing", ["announced", "chunked"])
def test_a_body_that_is_too_large_is_413_and_the_client_can_send_on_and_read_it(server, framing):
    """Most clients send everything before they look for an answer: a reset while they do would be all that they see."""
    piece = b"x" * 50_000 if framing == "announced" else b"%x\r\n%s\r\n" % (50_000, b"x" * 50_000)
    with server.connect() as connection:
        connection.sendall(
            get("/body", b"Content-Length: 200000" if framing == "announced" else CHUNKED, method=b"POST")
        )
        for _ in range(4):
            connection.sendall(piece)
            time.sleep(0.05)
        ((status, headers, body),) = read_responses(connection, 1, "POST")
    assert (status, headers["connection"]) == (413, "close")
    assert b"the 10000 bytes" in body


def test_a_chunked_body_that_is_too_large_is_413(server):
    assert server.status(get("/body", CHUNKED, method=b"POST") + chunks(*[b"x" * 1000] * 20)) == 413
    assert server.status(get("/body", CHUNKED, method=b"POST") + b"ffffffff\r\n" + b"x" * 20_000) == 413


def test_a_client_that_waits_for_permission_is_refused_before_it_sends(server):
    request = get("/body", b"Content-Length: 1000000000", b"Expect: 100-continue", method=b"POST")
    with server.connect() as connection:
        connection.sendall(request)
        assert connection.recv(12) == b"HTTP/1.1 413"  # and not 100 first


def test_a_client_that_waits_for_permission_gets_it(server):
    with server.connect() as connection:
        connection.sendall(get("/body", b"Content-Length: 5", b"Expect: 100-continue", method=b"POST"))
        assert connection.recv(1000).startswith(b"HTTP/1.1 100 Continue\r\n")
        connection.sendall(b"12345")
        ((status, _, body),) = read_responses(connection, 1, "POST")
    assert (status, body) == (200, b"5")


@pytest.mark.parametrize("headers", [(b"Content-Length: 100",), (CHUNKED,)])
@pytest.mark.parametrize("path", ["/body", "/json", "/sync-json"])
def test_a_body_that_never_ends_is_408(server, path, headers):
    assert server.status(get(path, JSON, *headers, method=b"POST") + b"5\r\nhello") == 408


def test_a_body_that_drips_is_408(server):
    with server.connect() as connection:
        connection.sendall(get("/body", b"Content-Length: 1000", method=b"POST"))
        for _ in range(100):
            connection.sendall(b"x")
            if select([connection], [], [], 0.1)[0]:
                break
        else:
            pytest.fail("it may drip as long as it likes")
        ((status, _, _),) = read_responses(connection, 1, "POST")
    assert status == 408


@pytest.mark.parametrize("linger", [True, False])
def test_clients_that_leave_at_any_byte_leave_nothing_behind(server, linger):
    """With and without a reset (SO_LINGER of 0 sends RST where FIN would be polite)."""
    request = post("/json", b'{"x":1,"y":2}', JSON)
    for end in range(0, len(request) + 1, 3):
        connection = server.connect()
        connection.sendall(request[:end])
        if not linger:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        connection.close()


def test_a_client_that_stops_sending_in_the_middle_gets_no_500(server):
    with server.connect() as connection:
        connection.sendall(post("/body", b"half", length=100))
        connection.shutdown(socket.SHUT_WR)
        answers = read_responses(connection, 1, "POST")
    assert [status for status, _, _ in answers] in ([], [400], [408])


@pytest.mark.parametrize(
    "length", [b"-1", b"abc", b"1, 2", b"1e3", b"0x10", b"+1", b"99999999999999999999999999", b"5 5"]
)
def test_a_length_that_is_none_is_4xx(server, length):
    request = get("/body", b"Content-Length: " + length, method=b"POST") + b"12345"
    assert 400 <= server.status(request) < 500


def test_two_framings_are_refused(server):
    for headers in (
        (b"Content-Length: 5", b"Content-Length: 6"),
        (b"Content-Length: 5", CHUNKED),
        (b"Transfer-Encoding: chunked, chunked",),
        (b"Transfer-Encoding: gzip",),
    ):
        answers = server.talk(get("/body", *headers, method=b"POST") + b"0\r\n\r\n" + get("/"), count=2)
        assert 200 not in [status for status, _, _ in answers[1:]], headers


# ── heads ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost:99999\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: \r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: local\xffhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: user@localhost\r\n\r\n",
        b"GET /%ff HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /files/%c3%28 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /files/x?q=%ff HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\x00b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX\x00: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost localhost\r\n\r\n",
        b"GET  HTTP/1.1\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"\r\n\r\n\r\n\x00\r\n\r\n",
        b"NOT HTTP AT ALL\r\n\r\n",
    ],
)
def test_a_head_that_is_not_as_it_should_be_is_400(server, request_bytes):
    assert server.status(request_bytes) == 400


def test_http_1_0_with_a_host_is_served_and_closed(server):
    with server.connect() as connection:
        connection.sendall(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")
        ((status, _, body),) = read_responses(connection, 1, "GET")
        assert (status, body) == (200, b"index")


def test_a_whole_url_as_target_is_routed_by_its_path(server):
    assert server.status(get("http://localhost/numbers/1")) == 200
    assert server.status(get("http://localhost/nowhere")) == 404


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/numbers/" + "9" * 20, 404),
        ("/numbers/" + "9" * 5_000, 404),
        ("/numbers/-1", 404),
        ("/numbers/1?limit=" + "9" * 5_000, 422),
        ("/numbers/1?limit=NaN", 422),
        ("/numbers/1?limit=1&limit=2", 422),
        ("/numbers/%D9%A1", 404),
        ("/files/%00", 200),
        ("/files/a%2f..%2fb", 200),
        ("//", 404),
        ("//evil.example/..", 404),
        ("/?" + "&" * 2_000, 200),
        ("/files/x?" + "a=1&" * 1_500, 400),
        ("/?" + "a" * 17_000, 431),
        ("/" + "a" * 17_000, 431),
        ("/slash", 308),
        ("/slash?q=%0d%0aset-cookie:a=b", 308),
        ("*", 400),
    ],
)
def test_targets(server, target, status):
    ((answer, headers, _),) = server.talk(get(target))
    assert answer == status or (target == "*" and 400 <= answer < 500)
    assert "set-cookie" not in headers


def test_a_redirect_with_bytes_in_its_query_that_no_header_may_hold(server):
    answers = server.talk(get(b"/slash?q=\x85\xff"))
    assert [status for status, _, _ in answers] in ([308], [400])


@pytest.mark.parametrize("header", [b"X: " + b"y" * 20_000, b"\r\n".join(b"X-%d: y" % number for number in range(200))])
def test_a_head_that_is_too_large_is_431(server, header):
    ((status, headers, _),) = server.talk(get("/", header))
    assert (status, headers["connection"]) == (431, "close")


@pytest.mark.parametrize(
    "header", [b"Accept", b"Cookie", b"Content-Type", b"Accept-Encoding", b"Range", b"If-None-Match", b"Origin"]
)
@pytest.mark.parametrize(
    "value", [b";" * 8_000, b'"' * 8_001, b'a="\\' * 2_000, b"," * 8_000, b"\xff" * 8_000, b"=;" * 4_000]
)
def test_no_value_of_a_header_takes_long(server, header, value):
    assert server.status(get("/files/x", header + b": " + value)) in {200, 400}  # within PATIENCE, as every answer
    assert server.status(get("/nowhere", header + b": " + value)) == 404


def test_headers_that_come_twice(server):
    twice = (b"Accept: text/html", b"Accept: application/json", b"X: 1", b"X: 2", b"Cookie: a=1", b"Cookie: a=2")
    assert server.status(get("/", *twice)) == 200
    assert server.status(get("/nowhere", *twice)) == 404


# ── methods and connections ─────────────────────────────────────────────────────────────────────────────────────────


def test_methods(server):
    for method, status in ((b"HEAD", 200), (b"OPTIONS", 204), (b"TRACE", 405), (b"DELETE", 405), (b"PROPFIND", 405)):
        ((answer, headers, body),) = server.talk(get("/", method=method), method=method.decode())
        assert answer == status, method
        if status == 405:
            assert headers["allow"] == "GET, HEAD, OPTIONS"
        if method == b"HEAD":
            assert (headers["content-length"], body) == ("5", b"")
    assert server.status(get("/", method=b"NONSENSE")) in {400, 405}


def test_a_connection_is_kept_after_errors(server):
    requests = [get("/nowhere"), get("/", method=b"DELETE"), post("/json", b"{", JSON), get("/numbers/x"), get("/")]
    with server.connect() as connection:
        for request, expected in zip(requests, [404, 405, 400, 404, 200], strict=True):
            connection.sendall(request)
            ((status, headers, _),) = read_responses(connection, 1, "GET")
            assert status == expected
            assert "connection" not in headers


def test_a_body_that_nobody_read_is_not_taken_for_the_next_request(server):
    smuggled = get("/nowhere")
    answers = server.talk(post("/ignored", smuggled) + get("/"), count=2)
    assert [(status, body) for status, _, body in answers] == [(200, b"ignored"), (200, b"index")]


def test_pipelined_requests_are_answered_in_their_order(server):
    requests = b"".join(get(f"/numbers/{number}") for number in range(20))
    answers = server.talk(requests, count=20)
    assert [body for _, _, body in answers] == [b"%d" % number for number in range(20)]


def test_pipelined_requests_behind_a_refused_one_do_not_hang(server):
    answers = server.talk(post("/body", b"x" * 20_000) + get("/"), count=2)
    assert [status for status, _, _ in answers] == [413]


def test_random_bytes_are_never_a_500(server):
    chance = random.Random(20_240_229)
    whole = post("/json?a=b", b'{"x":1,"y":2}', JSON, b"Accept: application/json", b"Cookie: a=b; c=d")
    for _ in range(150):
        request = bytearray(whole)
        for _ in range(chance.randint(1, 8)):
            place = chance.randrange(len(request))
            request[place : place + 1] = chance.randbytes(chance.randrange(3))
        with server.connect() as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            answers = read_responses(connection, 1, "POST")
        assert all(status < 500 for status, _, _ in answers), bytes(request)
