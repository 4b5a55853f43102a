import asyncio
import functools
import logging
import threading
from contextvars import ContextVar
from pathlib import Path

import pytest
from msgspec import Struct

from flasgo import FileResponse, Flasgo, HTTPException, NotFound, RegistrationError, Response, Settings, abort
from flasgo.context import g, request
from flasgo.pipeline.threads import ThreadPool

VARIABLE = ContextVar("variable", default="unset")


class Broken(Exception):
    pass


class Numbers(Struct):
    values: list[int]


def application(**settings: object) -> Flasgo[Settings]:
    return Flasgo(settings={"SECRET_KEY": "test-hooks-0123456789abcdefghijklmn", "CSRF_ENABLED": False, **settings})


@pytest.fixture
def hops(monkeypatch):
    """The functions that were sent to a thread."""
    sent = []
    run_surely = ThreadPool.run_surely

    def counted(self, function, *args, **kwargs):
        sent.append(function)
        return run_surely(self, function, *args, **kwargs)

    monkeypatch.setattr(ThreadPool, "run_surely", counted)
    return sent


# ── before_request ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_before_hooks_run_in_their_order_with_or_without_the_request():
    app = application()
    seen = []

    @app.before_request
    def bare():
        seen.append("bare")

    @app.before_request
    async def coroutine(request):
        seen.append(("coroutine", request.path))

    @app.before_request
    def plain(request):
        seen.append(("plain", request.path))

    @app.before_request
    async def bare_coroutine():
        seen.append("bare coroutine")

    @app.get("/")
    async def index():
        seen.append("handler")
        return ""

    app.test_client().get("/")
    assert seen == ["bare", ("coroutine", "/"), ("plain", "/"), "bare coroutine", "handler"]


@pytest.mark.parametrize(
    ("value", "status", "body"),
    [
        (Response("own", 202), 202, b"own"),
        (("teapot", 418), 418, b"teapot"),
        ({"a": 1}, 200, b'{"a":1}'),
        ("", 200, b""),
        ("text", 200, b"text"),
    ],
)
@pytest.mark.parametrize("sync", [False, True])
@pytest.mark.parametrize("path", ["/", "/nowhere"])
def test_what_a_before_hook_returns_is_the_answer_for_unknown_paths_too(value, status, body, sync, path):
    app = application()

    def short(request):
        return value

    async def short_async(request):
        return value

    app.before_request(short if sync else short_async)

    @app.before_request
    def never():
        raise AssertionError

    @app.get("/")
    def index():
        raise AssertionError

    response = app.test_client().get(path)
    assert (response.status_code, response.body) == (status, body)
    assert response.headers["x-content-type-options"] == "nosniff"


def test_hooks_between_each_other_may_answer_early_at_every_place():
    """Sync and async hooks by turns: the code that is generated for them nests correctly."""

    def answer_of(stop):
        app = application()
        seen = []
        for number in range(5):

            def hook(*, number=number):
                seen.append(number)
                return f"stopped by {number}" if number == stop else None

            async def coroutine(*, number=number):
                return hook(number=number)

            app.before_request(functools.partial(coroutine if number % 2 else hook, number=number))

        @app.get("/")
        def index():
            return "handler"

        return app.test_client().get("/").text, seen

    for stop in range(5):
        assert answer_of(stop) == (f"stopped by {stop}", list(range(stop + 1)))
    assert answer_of(None) == ("handler", [0, 1, 2, 3, 4])


def test_a_before_hook_sees_whether_a_route_matched():
    app = application()
    seen = []

    @app.before_request
    async def look(request):
        seen.append((request.endpoint, request.path_params))

    @app.get("/books/<int:id>")
    async def book(id: int):
        return ""

    client = app.test_client()
    client.get("/books/7")
    client.get("/nowhere")
    assert seen == [("book", {"id": 7}), (None, {})]


@pytest.mark.parametrize("sync", [False, True])
def test_a_failing_before_hook_is_answered_like_any_error(caplog, sync):
    app = application()

    def fail():
        raise Broken

    async def fail_async():
        raise Broken

    app.before_request(fail if sync else fail_async)
    app.errorhandler(Broken)(lambda error: ("mended", 503))
    assert app.test_client().get("/").text == "mended"


def test_a_before_hook_may_abort():
    app = application()
    app.before_request(lambda: abort(403, "members only"))
    response = app.test_client().get("/")
    assert (response.status_code, response.text) == (403, "members only")


def test_a_before_hook_may_return_the_same_response_each_time():
    app = application()
    closed = Response("closed", 503, {"retry-after": "60"})
    app.before_request(lambda: closed)
    client = app.test_client()
    assert client.get("/").raw_headers == client.get("/").raw_headers


