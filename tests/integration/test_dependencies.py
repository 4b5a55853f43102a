"""Dependencies: what providers give, when they are called, and what becomes of them when a request ends or fails."""

import asyncio
import contextlib
import functools
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Protocol, Self, TypedDict

import pytest
from msgspec import Struct

from flasgo import (
    Body,
    Depends,
    Flasgo,
    Form,
    Header,
    NotFound,
    Request,
    Session,
    Settings,
    TestClient,
    UploadedFile,
    User,
    bearer_token_backend,
)
from flasgo.pipeline.threads import ThreadPool

Log = list[str]


def app_of(*handlers: Any, **options: Any) -> Flasgo[Settings]:
    """Each handler at the path of its name, for GET and POST."""
    app = Flasgo(settings={"CSRF_ENABLED": False})
    for handler in handlers:
        app.add_route(f"/{handler.__name__}", handler, methods=options.pop("methods", ["GET", "POST"]), **options)
    return app


def client_of(*handlers: Any, **options: Any) -> TestClient:
    return app_of(*handlers, **options).test_client(raise_server_exceptions=False)


# ── what a provider may be


def plain(n: int = 1) -> str:
    return f"plain {n}"


async def coroutine() -> str:
    return "coroutine"


def awaitable() -> Awaitable[str]:
    return coroutine()


def generator() -> Iterator[str]:
    yield "generator"


async def async_generator() -> AsyncIterator[str]:
    yield "async generator"


@contextlib.contextmanager
def manager() -> Generator[str]:
    yield "manager"


@contextlib.asynccontextmanager
async def async_manager() -> AsyncGenerator[str]:
    yield "async manager"


def gives_manager() -> AbstractContextManager[str]:
    return manager()


def gives_async_manager() -> AbstractAsyncContextManager[str]:
    return async_manager()


async def awaits_manager() -> AbstractAsyncContextManager[str]:
    return async_manager()


class Callable_:
    def __call__(self) -> str:
        return "instance"

    async def method(self) -> str:
        return "method"


PROVIDERS = {
    "plain 1": plain,
    "plain 2": functools.partial(plain, 2),
    "coroutine": coroutine,
    "awaitable": awaitable,
    "generator": generator,
    "async generator": async_generator,
    "manager": manager,
    "async manager": async_manager,
    "instance": Callable_(),
    "method": Callable_().method,
}
GIVEN = {"awaitable": "coroutine"}


@pytest.mark.parametrize("threaded", [True, False])
@pytest.mark.parametrize("scope", ["request", "app"])
@pytest.mark.parametrize("name", PROVIDERS)
def test_every_kind_of_provider_gives_its_value(name: str, scope: Literal["request", "app"], threaded: bool):
    provider: Callable[..., object] = PROVIDERS[name]
    if scope == "app" and name.startswith("plain"):
        pytest.skip("it takes something of the request")

    async def on_loop(value: Annotated[str, Depends(provider, scope=scope)]) -> str:
        return value

    def in_thread(value: Annotated[str, Depends(provider, scope=scope)]) -> str:
        return value

    client = client_of(on_loop, in_thread, threaded=threaded)
    expected = GIVEN.get(name, name)
    assert client.get("/on_loop").text == expected
    assert client.get("/in_thread").text == expected


@pytest.mark.parametrize("provider", [gives_manager, gives_async_manager, awaits_manager])
def test_a_context_manager_that_is_declared_is_entered(provider: Callable[..., object]):
    async def take(
        value: Annotated[str, Depends(provider)], again: Annotated[str, Depends(provider, scope="app")]
    ) -> str:
        return f"{value}, {again}"

    assert "manager, " in client_of(take).get("/take").text


class Page:
    def __init__(self, page: int = 1, size: Annotated[int, Header()] = 10) -> None:
        self.page = page
        self.size = size


class Filters(Struct):
    q: str = ""
    tag: list[str] = []


class Opened:
    log: Log = []

    async def __aenter__(self) -> Self:
        self.log.append("open")
        return self

    async def __aexit__(self, *_: object) -> None:
        self.log.append("closed")


