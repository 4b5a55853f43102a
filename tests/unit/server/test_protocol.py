"""What raw sockets do not show; the rest is in tests/e2e/test_hardened_protocol.py."""

import asyncio
import logging
from contextvars import ContextVar, copy_context

import pytest
import uvicorn
from uvicorn.server import ServerState

from flasgo.server.connections import ConnectionLimits
from flasgo.server.protocol import HardenedProtocol, protocol_class
from flasgo.settings import load_settings

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
seen: ContextVar[str] = ContextVar("seen", default="nothing")
CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


class App:
    def __init__(self, **settings):
        self.settings = load_settings(settings)
        self.scopes = []
        self.messages = []
        self.seen = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def __call__(self, scope, receive, send):
        self.scopes.append(scope)
        self.seen.append(seen.get())
        while True:
            message = await receive()
            self.messages.append(message)
            if not message.get("more_body"):
                break
        await self.may_answer.wait()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})


class Transport(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self, *, peer=("192.0.2.1", 1), half_close=True):
        super().__init__()
        self.peer = peer
        self.half_close = half_close
        self.written = b""
        self.closed = self.aborted = self.ended = self.paused = False
        self.protocol = None

    def get_extra_info(self, name, default=None):
        return {"peername": list(self.peer) if self.peer else None}.get(name, default)

    def write(self, data):
        self.written += data

    def can_write_eof(self):
        return self.half_close

    def write_eof(self):
        self.ended = True

    def pause_reading(self):
        self.paused = True

    def resume_reading(self):
        self.paused = False

    def close(self):
        self.closed = True

    def abort(self):
        self.closed = self.aborted = True

    def is_closing(self):
        return self.closed

    def get_write_buffer_size(self):
        return 0

    def set_protocol(self, protocol):
        self.protocol = protocol

    def statuses(self):
        return [int(piece.split()[0]) for piece in self.written.split(b"HTTP/1.1 ")[1:]]


class Server:
    """Makes connections of one server."""

    def __init__(self, app, protocol=HardenedProtocol):
        self.app = app
        self.protocol = protocol
        self.config = uvicorn.Config(app, http=protocol, log_config=None, ws="none")
        self.config.load()
        self.state = ServerState()

    def connect(self, **transport):
        connection = self.protocol(self.config, self.state, {})
        connection.connection_made(Transport(**transport))
        return connection


@pytest.fixture
def app():
    return App()


@pytest.fixture
async def server(app):
    server = Server(app)
    yield server
    for connection in list(server.state.connections):
        connection.connection_lost(None)


async def settle():
    for _ in range(10):
        await asyncio.sleep(0)


class TestWiring:
    async def test_all_connections_of_a_server_share_one_watch(self, server):
        first, second = server.connect(), server.connect()
        assert first.watch is second.watch
        assert first.watch is not Server(server.app).connect().watch

    async def test_the_limits_are_those_of_the_settings(self):
        assert Server(App(MAX_REQUEST_HEAD_BYTES=777)).connect().watch.limits.head_bytes == 777

    async def test_or_those_that_the_class_was_made_with(self):
        limits = ConnectionLimits(head_bytes=55)
        assert Server(App(), protocol_class(limits)).connect().watch.limits is limits

    async def test_what_is_refused_is_logged_without_a_word_of_the_client(self, server, caplog):
        server.connect(peer=("2001:db8::9", 1)).data_received(b"GET /\nforged=1")
        server.connect(peer=None).data_received(b"\n")
        assert [(record.name, record.levelno) for record in caplog.records] == [
            ("flasgo.security", logging.WARNING)
        ] * 2
        assert caplog.messages == [
            "request-refused reason=malformed client=2001:db8::9",
            "request-refused reason=malformed client=-",
        ]

    async def test_unless_the_settings_say_otherwise(self, caplog):
        Server(App(LOG_SECURITY_EVENTS=False)).connect().data_received(b"\n")
        assert caplog.messages == []


