"""The hardened protocol by its bytes: raw sockets against a real uvicorn."""

import asyncio
import json
import random
import re
import signal
import socket
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import pytest
import uvicorn

from flasgo.server import protocol
from flasgo.server.connections import ConnectionLimits
from flasgo.server.protocol import protocol_class

PATIENCE = 20.0
"""Seconds until something that should happen counts as not happening."""

SHORT = ConnectionLimits(
    head_bytes=2_000,
    head_fields=10,
    head_seconds=0.3,
    body_idle_seconds=0.3,
    body_bytes_per_second=100,
    body_grace_seconds=0.3,
    framing_bytes=200,
    write_stall_seconds=0.3,
    keep_alive_seconds=0.2,
    pipeline_depth=4,
    linger_seconds=0.2,
    linger_bytes=10_000,
    connections_per_peer=0,
    sweep_seconds=0.04,
)
LOOPS = ["asyncio"] if sys.platform == "win32" else ["uvloop", pytest.param("asyncio", marks=pytest.mark.slow)]

leaked: ContextVar[str] = ContextVar("leaked", default="nothing")


class App:
    """Tells what it was asked; paths ask for more."""

    def __init__(self):
        self.paths = []
        self.ends = []

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            while (message := await receive())["type"] != "lifespan.shutdown":
                await send({"type": f"{message['type']}.complete"})
            await send({"type": "lifespan.shutdown.complete"})
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.send", "text": scope["path"]})
            await receive()
        else:
            self.paths.append(scope["path"])
            try:
                await self.answer(scope, receive, send)
            except asyncio.CancelledError:
                self.ends.append((scope["path"], "cancelled"))
                raise
            self.ends.append((scope["path"], "returned"))

    async def answer(self, scope, receive, send):
        match scope["path"]:
            case "/endless":
                await send({"type": "http.response.start", "status": 200, "headers": []})
                for _ in range(2_000):
                    await send({"type": "http.response.body", "body": b"x" * 100_000, "more_body": True})
            case "/large":
                await send(
                    {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"20000000")]}
                )
                for _ in range(20):
                    await send({"type": "http.response.body", "body": b"x" * 1_000_000, "more_body": True})
                await send({"type": "http.response.body"})
            case "/early":
                await send({"type": "http.response.start", "status": 200, "headers": []})
                await send({"type": "http.response.body", "body": b"early", "more_body": True})
                await self.body(receive)
                await send({"type": "http.response.body", "body": b"end"})
            case "/deaf":
                await respond(send, b"I did not read")
            case "/leak":
                before = leaked.get()
                leaked.set("a secret")
                await respond(send, before.encode())
            case "/sleep":
                await asyncio.sleep(0.4)
                await respond(send, b"slept")
            case "/sip":
                await asyncio.sleep(0.6)
                body = await self.body(receive)
                await respond(send, str(len(body)).encode())
            case _:
                body = await self.body(receive)
                told = {
                    "method": scope["method"],
                    "path": scope["path"],
                    "query": scope["query_string"].decode(),
                    "version": scope["http_version"],
                    "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in scope["headers"]],
                    "body": body.decode("latin-1"),
                }
                await respond(send, json.dumps(told).encode())

    async def body(self, receive):
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.ends.append("disconnected")
                return body
            body += message["body"]
            if not message["more_body"]:
                return body


async def respond(send, body):
    length = str(len(body)).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
    await send({"type": "http.response.body", "body": body})


@contextmanager
def serving(limits, loop="asyncio", **options):
    app = App()
    config = uvicorn.Config(
        app, http=protocol_class(limits), loop=loop, log_config=None, access_log=False, server_header=False, **options
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        thread = Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield SimpleNamespace(app=app, port=port, server=server, thread=thread)
        finally:
            server.should_exit = True
            thread.join(PATIENCE)
            assert not thread.is_alive()


@pytest.fixture(scope="module", params=LOOPS)
def short(request):
    """A server with short deadlines and small limits."""
    with serving(SHORT, request.param) as server:
        yield server


@pytest.fixture(scope="module")
def usual():
    """A server with the limits that are the defaults."""
    with serving(ConnectionLimits()) as server:
        yield server


class Peer:
    """A client that sends bytes and reads answers."""

    def __init__(self, port, *, window=None):
        self.socket = socket.socket()
        if window is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(("127.0.0.1", port))
        self.unread = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, *pieces, pause=0.0):
        for piece in pieces:
            self.socket.sendall(piece)
            time.sleep(pause)

    def drip(self, data, pause):
        """Send byte by byte until the server has had enough; whether it has."""
        try:
            for byte in data:
                self.socket.sendall(bytes([byte]))
                time.sleep(pause)
        except OSError:
            return True
        return False

    def answer(self):
        """The next answer; None at the end of the connection."""
        while b"\r\n\r\n" not in self.unread:
            if not self.more():
                assert not self.unread, self.unread
                return None
        head, _, self.unread = self.unread.partition(b"\r\n\r\n")
        line, *fields = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (field.partition(": ") for field in fields)}
        length = int(headers.get("content-length", 0))
        body = bytearray(self.unread[:length])
        self.unread = self.unread[length:]
        while len(body) < length:
            data = self.socket.recv(min(length - len(body), 1_000_000))
            assert data, f"an answer that is not complete: {head}"
            body += data
        return Answer(int(line.split()[1]), headers, body.decode())

    def answers(self):
        """All answers until the server ends the connection."""
        return list(iter(self.answer, None))

    def more(self):
        try:
            data = self.socket.recv(65_536)
        except ConnectionResetError:
            return False
        self.unread += data
        return bool(data)

    def is_open(self, seconds):
        """Whether nothing comes and the connection stands for so long."""
        self.socket.settimeout(seconds)
        try:
            data = self.socket.recv(1, socket.MSG_PEEK)
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(PATIENCE)
        assert not data
        return False


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def told(self):
        return SimpleNamespace(**json.loads(self.body))


