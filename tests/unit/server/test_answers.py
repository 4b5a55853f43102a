"""Every answer is what uvicorn itself would have written, but in fewer steps."""

import asyncio
import logging

import pytest
import uvicorn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from flasgo.server import answers
from flasgo.server.answers import Lines
from flasgo.server.protocol import HardenedProtocol

START = "http.response.start"
BODY = "http.response.body"
LENGTH = (b"content-length", b"2")
PLAIN = {"type": START, "status": 200, "headers": [(b"X-A", b"1"), LENGTH]}
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


class Transport(asyncio.Transport):
    """Keeps what is written, and how often."""

    def __init__(self):
        super().__init__()
        self.pieces = []
        self.closed = False

    def get_extra_info(self, name, default=None):
        return {"peername": ("192.0.2.1", 1)}.get(name, default)

    def write(self, data):
        self.pieces.append(bytes(data))

    def can_write_eof(self):
        return False

    def close(self):
        self.closed = True

    def is_closing(self):
        return self.closed


async def answer(protocol, messages, *, head=GET, access_log=False, before=None):
    """What a server writes when the application sends these; `before` each, it is called with the connection and the number."""
    failures = []

    async def app(_scope, _receive, send):
        try:
            for number, message in enumerate(messages):
                if before is not None:
                    before(connection, number)
                await send(message)
        except BaseException as error:
            failures.append(type(error))
            raise

    config = uvicorn.Config(app, log_config=None, access_log=access_log, ws="none", proxy_headers=False)
    config.load()
    state = ServerState()
    state.default_headers = [(b"date", b"today")]
    connection = protocol(config, state, {})
    transport = Transport()
    connection.connection_made(transport)
    connection.data_received(head)
    for _ in range(10):
        await asyncio.sleep(0)
    connection.connection_lost(None)
    return transport, failures


async def both(messages, **options):
    """The answers of uvicorn and ours."""
    return [await answer(protocol, messages, **options) for protocol in (HttpToolsProtocol, HardenedProtocol)]


def same(messages, **options):
    """Ours, which must be uvicorn's, too."""
    (theirs, their_failures), (ours, our_failures) = asyncio.run(both(messages, **options))
    assert b"".join(ours.pieces) == b"".join(theirs.pieces)
    assert our_failures == their_failures
    assert ours.closed or not theirs.closed
    return ours


@pytest.fixture(autouse=True)
def _access_log(monkeypatch):
    """What uvicorn does to its logger is undone."""
    monkeypatch.setattr(logging.getLogger("uvicorn.access"), "propagate", True)


def start(*headers, status=200):
    return {"type": START, "status": status, "headers": list(headers)}


def test_head_and_body_are_one_write():
    ours = same([PLAIN, {"type": BODY, "body": b"ab"}])
    assert ours.pieces == [b"HTTP/1.1 200 OK\r\ndate: today\r\nx-a: 1\r\ncontent-length: 2\r\n\r\nab"]


def test_a_body_may_be_left_out():
    assert len(same([start((b"content-length", b"0")), {"type": BODY}]).pieces) == 1


@pytest.mark.parametrize(
    "messages",
    [
        [PLAIN, {"type": BODY, "body": b"a", "more_body": True}, {"type": BODY, "body": b"b"}],
        [PLAIN, {"type": BODY, "body": b"ab", "more_body": True}, {"type": BODY}],
        [start((b"x-a", b"1")), {"type": BODY, "body": b"ab"}],
        [start(LENGTH, (b"x-a", b"1")), {"type": BODY, "body": b"ab"}],
        [start(LENGTH, LENGTH), {"type": BODY, "body": b"ab"}],
        [start((b"Content-Length", b"2")), {"type": BODY, "body": b"ab"}],
        [start((b"connection", b"close"), LENGTH), {"type": BODY, "body": b"ab"}],
        [start((b"transfer-encoding", b"chunked"), (b"x-a", b"1")), {"type": BODY, "body": b"ab"}],
        [{"type": START, "status": 200}, {"type": BODY, "body": b"ab"}],
        [{"type": START, "status": 200, "headers": ()}, {"type": BODY, "body": b"ab"}],
        [{"type": START, "status": 200, "headers": [[b"x-a", b"1"], LENGTH]}, {"type": BODY, "body": b"ab"}],
        [start((b"content-length", b"0"), status=204), {"type": BODY}],
        [start(LENGTH, status=404), {"type": BODY, "body": b"ab"}],
    ],
)
def test_what_is_not_so_plain_is_written_as_ever(messages):
    same(messages)