class TestReading:
    async def test_a_request_sets_no_timer_and_does_not_ask_for_the_time(self, server, monkeypatch):
        connection = server.connect()
        monkeypatch.setattr(connection.loop, "call_later", lambda *_: pytest.fail("a request set a timer"))
        for data in (GET, GET[:9], GET[9:], CHUNKED, b"0\r\n\r\n"):
            with monkeypatch.context() as reading:
                reading.setattr(connection.loop, "time", lambda: pytest.fail("a request asked for the time"))
                connection.data_received(data)
            await settle()
        monkeypatch.undo()
        assert connection.transport.statuses() == [204, 204, 204]

    async def test_a_request_begins_with_no_context(self, server, app):
        """asyncio reads in the context of whoever resumed reading: mostly another request."""
        connection = server.connect()
        context = copy_context()
        context.run(seen.set, "a secret")
        context.run(connection.data_received, GET)
        await settle()
        assert app.seen == ["nothing"]

    async def test_a_head_that_cannot_end_within_the_limit_is_refused_at_once(self, server):
        connection = server.connect()
        connection.data_received(b"GET /" + b"a" * 16_378)
        assert connection.transport.statuses() == []
        connection.data_received(b"a")
        assert connection.transport.statuses() == [431]

    async def test_small_chunks_are_no_credit_for_a_large_extension(self, app):
        connection = Server(app, protocol_class(ConnectionLimits(framing_bytes=100))).connect()
        connection.data_received(CHUNKED)
        for data in (b"1\r\nx\r\n" * 100, b"1;" + b"a" * 50, b"a" * 50):
            assert connection.transport.statuses() == []
            connection.data_received(data)
        assert connection.transport.statuses() == [431]

    async def test_every_request_has_its_own_extensions(self, app):
        connection = Server(app, protocol_class(ConnectionLimits(framing_bytes=100))).connect()
        for _ in range(3):
            for data in (CHUNKED, b"1;" + b"a" * 90, b"\r\nx\r\n0\r\n\r\n"):
                connection.data_received(data)
            await settle()
        assert connection.transport.statuses() == [204] * 3

    async def test_a_refused_body_disconnects_the_application(self, server, app):
        connection = server.connect()
        connection.data_received(CHUNKED + b"2\r\nab\r\n")
        await settle()
        connection.data_received(b"x\r\n")
        await settle()
        assert app.messages == [
            {"type": "http.request", "body": b"ab", "more_body": True},
            {"type": "http.disconnect"},
        ]
        assert connection.transport.statuses() == [400]

    async def test_what_is_dropped_has_an_end(self, server):
        connection = server.connect()
        connection.data_received(b"\n" + b"x" * 262_143)
        assert not connection.transport.paused
        connection.data_received(b"x")
        assert connection.transport.paused

    async def test_nothing_is_read_as_a_request_after_the_last(self, server, app):
        """An older uvicorn does not close by itself when `close` is spelled in its own way."""
        connection = server.connect()
        connection.data_received(GET.replace(b"\r\n\r\n", b"\r\nConnection: CLOSE\r\n\r\n"))
        connection.cycle.keep_alive = True
        connection.data_received(GET)
        await settle()
        assert len(app.scopes) == 1
        assert connection.transport.ended

    async def test_a_message_that_the_parser_alone_has_seen_is_none(self, server, app):
        connection = server.connect()
        connection.data_received(CHUNKED + b"0\r\n\r\nGET /half")
        await settle()
        assert connection.transport.closed
        assert len(app.scopes) == 1

    async def test_also_when_the_answer_is_there_already(self, server, app):
        connection = server.connect()
        connection.data_received(CHUNKED)
        connection.cycle.response_complete = True
        connection.data_received(b"0\r\n\r\n" + GET)
        assert connection.transport.ended


class TestAnswering:
    async def test_without_half_close_the_connection_waits_for_the_peer(self, server):
        connection = server.connect(half_close=False)
        connection.data_received(b"\n")
        assert (connection.transport.ended, connection.transport.closed) == (False, False)
        connection.look(0.0)
        connection.look(2.0)
        assert connection.transport.closed

    async def test_a_refusal_waits_for_the_answers_before_it(self, server, app):
        app.may_answer.clear()
        connection = server.connect()
        connection.data_received(GET + GET + b"\n")
        await settle()
        assert connection.transport.statuses() == []
        app.may_answer.set()
        await settle()
        assert connection.transport.statuses() == [204, 204, 400]
        assert connection.transport.ended

    async def test_who_was_not_read_any_more_is_read_until_it_goes(self, server, app):
        app.may_answer.clear()
        connection = server.connect()
        connection.data_received(GET)
        await settle()
        connection.data_received(b"\n" + b"x" * 300_000)
        assert connection.transport.paused
        app.may_answer.set()
        await settle()
        assert connection.transport.statuses() == [204, 431]
        assert not connection.transport.paused

    async def test_the_sweep_is_told_how_often_all_was_taken(self, server):
        connection = server.connect()
        connection.pause_writing()
        assert connection.flow.write_paused
        connection.resume_writing()
        assert (connection.flow.write_paused, connection.resumed) == (False, 1)

    async def test_nothing_is_said_on_a_connection_that_is_gone(self, server, app):
        app.may_answer.clear()
        connection = server.connect()
        connection.data_received(GET + b"\n")
        await settle()
        connection.transport.close()
        app.may_answer.set()
        await settle()
        assert connection.transport.statuses() == [204]

    async def test_a_depth_of_one_is_no_pipeline(self, app):
        connection = Server(app, protocol_class(ConnectionLimits(pipeline_depth=1))).connect()
        connection.data_received(GET)
        await settle()
        connection.data_received(GET + GET)
        await settle()
        assert connection.transport.statuses() == [204, 204]
        assert connection.transport.closed

    async def test_what_was_refused_in_a_queue_is_never_begun(self, server, app):
        app.may_answer.clear()
        connection = server.connect()
        connection.data_received(GET + CHUNKED + b"x\r\n")
        await settle()
        app.may_answer.set()
        await settle()
        assert [scope["method"] for scope in app.scopes] == ["GET"]
        assert connection.transport.statuses() == [204, 400]

    async def test_who_is_refused_goes_when_the_server_does(self, server):
        connection = server.connect()
        connection.data_received(b"\n")
        connection.shutdown()
        assert connection.transport.closed


class TestMakingWay:
    async def test_whoever_is_quick_stays(self, server):
        connection = server.connect()
        assert not connection.make_way(0.0)
        connection.data_received(GET)
        assert not connection.make_way(100.0)

    async def test_half_a_head_goes(self, server, caplog):
        connection = server.connect()
        connection.data_received(GET[:-1])
        assert connection.make_way(0.0)
        assert connection.transport.aborted
        assert caplog.messages == ["request-aborted reason=connections-per-peer client=192.0.2.1"]
        assert not connection.make_way(0.0)

    async def test_a_websocket_stays_and_is_counted_until_it_ends(self, server):
        connection = server.connect()
        connection.upgraded = True
        connection.held = b"x"
        connection.look(0.0)
        assert not connection.make_way(0.0)
        assert connection in connection.watch.connections
        connection.transport.close()
        connection.look(1.0)
        assert connection not in connection.watch.connections
