import asyncio

import pytest

from flasgo.errors import ClientDisconnected
from flasgo.testing.encode import Payload
from flasgo.testing.target import Target, parse_url
from flasgo.testing.transport import BODY_EVENT_BYTES, Answer, Connection, Request, exchange, http_scope

ROOT = Target("http", "localhost", 80)
OK = {"type": "http.response.start", "status": 200, "headers": []}
END = {"type": "http.response.body", "body": b""}


def start(status=200, *headers):
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def body(content, *, more_body=False):
    return {"type": "http.response.body", "body": content, "more_body": more_body}


def says(*messages):
    async def app(scope, receive, send):
        for message in messages:
            await send(message)

    return app


async def talk(app, *, method="GET", payload=None, raising=True, target=ROOT):
    payload = None if payload is None else Payload(payload)
    return await exchange(app, Request(method, target, [], payload), Connection(raise_server_exceptions=raising), {})


async def receive_all(payload):
    """The events that an application sees until the last of the body."""
    events = []

    async def app(scope, receive, send):
        while True:
            event = await receive()
            events.append((event["type"], event["body"], event["more_body"]))
            if not event["more_body"]:
                break
        await says(OK, END)(scope, receive, send)

    await talk(app, payload=payload)
    return events


def test_the_scope_is_what_a_server_gives():
    state = {"db": object()}
    request = Request("POST", parse_url("https://shop.example:8443/api/caf%C3%A9/%2F?q=%20"), [(b"host", b"x")])
    scope = http_scope(request, Connection(root_path="/api", client=("10.0.0.1", 9)), state)
    assert scope == {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "https",
        "path": "/api/café//",
        "raw_path": b"/api/caf%C3%A9/%2F",
        "query_string": b"q=%20",
        "root_path": "/api",
        "headers": [(b"host", b"x")],
        "client": ("10.0.0.1", 9),
        "server": ("shop.example", 8443),
        "state": state,
        "extensions": {"flasgo.exceptions": []},
    }
    scope["state"]["mine"] = 1
    scope["headers"].append((b"mine", b"1"))
    assert list(state) == ["db"]
    assert request.headers == [(b"host", b"x")]


async def test_the_answer_is_collected():
    app = says(start(201, (b"a", b"1"), (b"a", b"2")), body(b"x", more_body=True), body(b"y"))
    assert await talk(app) == Answer(201, [(b"a", b"1"), (b"a", b"2")], b"xy")


async def test_headers_and_body_may_be_left_out():
    assert await talk(says({"type": "http.response.start", "status": 200}, {"type": "http.response.body"})) == Answer(
        200, [], b""
    )


async def test_no_body_and_a_small_one_are_one_event():
    assert await receive_all(None) == [("http.request", b"", False)]
    assert await receive_all(b"") == [("http.request", b"", False)]
    assert await receive_all(b"x" * BODY_EVENT_BYTES) == [("http.request", b"x" * BODY_EVENT_BYTES, False)]


async def test_a_large_body_comes_in_several_events():
    events = await receive_all(b"x" * BODY_EVENT_BYTES + b"y")
    assert events == [("http.request", b"x" * BODY_EVENT_BYTES, True), ("http.request", b"y", False)]


async def pieces():
    for piece in (b"a", b"b"):
        await asyncio.sleep(0)
        yield piece


@pytest.mark.parametrize(
    "stream", [lambda: [b"a", b"b"], lambda: iter([b"a", b"b"]), pieces], ids=["list", "iterator", "async"]
)
async def test_a_stream_comes_piece_by_piece_and_then_ends(stream):
    assert await receive_all(stream()) == [
        ("http.request", b"a", True),
        ("http.request", b"b", True),
        ("http.request", b"", False),
    ]


async def test_a_stream_that_is_not_of_bytes_fails_the_test_whatever_the_application_does():
    async def app(scope, receive, send):
        try:
            await receive()
        except TypeError:
            await says(OK, END)(scope, receive, send)

    with pytest.raises(TypeError, match="yields bytes, not str"):
        await talk(app, payload=["text"])


