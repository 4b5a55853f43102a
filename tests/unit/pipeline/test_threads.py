import asyncio
import subprocess
import sys
import threading
from contextvars import ContextVar

import pytest

from flasgo.errors import ServiceUnavailable
from flasgo.pipeline.threads import QUEUE_PER_THREAD, ThreadPool

VARIABLE = ContextVar("variable", default="unset")


@pytest.fixture
def pool():
    pool = ThreadPool(2)
    yield pool
    pool.shutdown()


async def test_a_call_runs_in_a_thread_and_gives_its_value(pool):
    assert await pool.run(lambda a, *, b: (a, b, threading.current_thread().name[:6]), 1, b=2) == (1, 2, "flasgo")


async def test_a_call_has_a_copy_of_the_callers_context(pool):
    def look():
        before = VARIABLE.get()
        VARIABLE.set("thread")
        return before

    VARIABLE.set("caller")
    assert await pool.run(look) == "caller"
    assert VARIABLE.get() == "caller"


async def test_an_exception_is_the_callers(pool):
    def fail():
        raise ValueError("in a thread")

    with pytest.raises(ValueError, match="in a thread"):
        await pool.run(fail)


async def test_a_stop_iteration_becomes_a_runtime_error(pool):
    with pytest.raises(RuntimeError, match="raised StopIteration") as caught:
        await pool.run(next, iter(()))
    assert isinstance(caught.value.__cause__, StopIteration)


async def test_no_more_calls_wait_than_the_limit_says_but_what_must_run_runs():
    pool, release = ThreadPool(1), threading.Event()
    waiting = [asyncio.ensure_future(pool.run(release.wait, 10)) for _ in range(1 + QUEUE_PER_THREAD)]
    await asyncio.sleep(0.01)
    with pytest.raises(ServiceUnavailable) as caught:
        await pool.run(release.wait)
    assert caught.value.headers == {"retry-after": "1"}
    surely = asyncio.create_task(pool.run_surely(lambda: "ran"))
    await asyncio.sleep(0.01)
    release.set()
    assert await surely == "ran"
    assert await asyncio.gather(*waiting) == [True] * (1 + QUEUE_PER_THREAD)
    assert await pool.run(lambda: "served again") == "served again"
    pool.shutdown()
    await asyncio.sleep(0.01)
    assert pool._pending == 0


async def test_a_cancelled_call_in_the_queue_frees_its_place():
    pool, release = ThreadPool(1), threading.Event()
    waiting = [asyncio.ensure_future(pool.run(release.wait, 10)) for _ in range(1 + QUEUE_PER_THREAD)]
    await asyncio.sleep(0.01)
    waiting[-1].cancel()
    await asyncio.sleep(0.01)
    again = asyncio.ensure_future(pool.run(lambda: "taken"))
    await asyncio.sleep(0.01)
    release.set()
    assert await again == "taken"
    assert waiting[-1].cancelled()
    pool.shutdown()


async def test_who_is_cancelled_while_its_call_runs_waits_for_the_end(pool):
    started, release = threading.Event(), threading.Event()
    events = []

    def work():
        started.set()
        release.wait(10)
        events.append("over")

    async def caller():
        try:
            await pool.run(work)
        finally:
            events.append("cleared up")

    task = asyncio.create_task(caller())
    assert await asyncio.to_thread(started.wait, 10)
    task.cancel()
    await asyncio.sleep(0.02)
    assert events == []
    release.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert events == ["over", "cleared up"]


async def test_a_call_that_ends_as_it_is_cancelled_is_not_waited_for(pool):
    """A handler that raises CancelledError itself has ended already."""

    def work():
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await pool.run(work)


async def test_after_shutdown_what_waits_is_cancelled_and_new_calls_start_new_threads():
    pool, release = ThreadPool(1), threading.Event()
    running = asyncio.ensure_future(pool.run(release.wait, 10))
    queued = asyncio.ensure_future(pool.run(lambda: None))
    await asyncio.sleep(0.01)
    pool.shutdown()
    pool.shutdown()
    with pytest.raises(asyncio.CancelledError):
        await queued
    assert await pool.run(lambda: "new") == "new"
    release.set()
    assert await running is True
    pool.shutdown()


async def test_several_loops_may_share_a_pool(pool):
    """As several test clients do."""

    async def many():
        return await asyncio.gather(*(pool.run(lambda n=n: n) for n in range(20)))

    def in_another_loop():
        return asyncio.run(many())

    assert await asyncio.to_thread(in_another_loop) == await many() == list(range(20))


def test_what_is_to_be_closed_when_the_interpreter_ends_is_closed() -> None:
    program = """
import asyncio, atexit, threading
from flasgo.pipeline.threads import ThreadPool

pool = ThreadPool(1)
asyncio.run(pool.run_surely(print, "before", flush=True))
atexit.register(lambda: asyncio.run(pool.run_surely(print, "at the end", flush=True)))
"""
    ended = subprocess.run((sys.executable, "-c", program), capture_output=True, text=True, check=False)

    assert ended.stdout == "before\nat the end\n"
    assert ended.stderr == ""


async def test_where_no_thread_begins_any_more_a_call_is_made_at_once(pool: ThreadPool) -> None:
    await pool.run(print)
    executor = pool._executor
    assert executor is not None
    executor.shutdown()  # as the interpreter does it, without the pool's knowing

    assert await pool.run_surely(lambda: threading.current_thread() is threading.main_thread())


async def test_a_call_that_waits_for_a_thread_is_not_made_twice(
    pool: ThreadPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    calls: list[int] = []
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", start)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            await pool.run_surely(calls.append, 1)
    assert calls == []
    await pool.run_surely(calls.append, 2)
    assert calls == [1, 2]
