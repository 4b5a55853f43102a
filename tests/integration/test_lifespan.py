import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from flasgo import Flasgo, RegistrationError, Settings, current_app
from flasgo.lifespan import warn_of_random_key


def application(**options: Any) -> Flasgo[Settings]:
    return Flasgo(settings={"SECRET_KEY": "test-lifespan-0123456789abcdefghijk"}, **options)


async def live(app, *, between=None):
    """Go through the application's life as a server does; what it sent."""
    sent = []
    events = iter(["lifespan.startup", "lifespan.shutdown"])

    async def receive():
        event = next(events)
        if event == "lifespan.shutdown" and between is not None:
            await between()
        return {"type": event}

    async def send(message):
        sent.append(message)

    await app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send)
    return sent


COMPLETE = [{"type": "lifespan.startup.complete"}, {"type": "lifespan.shutdown.complete"}]


async def test_without_lifespans_starting_and_stopping_succeed():
    assert await live(application()) == COMPLETE


async def test_several_lifespans_are_left_in_reverse_order():
    seen = []

    def tracked(name):
        async def lifespan(app: Flasgo[Settings]) -> AsyncGenerator[None]:
            seen.append(f"{name} opens")
            yield
            seen.append(f"{name} closes")

        return lifespan

    @asynccontextmanager
    async def as_manager(app: Flasgo[Settings]) -> AsyncGenerator[None]:
        seen.append("manager opens")
        yield
        seen.append("manager closes")

    app = application(lifespan=tracked("first"))
    app.lifespan(as_manager)
    assert app.lifespan(tracked("last")) is not None
    assert await live(app) == COMPLETE
    opened = ["first opens", "manager opens", "last opens"]
    assert seen == [*opened, "last closes", "manager closes", "first closes"]


def test_what_a_lifespan_yields_is_in_the_applications_state():
    async def lifespan(app):
        app.state.direct = 1
        yield {"pool": "a pool", "size": 3}
        assert app.state.pool == "a pool"

    app = application(lifespan=lifespan)

    @app.get("/")
    async def index(request):
        return [request.app.state.pool, current_app.state.size, app.state.direct]

    with app.test_client() as client:
        assert client.get("/").json() == ["a pool", 3, 1]


async def test_a_failing_startup_is_reported_logged_and_what_was_open_is_closed(caplog):
    seen = []

    async def first(app):
        seen.append("opens")
        yield
        seen.append("closes")  # without try and finally: it was not this one that failed

    async def second(app):
        raise ConnectionError("no database")
        yield

    async def third(app):
        raise AssertionError
        yield

    app = application(lifespan=first)
    app.lifespan(second)
    app.lifespan(third)
    assert await live(app) == [{"type": "lifespan.startup.failed", "message": "ConnectionError: no database"}]
    assert seen == ["opens", "closes"]
    (record,) = caplog.records
    assert (record.getMessage(), bool(record.exc_info)) == ("startup-failed", True)


async def test_a_failing_shutdown_is_reported_and_the_others_are_closed(caplog):
    seen = []

    async def first(app):
        yield
        seen.append("first closes")

    async def second(app):
        yield
        raise ConnectionError("gone")

    app = application(lifespan=first)
    app.lifespan(second)
    assert await live(app) == [
        {"type": "lifespan.startup.complete"},
        {"type": "lifespan.shutdown.failed", "message": "ConnectionError: gone"},
    ]
    assert seen == ["first closes"]
    assert [record.getMessage() for record in caplog.records] == ["shutdown-failed"]


async def test_a_server_that_is_cancelled_closes_what_is_open():
    seen = []

    async def lifespan(app):
        yield
        seen.append("closes")

    serving = asyncio.Event()

    async def serve():
        serving.set()
        await asyncio.sleep(60)

    task = asyncio.create_task(live(application(lifespan=lifespan), between=serve))
    await serving.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == ["closes"]


async def no_yield(app):
    return None


def sync_generator(app):
    yield


@pytest.mark.parametrize(
    ("lifespan", "message"),
    [
        (no_yield, "A lifespan is an async generator function"),
        (sync_generator, "A lifespan is an async generator function"),
        (lambda app: None, "gave NoneType. Write `async def` and one `yield`"),
    ],
)
async def test_what_is_no_lifespan_fails_at_startup_with_advice(caplog, lifespan, message):
    (failed,) = await live(application(lifespan=lifespan))
    assert failed["type"] == "lifespan.startup.failed"
    assert message in failed["message"]


async def test_a_lifespan_that_yields_something_else_fails_and_is_closed(caplog):
    seen = []

    async def lifespan(app):
        yield ["pool"]
        seen.append("closes")

    (failed,) = await live(application(lifespan=lifespan))
    assert failed["message"] == "TypeError: A lifespan yields nothing, or a mapping for app.state; not list."
    assert seen == ["closes"]


async def test_a_lifespan_that_yields_twice_fails_at_shutdown(caplog):
    async def lifespan(app):
        yield
        yield

    sent = await live(application(lifespan=lifespan))
    assert [message["type"] for message in sent] == ["lifespan.startup.complete", "lifespan.shutdown.failed"]


async def test_startup_freezes_the_application():
    app = application()
    await live(app)
    with pytest.raises(RuntimeError, match="registered after the application began"):
        app.get("/late")(lambda: "")


async def test_a_mistake_that_is_found_at_startup_is_reported(monkeypatch, caplog):
    def fail(*args, **options):
        raise RegistrationError("two of a kind")

    monkeypatch.setattr("flasgo.app.assemble", fail)
    (failed,) = await live(application())
    assert failed == {"type": "lifespan.startup.failed", "message": "RegistrationError: two of a kind"}


async def test_a_websocket_is_refused_before_it_is_accepted():
    sent = []

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        sent.append(message)

    scope: Any = {"type": "websocket", "path": "/", "headers": []}
    await application()(scope, receive, send)
    assert [(message["type"], message["code"]) for message in sent] == [("websocket.close", 1008)]


async def test_an_unknown_protocol_is_an_error_for_the_server():
    async def never(*args):
        raise AssertionError

    scope: Any = {"type": "x" * 100}
    with pytest.raises(RuntimeError, match=r"answers http, not 'x{40}'\.$"):
        await application()(scope, never, never)


def test_a_random_key_is_warned_of_once(caplog, monkeypatch):
    warn_of_random_key.cache_clear()
    for _ in range(3):
        Flasgo().freeze()
    assert [record.getMessage()[:22] for record in caplog.records] == ["SECRET_KEY is not set:"]