class Locked:
    log: Log = []

    def __enter__(self) -> Self:
        self.log.append("locked")
        return self

    def __exit__(self, *_: object) -> None:
        self.log.append("free")


@dataclass
class Sorting:
    by: list[str] = field(default_factory=lambda: ["name"])


def test_classes_are_providers():
    async def take(
        page: Annotated[Page, Depends()],
        filters: Annotated[Filters, Depends(Filters)],
        opened: Annotated[Opened, Depends()],
        locked: Annotated[Locked, Depends()],
        sorting: Annotated[Sorting, Depends()],
    ) -> list[object]:
        return [page.page, page.size, filters.q, filters.tag, opened.log[-1], locked.log[-1], sorting.by]

    client = client_of(take)
    answer = client.get("/take?page=3&q=x&tag=a&tag=b", headers={"size": "5"})
    assert answer.json() == [3, 5, "x", ["a", "b"], "open", "locked", ["name"]]
    assert (Opened.log, Locked.log) == (["open", "closed"], ["locked", "free"])


# ── what providers take


def test_providers_take_what_handlers_take():
    def who(request: Request, session: Session, settings: Settings, token: Annotated[str, Header()]) -> str:
        return f"{request.method} {len(session)} {settings.DEBUG} {token}"

    def by_id(id: int) -> int:
        return id * 2

    async def upload(name: Annotated[str, Form()], file: UploadedFile) -> str:
        return f"{name} {file.size}"

    app = Flasgo(settings={"CSRF_ENABLED": False})

    @app.post("/books/<int:id>")
    async def book(
        who: Annotated[str, Depends(who)], number: Annotated[int, Depends(by_id)], sent: Annotated[str, Depends(upload)]
    ) -> list[object]:
        return [who, number, sent]

    client = app.test_client()
    file = {"file": ("a.txt", b"12345", "text/plain")}
    answer = client.post("/books/4", data={"name": "a"}, files=file, headers={"token": "t"})
    assert answer.json() == ["POST 0 False t", 8, "a 5"]
    assert {e["pointer"] for e in client.post("/books/4", files={"x": file["file"]}).json()["errors"]} == {
        "/token",
        "/name",
        "/file",
    }


def test_inputs_of_all_providers_are_checked_before_any_is_called():
    called: Log = []

    def first(a: int) -> None:
        called.append("first")

    def second(b: int, one: Annotated[None, Depends(first)]) -> None:
        called.append("second")

    async def take(c: int, two: Annotated[None, Depends(second)]) -> str:
        return ""

    response = client_of(take).get("/take?a=x&b=x&c=x", headers={"accept": "application/json"})
    assert [e["pointer"] for e in response.json()["errors"]] == ["/c", "/b", "/a"]
    assert called == []


def test_a_body_may_be_a_providers():
    def named(body: Annotated[dict[str, str], Body()]) -> str:
        return body["name"]

    def take(name: Annotated[str, Depends(named)]) -> str:
        return name

    assert client_of(take, methods=["POST"]).post("/take", json={"name": "a"}).text == "a"


def test_a_provider_that_takes_a_user_protects_its_routes():
    def name(user: User) -> str:
        return user.id or ""

    def maybe(user: User | None) -> bool:
        return user is None

    async def take(name: Annotated[str, Depends(name)]) -> str:
        return name

    async def open_(stranger: Annotated[bool, Depends(maybe)]) -> bool:
        return stranger

    async def mixed(stranger: User | None, name: Annotated[str, Depends(name)]) -> str:
        return name

    app = app_of(take, open_, mixed)
    app.register_auth_backend("default", bearer_token_backend(lambda token: User(id=token, is_authenticated=True)))
    client = app.test_client()
    assert client.get("/take").status_code == 401
    assert client.get("/take", headers={"authorization": "Bearer ann"}).text == "ann"
    assert client.get("/open_").json() is True
    assert client.get("/mixed").status_code == 401


