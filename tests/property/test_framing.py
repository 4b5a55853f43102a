"""However a stream of requests is cut into reads, the application sees the same ones; and no bytes make the server fail."""

import asyncio
from functools import partial
from itertools import pairwise

import uvicorn
from hypothesis import given
from hypothesis import strategies as st
from uvicorn.server import ServerState

from flasgo.server.connections import ConnectionLimits
from flasgo.server.framing import body_length, is_no_head
from flasgo.server.protocol import protocol_class
from flasgo.server.refusals import Refused

LIMITS = ConnectionLimits(head_bytes=300, head_fields=8, framing_bytes=40, pipeline_depth=100, connections_per_peer=0)


class Transport(asyncio.Transport):
    def __init__(self):
        super().__init__()
        self.written = b""
        self.closed = False

    def write(self, data):
        self.written += data

    def can_write_eof(self):
        return False

    def pause_reading(self):
        pass

    def resume_reading(self):
        pass

    def close(self):
        self.closed = True

    def abort(self):
        self.closed = True

    def is_closing(self):
        return self.closed


async def talk(reads):
    """The requests that the application saw, with their bodies, and the statuses of all answers."""
    requests = []

    async def app(scope, receive, send):
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body, more = body + message["body"], message["more_body"]
        requests.append((scope["method"], scope["raw_path"], body))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    protocol = protocol_class(LIMITS)
    config = uvicorn.Config(app, http=protocol, log_config=None, ws="none", lifespan="off", access_log=False)
    connection = protocol(config, ServerState(), {})
    transport = Transport()
    connection.connection_made(transport)
    for data in reads:
        if data and not transport.closed:
            connection.data_received(data)
        await asyncio.sleep(0)
    for _ in range(300):
        await asyncio.sleep(0)
    connection.connection_lost(None)
    return requests, [int(piece.split()[0]) for piece in transport.written.split(b"HTTP/1.1 ")[1:]]


def cut(data, places):
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


paths = st.text("abc%/.-~?=&;", max_size=20).map(lambda text: b"/" + text.encode())
contents = st.binary(max_size=30) | st.sampled_from([b"\r\n\r\n", b"GET /x HTTP/1.1\r\n\r\n", b"0\r\n\r\n"])
fields = st.lists(
    st.sampled_from([b"A: b", b"Cookie: \xff\t;", b"X:", b"Connection: keep-alive", b"Upgrade: h2c"]), max_size=4
)
places = st.lists(st.integers(0, 2_000), max_size=12)


@st.composite
def requests(draw):
    """The bytes of a request, and what the application should see of it."""
    path, body, lines = draw(paths), draw(contents), draw(fields)
    method = draw(st.sampled_from([b"GET", b"POST", b"M-SEARCH"]))
    length = [b"Content-Length: %d" % len(body)] if body or draw(st.booleans()) else []
    head = b"\r\n".join([method + b" " + path + b" HTTP/1.1", b"Host: x", *lines, *length, b"", b""])
    return head + body, (method.decode(), path.partition(b"?")[0], body)


@given(st.lists(requests(), max_size=5), places)
def test_requests_are_the_same_however_they_are_cut(sent, places):
    stream = b"".join(data for data, _ in sent)
    seen, statuses = asyncio.run(talk(cut(stream, places)))
    assert seen == [expected for _, expected in sent]
    assert statuses == [204] * len(sent)


@given(contents, st.lists(st.integers(1, 10), max_size=4), places)
def test_a_chunked_body_is_the_same_however_it_is_cut(body, sizes, places):
    pieces = cut(body, sizes)
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces if piece)
    stream = b"POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\nTrailer: dropped\r\n\r\n"
    assert asyncio.run(talk(cut(stream, places))) == ([("POST", b"/c", body)], [204])


noise = st.lists(
    st.binary(max_size=8)
    | st.sampled_from(
        [b"GET ", b"/", b" HTTP/1.1", b"\r\n", b"Host: x", b"Content-Length: 5", b"Transfer-Encoding: chunked"]
    )
    | st.sampled_from(
        [b"\r\n\r\n", b"0", b"Connection: upgrade", b"Upgrade: x", b"Expect: 100-continue", b"x" * 150, b"http://x"]
    ),
    max_size=40,
)


@given(noise, places)
def test_no_bytes_make_it_fail(pieces, places):
    """What is no request is refused once, after which nothing is answered."""
    seen, statuses = asyncio.run(talk(cut(b"".join(pieces), places)))
    assert statuses.count(204) == len(seen)
    assert {*statuses} <= {100, 204, 400, 431}
    assert {400, 431}.isdisjoint(statuses[:-1])


@given(requests(), st.integers(0, 300))
def test_the_beginning_of_a_head_is_never_taken_for_none(request, size):
    head = request[0].partition(b"\r\n\r\n")[0] + b"\r\n\r"
    assert not is_no_head(head[:size])


@given(st.binary())
def test_any_beginning_can_be_judged(start):
    assert is_no_head(start) in {True, False}


values = st.binary(max_size=25) | st.sampled_from([b"chunked", b"5", b"05", b" 5\t"])
names = st.sampled_from([b"content-length", b"transfer-encoding", b"host", b"a"])


@given(st.lists(st.tuples(names, values), max_size=5), st.booleans())
def test_a_length_is_a_number_or_refused(headers, http_1_0):
    try:
        length = body_length(headers, dict(headers), http_1_0=http_1_0)
    except Refused:
        return
    assert -1 <= length < 10**18
    assert [name for name, _ in headers].count(b"content-length") <= 1


def test_a_long_beginning_is_judged_in_little_time(costs_at_most):
    for start in (
        b"GET /" + b"a" * 16_000,
        b"A: " + b"\r" * 16_000,
        b"G" * 16_000,
        b"GET / HTTP/1.1\r\n" + b"\r\n" * 8_000,
    ):
        costs_at_most(0.05, partial(is_no_head, start))