async def test_an_error_of_the_stream_fails_the_test_even_if_nobody_reads():
    def broken():
        yield b"a"
        raise LookupError("broken")

    async def app(scope, receive, send):
        await receive()
        await asyncio.sleep(0)
        await says(OK, END)(scope, receive, send)

    with pytest.raises(LookupError, match="broken"):
        await talk(app, payload=broken())


def hang_up():
    yield b"half"
    raise ClientDisconnected


async def test_a_stream_may_hang_up():
    seen = []

    async def app(scope, receive, send):
        seen.extend([(await receive())["type"] for _ in range(4)])
        await says(start(400), body(b"gone"))(scope, receive, send)

    assert (await talk(app, payload=hang_up())).status == 400
    assert seen == ["http.request", "http.disconnect", "http.disconnect", "http.disconnect"]


async def test_after_a_hang_up_silence_is_allowed_and_the_test_is_told():
    async def app(scope, receive, send):
        while (await receive())["type"] != "http.disconnect":
            pass

    with pytest.raises(ClientDisconnected, match="did not answer"):
        await talk(app, payload=hang_up())


@pytest.mark.parametrize("raising", [True, False])
async def test_an_exception_after_a_hang_up_is_raised_for_there_is_nobody_to_answer(raising):
    async def app(scope, receive, send):
        while (await receive())["type"] != "http.disconnect":
            pass
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        await talk(app, payload=hang_up(), raising=raising)


async def test_disconnect_comes_only_when_the_response_is_complete():
    order = []

    async def app(scope, receive, send):
        await receive()

        async def listen():
            order.append((await receive())["type"])

        listeners = [asyncio.create_task(listen()) for _ in range(3)]
        await asyncio.sleep(0.01)
        await send(OK)
        await send(body(b"x", more_body=True))
        await asyncio.sleep(0.01)
        order.append("last")
        await send(END)
        await asyncio.gather(*listeners)
        order.append((await receive())["type"])

    await talk(app)
    assert order == ["last", *["http.disconnect"] * 4]


async def test_a_response_before_the_body_was_read_ends_it():
    async def app(scope, receive, send):
        await send(OK)
        await send(END)
        assert (await receive())["type"] == "http.disconnect"

    await talk(app, payload=b"x" * 1_000_000)


async def test_an_endless_stream_is_read_only_as_far_as_the_application_reads():
    taken = []

    def endless():
        while True:
            taken.append(1)
            yield b"x"

    async def app(scope, receive, send):
        await receive()
        await receive()
        await says(start(413), END)(scope, receive, send)

    assert (await talk(app, payload=endless())).status == 413
    assert len(taken) <= 4


async def test_a_cancelled_receive_loses_nothing():
    gate = asyncio.Event()

    async def stream():
        yield b"a"
        await gate.wait()
        yield b"b"

    async def app(scope, receive, send):
        assert (await receive())["body"] == b"a"
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(receive(), 0.01)
        gate.set()
        assert (await receive())["body"] == b"b"
        await says(OK, END)(scope, receive, send)

    await talk(app, payload=stream())


async def test_head_keeps_the_length_and_drops_the_content():
    line = (b"content-length", b"5")
    assert await talk(says(start(200, line), body(b"hello")), method="HEAD") == Answer(200, [line], b"")
    assert await talk(says(start(200, line), END), method="HEAD") == Answer(200, [line], b"")


async def test_not_modified_tells_the_length_of_what_it_does_not_send():
    line = (b"content-length", b"5")
    assert await talk(says(start(304, line), END)) == Answer(304, [line], b"")


async def test_no_content_may_say_that_its_length_is_0():
    assert (await talk(says(start(204, (b"content-length", b"0")), END))).status == 204


async def test_a_content_length_that_is_right_is_right_for_any_number_of_pieces():
    app = says(start(200, (b"content-length", b"3")), body(b"a", more_body=True), body(b"bc", more_body=True), END)
    assert (await talk(app)).body == b"abc"