def test_before_hooks_may_be_any_callable():
    app = application()
    seen = []

    class Hook:
        def __call__(self, request):
            seen.append("instance")

        async def method(self, request):
            seen.append("method")

    hook = Hook()
    app.before_request(hook)
    app.before_request(hook.method)
    app.before_request(functools.partial(lambda tag, request: seen.append(tag), "partial"))
    app.test_client().get("/")
    assert seen == ["instance", "method", "partial"]


def test_a_plain_wrapper_around_a_coroutine_function_is_awaited():
    app = application()
    seen = []

    async def coroutine(*args):
        seen.append(len(args))

    @functools.wraps(coroutine)
    def wrapper(*args):
        return coroutine(*args)

    app.before_request(wrapper)
    app.after_request(wrapper)
    app.teardown_request(wrapper)
    app.test_client().get("/")
    assert seen == [1, 2, 1]


def test_a_plain_wrapper_may_answer_without_the_coroutine_function():
    app = application()
    seen = []

    async def coroutine(*args):
        raise AssertionError

    @functools.wraps(coroutine)
    def wrapper(*args):
        seen.append(len(args))

    app.before_request(wrapper)
    app.after_request(wrapper)
    app.teardown_request(wrapper)
    app.test_client().get("/")
    assert seen == [1, 2, 1]


@pytest.mark.parametrize(
    ("register", "functions", "counts"),
    [
        ("before_request", [lambda a, b: None, lambda *, a: None], "0 or 1"),
        ("after_request", [lambda: None, lambda a, b, c: None], "1 or 2"),
        ("teardown_request", [lambda a, b: None, lambda *, a: None], "0 or 1"),
    ],
)
def test_hooks_with_other_parameters_are_refused_at_once(register, functions, counts):
    for function in functions:
        with pytest.raises(RegistrationError, match=f"{counts} positional arguments"):
            getattr(application(), register)(function)


def test_hooks_are_returned_unchanged():
    app = application()

    def hook(argument):
        return None

    assert app.before_request(hook) is hook
    assert app.after_request(hook) is hook
    assert app.teardown_request(hook) is hook


# ── after_request ───────────────────────────────────────────────────────────────────────────────────────────────────


def everything(tmp_path: Path) -> Flasgo[Settings]:
    """An application that can answer in every way there is."""
    app = application(MAX_REQUEST_BODY_BYTES=10)
    (tmp_path / "file.txt").write_text("file")

    @app.get("/")
    async def index(limit: int = 1):
        return "index"

    @app.get("/sync")
    def sync():
        return "sync"

    @app.get("/file")
    async def file():
        return FileResponse(tmp_path / "file.txt")

    @app.get("/none")
    async def none():
        return None

    @app.get("/slash/")
    async def slash():
        return ""

    @app.get("/broken")
    async def broken():
        raise Broken

    @app.post("/body")
    async def body(request):
        return await request.body()

    return app


WAYS = [
    ("GET", "/", {}, 200),
    ("HEAD", "/", {}, 200),
    ("OPTIONS", "/", {}, 204),
    ("DELETE", "/", {}, 405),
    ("TRACE", "/", {}, 405),
    ("GET", "/?limit=x", {}, 422),
    ("GET", "/", {"headers": {"host": "evil.example"}}, 400),
    ("GET", "/", {"headers": {"x-long": "x" * 20_000}}, 431),
    ("GET", "/sync", {}, 200),
    ("GET", "/file", {}, 200),
    ("GET", "/none", {}, 204),
    ("GET", "/slash", {}, 308),
    ("GET", "/nowhere", {}, 404),
    ("GET", "/%ff", {}, 400),
    ("GET", "/broken", {}, 500),
    ("POST", "/body", {"body": b"x" * 11}, 413),
]


@pytest.mark.parametrize(("method", "path", "options", "status"), WAYS)
def test_after_hooks_see_every_response(tmp_path, method, path, options, status):
    app = everything(tmp_path)
    seen = []

    @app.after_request
    def note(response):
        seen.append(response.status_code)
        response.headers["x-seen"] = "sync"

    @app.after_request
    async def note_again(request, response):
        seen.append(request.method)
        response.headers["x-seen"] += ", async"

    response = app.test_client().request(method, path, **options)
    assert response.status_code == status
    assert seen == [status, method]
    assert response.headers["x-seen"] == "sync, async"
    assert response.headers["x-content-type-options"] == "nosniff"


def test_after_hooks_see_what_a_before_hook_and_an_error_handler_answered():
    app = application()
    app.before_request(lambda request: "early" if request.path == "/early" else None)
    app.errorhandler(404)(lambda error: "not here")

    @app.after_request
    def shout(response):
        return Response(response.body.upper(), response.status_code)

    client = app.test_client()
    assert client.get("/early").text == "EARLY"
    response = client.get("/other")
    assert (response.status_code, response.text) == (404, "NOT HERE")


