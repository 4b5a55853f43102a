import asyncio
import threading
import time

import pytest

from flasgo import Flasgo, Settings, g, url_for
from flasgo.context import current_request, request


def application(**settings: object) -> Flasgo[Settings]:
    return Flasgo(settings={"SECRET_KEY": "test-threads-0123456789abcdefghijkl", "CSRF_ENABLED": False, **settings})


class Gate:
    """Holds sync handlers until it is opened, and counts those that wait at it."""

    def __init__(self):
        self.opened = threading.Event()
        self.waiting = 0
        self.most = 0
        self.lock = threading.Lock()

    def wait(self):
        with self.lock:
            self.waiting += 1
            self.most = max(self.most, self.waiting)
        assert self.opened.wait(10)
        with self.lock:
            self.waiting -= 1

    async def reached(self, count):
        async with asyncio.timeout(10):
            while self.waiting < count:
                await asyncio.sleep(0.005)


def gated(gate: Gate, **settings: object) -> Flasgo[Settings]:
    app = application(**settings)

    @app.get("/slow")
    def slow() -> str:
        gate.wait()
        return "slow"

    @app.get("/fast")
    async def fast() -> str:
        return "fast"

    return app


async def test_blocked_handlers_do_not_delay_the_loop(call):
    gate = Gate()
    app = gated(gate)
    slow = [asyncio.create_task(call(app, "/slow")) for _ in range(200)]
    await gate.reached(40)
    for _ in range(20):
        assert (await call(app, "/fast")).body == b"fast"
    assert gate.waiting == 40  # they sleep still
    gate.opened.set()
    assert {exchange.body for exchange in await asyncio.gather(*slow)} == {b"slow"}


async def test_no_more_threads_run_than_the_setting_says(call):
    gate = Gate()
    app = gated(gate, SYNC_THREADS=3)
    slow = [asyncio.create_task(call(app, "/slow")) for _ in range(10)]
    await gate.reached(3)
    await asyncio.sleep(0.05)
    assert gate.most == 3
    gate.opened.set()
    await asyncio.gather(*slow)
    assert gate.most == 3


async def test_beyond_the_queue_a_request_is_503_and_later_ones_are_served_again(call):
    gate = Gate()
    app = gated(gate, SYNC_THREADS=1)
    torn_down = []
    app.teardown_request(lambda: torn_down.append(1))
    slow = [asyncio.create_task(call(app, "/slow")) for _ in range(26)]
    await gate.reached(1)
    refused = [asyncio.create_task(call(app, "/slow")) for _ in range(3)]
    fast = asyncio.create_task(call(app, "/fast"))
    await asyncio.sleep(0.01)
    assert torn_down == []
    gate.opened.set()
    for exchange in await asyncio.gather(*refused):
        assert (exchange.status, exchange.headers["retry-after"]) == (503, "1")
        assert exchange.body == b"The server is busy. Try again later."
    assert (await fast).status == 200
    assert {exchange.status for exchange in await asyncio.gather(*slow)} == {200}
    assert (await call(app, "/slow")).status == 200
    assert len(torn_down) == 31  # a full queue never keeps a request from being cleared up


async def test_after_hooks_and_error_handlers_in_threads_run_though_the_queue_is_full(call):
    gate = Gate()
    app = gated(gate, SYNC_THREADS=1)

    @app.after_request
    def mark(response):
        response.headers["x-mark"] = "1"

    app.errorhandler(503)(lambda error: "handled")
    slow = [asyncio.create_task(call(app, "/slow")) for _ in range(26)]
    await gate.reached(1)
    refused = asyncio.create_task(call(app, "/slow"))
    await asyncio.sleep(0.01)
    gate.opened.set()
    exchange = await refused
    assert (exchange.status, exchange.body, exchange.headers["x-mark"]) == (503, b"handled", "1")
    assert exchange.headers["retry-after"] == "1"
    await asyncio.gather(*slow)


async def test_a_request_that_is_cancelled_in_the_queue_never_runs(call):
    gate = Gate()
    app = gated(gate, SYNC_THREADS=1)
    ran = []

    @app.get("/queued")
    def queued():
        ran.append(1)
        return ""

    slow = asyncio.create_task(call(app, "/slow"))
    await gate.reached(1)
    waiting = asyncio.create_task(call(app, "/queued"))
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    gate.opened.set()
    await slow
    assert (await call(app, "/slow")).status == 200
    assert ran == []


