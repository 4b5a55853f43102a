import asyncio

import pytest

from flasgo.testing import lifespan as module
from flasgo.testing.lifespan import Lifespan


def reply(phase, outcome="complete", **extra):
    return {"type": f"lifespan.{phase}.{outcome}", **extra}


async def both(app):
    lifespan = Lifespan(app)
    await lifespan.startup()
    await lifespan.shutdown()
    return lifespan


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(module, "LAST_WORDS_SECONDS", 0.01)


async def test_both_phases_are_asked_and_awaited():
    log = []

    async def app(scope, receive, send):
        assert scope["type"] == "lifespan"
        assert scope["asgi"] == {"version": "3.0", "spec_version": "2.0"}
        log.append((await receive())["type"])
        await asyncio.sleep(0)
        scope["state"]["db"] = "open"
        await send(reply("startup"))
        log.append((await receive())["type"])
        await send(reply("shutdown"))
        await asyncio.sleep(0)
        log.append("closed")

    lifespan = Lifespan(app)
    await lifespan.startup()
    assert lifespan.state == {"db": "open"}
    assert log == ["lifespan.startup"]
    await lifespan.shutdown()
    assert log == ["lifespan.startup", "lifespan.shutdown", "closed"]


async def refuses(scope, receive, send):
    assert scope["type"] == "http"


async def returns(scope, receive, send):
    pass


@pytest.mark.parametrize("app", [refuses, returns])
async def test_an_application_without_lifespan_is_allowed(app):
    assert (await both(app)).state == {}


@pytest.mark.parametrize(("extra", "told"), [({"message": "no database"}, "no database"), ({}, "it gave no reason")])
async def test_a_startup_that_failed_raises_the_applications_message(extra, told):
    async def app(scope, receive, send):
        await receive()
        await send(reply("startup", "failed", **extra))

    with pytest.raises(RuntimeError, match=f"^Application startup failed: {told}$"):
        await Lifespan(app).startup()


async def test_the_exception_behind_a_failed_startup_is_its_cause():
    async def app(scope, receive, send):
        await receive()
        await send(reply("startup", "failed", message="no database"))
        raise LookupError("db")

    with pytest.raises(RuntimeError, match="no database") as caught:
        await Lifespan(app).startup()
    assert isinstance(caught.value.__cause__, LookupError)


async def test_an_application_that_does_not_end_after_it_failed_is_ended():
    ended = asyncio.Event()

    async def app(scope, receive, send):
        await receive()
        await send(reply("startup", "failed"))
        try:
            await receive()
        finally:
            ended.set()

    with pytest.raises(RuntimeError, match="Application startup failed") as caught:
        await Lifespan(app).startup()
    assert caught.value.__cause__ is None
    await asyncio.wait_for(ended.wait(), 1)


async def test_an_exception_during_startup_is_raised():
    async def app(scope, receive, send):
        await receive()
        raise LookupError("db")

    with pytest.raises(LookupError, match="db"):
        await Lifespan(app).startup()


async def test_a_startup_that_is_not_answered_is_an_error():
    async def app(scope, receive, send):
        await receive()

    with pytest.raises(RuntimeError, match=r"without lifespan\.startup\.complete"):
        await Lifespan(app).startup()


@pytest.mark.parametrize(
    "message", [{"type": "http.response.start"}, reply("shutdown"), reply("startup", "done"), {}], ids=str
)
async def test_a_message_that_does_not_belong_there_is_an_error(message):
    async def app(scope, receive, send):
        await send(message)

    with pytest.raises(RuntimeError, match="to its lifespan, in the startup phase"):
        await Lifespan(app).startup()


async def test_a_second_answer_is_an_error_even_if_it_is_hidden():
    async def app(scope, receive, send):
        await receive()
        await send(reply("startup"))
        for _ in "12":
            with pytest.raises(RuntimeError):
                await send(reply("startup"))
        await receive()
        await send(reply("shutdown"))

    lifespan = Lifespan(app)
    await lifespan.startup()
    with pytest.raises(RuntimeError, match=r"'lifespan\.startup\.complete' to its lifespan"):
        await lifespan.shutdown()


async def test_a_shutdown_that_failed_raises_the_applications_message():
    async def app(scope, receive, send):
        await receive()
        await send(reply("startup"))
        await receive()
        await send(reply("shutdown", "failed", message="still busy"))

    with pytest.raises(RuntimeError, match="Application shutdown failed: still busy"):
        await both(app)


@pytest.mark.parametrize("answers", [True, False])
async def test_an_exception_during_shutdown_is_raised(answers):
    async def app(scope, receive, send):
        await receive()
        await send(reply("startup"))
        await receive()
        if answers:
            await send(reply("shutdown"))
        raise LookupError("late")

    with pytest.raises(LookupError, match="late"):
        await both(app)


@pytest.mark.parametrize("reads", [True, False])
async def test_an_application_may_end_without_a_word_once_it_was_ready(reads):
    async def app(scope, receive, send):
        await receive()
        await send(reply("startup"))
        if reads:
            await receive()

    lifespan = Lifespan(app)
    await lifespan.startup()
    await asyncio.sleep(0)
    await lifespan.shutdown()


@pytest.mark.parametrize("phase", ["startup", "shutdown"])
async def test_who_stops_waiting_stops_the_application(phase):
    ended = asyncio.Event()

    async def app(scope, receive, send):
        await receive()
        try:
            if phase == "shutdown":
                await send(reply("startup"))
                await receive()
            await asyncio.sleep(60)
        finally:
            ended.set()

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(both(app), 0.01)
    await asyncio.wait_for(ended.wait(), 1)