def test_after_hooks_run_in_their_order_each_with_the_response_of_the_one_before():
    app = application()
    app.after_request(lambda response: response.body + b"1")

    @app.after_request
    async def two(request, response):
        return Response(response.body + b"2", 201)

    app.after_request(lambda response: None)
    app.after_request(lambda response: (response.body + b"3", response.status_code))

    @app.get("/")
    async def index():
        return "0"

    response = app.test_client().get("/")
    assert (response.status_code, response.body) == (201, b"0123")


@pytest.mark.parametrize("sync", [False, True])
def test_a_failing_after_hook_is_answered_and_the_next_hooks_see_that(caplog, sync):
    app = application()
    seen = []

    def fail(response):
        raise Broken("in the hook")

    async def fail_async(response):
        raise Broken("in the hook")

    def note(response):
        seen.append(response.status_code)

    app.after_request(note)
    app.after_request(fail if sync else fail_async)
    app.after_request(note)
    app.after_request(fail if sync else fail_async)
    app.after_request(note)
    response = app.test_client().get("/")
    assert (response.status_code, response.text) == (500, "Internal Server Error")
    assert seen == [404, 500, 500]
    assert caplog.text.count("in the hook") >= 2
    assert response.headers["x-frame-options"] == "DENY"


def test_an_after_hook_may_abort_and_error_handlers_answer():
    app = application()

    @app.get("/")
    async def index():
        return "fine"

    @app.after_request
    async def second_thoughts(response):
        raise NotFound("on reflection")

    app.errorhandler(404)(lambda error: f"handled: {error.detail}")
    response = app.test_client().get("/")
    assert (response.status_code, response.text) == (404, "handled: on reflection")


def test_an_after_hook_that_returns_nonsense_is_a_500(caplog):
    app = application()
    app.after_request(lambda response: object())
    assert app.test_client().get("/").status_code == 500
    assert "no form as a response" in caplog.text


async def test_an_after_hook_that_finds_the_client_gone_ends_quietly(call, caplog):
    app = application()
    ended = []

    @app.after_request
    async def read(request, response):
        await request.body()

    app.teardown_request(lambda error: ended.append(type(error).__name__))
    exchange = await call(app, method="POST", pieces=[b"half", None])
    assert (exchange.messages, ended) == ([], ["ClientDisconnected"])
    assert not caplog.records


# ── teardown_request ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("method", "path", "options", "status"), WAYS)
def test_teardown_hooks_run_after_every_response(tmp_path, method, path, options, status):
    app = everything(tmp_path)
    seen = []
    app.teardown_request(lambda error: seen.append(("plain", type(error))))

    @app.teardown_request
    async def coroutine(error):
        seen.append(("coroutine", type(error)))

    app.teardown_request(lambda: seen.append("bare"))
    assert app.test_client().request(method, path, **options).status_code == status
    kind = Broken if status == 500 else type(None)
    assert seen == ["bare", ("coroutine", kind), ("plain", kind)]


def test_teardown_hooks_run_last_registered_first_once_the_response_is_sent():
    app = application()
    seen = []
    app.teardown_request(lambda: seen.append(1))
    app.teardown_request(lambda: seen.append(2))
    app.after_request(lambda response: seen.append("after"))

    @app.teardown_request
    async def three():
        seen.append(3)

    app.test_client().get("/")
    assert seen == ["after", 3, 2, 1]


def test_an_exception_that_a_handler_answered_is_none_for_teardown():
    app = application()
    seen = []

    @app.get("/")
    async def index():
        raise Broken

    app.errorhandler(Broken)(lambda error: "handled")
    app.teardown_request(seen.append)
    app.test_client().get("/")
    assert seen == [None]


def test_a_failing_teardown_hook_is_logged_and_the_others_still_run(caplog):
    app = application()
    seen = []

    def fail(error):
        raise Broken("in teardown")

    async def fail_async(error):
        raise Broken("in async teardown")

    for hook in (fail, fail_async, fail):
        app.teardown_request(lambda: seen.append("ran"))
        app.teardown_request(hook)

    @app.get("/")
    async def index():
        return "fine"

    response = app.test_client().get("/")
    assert (response.status_code, response.text) == (200, "fine")
    assert seen == ["ran"] * 3
    assert caplog.text.count("teardown-failed") == 3
    assert all(record.exc_info for record in caplog.records)


async def test_teardown_runs_to_its_end_even_when_it_is_cancelled(call):
    app = application()
    seen = []
    reached = asyncio.Event()

    @app.teardown_request
    def first():
        seen.append("first")

    @app.teardown_request
    async def hangs():
        reached.set()
        await asyncio.sleep(60)

    @app.teardown_request
    def last():
        seen.append("last")

    task = asyncio.create_task(call(app))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == ["last", "first"]