@pytest.mark.parametrize(
    "messages",
    [
        [PLAIN, {"type": BODY, "body": b"abc"}],
        [PLAIN, {"type": BODY, "body": b"a"}],
        [PLAIN, PLAIN],
        [PLAIN, {"type": BODY, "body": b"ab"}, {"type": BODY, "body": b"ab"}],
        [PLAIN, {"type": BODY, "body": b"ab"}, PLAIN],
        [start((b"x a", b"1"), LENGTH)],
        [start((b"x-a", b"1\r\nx-b: 2"), LENGTH)],
        [start((b"", b"1"), LENGTH)] * 2,
        [{"type": BODY, "body": b"ab"}],
    ],
)
def test_what_is_wrong_fails_as_ever(messages):
    same(messages)


@pytest.mark.parametrize(
    "head",
    [
        b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.0\r\nHost: x\r\n\r\n",
        GET[:-2] + b"Connection: close\r\n\r\n",
    ],
    ids=["HEAD", "HTTP/1.0", "close"],
)
def test_the_request_may_be_less_plain(head):
    same([PLAIN, {"type": BODY, "body": b"ab"}], head=head)


def test_the_access_log_is_the_same(caplog):
    caplog.set_level("INFO", "uvicorn.access")
    ours = same([PLAIN, {"type": BODY, "body": b"ab"}], access_log=True, head=GET.replace(b"/ ", b"/a%20b?c=d "))
    assert len(ours.pieces) == 1
    theirs, own = (record.getMessage() for record in caplog.records if record.name == "uvicorn.access")
    assert own == theirs == '192.0.2.1:1 - "GET /a%20b?c=d HTTP/1.1" 200'


class TestBetweenHeadAndBody:
    def test_nothing_is_written(self):
        ours, _ = asyncio.run(answer(HardenedProtocol, [PLAIN]))
        assert ours.pieces == []
        assert ours.closed

    def test_a_connection_that_is_gone_is_left_alone(self):
        def gone(connection, number):
            connection.cycle.disconnected = number == 1

        ours, failures = asyncio.run(answer(HardenedProtocol, [PLAIN, {"type": BODY, "body": b"ab"}], before=gone))
        assert (ours.pieces, failures) == ([], [])

    def test_a_decision_to_end_is_told(self):
        def end(connection, number):
            connection.cycle.keep_alive = number == 0

        ours, _ = asyncio.run(answer(HardenedProtocol, [PLAIN, {"type": BODY, "body": b"ab"}], before=end))
        assert b"".join(ours.pieces).endswith(b"content-length: 2\r\nconnection: close\r\n\r\nab")
        assert ours.closed

    def test_a_peer_that_takes_nothing_is_waited_for(self):
        def pause(connection, number):
            if number == 1:
                connection.pause_writing()
                asyncio.get_running_loop().call_soon(connection.resume_writing)

        ours, _ = asyncio.run(answer(HardenedProtocol, [PLAIN, {"type": BODY, "body": b"ab"}], before=pause))
        assert len(ours.pieces) == 2
        assert ours.pieces[1] == b"ab"


names = st.sampled_from(
    [b"x-a", b"X-B", b"set-cookie", b"content-length", b"connection", b"transfer-encoding", b"x\n", b""]
)
values = st.sampled_from([b"1", b"2", b"close", b"chunked", b"a\tb", b"\xff", b"a\r\nb", b"\x7f", b""])
fields = st.lists(st.tuples(names, values), max_size=4)
pieces = st.lists(st.tuples(st.sampled_from([b"", b"a", b"ab"]), st.booleans()), min_size=1, max_size=3)


@given(fields, st.booleans(), pieces, st.sampled_from([200, 204, 304, 404, 500]))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_sent(headers, told, bodies, status):
    if told:
        headers = [*headers, (b"content-length", b"%d" % sum(len(body) for body, _ in bodies))]
    sent = [{"type": BODY, "body": body, "more_body": more} for body, more in bodies]
    (theirs, their_failures), (ours, our_failures) = asyncio.run(both([start(*headers, status=status), *sent]))
    assert our_failures == their_failures
    if not their_failures:
        assert b"".join(ours.pieces) == b"".join(theirs.pieces)


class TestLines:
    def test_they_are_remembered_to_an_end(self, monkeypatch):
        monkeypatch.setattr(answers, "MAX_LINES", 2)
        lines = Lines()
        for number in range(5):
            assert lines[b"X-A", b"%d" % number] == b"x-a: %d\r\n" % number
        assert list(lines) == [(b"X-A", b"4")]

    def test_long_ones_are_not(self):
        lines = Lines()
        value = b"a" * answers.MAX_LINE_BYTES
        assert lines[b"x-a", value] == b"x-a: " + value + b"\r\n"
        assert lines == {}

    @pytest.mark.parametrize(
        "field", [(b"x a", b"1"), (b"x-a", b"\r"), (b"", b"1"), (b"Connection", b"close"), (b"content-length", b"1")]
    )
    def test_some_are_none(self, field):
        lines = Lines()
        for _ in range(2):
            with pytest.raises(KeyError):
                lines[field]
        assert lines == {}
