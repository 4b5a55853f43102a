"""Bodies of plain handlers: they are waited for on the event loop, and no client holds a thread by sending slowly."""

import asyncio
import inspect
import json
from typing import Annotated, Any

import pytest

from flasgo import Body, Flasgo, Request, Settings, request

HOST = (b"host", b"localhost")
FORM = (b"content-type", b"application/x-www-form-urlencoded")
JSON = (b"content-type", b"application/json")
MULTIPART = (b"content-type", b"multipart/form-data; boundary=b")


def application(**settings: object) -> Flasgo[Settings]:
    """One thread for plain handlers, which read their bodies in each of the ways there are."""
    app = Flasgo(
        settings={
            "SECRET_KEY": "test-arrival-0123456789abcdefghijk", "CSRF_ENABLED": False, "SYNC_THREADS": 1,
            "MAX_REQUEST_BODY_BYTES": 1_000, **settings,
        }
    )  # fmt: skip

    @app.post("/data")
    def data(request: Request) -> bytes:
        return request.get_data()

    @app.post("/json")
    def as_json() -> Any:
        return request.get_json()

    @app.post("/form")
    def form() -> str:
        return request.form["a"]

    @app.post("/file")
    def file() -> str:
        return str(len(request.files["f"].body))

    @app.post("/bound")
    def bound(body: Annotated[int, Body()]) -> int:
        return body

    @app.post("/deaf")
    def deaf() -> str:
        return "deaf"

    @app.get("/other")
    def other() -> str:
        return "other"

    return app


def part(name: str, content: bytes, filename: str = "") -> bytes:
    named = f'; filename="{filename}"' if filename else ""
    return b'--b\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n' % (
        name.encode(),
        named.encode(),
        content,
    )


class Slow:
    """A client that sends half of a body, and the rest when it is told to."""

    def __init__(self, body: bytes) -> None:
        half = len(body) // 2
        self.pieces = [body[:half], body[half:]]
        self.go_on = asyncio.Event()
        self.asked = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        if len(self.pieces) == 1:
            self.asked.set()
            await self.go_on.wait()
        if not self.pieces:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": self.pieces.pop(0), "more_body": bool(self.pieces)}


CASES = {
    "/data": ((), b"some bytes", b"some bytes"),
    "/json": ((JSON,), b'{"a": 12}', b'{"a":12}'),
    "/form": ((FORM,), b"a=something", b"something"),
    "/file": ((MULTIPART,), part("f", b"x" * 50_000, "f.txt") + b"--b--\r\n", b"50000"),
    "/bound": ((JSON,), b"1234", b"1234"),
    "/deaf": ((), b"some bytes", b"deaf"),
}


@pytest.mark.parametrize("hooked", [False, True])
@pytest.mark.parametrize("path", CASES)
async def test_a_slow_body_holds_no_thread(call, path, hooked):
    headers, body, expected = CASES[path]
    app = application()
    seen = []
    if hooked:

        @app.before_request
        def before() -> None:
            seen.append(request.form.get("a") if request.content_type == "application/x-www-form-urlencoded" else None)

    client = Slow(body)
    task = asyncio.create_task(call(app, path, method="POST", headers=(HOST, *headers), receive=client.receive))
    await client.asked.wait()
    async with asyncio.timeout(10):
        assert (await call(app, "/other")).body == b"other"  # by the only thread there is
    client.go_on.set()
    assert (await task).body == expected
    assert seen == ([None, "something"] if path == "/form" else [None, None]) * hooked


def test_hooks_and_handler_still_share_a_thread_hop():
    app = application()
    app.before_request(lambda: None)
    assert inspect.getsource(app.freeze().static["/data"]["POST"].handle).count("await run(") == 1


async def test_what_is_wrong_with_a_body_is_told_to_whoever_reads_it(call):
    app = application(REQUEST_READ_TIMEOUT_SECONDS=0.05)

    async def status(path: str, *headers: tuple[bytes, bytes], pieces: Any) -> Any:
        return (await call(app, path, method="POST", headers=(HOST, *headers), pieces=pieces)).status

    assert await status("/data", pieces=[b"x" * 600, b"x" * 600]) == 413
    assert await status("/deaf", pieces=[b"x" * 600, b"x" * 600]) == 200
    announced = (b"content-length", b"5000")
    assert await status("/data", announced, pieces=[b"x", b"x"]) == 413
    assert await status("/deaf", announced, pieces=[b"x", b"x"]) == 200
    assert await status("/data", pieces=[b"x" * 1_200]) == 413
    assert await status("/deaf", pieces=[b"x" * 1_200]) == 200
    assert await status("/data", (b"expect", b"100-continue"), announced, pieces=[b"x", b"x"]) == 413
    assert await status("/data", pieces=[b"x", 10, b"x"]) == 408
    assert await status("/deaf", pieces=[b"x", 10, b"x"]) == 200
    assert await status("/json", JSON, pieces=[b"{", b"}x"]) == 400
    assert await status("/data", (b"content-encoding", b"gzip"), pieces=[b"x", b"x"]) == 415
    assert await status("/form", MULTIPART, pieces=[b"--b\r\n", b"nonsense"]) == 400
    large = part("a", b"1") + part("f", b"x" * 2_000, "f")
    assert await status("/form", MULTIPART, pieces=[large[:10], large[10:]]) == 400  # it is cut off
    assert await status("/deaf", MULTIPART, pieces=[large[:10], large[10:]]) == 200


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_form_may_be_larger_than_what_may_be_had_as_bytes(call, at_once):
    app = application()
    body = part("a", b"1") + part("f", b"x" * 600_000, "f") + b"--b--\r\n"

    async def ask(path: str) -> Any:
        pieces = [body] if at_once else [body[:100_000], body[100_000:]]
        return await call(app, path, method="POST", headers=(HOST, MULTIPART), pieces=pieces)

    assert (await ask("/form")).body == b"1"
    assert (await ask("/file")).body == b"600000"
    assert (await ask("/data")).status == (200 if at_once else 413)


async def test_a_client_that_leaves_meanwhile_is_not_answered(call):
    exchange = await call(application(), "/data", method="POST", pieces=[b"x", None])
    assert exchange.messages == []


async def test_who_streams_takes_the_body_as_it_comes(call):
    app = application()
    app.before_request(lambda: None)
    sizes = []

    @app.post("/stream", max_body_bytes=10**9)
    async def stream(request: Request) -> str:
        sizes.extend([len(piece) async for piece in request.stream()])
        return "streamed"

    app.post("/sized", max_body_bytes=10**9)(lambda: str(len(request.get_data())))
    assert (await call(app, "/sized", method="POST", pieces=[b"", b"x" * 2_000, b"", b"y"])).body == b"2001"
    exchange = await call(app, "/stream", method="POST", pieces=[b"x" * 2_000, b"", b"y" * 3_000])
    assert (exchange.body, sizes) == (b"streamed", [2_000, 3_000])


def test_plain_handlers_read_what_is_here_already():
    client = application().test_client()
    for path, (headers, body, expected) in CASES.items():
        sent = {name.decode(): value.decode() for name, value in headers}
        assert client.post(path, body=body, headers=sent).body == expected
    assert json.loads(client.post("/json", json=[1]).body) == [1]