def test_a_name_that_handler_and_provider_share_is_read_once():
    def half(number: int) -> float:
        return number / 2

    async def take(number: int, half: Annotated[float, Depends(half)]) -> list[float]:
        return [number, half]

    assert client_of(take).get("/take?number=3").json() == [3, 1.5]


# ── how often, and where


def test_a_provider_is_called_once_for_a_request():
    calls: Log = []

    async def base() -> int:
        calls.append("base")
        return len(calls)

    async def one(base: Annotated[int, Depends(base)]) -> int:
        return base

    async def take(
        one: Annotated[int, Depends(one)],
        base_: Annotated[int, Depends(base)],
        fresh: Annotated[int, Depends(base, use_cache=False)],
    ) -> list[int]:
        return [one, base_, fresh]

    client = client_of(take)
    assert client.get("/take").json() == [1, 1, 2]
    assert client.get("/take").json() == [3, 3, 4]


def test_neighbouring_plain_functions_share_a_hop():
    """Each hop has a context of its own, so what is set in one is not seen in another."""
    trace: ContextVar[str] = ContextVar("trace", default="")
    seen: Log = []

    def note(name: str) -> None:
        trace.set(f"{trace.get()}{name}")
        seen.append(trace.get())

    def first() -> int:
        note("1")
        return 1

    def second(first: Annotated[int, Depends(first)]) -> Iterator[int]:
        note("2")
        yield first

    async def third(second: Annotated[int, Depends(second)]) -> int:
        seen.append(trace.get())
        return second

    def take(
        second: Annotated[int, Depends(second)],
        third: Annotated[int, Depends(third)],
        page: Annotated[Page, Depends()],
        fourth: Annotated[int, Depends(lambda: 1)],
    ) -> int:
        note("h")
        return second

    def alone(first: Annotated[int, Depends(first)], page: Annotated[Page, Depends()]) -> int:
        note("h")
        return first

    client = client_of(take, alone)
    assert client.get("/take").json() == 1
    assert seen == ["1", "12", "", "h"]
    seen.clear()
    assert client.get("/alone").json() == 1
    assert seen == ["1", "1h"]


# ── how they end


class Resource:
    """A provider in three forms that notes what happens to it."""

    def __init__(self, log: Log) -> None:
        self.log = log

    def _noted(self, name: str, error: BaseException | None) -> None:
        self.log.append(f"{name} {type(error).__name__ if error else 'done'}")

    async def one(self) -> AsyncIterator[str]:
        try:
            yield "one"
        except BaseException as error:
            self._noted("one", error)
            raise
        else:
            self._noted("one", None)

    def two(self, one: str) -> Iterator[str]:
        try:
            yield f"{one} two"
        except BaseException as error:
            self._noted("two", error)
            raise
        else:
            self._noted("two", None)


def resources(log: Log) -> tuple[Any, Any]:
    resource = Resource(log)

    def two(one: Annotated[str, Depends(resource.one)]) -> Iterator[str]:
        yield from resource.two(one)

    return resource.one, two


def test_providers_end_in_reverse_order_after_the_answer_was_sent():
    log: Log = []
    _, two = resources(log)

    async def take(value: Annotated[str, Depends(two)]) -> str:
        return value

    sent: Log = []
    app = app_of(take)

    async def ask() -> None:
        async def receive() -> Any:
            return {"type": "http.request", "body": b""}

        async def send(message: Any) -> None:
            sent.append(message["type"])
            assert log == []

        headers = [(b"host", b"localhost")]
        await app({"type": "http", "method": "GET", "path": "/take", "headers": headers}, receive, send)

    asyncio.run(ask())
    assert sent == ["http.response.start", "http.response.body"]
    assert log == ["two done", "one done"]


@pytest.mark.parametrize("sync", [True, False])
def test_an_error_of_the_handler_is_thrown_into_its_providers(sync: bool):
    log: Log = []
    _, two = resources(log)

    def fail(value: Annotated[str, Depends(two)]) -> str:
        raise NotFound

    async def async_fail(value: Annotated[str, Depends(two)]) -> str:
        raise NotFound

    handler: Any = fail if sync else async_fail
    assert client_of(handler).get(f"/{handler.__name__}").status_code == 404
    assert log == ["two NotFound", "one NotFound"]