async def test_teardown_still_has_the_request(call):
    app = application()
    seen = []
    app.teardown_request(lambda: seen.append((request.path, g.value)))

    @app.before_request
    async def put():
        g.value = 1

    await call(app, "/here")
    assert seen == [("/here", 1)]


async def test_teardown_runs_with_what_the_server_raised(call):
    app = application()
    seen = []
    app.teardown_request(seen.append)

    @app.get("/")
    async def index():
        return "answer"

    async def send(message):
        raise RuntimeError("the server is unwell")

    with pytest.raises(RuntimeError, match="the server is unwell"):
        await call(app, send=send)
    assert [str(error) for error in seen] == ["the server is unwell"]


# ── threads ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_neighbouring_sync_hooks_and_the_handler_share_one_hop(hops):
    app = application()
    threads = []

    def note(*args):
        threads.append(threading.get_ident())

    for _ in range(3):
        app.before_request(note)

    @app.get("/<int:id>")
    def index(id: int, q: str = ""):
        note()
        return ""

    assert app.test_client().get("/1?q=x").status_code == 200
    assert len(hops) == 1
    assert len(threads) == 4
    assert len(set(threads)) == 1
    assert threading.get_ident() not in threads


def test_a_coroutine_between_sync_hooks_costs_a_hop_more(hops):
    app = application()
    app.before_request(lambda: None)

    @app.before_request
    async def between():
        return None

    app.before_request(lambda: None)
    app.before_request(lambda: None)

    @app.get("/")
    async def index():
        return ""

    app.test_client().get("/")
    assert len(hops) == 2


def test_neighbouring_sync_after_and_teardown_hooks_share_a_hop_each(hops):
    app = application()
    threads = []
    for _ in range(3):
        app.after_request(lambda response: threads.append(threading.get_ident()))
        app.teardown_request(lambda: threads.append(threading.get_ident()))
    app.test_client().get("/nowhere")
    assert len(hops) == 2
    assert len(set(threads[:3])) == len(set(threads[3:])) == 1


def test_without_sync_code_nothing_leaves_the_loop(hops):
    app = application()

    async def coroutine(*args):
        return None

    app.before_request(coroutine)
    app.after_request(coroutine)
    app.teardown_request(coroutine)

    @app.get("/")
    async def index():
        return ""

    @app.get("/inline", threaded=False)
    def inline():
        return str(threading.get_ident())

    client = app.test_client()
    client.get("/")
    client.get("/inline")
    assert hops == []


def test_a_handler_that_needs_the_body_has_a_hop_of_its_own(hops):
    app = application()

    @app.post("/")
    def total(numbers: Numbers):
        return str(sum(numbers.values))

    app.before_request(lambda: None)
    assert app.test_client().post("/", json={"values": [1, 2]}).text == "3"
    assert len(hops) == 2


def test_hooks_in_threads_have_the_context_of_the_request():
    app = application()
    seen = []

    @app.before_request
    async def put(request):
        VARIABLE.set("from the loop")
        g.number = 1

    @app.before_request
    def look():
        seen.append((VARIABLE.get(), g.number, request.path))
        VARIABLE.set("from a thread")

    @app.get("/here")
    def index():
        seen.append(VARIABLE.get())  # the same hop, so the same copy of the context
        return ""

    @app.after_request
    async def after(response):
        seen.append(VARIABLE.get())  # what a thread sets stays there

    app.test_client().get("/here")
    assert seen == [("from the loop", 1, "/here"), "from a thread", "from the loop"]


def test_an_exception_of_a_shared_hop_is_the_one_that_was_raised(caplog):
    app = application()
    app.before_request(lambda: None)

    def fail():
        raise Broken("second hook")

    app.before_request(fail)

    @app.get("/")
    def index():
        raise AssertionError

    assert app.test_client().get("/").status_code == 500
    assert "second hook" in caplog.text


def test_hooks_of_http_exceptions_in_threads_are_answers():
    app = application()

    @app.get("/")
    def index():
        raise HTTPException(409, "in a thread")

    assert app.test_client().get("/").text == "in a thread"


async def test_a_client_that_left_is_a_line_for_debugging_and_no_more(call, caplog):
    app = application()

    @app.post("/here")
    async def index(request):
        return await request.body()

    with caplog.at_level(logging.DEBUG):
        await call(app, "/here", method="POST", pieces=[b"half", None])
    ours = [record for record in caplog.records if record.name.startswith("flasgo")]
    assert [(record.levelname, record.getMessage()) for record in ours] == [
        ("DEBUG", "client-disconnected method=POST path='/here'")
    ]
