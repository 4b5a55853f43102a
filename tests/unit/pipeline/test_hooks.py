import asyncio
from typing import Any

import pytest

from flasgo.errors import RegistrationError
from flasgo.pipeline.hooks import (
    BeforeHooks,
    after_hook,
    before_hook,
    compile_after,
    compile_teardown,
    error_hook,
    teardown_hook,
)
from flasgo.pipeline.stage import AskStep, WorkStep
from flasgo.pipeline.threads import ThreadPool
from flasgo.request import Request
from flasgo.response import Response


def request() -> Request:
    async def receive() -> Any:
        raise AssertionError

    return Request.of({"type": "http", "method": "GET", "path": "/", "headers": []}, receive)


async def answer(request: Request, error: Exception) -> Response:
    return Response(f"answered {error}", 500)


def test_a_hook_takes_as_many_arguments_as_it_has_parameters():
    for make, function, takes in (
        (before_hook, lambda: None, 0),
        (before_hook, lambda request: None, 1),
        (after_hook, lambda response: None, 1),
        (after_hook, lambda request, response: None, 2),
        (after_hook, lambda *both: None, 2),
        (teardown_hook, lambda: None, 0),
        (teardown_hook, lambda error: None, 1),
        (error_hook, lambda error: None, 1),
        (error_hook, lambda request, error: None, 2),
    ):
        hook = make(function)
        assert hook.takes == takes
        hook("first", "second")


def test_a_hook_gets_the_last_of_the_arguments():
    assert error_hook(lambda error: error)("request", "error") == "error"
    assert error_hook(lambda request, error: request)("request", "error") == "request"
    assert before_hook(lambda: "nothing")("request") == "nothing"


def test_what_does_not_fit_is_refused():
    with pytest.raises(RegistrationError, match=r"A teardown_request hook is called with 0 or 1 positional arguments"):
        teardown_hook(lambda a, b: None)


def test_without_hooks_there_is_nothing_to_do():
    pool = ThreadPool(1)
    stage = BeforeHooks(())
    assert stage.compile(None) is None
    assert stage.rejections(None) == ()
    assert compile_after((), answer, pool) is None
    assert compile_teardown((), pool) is None


async def coroutine(*args: object) -> None:
    return None


def test_plain_functions_are_work_and_coroutine_functions_are_asked():
    part = BeforeHooks([before_hook(lambda: None), before_hook(coroutine)]).compile(None)
    assert part is not None
    assert [type(step) for step in part.steps] == [WorkStep, AskStep]


async def test_a_hook_runs_where_it_belongs_and_is_awaited():
    pool = ThreadPool(1)

    async def on_loop(request: Request) -> str:
        assert asyncio.get_running_loop()
        return "on the loop"

    def elsewhere(request: Request) -> str:
        with pytest.raises(RuntimeError, match="no running event loop"):
            asyncio.get_running_loop()
        return "in a thread"

    assert await before_hook(on_loop).on_loop_or_thread(pool, request()) == "on the loop"
    assert await before_hook(elsewhere).on_loop_or_thread(pool, request()) == "in a thread"
    pool.shutdown()


async def test_after_hooks_by_turns_in_threads_and_on_the_loop():
    pool = ThreadPool(1)

    def fail(response: Response) -> None:
        raise ValueError(response.body.decode())

    async def fail_on_loop(response: Response) -> None:
        fail(response)

    def more(response: Response) -> bytes:
        return response.body + b"+"

    hooks = [after_hook(function) for function in (more, fail, more, fail_on_loop, coroutine, more, more, fail)]
    after = compile_after(hooks, answer, pool)
    assert after is not None
    assert (await after(request(), Response("x"))).body == b"answered answered answered x++++"
    pool.shutdown()


async def test_teardown_goes_on_after_an_interruption_and_raises_it_then():
    pool = ThreadPool(1)
    seen: list[object] = []

    async def interrupt() -> None:
        raise asyncio.CancelledError

    async def note(error: object) -> None:
        seen.append(error)

    hooks = [teardown_hook(function) for function in (seen.append, note, interrupt, note)]
    teardown = compile_teardown(hooks, pool)
    assert teardown is not None
    with pytest.raises(asyncio.CancelledError):
        await teardown(None)
    assert seen == [None, None, None]
    pool.shutdown()