def test_an_error_of_a_later_provider_ends_those_before():
    log: Log = []
    one, _ = resources(log)

    def broken(one: Annotated[str, Depends(one)]) -> str:
        raise ValueError

    async def take(value: Annotated[str, Depends(broken)]) -> str:
        return value

    assert client_of(take).get("/take").status_code == 500
    assert log == ["one ValueError"]


def test_what_a_provider_raises_takes_the_place_of_the_error():
    log: Log = []
    one, _ = resources(log)

    async def mapped(one: Annotated[str, Depends(one)]) -> AsyncIterator[str]:
        try:
            yield one
        except KeyError as error:
            raise NotFound("no such key") from error

    async def take(value: Annotated[str, Depends(mapped)]) -> str:
        raise KeyError

    response = client_of(take).get("/take")
    assert (response.status_code, response.text) == (404, "no such key")
    assert log == ["one NotFound"]


@pytest.mark.parametrize("scope", ["generator", "async", "manager", "async manager"])
def test_no_provider_can_swallow_an_error(scope: str):
    def swallows() -> Generator[None]:
        with contextlib.suppress(NotFound):
            yield

    async def async_swallows() -> AsyncGenerator[None]:
        with contextlib.suppress(NotFound):
            yield

    providers: dict[str, Any] = {
        "generator": swallows,
        "async": async_swallows,
        "manager": contextlib.contextmanager(swallows),
        "async manager": contextlib.asynccontextmanager(async_swallows),
    }

    async def take(value: Annotated[None, Depends(providers[scope])]) -> str:
        raise NotFound

    assert client_of(take).get("/take").status_code == 404


@pytest.mark.parametrize("kind", ["plain", "async"])
def test_a_provider_that_yields_twice_is_told(kind: str, caplog: pytest.LogCaptureFixture):
    closed: Log = []

    def twice() -> Iterator[int]:
        try:
            yield 1
            yield 2
        finally:
            closed.append("closed")

    async def async_twice() -> AsyncIterator[int]:
        try:
            yield 1
            yield 2
        finally:
            closed.append("closed")

    provider: Any = twice if kind == "plain" else async_twice

    async def take(value: Annotated[int, Depends(provider)]) -> int:
        return value

    assert client_of(take).get("/take").json() == 1
    assert closed == ["closed"]
    assert "provider-failed" in caplog.text
    assert "yields twice" in caplog.text


@pytest.mark.parametrize("form", ["generator", "async generator", "manager", "async manager"])
def test_what_a_provider_raises_at_its_end_is_logged_and_the_others_end(form: str, caplog: pytest.LogCaptureFixture):
    log: Log = []
    one, _ = resources(log)

    def failing() -> Generator[int]:
        yield 1
        raise OSError("too late")

    async def async_failing() -> AsyncGenerator[int]:
        yield 1
        raise OSError("too late")

    providers: dict[str, Any] = {
        "generator": failing,
        "async generator": async_failing,
        "manager": contextlib.contextmanager(failing),
        "async manager": contextlib.asynccontextmanager(async_failing),
    }

    async def take(one: Annotated[str, Depends(one)], value: Annotated[int, Depends(providers[form])]) -> int:
        return value

    assert client_of(take).get("/take").status_code == 200
    assert log == ["one OSError"]
    assert "too late" in caplog.text


def test_a_cancelled_request_ends_its_providers():
    log: Log = []
    _, two = resources(log)
    entered = asyncio.Event()

    async def take(value: Annotated[str, Depends(two)]) -> str:
        entered.set()
        await asyncio.Event().wait()
        return value

    app = app_of(take)

    async def ask() -> None:
        async def receive() -> Any:
            return {"type": "http.request", "body": b""}

        async def send(message: Any) -> None:
            raise AssertionError(message)

        headers = [(b"host", b"localhost")]
        scope: Any = {"type": "http", "method": "GET", "path": "/take", "headers": headers}
        task = asyncio.ensure_future(app(scope, receive, send))
        await entered.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(ask())
    assert log == ["two CancelledError", "one CancelledError"]