async def test_teardown_waits_for_the_thread_of_a_cancelled_request(call):
    """Or it would close what the handler is still using."""
    app = application()
    events = []
    started, release = threading.Event(), threading.Event()

    @app.get("/")
    def index():
        started.set()
        release.wait(10)
        events.append("handler ends")
        return ""

    app.teardown_request(lambda error: events.append(f"teardown after {type(error).__name__}"))
    task = asyncio.create_task(call(app))
    assert await asyncio.to_thread(started.wait, 10)
    task.cancel()
    await asyncio.sleep(0.05)
    assert (task.done(), events) == (False, [])
    release.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert events == ["handler ends", "teardown after CancelledError"]


async def test_a_second_cancellation_does_not_wait(call):
    app = application()
    started, release = threading.Event(), threading.Event()

    @app.get("/")
    def index():
        started.set()
        release.wait(10)
        return ""

    task = asyncio.create_task(call(app))
    assert await asyncio.to_thread(started.wait, 10)
    task.cancel()
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    release.set()


@pytest.mark.parametrize("kind", [ValueError, StopIteration, StopAsyncIteration])
def test_whatever_a_handler_raises_in_a_thread_is_answered(caplog, kind):
    app = application()

    @app.get("/")
    def index():
        raise kind("from a thread")

    assert app.test_client().get("/").status_code == 500
    assert "from a thread" in caplog.text


def test_proxies_work_in_threads_and_belong_to_their_request():
    app = application()

    @app.before_request
    async def put():
        g.name = request.query_params["name"][0]

    @app.get("/<int:number>", name="numbered")
    def numbered(number: int):
        time.sleep(0.005)
        return [g.name, request.path, current_request().path_params, url_for("numbered", number=number)]

    client = app.test_client()
    assert client.get("/7?name=x").json() == ["x", "/7", {"number": 7}, "/7"]


async def test_concurrent_requests_do_not_see_each_other(call):
    app = application(SYNC_THREADS=4)

    def look(where):
        assert request.query_params["n"] == [g.n], where

    @app.before_request
    async def put():
        g.n = request.query_params["n"][0]
        await asyncio.sleep(0.001)
        look("before")

    @app.get("/async")
    async def coroutine():
        for _ in range(3):
            await asyncio.sleep(0.001)
            look("async")
        return g.n

    @app.get("/sync")
    def plain():
        for _ in range(3):
            time.sleep(0.001)
            look("sync")
        return g.n

    @app.after_request
    def after(response):
        response.headers["x-n"] = g.n

    paths = ["/async", "/sync"] * 50
    exchanges = await asyncio.gather(
        *(call(app, path, query_string=b"n=%d" % number) for number, path in enumerate(paths))
    )
    assert [exchange.body for exchange in exchanges] == [b"%d" % number for number in range(100)]
    assert [exchange.headers["x-n"] for exchange in exchanges] == [str(number) for number in range(100)]


async def test_requests_in_one_task_leave_no_context_behind(call):
    app = application()
    app.add_route("/", lambda: "")
    await call(app)
    with pytest.raises(RuntimeError, match="outside a request"):
        current_request()


def test_a_plain_function_that_gives_an_awaitable_is_awaited_on_the_loop():
    app = application()

    async def later(text):
        return f"{text} on the loop" if asyncio.get_running_loop() else ""

    app.add_route("/", lambda: later("called in a thread,"))
    app.add_route("/inline", lambda: later("called inline,"), name="inline", threaded=False)
    client = app.test_client()
    assert client.get("/").text == "called in a thread, on the loop"
    assert client.get("/inline").text == "called inline, on the loop"


def test_shutting_down_ends_the_threads_and_the_next_request_starts_new_ones():
    app = application(SYNC_THREADS=2)

    @app.get("/")
    def index():
        return threading.current_thread().name

    def alive():
        return [thread for thread in threading.enumerate() if thread.name.startswith("flasgo_")]

    before = set(alive())
    with app.test_client() as client:
        assert client.get("/").text.startswith("flasgo_")
        assert set(alive()) - before
    for thread in set(alive()) - before:
        thread.join(5)
    assert set(alive()) <= before
    assert app.test_client().get("/").text.startswith("flasgo_")
