"""before_request, after_request and teardown_request: functions of the user's around every handler.

A plain function runs in a thread and neighbours share one hop; a coroutine function runs on the loop.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from msgspec import Struct

from flasgo.errors import HTTPException
from flasgo.pipeline.stage import AskStep, Part, Step, WorkStep
from flasgo.pipeline.threads import ThreadPool
from flasgo.plan.model import Call, Route
from flasgo.plan.signature import arity, call_of
from flasgo.request import Request
from flasgo.response import Response, to_response

logger = logging.getLogger("flasgo.errors")

Function: TypeAlias = Callable[..., object]


class Hook(Struct, frozen=True):
    """A user's function, how it is called, and how many positional arguments it takes."""

    function: Function
    call: Call
    takes: int

    async def on_loop_or_thread(self, pool: ThreadPool, *args: object) -> object:
        """Call it where it belongs, with as many of `args`, from the first, as it takes."""
        given = args[: self.takes]
        value = self.function(*given) if self.call != "sync" else await pool.run(self.function, *given)
        return await value if isinstance(value, Awaitable) else value


def before_hook(function: Function) -> Hook:
    """A before_request hook: called with the Request, or with nothing. Raises RegistrationError."""
    return Hook(function, call_of(function), arity(function, allowed=range(2), role="A before_request hook"))


def after_hook(function: Function) -> Hook:
    """An after_request hook: called with (request, response), or with the response alone. Raises RegistrationError."""
    return Hook(function, call_of(function), arity(function, allowed=range(1, 3), role="An after_request hook"))


def teardown_hook(function: Function) -> Hook:
    """A teardown_request hook: called with the exception that ended the request or None, or with nothing. Raises RegistrationError."""
    return Hook(function, call_of(function), arity(function, allowed=range(2), role="A teardown_request hook"))


def error_hook(function: Function) -> Hook:
    """An error handler: called with (request, error), or with the error alone. Raises RegistrationError."""
    return Hook(function, call_of(function), arity(function, allowed=range(1, 3), role="An error handler"))


class BeforeHooks:
    """The stage of before_request: the first hook that returns something other than None answers the request."""

    def __init__(self, hooks: Sequence[Hook]) -> None:
        self._part = Part(tuple(_before_step(hook) for hook in hooks)) if hooks else None

    def compile(self, _route: Route | None, /) -> Part | None:
        return self._part

    def rejections(self, _route: Route | None, /) -> tuple[type[HTTPException], ...]:
        return ()


def _before_step(hook: Hook) -> Step:
    function, takes = hook.function, hook.takes

    def work(request: Request) -> Response | None:
        value = function(request) if takes else function()
        return None if value is None else to_response(value)

    async def ask(request: Request) -> Response | None:
        value = function(request) if takes else function()
        if isinstance(value, Awaitable):
            value = await value
        return None if value is None else to_response(value)

    return WorkStep(work) if hook.call == "sync" else AskStep(ask)


def compile_after(
    hooks: Sequence[Hook], answer: Callable[[Request, Exception], Awaitable[Response]], pool: ThreadPool
) -> Callable[[Request, Response], Awaitable[Response]] | None:
    """after_request as one call. A hook may change the response in place, or return another; None keeps it.

    When a hook fails, that is answered as an error and the hooks after it see the error's response.
    """
    if not hooks:
        return None

    async def after(request: Request, response: Response) -> Response:
        for hook in hooks:
            given = (request, response) if hook.takes > 1 else (response,)
            try:
                value = await hook.on_loop_or_thread(pool, *given)
                response = response if value is None or value is response else to_response(value)
            except Exception as error:  # noqa: BLE001 - whatever a hook raises becomes an answer
                response = await answer(request, error)
        return response

    return after


def compile_teardown(
    hooks: Sequence[Hook], pool: ThreadPool
) -> Callable[[BaseException | None], Awaitable[None]] | None:
    """teardown_request as one call, last registered first; a failing hook is logged and the others still run."""
    if not hooks:
        return None

    async def teardown(error: BaseException | None) -> None:
        for hook in reversed(hooks):
            try:
                await hook.on_loop_or_thread(pool, error)
            except Exception:
                logger.exception("teardown-failed hook=%s", hook.function)

    return teardown