@pytest.mark.parametrize(
    ("messages", "complaint"),
    [
        ([], "never sent http.response.start"),
        ([OK], "in the middle of its response"),
        ([OK, body(b"x", more_body=True)], "in the middle of its response"),
        ([END], "http.response.body before http.response.start"),
        ([OK, OK], "http.response.start twice"),
        ([OK, END, END], "sent http.response.body after its response was complete"),
        ([OK, END, OK], "sent http.response.start after its response was complete"),
        ([{"type": "http.response.trailers"}], "'http.response.trailers', which is not a message"),
        ([{}], "sent None, which is not a message"),
        ([{"type": "http.response.start"}], "None is not a final HTTP status"),
        ([start("200")], "'200' is not a final"),
        ([start(True)], "True is not a final"),
        ([start(101)], "101 is not a final"),
        ([start(600)], "600 is not a final"),
        ([start(200, (b"X-Up", b"1"))], "b'X-Up' is not a header name"),
        ([start(200, (b"", b"1"))], "b'' is not a header name"),
        ([start(200, (b"a b", b"1"))], "b'a b' is not a header name"),
        ([start(200, ("a", b"1"))], "must be a pair of bytes"),
        ([start(200, (b"a", "1"))], "must be a pair of bytes"),
        ([start(200, (b"a", b"1", b"2"))], "must be a pair of bytes"),
        ([start(200, (b"a", b"1\r\nb: 2"))], "holds CR, LF or NUL"),
        ([start(200, (b"content-length", b"1"), (b"content-length", b"1"))], "one content-length, in digits"),
        ([start(200, (b"content-length", b"+1"))], "one content-length, in digits"),
        ([start(200, (b"content-length", b"2")), body(b"a")], "content-length is 2, but 1 bytes were sent"),
        ([start(200, (b"content-length", b"1")), body(b"abc", more_body=True)], "content-length is 1, but 3 bytes"),
        ([start(204), body(b"x")], "status 204 has no content, but 1 bytes"),
        ([start(304), body(b"x")], "status 304 has no content, but 1 bytes"),
        ([start(204, (b"content-length", b"1"))], "status 204 has no content, but its content-length is 1"),
        ([OK, body("text")], "must be bytes, not str"),
        ([OK, body(bytearray(b"x"))], "must be bytes, not bytearray"),
    ],
)
@pytest.mark.parametrize("raising", [True, False])
async def test_what_a_server_would_refuse_is_a_runtime_error(messages, complaint, raising):
    with pytest.raises(RuntimeError, match=complaint):
        await talk(says(*messages), raising=raising)


async def test_a_header_may_come_as_a_list_of_two():
    assert (await talk(says(start(200, [b"a", b"1"]), END))).headers == [(b"a", b"1")]


async def test_a_violation_that_the_application_hides_is_told_all_the_same():
    async def app(scope, receive, send):
        for message in (start(1000), start(2000)):
            with pytest.raises(RuntimeError):
                await send(message)
        await says(OK, END)(scope, receive, send)

    with pytest.raises(RuntimeError, match=r"^1000 is not"):
        await talk(app)


def fails_after(*messages):
    async def app(scope, receive, send):
        await says(*messages)(scope, receive, send)
        raise LookupError("mine")

    return app


@pytest.mark.parametrize("messages", [[], [OK], [OK, END]])
async def test_an_exception_of_the_application_is_raised_in_the_test(messages):
    with pytest.raises(LookupError, match="mine"):
        await talk(fails_after(*messages))


async def test_or_is_answered_as_a_server_answers_it():
    assert await talk(fails_after(), raising=False) == Answer(
        500, [(b"content-type", b"text/plain; charset=utf-8")], b"Internal Server Error"
    )
    assert (await talk(fails_after(start(418), END), raising=False)).status == 418


async def test_or_is_the_cause_where_a_server_would_cut_the_response():
    with pytest.raises(RuntimeError, match="in the middle of its response") as caught:
        await talk(fails_after(OK), raising=False)
    assert isinstance(caught.value.__cause__, LookupError)


async def test_what_is_no_exception_of_a_program_always_passes():
    async def app(scope, receive, send):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await talk(app, raising=False)


async def test_work_after_the_response_is_awaited():
    done = []

    async def app(scope, receive, send):
        await says(OK, END)(scope, receive, send)
        await asyncio.sleep(0.01)
        done.append(1)

    await talk(app)
    assert done == [1]


async def test_nothing_of_an_exchange_is_left_running():
    before = asyncio.all_tasks()
    await talk(says(OK, END), payload=b"x" * 1_000_000)
    assert asyncio.all_tasks() == before