class Rethrows:
    """A context manager that raises again what it is given, as some do."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is not None:
            raise error


class AsyncRethrows:
    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is not None:
            raise error


def test_a_context_manager_may_raise_what_it_is_given():
    async def take(
        one: Annotated[Rethrows, Depends()], two: Annotated[AsyncRethrows, Depends()], fail: bool = False
    ) -> str:
        if fail:
            raise NotFound
        return "fine"

    client = client_of(take)
    assert client.get("/take").text == "fine"
    assert client.get("/take?fail=1").status_code == 404


def test_a_cancellation_at_the_end_waits_until_every_provider_is_ended():
    log: Log = []
    one, _ = resources(log)
    ending = asyncio.Event()

    async def slow(one: Annotated[str, Depends(one)]) -> AsyncIterator[str]:
        yield one
        ending.set()
        await asyncio.Event().wait()

    async def take(value: Annotated[str, Depends(slow)]) -> str:
        return value

    app = app_of(take)

    async def ask() -> None:
        async def receive() -> Any:
            return {"type": "http.request", "body": b""}

        async def send(message: Any) -> None:
            pass

        scope: Any = {"type": "http", "method": "GET", "path": "/take", "headers": [(b"host", b"localhost")]}
        task = asyncio.ensure_future(app(scope, receive, send))
        await ending.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(ask())
    assert log == ["one CancelledError"]


def test_an_app_provider_may_take_settings_by_position():
    def debug(settings: Settings, /) -> bool:
        return settings.DEBUG

    async def take(value: Annotated[bool, Depends(debug, scope="app")]) -> bool:
        return value

    assert client_of(take).get("/take").json() is False


# ── the application's lifetime


def test_app_values_are_made_at_startup_and_ended_in_reverse_at_shutdown():
    log: Log = []

    @contextlib.asynccontextmanager
    async def pool(settings: Settings) -> AsyncGenerator[str]:
        log.append("pool opened")
        yield f"pool {settings.DEBUG}"
        log.append("pool closed")

    def cache(pool: Annotated[str, Depends(pool, scope="app")]) -> Iterator[str]:
        log.append("cache opened")
        yield f"cache of {pool}"
        log.append("cache closed")

    def per_request(cache: Annotated[str, Depends(cache, scope="app")]) -> str:
        return cache

    def take(value: Annotated[str, Depends(per_request)], pool: Annotated[str, Depends(pool, scope="app")]) -> str:
        return f"{value}, {pool}"

    app = app_of(take)
    with app.test_client() as client:
        assert log == ["pool opened", "cache opened"]
        assert client.get("/take").text == "cache of pool False, pool False"
        assert client.get("/take").text == "cache of pool False, pool False"
    assert log == ["pool opened", "cache opened", "cache closed", "pool closed"]
    with app.test_client() as client:
        assert client.get("/take").status_code == 200
    assert len(log) == 8


def test_an_app_value_is_made_once_for_all_who_need_it_first():
    made: Log = []

    async def slow() -> int:
        made.append("made")
        await asyncio.sleep(0)
        return len(made)

    async def take(value: Annotated[int, Depends(slow, scope="app")]) -> int:
        return value

    app = app_of(take)

    async def ask() -> list[Any]:
        client = app.test_client()
        return list(await asyncio.gather(*(client.arequest("GET", "/take") for _ in range(5))))

    assert [response.json() for response in asyncio.run(ask())] == [1] * 5


def test_an_app_value_that_cannot_be_made_is_tried_again():
    tries: Log = []

    def unsteady() -> int:
        tries.append("")
        if len(tries) == 1:
            raise OSError
        return len(tries)

    async def take(value: Annotated[int, Depends(unsteady, scope="app")]) -> int:
        return value

    client = client_of(take)
    assert client.get("/take").status_code == 500
    assert client.get("/take").json() == 2


def test_an_app_value_that_fails_at_its_end_is_logged(caplog: pytest.LogCaptureFixture):
    def failing() -> Generator[int]:
        yield 1
        raise OSError("too late")

    async def take(value: Annotated[int, Depends(failing, scope="app")]) -> int:
        return value

    with app_of(take).test_client() as client:
        assert client.get("/take").json() == 1
    assert "provider-failed" in caplog.text


# ── for tests


def test_providers_are_replaced_inside_the_with():
    def real() -> str:
        return "real"

    def between(real: Annotated[str, Depends(real)]) -> str:
        return f"between {real}"

    def stand_in(name: str = "nobody") -> Iterator[str]:
        yield f"stand-in for {name}"

    async def take(value: Annotated[str, Depends(between)]) -> str:
        return value

    async def other() -> str:
        return "other"

    app = app_of(take, other)
    client = app.test_client()
    with app.override_dependencies({real: stand_in}):
        assert client.get("/take?name=ann").text == "between stand-in for ann"
        with app.override_dependencies({between: lambda: "nothing"}):
            assert client.get("/take").text == "nothing"
            assert client.get("/other").text == "other"
        assert app.test_client().get("/take").text == "between stand-in for nobody"
    assert client.get("/take").text == "between real"
    with pytest.raises(ValueError, match="no route depends on it"), app.override_dependencies({other: real}):
        pass


# ── what cannot work


def refused(handler: Any, path: str = "/x") -> str:
    with pytest.raises(ValueError, match=r"test_dependencies\.py:\d+: ") as caught:
        Flasgo().add_route(path, handler)
    return str(caught.value)


def test_a_circle_is_drawn():
    def a(b: Annotated[int, Depends(lambda: 1)]) -> int:
        return b

    def b(a: Annotated[int, Depends(a)]) -> int:
        return a

    a.__annotations__["b"] = Annotated[int, Depends(b)]

    def handler(a: Annotated[int, Depends(a)]) -> None: ...

    message = refused(handler)
    assert "its dependencies go in a circle" in message
    lines = [line.rpartition(": ")[2] for line in message.splitlines()[1:]]
    names = ("handler", "a", "b", "a")
    assert lines == [f"test_a_circle_is_drawn.{name}()" for name in names]
    assert [line.index("/") for line in message.splitlines()[1:]] == [4, 7, 10, 13]


def test_a_lasting_value_cannot_depend_on_a_requests():
    def of_request() -> int:
        return 1

    def of_app(value: Annotated[int, Depends(of_request)]) -> int:
        return value

    def takes_query(page: int) -> int:
        return page

    def handler(value: Annotated[int, Depends(of_app, scope="app")]) -> None: ...
    def query(value: Annotated[int, Depends(takes_query, scope="app")]) -> None: ...
    def fresh(value: Annotated[int, Depends(of_request, scope="app", use_cache=False)]) -> None: ...

    message = refused(handler)
    assert "of the application's lifetime depends on one of a request's" in message
    assert message.splitlines()[-1].endswith("of_request()")
    assert "but this comes from a request" in refused(query)
    assert "leave out use_cache=False" in refused(fresh)


class Named(Protocol):
    name: str


class Dog:
    name = "dog"


class Cat:
    name = "cat"


class Options(TypedDict):
    name: str


def test_a_provider_must_give_what_the_parameter_takes():
    def dog() -> Dog:
        return Dog()

    def dogs() -> Iterator[Dog]:
        yield Dog()

    async def maybe() -> Dog | None:
        return None

    def untyped():  # type: ignore[no-untyped-def]
        return Dog()

    def options() -> Options:
        return {"name": ""}

    def bare() -> Iterator:  # type: ignore[type-arg]  # ty: ignore[missing-type-argument]
        yield

    def cat(v: Annotated[Cat, Depends(dog)]) -> None: ...
    def cats(v: Annotated[Cat, Depends(dogs)]) -> None: ...
    def some(v: Annotated[Dog, Depends(maybe)]) -> None: ...
    def klass(v: Annotated[Cat, Depends(Dog)]) -> None: ...

    for handler in (cat, cats, klass):
        assert "gives Dog, but the annotation says Cat" in refused(handler)
    assert "gives None, but the annotation says Dog" in refused(some)

    def fits(
        a: Annotated[Dog, Depends(dog)],
        b: Annotated[Named, Depends(dogs)],
        c: Annotated[Dog | None, Depends(maybe)],
        d: Annotated[Cat, Depends(untyped)],
        e: Annotated[Options, Depends(options)],
        f: Annotated[object, Depends(dog)],
        g: Annotated[float, Depends(lambda: 1)],
        h: Annotated[int, Depends(bare)],
        i: Annotated[float, Depends(len_of)],
        j: Annotated[Any, Depends(dog)],
    ) -> None: ...

    app_of(fits)


def len_of() -> int:
    return 0


def test_mistakes_of_depends():
    def p(x: int = 0) -> int:
        return x

    def q(x: str = "") -> str:
        return x

    def default(v: Annotated[int, Depends(p)] = 1) -> None: ...
    def as_default(v: int = Depends(p)) -> None: ...  # type: ignore[assignment]  # ty: ignore[invalid-parameter-default]
    def called(v: Annotated[int, Depends(p())]) -> None: ...  # type: ignore[arg-type]  # ty: ignore[invalid-argument-type]
    def nothing(v: Annotated[int | str, Depends()]) -> None: ...
    def uncalled(v: Annotated[int, Depends]) -> None: ...
    def two(a: Annotated[int, Depends(p)], b: Annotated[str, Depends(q)]) -> None: ...
    def method(v: Annotated[str, Depends(Callable_.method)]) -> None: ...

    assert "leave the default out" in refused(default)
    assert "Depends(p) is no default; write `v: Annotated[int, Depends(p)]`" in refused(as_default)
    assert "takes a callable; pass the function itself" in refused(called)
    assert "is no class; name the provider" in refused(nothing)
    assert "write Depends() instead of Depends" in refused(uncalled)
    assert "query 'x' is taken twice, as int and as str" in refused(two)
    assert "it is a method without its instance" in refused(method)


# ── what they cost in hops of a thread


def test_neighbouring_plain_generators_are_ended_in_one_hop_the_last_first(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sent: list[object] = []
    run_surely = ThreadPool.run_surely

    def counted(self: ThreadPool, function: Callable[..., Any], *args: Any, **values: Any) -> Awaitable[Any]:
        sent.append(function)
        return run_surely(self, function, *args, **values)

    monkeypatch.setattr(ThreadPool, "run_surely", counted)
    log: Log = []

    def first() -> Iterator[str]:
        yield "first"
        log.append("first")

    @contextlib.contextmanager
    def second() -> Generator[str]:
        yield "second"
        log.append("second")
        raise ValueError("too late")

    async def third() -> AsyncIterator[str]:
        yield "third"
        log.append("third")

    def fourth() -> Iterator[str]:
        try:
            yield "fourth"
        finally:
            log.append("fourth")

    def neighbours(a: Annotated[str, Depends(first)], b: Annotated[str, Depends(second)]) -> str:
        return a + b

    def apart(
        a: Annotated[str, Depends(first)], b: Annotated[str, Depends(third)], c: Annotated[str, Depends(fourth)]
    ) -> str:
        return a + b + c

    client = client_of(neighbours, apart)
    assert client.get("/neighbours").text == "firstsecond"
    assert log == ["second"]  # what failed is thrown into the one before it, which does not go on behind its yield
    assert len(sent) == 2
    assert "provider-failed" in caplog.text
    log.clear()
    sent.clear()
    assert client.get("/apart").text == "firstthirdfourth"
    assert log == ["fourth", "third", "first"]
    assert len(sent) == 4


def test_a_provider_that_ends_the_program_at_its_end_is_no_failure_to_be_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Stop(BaseException):
        pass

    def stopping() -> Iterator[str]:
        yield "value"
        raise Stop

    def index(value: Annotated[str, Depends(stopping)]) -> str:
        return value

    with pytest.raises(Stop):
        app_of(index).test_client().get("/index")
    assert "provider-failed" not in caplog.text