def ask(server, *pieces, pause=0.0):
    """The answers to what is sent, until the server ends the connection."""
    with Peer(server.port) as peer:
        peer.send(*pieces, pause=pause)
        return peer.answers()


def get(path=b"/", *fields, version=b"1.1"):
    lines = (b"GET " + path + b" HTTP/" + version, b"Host: x", *fields)
    return b"\r\n".join((*lines, b"", b""))


def post(body=b"", *fields, path=b"/"):
    lines = (b"POST " + path + b" HTTP/1.1", b"Host: x", *fields)
    return b"\r\n".join((*lines, b"", body))


CLOSE = b"Connection: close"
CHUNKED = b"Transfer-Encoding: chunked"


def refusal(answers, status):
    """There is one answer, and it is a complete, neutral refusal."""
    (answer,) = answers
    assert answer.status == status
    assert answer.headers["connection"] == "close"
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["cache-control"].split(",")[0] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "server" not in answer.headers
    assert answer.body.endswith(".\n")
    return True


def wait_until(look):
    deadline = time.monotonic() + PATIENCE
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class TestOrdinaryRequests:
    def test_requests_are_answered_one_after_the_other(self, short):
        with Peer(short.port) as peer:
            peer.send(get(b"/a?b=c", b"X-Field: one"))
            told = peer.answer().told
            assert (told.method, told.path, told.query, told.version) == ("GET", "/a", "b=c", "1.1")
            assert told.headers == [["host", "x"], ["x-field", "one"]]
            peer.send(post(b"hello", b"Content-Length: 5"))
            assert peer.answer().told.body == "hello"
            peer.send(post(b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", CHUNKED))
            assert peer.answer().told.body == "hello"
            peer.send(get(b"/last", CLOSE))
            assert peer.answer().headers["connection"] == "close"
            assert peer.answer() is None

    def test_it_does_not_matter_how_the_bytes_are_cut(self, short):
        stream = get(b"/1") + post(b"a\r\n\r\nb", b"Content-Length: 6") + b"\r\n" + get(b"/3", CLOSE)
        for cut in range(1, len(stream)):
            with Peer(short.port) as peer:
                peer.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                peer.send(stream[:cut], stream[cut:], pause=0.001)
                answers = [answer.told for answer in peer.answers()]
            assert [(told.path, told.body) for told in answers] == [("/1", ""), ("/", "a\r\n\r\nb"), ("/3", "")]

    def test_http_1_0_is_answered_and_the_connection_closed(self, short):
        (answer,) = ask(short, b"GET /old HTTP/1.0\r\n\r\n")
        assert (answer.told.path, answer.told.version) == ("/old", "1.0")

    def test_what_follows_the_last_request_is_no_request(self, short):
        (answer,) = ask(short, get(b"/", CLOSE) + get(b"/two") + get(b"/three"))
        assert answer.told.path == "/"

    def test_one_empty_line_before_a_request_is_ignored(self, short):
        (answer,) = ask(short, b"\r\n" + get(b"/", CLOSE))
        assert answer.status == 200

    def test_the_asterisk_is_left_to_the_application(self, short):
        (answer,) = ask(short, b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert (answer.told.method, answer.told.path) == ("OPTIONS", "*")

    def test_what_follows_a_chunked_body_in_the_same_read_is_not_answered(self, short):
        (answer,) = ask(short, post(b"2\r\nhi\r\n0\r\n\r\n", CHUNKED) + get(b"/next"))
        assert answer.told.body == "hi"
        assert answer.headers["connection"] == "close"


class TestHeads:
    @staticmethod
    def of_size(size, ending=CLOSE):
        empty = get(b"/", ending, b"X: ")
        return get(b"/", ending, b"X: " + b"x" * (size - len(empty)))

    def test_a_head_may_have_16_kibibytes(self, usual):
        (answer,) = ask(usual, self.of_size(16_384))
        assert answer.status == 200
        assert refusal(ask(usual, self.of_size(16_385)), 431)

    @pytest.mark.parametrize("cut", [1, 500, 1_997, 1_998, 1_999, 2_000])
    def test_a_head_is_counted_however_it_comes(self, short, cut):
        whole = self.of_size(2_000)
        (answer,) = ask(short, whole[:cut], whole[cut:], pause=0.01)
        assert answer.status == 200
        whole = self.of_size(2_001)
        assert refusal(ask(short, whole[:cut], whole[cut:], pause=0.01), 431)

    def test_a_head_is_counted_from_its_own_first_byte(self, short):
        body = b"x" * 5_000
        before = get(b"/1") + post(body, b"Content-Length: 5000")
        assert [answer.status for answer in ask(short, before + self.of_size(2_000))] == [200, 200, 200]
        *answered, refused = ask(short, before + self.of_size(2_001))
        assert [answer.status for answer in answered] == [200, 200]
        assert refusal([refused], 431)

    def test_a_long_target_and_white_space_count(self, short):
        assert refusal(ask(short, get(b"/" + b"a" * 2_000)), 431)
        assert refusal(ask(short, b"GET / HTTP/1.1\r\nX:" + b" " * 2_000), 431)
        assert refusal(ask(short, b"\r\n" * 1_000), 400)

    def test_a_head_may_have_100_fields(self, usual):
        fields = [b"X-%d: y" % number for number in range(98)]
        (answer,) = ask(usual, get(b"/", CLOSE, *fields))
        assert len(answer.told.headers) == 100
        assert refusal(ask(usual, get(b"/", CLOSE, *fields, b"X: y")), 431)

    def test_the_refusal_comes_after_the_answers_that_are_owed(self, short):
        slept, refused = ask(short, get(b"/sleep") + b"nonsense\r\n\r\n" + get(b"/never"))
        assert slept.body == "slept"
        assert refusal([refused], 400)
        assert "/never" not in short.app.paths

    def test_a_tls_hello_and_other_noise_is_refused_at_once(self, short):
        for noise in (b"\x16\x03\x01\x02\x00\x01\x00", b"get / http/1.1\r\n", b"\n", b"GET / HTTP/1.1\n", b"\0" * 10):
            assert refusal(ask(short, noise), 400)  # 408 would be the answer of a deadline


class TestDeadlines:
    def test_a_head_that_drips(self, short):
        with Peer(short.port) as peer:
            assert peer.drip(get(b"/" + b"a" * 500), 0.02)
            assert refusal(peer.answers(), 408)

    def test_half_a_head(self, short):
        assert refusal(ask(short, b"GET / HT"), 408)

    def test_half_a_head_after_an_answer(self, short):
        first, *rest = ask(short, get(), get()[:-1], pause=0.1)
        assert first.status == 200
        assert refusal(rest, 408)

    def test_a_connection_that_says_nothing_is_closed_without_a_word(self, short):
        assert ask(short) == []

    def test_an_idle_connection_is_closed_without_a_word(self, short):
        for after in (b"", b"\r\n"):
            (answer,) = ask(short, get() + after)
            assert answer.status == 200

    def test_a_connection_that_is_used_stays(self, short):
        with Peer(short.port) as peer:
            for _ in range(8):
                peer.send(get())
                assert peer.answer().status == 200
                time.sleep(0.06)

    @pytest.mark.parametrize(
        "start",
        [
            post(b"x" * 10, b"Content-Length: 20"),
            post(b"5\r\nhel", CHUNKED),
            post(b"2\r\nhe\r\n0\r\nX: y\r\n", CHUNKED),
        ],
    )
    def test_a_body_that_stops(self, short, start):
        assert refusal(ask(short, start), 408)
        wait_until(lambda: "disconnected" in short.app.ends)
        short.app.ends.clear()

    def test_a_body_that_drips(self, short):
        with Peer(short.port) as peer:
            peer.send(post(b"", b"Content-Length: 1000"))
            assert peer.drip(b"x" * 1000, 0.05)
            assert refusal(peer.answers(), 408)

    def test_a_chunked_body_that_drips_its_framing(self, short):
        with Peer(short.port) as peer:
            peer.send(post(b"", CHUNKED))
            assert peer.drip(b"2;" + b"a" * 150, 0.02)
            assert refusal(peer.answers(), 408)

    def test_a_body_that_is_slow_but_fast_enough(self, short):
        with Peer(short.port) as peer:
            peer.send(post(b"", b"Content-Length: 400", CLOSE))
            peer.send(*[b"x" * 20] * 20, pause=0.03)
            (answer,) = peer.answers()
            assert answer.told.body == "x" * 400

    def test_a_body_that_stops_after_the_answer_has_begun_aborts_it(self, short):
        with Peer(short.port) as peer:
            peer.send(post(b"x", b"Content-Length: 20", path=b"/early"))
            peer.more()
            while peer.more():
                pass
            assert b"early" in peer.unread
            assert not peer.unread.endswith(b"0\r\n\r\n")

    def test_a_body_that_nobody_reads_has_to_come_too(self, short):
        with Peer(short.port) as peer:
            peer.send(post(b"x", b"Content-Length: 20", path=b"/deaf"))
            assert [answer.body for answer in peer.answers()] == ["I did not read"]

    def test_the_application_may_take_its_time(self, short):
        """A reader that is paused because the application does not read, is not the peer's fault."""
        with Peer(short.port) as peer:
            body = b"x" * 3_000_000
            sender = Thread(target=peer.send, args=(post(body, b"Content-Length: 3000000", CLOSE, path=b"/sip"),))
            sender.start()
            (answer,) = peer.answers()
            sender.join()
            assert answer.body == "3000000"

    def test_a_peer_that_awaits_100_continue_is_not_late(self, short):
        with Peer(short.port) as peer:
            peer.send(post(b"", b"Content-Length: 5", b"Expect: 100-continue", path=b"/sip"))
            assert peer.answer().status == 100
            peer.send(b"hello")
            assert peer.answer().body == "5"

    def test_a_final_answer_instead_of_100_continue_ends_the_connection(self, short):
        """The peer may send the body, or the next request in its place: nobody can tell."""
        smuggled = get(b"/smuggled")
        fields = (b"Expect: 100-continue", b"Content-Length: %d" % len(smuggled))
        answers = ask(short, post(b"", *fields, path=b"/deaf"), smuggled, get(b"/after"), pause=0.05)
        assert [answer.body for answer in answers] == ["I did not read"]
        assert {"/smuggled", "/after"}.isdisjoint(short.app.paths)

    def test_a_reader_that_does_not_read(self, short):
        short.app.ends.clear()
        with Peer(short.port, window=4096) as peer:
            peer.send(get(b"/endless"))
            wait_until(lambda: ("/endless", "returned") in short.app.ends)
            assert not any(short.server.server_state.connections)

    def test_a_reader_that_is_slow_is_served(self, short):
        short.app.ends.clear()
        with Peer(short.port, window=4096) as peer:
            peer.send(get(b"/endless"))
            for _ in range(20):
                assert len(peer.socket.recv(20_000)) > 0
                time.sleep(0.03)
            assert short.app.ends == []

    def test_a_large_answer_arrives_whole_however_it_is_read(self, short):
        with Peer(short.port, window=100_000) as peer:
            peer.send(get(b"/large"))
            for _ in range(3):
                time.sleep(0.1)
                assert peer.more()
            assert peer.answer().body == "x" * 20_000_000

    def test_who_is_refused_does_not_stay(self, short):
        """The peer is given time to read, and then closed upon, whatever it sends."""
        with Peer(short.port) as peer:
            peer.send(b"nonsense\n")
            assert peer.drip(b"x" * 1_000, 0.02)  # closed upon before it had sent them all


class TestPipelines:
    def test_no_more_are_answered_than_the_depth_and_the_last_says_so(self, short):
        answers = ask(short, b"".join(get(b"/%d" % number) for number in range(1_000)))
        assert [answer.told.path for answer in answers] == ["/0", "/1", "/2", "/3"]
        assert [answer.headers.get("connection") for answer in answers] == [None, None, None, "close"]

    def test_the_usual_depth_is_16(self, usual):
        assert len(ask(usual, get(b"/") * 16 + get(b"/16") + get(b"/17"))) == 16

    def test_no_request_sees_the_context_of_another(self, short):
        with Peer(short.port) as peer:
            peer.send(get(b"/leak") * 3)
            assert [peer.answer().body for _ in range(3)] == ["nothing"] * 3
            peer.send(post(b"x", b"Content-Length: 1"))
            peer.answer()
            peer.send(get(b"/leak") + get(b"/leak"))
            assert [peer.answer().body for _ in range(2)] == ["nothing"] * 2

    def test_a_refused_body_behind_an_answer_that_is_owed(self, short):
        slept, refused = ask(short, get(b"/sleep") + post(b"zz\r\n", CHUNKED, path=b"/queued"))
        assert slept.body == "slept"
        assert refusal([refused], 400)
        assert "/queued" not in short.app.paths


class TestChunks:
    def test_trailers_are_dropped(self, short):
        body = b"3;ext=1\r\nabc\r\n0\r\nX-Trailer: y\r\nHost: evil\r\nCookie: a=b\r\n\r\n"
        (answer,) = ask(short, post(body, CHUNKED, CLOSE))
        assert answer.told.body == "abc"
        assert [name for name, _ in answer.told.headers] == ["host", "transfer-encoding", "connection"]

    def test_trailers_have_a_limit(self, short):
        for trailer in (b"X: " + b"y" * 197, b"X: " + b"y" * 200_000, b"X: y\r\n" * 60):
            assert refusal(ask(short, post(b"0\r\n" + trailer + b"\r\n\r\n", CHUNKED)), 431)
            assert refusal(ask(short, post(b"0\r\nX: " + b"y" * 30 + trailer, CHUNKED)), 431)
        (answer,) = ask(short, post(b"0\r\nX: " + b"y" * 190 + b"\r\n\r\n", CHUNKED, CLOSE))
        assert answer.status == 200

    def test_a_trailer_does_not_frame(self, short):
        for trailer in (CL, CHUNKED):
            assert refusal(ask(short, post(b"0\r\n" + trailer + b"\r\n\r\n" + SMUGGLED, CHUNKED)), 400)
        assert "/smuggled" not in short.app.paths

    def test_chunk_extensions_have_a_limit(self, short):
        assert refusal(ask(short, post(b"1;" + b"a" * 400, CHUNKED)), 431)
        assert refusal(ask(short, post(b"", CHUNKED), *[b"1;" + b"a" * 90 + b"\r\nx\r\n"] * 5, pause=0.02), 431)

    def test_many_small_chunks_are_no_excess(self, short):
        (answer,) = ask(short, post(b"1\r\nx\r\n" * 5_000 + b"0\r\n\r\n", CHUNKED, CLOSE))
        assert answer.told.body == "x" * 5_000

    def test_a_broken_chunk_is_refused(self, short):
        for body in (b"x\r\n", b"-1\r\n", b"2\r\nabc\r\n", b"2\nab\r\n0\r\n\r\n", b"1 \r\na\r\n", b"f" * 17 + b"\r\n"):
            assert refusal(ask(short, post(body, CHUNKED)), 400)


class TestPeers:
    @pytest.fixture(autouse=True)
    def loopback_is_counted(self, monkeypatch):
        """Which it is not, so that there is a peer to be counted here."""
        monkeypatch.setattr(protocol, "peer_of", lambda client: client[0])

    def test_a_peer_has_only_so_many_connections(self):
        limits = ConnectionLimits(connections_per_peer=2, linger_seconds=0.3, sweep_seconds=0.05)
        with serving(limits) as server, ExitStack() as stack:
            kept = [stack.enter_context(Peer(server.port)) for _ in range(2)]
            for peer in kept:
                peer.send(get())
                assert peer.answer().status == 200
            for _ in range(3):
                assert refusal(ask(server, get()), 503)
            kept[0].socket.close()
            wait_until(lambda: len(server.server.server_state.connections) == 1)
            assert ask(server, get(b"/", CLOSE))[0].status == 200

    def test_those_that_do_not_take_no_for_an_answer_get_none(self):
        with serving(ConnectionLimits(connections_per_peer=2)) as server, ExitStack() as stack:
            peers = [stack.enter_context(Peer(server.port)) for _ in range(5)]
            assert peers[4].answers() == []
            assert refusal([peers[3].answer()], 503)

    @pytest.mark.parametrize("loop", LOOPS)
    def test_200_slow_connections_stop_nobody(self, loop):
        """Not even whoever has their address: at the limit a slow one goes for a new one."""
        with serving(ConnectionLimits(), loop) as server, ExitStack() as stack:
            connections = server.server.server_state.connections
            slow = [stack.enter_context(Peer(server.port)) for _ in range(200)]
            for byte in get()[:6]:
                for peer in slow:
                    with suppress(OSError):
                        peer.socket.sendall(bytes([byte]))
                wait_until(lambda: any(connection.held for connection in connections.copy()))
                assert ask(server, get(b"/", CLOSE))[0].status == 200
            assert sum(not connection.lingering for connection in connections.copy()) <= 100

    def test_slow_bodies_make_way_too(self):
        limits = ConnectionLimits(connections_per_peer=2, sweep_seconds=0.1)
        with serving(limits) as server, ExitStack() as stack:
            slow, quick = (stack.enter_context(Peer(server.port)) for _ in range(2))
            slow.send(post(b"", b"Content-Length: 100"))
            quick.send(post(b"x" * 5_000, b"Content-Length: 10000"))
            assert slow.drip(b"xxx", 0.1) is False
            assert ask(server, get(b"/", CLOSE))[0].status == 200
            assert slow.answers() == []
            quick.send(b"x" * 5_000)
            assert quick.answer().told.body == "x" * 10_000

    @pytest.mark.slow
    @pytest.mark.parametrize("loop", LOOPS)
    def test_200_slow_connections_are_sent_away(self, loop):
        limits = ConnectionLimits(connections_per_peer=0, head_seconds=1.0, sweep_seconds=0.2)
        with serving(limits, loop) as server, ExitStack() as stack:
            slow = [stack.enter_context(Peer(server.port)) for _ in range(200)]
            for byte in get()[:6]:
                for peer in slow:
                    peer.send(bytes([byte]))
                assert ask(server, get(b"/", CLOSE))[0].status == 200
                time.sleep(0.1)
            assert all(refusal(peer.answers(), 408) for peer in slow)


class TestTargets:
    @pytest.mark.parametrize(
        ("target", "path", "query"),
        [
            (b"http://x/a?b=c", "/a", "b=c"),
            (b"HTTP://X", "/", ""),
            (b"https://x?b", "/", "b"),
            (b"//x/y", "//x/y", ""),
            (b"/http://y/", "/http://y/", ""),
            (b"/a%2Fb%20c;d?e%20f", "/a/b c;d", "e%20f"),
        ],
    )
    def test_the_path_is_right_in_either_form(self, short, target, path, query):
        (answer,) = ask(short, get(target, CLOSE))
        assert (answer.told.path, answer.told.query) == (path, query)

    @pytest.mark.parametrize(
        "target",
        [
            b"http://y/", b"http://x:80/", b"http://u@x/", b"http:///", b"http:/x", b"http:x", b"ftp://x/", b"x", b"x/y", b"",
            b"?a", b"*x", b"/a#b", b"/\x01", b"/\x7f", b"/\xff", b"/a b", b"/\t", b"/\0", b"/\x0c", b"/\x0b", b"/a\rb",
        ],
    )  # fmt: skip
    def test_a_target_of_no_form_is_refused(self, short, target):
        short.app.paths.clear()
        assert refusal(ask(short, get(target)), 400)
        assert short.app.paths == []

    def test_an_absolute_target_needs_a_host_like_its_own(self, short):
        assert refusal(ask(short, b"GET http://x/ HTTP/1.1\r\n\r\n"), 400)
        assert refusal(ask(short, b"GET http://x/ HTTP/1.0\r\nHost: y\r\n\r\n"), 400)


class TestUpgrades:
    H2C = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA")

    def test_an_upgrade_that_nobody_asked_for_is_plain_http(self, short):
        with Peer(short.port) as peer:
            peer.send(get(b"/1", *self.H2C))
            assert peer.answer().told.path == "/1"
            peer.send(get(b"/2", CLOSE))
            assert peer.answer().told.path == "/2"

    @pytest.mark.parametrize("pause", [0.0, 0.05])
    def test_its_body_is_a_body_and_never_a_request(self, short, pause):
        short.app.paths.clear()
        body = get(b"/smuggled")
        (answer,) = ask(short, post(b"", *self.H2C, b"Content-Length: %d" % len(body)), body + body, pause=pause)
        assert answer.told.body == body.decode()
        chunks = b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n"
        (answer,) = ask(short, post(b"", *self.H2C, CHUNKED), chunks + body, pause=pause)
        assert answer.told.body == body.decode()
        assert short.app.paths == ["/", "/"]

    SOCKET = (
        b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13",
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    )  # fmt: skip

    def test_websockets_are_uvicorns(self):
        with serving(SHORT, ws="websockets-sansio") as server, Peer(server.port) as peer:
            peer.send(get(b"/socket", *self.SOCKET))
            assert peer.answer().status == 101
            assert peer.unread or peer.more()
            assert peer.unread == b"\x81\x07/socket"
            time.sleep(0.5)  # longer than any deadline of HTTP
            peer.send(b"\x88\x82\0\0\0\0\x03\xe8")
            peer.unread = b""
            while peer.more():
                pass
            assert peer.unread == b"\x88\x02\x03\xe8"

    def test_without_websockets_a_handshake_is_plain_http(self):
        with serving(SHORT, ws="none") as server:
            (answer,) = ask(server, get(b"/socket", *self.SOCKET, b"Connection: close"))
            assert answer.told.path == "/socket"

    def test_a_handshake_has_no_body_and_waits_for_no_answer(self, short):
        assert refusal(ask(short, get(b"/", *self.SOCKET, b"Content-Length: 2") + b"ab"), 400)
        _, refused = ask(short, get(b"/sleep") + get(b"/", *self.SOCKET))
        assert refusal([refused], 400)


SMUGGLED = get(b"/smuggled")
CL = b"Content-Length: %d" % len(SMUGGLED)
LINES = [
    # Both lengths, in either order and disguised
    *(
        pair
        for coding in (
            b"Transfer-Encoding: chunked", b"Transfer-Encoding:chunked", b"Transfer-Encoding: Chunked", b"TRANSFER-ENCODING: chunked",
            b"Transfer-Encoding : chunked", b"Transfer-Encoding\t: chunked", b" Transfer-Encoding: chunked",
            b"Transfer-Encoding:\tchunked", b"Transfer-Encoding: chunked ", b"Transfer-Encoding: chunked\t",
            b"Transfer-Encoding: \x0bchunked", b"Transfer-Encoding: chunked\x0c", b"Transfer-Encoding: xchunked",
            b"Transfer-Encoding: chunked, identity", b"Transfer-Encoding: identity, chunked", b"Transfer-Encoding: identity",
            b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: chunked;q=1", b'Transfer-Encoding: "chunked"',
            b"Transfer-Encoding: ,chunked", b"Transfer-Encoding: chunked,", b"Transfer-Encoding:", b"Transfer-Encoding: ",
            b"Transfer-Encoding:\r\n chunked", b"Transfer-Encoding: chun\r\n ked", b"X: y\nTransfer-Encoding: chunked",
            b"X: y\rTransfer-Encoding: chunked", b"Transfer-Encoding: chunked\r", b"Transfer-Encoding: chunked\0",
            b"Transfer-Encoding\0: chunked", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", b"Transfer-Encoding: cow\r\nTransfer-Encoding: chunked",
        )
        for pair in ((CL, coding), (coding, CL))
    ),
    # More than one Content-Length, or one that is none
    *(
        (line,)
        for line in (
            CL + b"\r\n" + CL, CL + b"\r\nContent-Length: 0", b"Content-Length: 0\r\n" + CL, b"Content-Length: 0, 0",
            b"Content-Length: +0", b"Content-Length: -0", b"Content-Length: 0x0", b"Content-Length: 0b0", b"Content-Length: 0 0",
            b"Content-Length: 0.0", b"Content-Length: 0e0", b"Content-Length: 0_0", b"Content-Length:", b"Content-Length: ",
            b"Content-Length: a", b"Content-Length: \xd9\xa0", b"Content-Length: \xb2", b"Content-Length: 0;", b'Content-Length: "0"',
            b"Content-Length : 0", b"Content-Length\t: 0", b" Content-Length: 0", b"Content-Length: 0\n", b"Content-Length: 0\r",
            b"Content-Length:\r\n 0", b"Content-Length: \x0b0", b"Content-Length: 0\0", b"X: y\nContent-Length: 0",
            b"Content-Length: 18446744073709551616", b"Content-Length: 18446744073709551615", b"Content-Length: 9223372036854775808",
            b"Content-Length: 1000000000000000000", b"Content-Length: " + b"0" * 19, b"Content-Length: " + b"9" * 400,
        )
    ),
    # Only the other one, disguised
    *(
        (line,)
        for line in (
            b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: ,chunked", b"Transfer-Encoding: identity\r\n" + CHUNKED,
            b"Transfer-Encoding: identity", b"Transfer-Encoding: chunked, chunked", b"Transfer-Encoding: chunked, gzip",
            b"Host: y", b"Host: x", b"X\r\n", b": y", b"X y", b"X\0: y", b"X: y\0", b"X: \x01", b"X: \x7f", b"X: y\r\n z",
        )
    ),
]  # fmt: skip


class TestSmuggling:
    @pytest.fixture(autouse=True)
    def nothing_is_asked(self, short):
        short.app.paths.clear()
        yield
        assert short.app.paths == []

    def test_the_table_is_long_enough(self):
        assert len(set(LINES)) >= 60 + 30

    @pytest.mark.parametrize("fields", LINES, ids=lambda fields: repr(b" & ".join(fields))[2:-1])
    def test_framing_that_can_be_read_in_two_ways_is_refused(self, short, fields):
        """Once, and neither the request nor what is hidden in it reaches the application."""
        for body in (SMUGGLED, b"0\r\n\r\n" + SMUGGLED):
            assert refusal(ask(short, post(body, *fields)), 400)

    @pytest.mark.parametrize(
        "line",
        [
            b"GET / HTTP/0.9", b"GET / HTTP/1.2", b"GET / HTTP/2.0", b"GET / HTTP/1.10", b"GET / HTTP/01.1", b"GET / HTTP/1", b"GET /",
            b"GET / RTSP/1.0", b"GET / ICE/1.0", b"SOURCE / ICE/1.0", b"GET / http/1.1", b"GET / HTTP /1.1", b"PRI * HTTP/2.0",
            b"GET  / HTTP/1.1", b"GET /  HTTP/1.1", b"GET\t/ HTTP/1.1", b"GET / HTTP/1.1 ", b" GET / HTTP/1.1", b"\tGET / HTTP/1.1",
            b"GET/ HTTP/1.1", b"get / HTTP/1.1", b"G(T / HTTP/1.1", b"FOO / HTTP/1.1", b"GET_ / HTTP/1.1", b"CONNECT x:80 HTTP/1.1",
            b"CONNECT /x HTTP/1.1", b"G\0T / HTTP/1.1", b"\r\r\nGET / HTTP/1.1", b"\nGET / HTTP/1.1", b"\r\n\r\nGET / HTTP/1.1",
            b"GET / HTTP/1.1\r", b"GET / HTTP/1.1\n", b"GET / HTTP/1.1\r\n ", b"\xef\xbb\xbfGET / HTTP/1.1",
        ],
    )  # fmt: skip
    def test_a_request_line_is_one_line_of_three_words(self, short, line):
        assert refusal(ask(short, line + b"\r\nHost: x\r\n\r\n" + SMUGGLED), 400)

    def test_http_1_0_has_no_transfer_encoding(self, short):
        request = post(b"0\r\n\r\n" + SMUGGLED, CHUNKED).replace(b"HTTP/1.1", b"HTTP/1.0", 1)
        assert refusal(ask(short, request), 400)


def mutated(line, chance):
    """The line with one or two bytes added or replaced by such as parsers disagree about; still one line."""
    original, line = line, bytearray(line)
    for _ in range(chance.randint(1, 2)):
        place = chance.randrange(len(line) + 1)
        strange = chance.choice(
            [b" ", b"\t", b"\x0b", b"\0", b"\r", b"\n", b",", b";", b":", b"_", b"\xa0", b"x", b"0", b"\r\n "]
        )
        line[place : place + chance.randint(0, 1)] = strange
    ends_the_line = re.search(rb"\A\r\n|\r\n(?! )", line)
    return mutated(original, chance) if ends_the_line else bytes(line)


class TestMutations:
    @pytest.mark.parametrize("seed", range(4))
    def test_what_was_altered_beside_true_framing_never_frames(self, usual, seed):
        """With one true line the body is what that says, or the request is refused; the request inside it is never one."""
        chance = random.Random(seed)
        usual.app.paths.clear()
        for _ in range(150):
            lines = [CL, mutated(CHUNKED, chance)]
            chance.shuffle(lines)
            body = chance.choice([SMUGGLED, b"0\r\n\r\n" + SMUGGLED])
            with Peer(usual.port) as peer:
                peer.send(post(body, *lines))
                peer.socket.shutdown(socket.SHUT_WR)
                peer.answers()
            assert "/smuggled" not in usual.app.paths, lines
        for _ in range(150):
            lines = [mutated(CL, chance), CHUNKED]
            chance.shuffle(lines)
            assert refusal(ask(usual, post(SMUGGLED, *lines)), 400), lines
        assert "/smuggled" not in usual.app.paths


class TestTheEnd:
    @pytest.mark.parametrize("loop", LOOPS)
    def test_requests_in_flight_are_answered_before_the_server_ends(self, loop):
        with serving(ConnectionLimits(), loop) as server, ExitStack() as stack:
            idle, half, sleeping, sending, queued = (stack.enter_context(Peer(server.port)) for _ in range(5))
            idle.send(get())
            assert idle.answer().status == 200
            half.send(get()[:-1])
            sleeping.send(get(b"/sleep"))
            sending.send(post(b"x", b"Content-Length: 3", path=b"/sending"))
            queued.send(get(b"/sleep") + get(b"/queued"))
            wait_until(lambda: server.app.paths.count("/sleep") == 2 and "/sending" in server.app.paths)
            server.server.should_exit = True
            assert idle.answers() == []
            assert half.answers() == []
            sending.send(b"xx")
            (answer,) = sending.answers()
            assert (answer.told.body, answer.headers["connection"]) == ("xxx", "close")
            assert [answer.body for answer in sleeping.answers()] == ["slept"]
            assert [answer.status for answer in queued.answers()] == [200, 200]
            server.thread.join(PATIENCE)
            assert not server.thread.is_alive()

    def test_a_connection_whose_first_request_is_on_its_way_is_answered(self):
        with serving(ConnectionLimits()) as server, Peer(server.port) as new, Peer(server.port) as silent:
            wait_until(lambda: len(server.server.server_state.connections) == 2)
            server.server.should_exit = True
            wait_until(lambda: not server.server.servers[0].is_serving())
            new.send(get())
            assert [answer.status for answer in new.answers()] == [200]
            assert silent.answers() == []
            server.thread.join(PATIENCE)
            assert not server.thread.is_alive()

    @pytest.mark.slow
    def test_after_the_grace_they_are_cancelled(self):
        limits = ConnectionLimits()
        with serving(limits, timeout_graceful_shutdown=1) as server, Peer(server.port) as sending:
            sending.send(post(b"x", b"Content-Length: 3", path=b"/sending"))
            wait_until(lambda: server.app.paths)
            server.server.should_exit = True
            (answer,) = sending.answers()
            assert (answer.status, answer.headers["connection"]) == (500, "close")
            assert server.app.ends == [("/sending", "cancelled")]

    def test_who_lingers_is_not_waited_for(self):
        with serving(ConnectionLimits(linger_seconds=PATIENCE)) as server, Peer(server.port) as peer:
            peer.send(b"nonsense\n")
            assert refusal([peer.answer()], 400)
            server.server.should_exit = True
            server.thread.join(PATIENCE / 2)
            assert not server.thread.is_alive()


PROCESS = """
import asyncio, json
from flasgo import Flasgo

app = Flasgo(settings={"MAX_REQUEST_HEAD_BYTES": 1000, "REQUEST_READ_TIMEOUT_SECONDS": 0.5})

@app.get("/")
async def home() -> str:
    return "hello"

@app.get("/slow")
async def slow() -> str:
    print("asked", flush=True)
    await asyncio.sleep(0.5)
    return "in the end"
"""


@pytest.mark.slow
class TestAProcess:
    @pytest.fixture(params=LOOPS)
    def server(self, workshop, request):
        workshop.write("app.py", PROCESS)
        arguments = (
            "--http",
            "flasgo.server.protocol:HardenedProtocol",
            "--loop",
            request.param,
            "--ws",
            "none",
            "--no-server-header",
            "--port",
            "0",
        )
        server = workshop.start("-X", "dev", "-W", "error", "-m", "uvicorn", "app:app", *arguments)
        server.port = int(server.url.rpartition(":")[2])
        return server

    def test_the_limits_are_those_of_the_settings(self, server):
        host = b"Host: localhost"
        (answer,) = ask(server, b"GET / HTTP/1.1\r\n" + host + b"\r\nConnection: close\r\n\r\n")
        assert answer.body == "hello"
        assert refusal(ask(server, get(b"/", b"X: " + b"x" * 1_000)), 431)
        assert refusal(ask(server, get()[:-1]), 408)
        assert "request-refused reason=head-bytes client=127.0.0.1" in server.said

    @pytest.mark.skipif(sys.platform != "linux", reason="memory is read in /proc")
    def test_67_megabytes_of_headers_take_no_memory(self, server):
        def peak():
            (kilobytes,) = re.findall(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{server.process.pid}/status").read_text())
            return int(kilobytes)

        assert ask(server, get(b"/", CLOSE))[0].status == 400
        before = peak()
        sent = 0
        with Peer(server.port) as peer:
            peer.send(b"GET / HTTP/1.1\r\n")
            with suppress(OSError):
                while sent < 67_000_000:
                    peer.send(b"X-Header: " + b"x" * 65_000 + b"\r\n")
                    sent += 65_012
            assert refusal(peer.answers(), 431)
        assert sent < 30_000_000
        assert peak() - before < 4_000

    def test_it_ends_cleanly_whoever_is_connected(self, server):
        with ExitStack() as stack:
            silent, half, sending, refused, slow = (stack.enter_context(Peer(server.port)) for _ in range(5))
            half.send(get()[:-1])
            sending.send(post(b"x", b"Content-Length: 3"))
            refused.send(b"nonsense\n")
            slow.send(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
            server.wait_for_line("asked")
            status = server.stop(signal.SIGTERM)
            assert slow.answer().body == "in the end"
            assert silent.answers() == []
        assert status in {0, -signal.SIGTERM}
        # A callback that took long says more of the machine than of the server.
        said = re.sub(r"^.* took \d+\.\d+ seconds$", "", server.said, flags=re.M)
        for word in ("Traceback", "Warning", "asyncio", "never", "Cancel", "rror"):
            assert word not in said
