import asyncio
import concurrent.futures
import gc
import threading
import time
from contextvars import ContextVar

import pytest

from flasgo.testing import loop as module
from flasgo.testing.loop import Home, LoopThread


@pytest.fixture
def home():
    home = Home(timeout=5)
    yield home
    home.close()


async def where():
    return asyncio.get_running_loop(), threading.current_thread()


def test_sync_calls_share_one_loop_in_a_thread_of_its_own(home):
    (loop, thread), (again, _) = home.run(where, "first"), home.run(where, "second")
    assert loop is again
    assert thread is not threading.current_thread()


async def test_a_sync_call_works_inside_a_running_loop(home):
    loop, _ = home.run(where, "work")
    assert loop is not asyncio.get_running_loop()


async def test_async_calls_share_the_callers_loop(home):
    assert await home.arun(where, "work") == (asyncio.get_running_loop(), threading.current_thread())


async def test_an_async_call_goes_to_the_loop_that_a_sync_call_chose(home):
    loop, _ = home.run(where, "first")
    assert (await home.arun(where, "second"))[0] is loop


async def test_a_sync_call_in_the_loop_that_would_serve_it_is_refused_with_advice(home):
    await home.arun(where, "first")
    with pytest.raises(RuntimeError, match=r"GET /: this client lives .* Use `await client.arequest"):
        home.run(where, "GET /")


async def test_a_sync_call_of_another_thread_goes_to_the_loop_that_an_async_call_chose(home):
    await home.arun(where, "first")
    loop, _ = await asyncio.to_thread(home.run, where, "second")
    assert loop is asyncio.get_running_loop()


def test_a_loop_that_has_stopped_is_replaced(home):
    first, _ = asyncio.run(home.arun(where, "first"))
    second, _ = asyncio.run(home.arun(where, "second"))
    third, thread = home.run(where, "third")
    assert len({id(loop) for loop in (first, second, third)}) == 3
    assert thread is not threading.current_thread()


def test_but_not_while_a_lifespan_lives_in_it(home):
    asyncio.run(home.arun(where, "first"))
    home.pinned = True
    with pytest.raises(RuntimeError, match="lifespan of this client was started in an event loop that does not run"):
        home.run(where, "second")
    home.close()
    assert home.pinned is False


VARIABLE = ContextVar("VARIABLE", default="unset")


async def read_and_write():
    value = VARIABLE.get()
    VARIABLE.set("leaked")
    return value


async def test_context_variables_go_in_and_never_come_out(home):
    VARIABLE.set("mine")
    assert await home.arun(read_and_write, "async") == "mine"
    home.close()
    assert home.run(read_and_write, "sync") == "mine"
    assert VARIABLE.get() == "mine"


async def fail(error):
    raise error


@pytest.mark.parametrize("error", [LookupError("x"), TimeoutError("its own"), KeyboardInterrupt(), SystemExit(3)])
async def test_what_the_work_raises_reaches_the_caller_and_the_loop_lives_on(home, error):
    with pytest.raises(type(error)) as caught:
        await home.arun(lambda: fail(error), "async")
    assert caught.value is error
    home.close()
    with pytest.raises(type(error)) as caught:
        home.run(lambda: fail(error), "sync")
    assert caught.value is error
    assert home.run(where, "after")


async def hang():
    await asyncio.sleep(60)


async def test_work_that_hangs_ends_with_the_timeout():
    home = Home(timeout=0.01)
    with pytest.raises(TimeoutError, match=r"GET /slow did not finish within 0.01 s: the application waits"):
        await home.arun(hang, "GET /slow")
    home.close()
    with pytest.raises(TimeoutError, match="the application waits"):
        home.run(hang, "GET /slow")
    home.close()


def test_work_that_blocks_the_loop_ends_with_the_timeout_and_the_loop_is_left(monkeypatch):
    monkeypatch.setattr(module, "BLOCKED_SECONDS", 0.01)
    home = Home(timeout=0.01)
    blocked, _ = home.run(where, "first")

    async def block():
        time.sleep(0.2)

    with pytest.raises(TimeoutError, match=r"did not finish within 0.01 s: the application blocks its event loop"):
        home.run(block, "GET /")
    assert home.run(where, "next")[0] is not blocked
    home.close()
    while not blocked.is_closed():
        time.sleep(0.01)


def test_without_timeout_a_call_waits():
    home = Home(timeout=None)
    home.run(lambda: asyncio.sleep(0.01), "work")
    home.close()


def test_an_interrupted_call_cancels_its_work(home, monkeypatch):
    cancelled = threading.Event()
    started = threading.Event()

    async def work():
        started.set()
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.set()

    def interrupted(*_):
        started.wait()
        raise KeyboardInterrupt

    monkeypatch.setattr(concurrent.futures, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        home.run(work, "work")
    assert cancelled.wait(5)


async def test_a_cancelled_call_cancels_its_work(home):
    started = asyncio.Event()
    cancelled = asyncio.Event()

    async def work():
        started.set()
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.set()

    call = asyncio.create_task(home.arun(work, "work"))
    await started.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert cancelled.is_set()


def test_close_cancels_what_still_runs_closes_the_loop_and_may_be_repeated(home):
    cancelled = threading.Event()

    async def background():
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.set()

    async def work():
        loop.task = asyncio.create_task(background())
        await asyncio.sleep(0)
        return asyncio.get_running_loop(), threading.current_thread()

    class loop:
        task = None

    running, thread = home.run(work, "work")
    home.close()
    home.close()
    assert cancelled.is_set()
    assert running.is_closed()
    assert not thread.is_alive()


def test_who_forgets_to_close_leaves_nothing_behind():
    home = Home(timeout=5)
    loop, thread = home.run(where, "work")
    del home
    gc.collect()
    assert loop.is_closed()
    assert not thread.is_alive()


def test_the_last_reference_may_go_in_the_loops_own_thread():
    holder = [LoopThread()]
    loop = holder[0].loop
    gone = threading.Event()

    def drop():
        holder.clear()
        gone.set()

    loop.call_soon_threadsafe(drop)
    assert gone.wait(5)
    deadline = time.monotonic() + 5
    while not loop.is_closed() and time.monotonic() < deadline:
        time.sleep(0.001)
    assert loop.is_closed()


def test_stopping_twice_is_harmless():
    thread = LoopThread()
    thread.stop(5)
    thread.stop(5)
    assert thread.loop.is_closed()
