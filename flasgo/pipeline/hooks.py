"""before_request, after_request and teardown_request: functions of the user's around every handler.

A plain function runs in a thread and neighbours share one hop; a coroutine function runs on the loop.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import TypeAlias

from msgspec import Struct

from flasgo.errors import HTTPException
from flasgo.events import log_failure
from flasgo.pipeline.stage import AskStep, Part, Step, WorkStep
from flasgo.pipeline.threads import ThreadPool
from flasgo.plan.model import Call, Route
from flasgo.plan.signature import arity, call_of, check_answers
from flasgo.request import Request
from flasgo.response import Response, to_response

Function: TypeAlias = Callable[..., object]
Answer: TypeAlias = Callable[[Request, Exception], Awaitable[Response]]
After: TypeAlias = Callable[[Request, Response], Awaitable[Response]]
Teardown: TypeAlias = Callable[[BaseException | None], Awaitable[None]]


class Hook(Struct, frozen=True):
    """A user's function, how it is called, and how many positional arguments it takes."""

    function: Function
    call: Call
    takes: int

    def __call__(self, *args: object) -> object:
        """Call it with as many of `args`, from the last, as it takes."""
        return self.function(*args[len(args) - self.takes :])

    async def on_loop_or_thread(self, pool: ThreadPool, *args: object) -> object:
        """Call it where it belongs, and await what it gives."""
        value = await pool.run_surely(self, *args) if self.call == "sync" else self(*args)
        return await value if isinstance(value, Awaitable) else value


def before_hook(function: Function) -> Hook:
    """A before_request hook: called with the Request, or with nothing. Raises RegistrationError."""
    return _hook(function, range(2), "A before_request hook")


def after_hook(function: Function) -> Hook:
    """An after_request hook: called with (request, response), or with the response alone. Raises RegistrationError."""
    return _hook(function, range(1, 3), "An after_request hook")


def teardown_hook(function: Function) -> Hook:
    """A teardown_request hook: called with the exception that ended the request or None, or with nothing. Raises RegistrationError."""
    return _hook(function, range(2), "A teardown_request hook")


def error_hook(function: Function) -> Hook:
    """An error handler: called with (request, error), or with the error alone. Raises RegistrationError."""
    return _hook(function, range(1, 3), "An error handler")


AROUND = "what goes around a request is a provider (`Depends`), or a before_request and a teardown_request hook."


def _hook(function: Function, allowed: range, role: str) -> Hook:
    check_answers(function, role, AROUND)
    return Hook(function, call_of(function), arity(function, allowed=allowed, role=role))


class Hooks(Struct, frozen=True):
    """The user's functions around every request, in the order of registration."""

    before: tuple[Hook, ...] = ()
    after: tuple[Hook, ...] = ()
    teardown: tuple[Hook, ...] = ()

    def around(self, inner: "Hooks") -> "Hooks":
        """These and those of a blueprint in here: its own run inside, later before the handler and earlier after it."""
        return Hooks(self.before + inner.before, inner.after + self.after, self.teardown + inner.teardown)


class BeforeHooks:
    """The stage of before_request: the first hook that returns something other than None answers the request."""

    def __init__(self, hooks: Sequence[Hook]) -> None:
        self._part = Part(tuple(_before_step(hook) for hook in hooks)) if hooks else None

    def compile(self, _route: Route | None, /) -> Part | None:
        return self._part

    def rejections(self, _route: Route | None, /) -> tuple[type[HTTPException], ...]:
        return ()


def _before_step(hook: Hook) -> Step:
    def work(request: Request) -> Response | None:
        value = hook(request)
        return None if value is None else to_response(value)

    async def ask(request: Request) -> Response | None:
        value = hook(request)
        if isinstance(value, Awaitable):
            value = await value
        return None if value is None else to_response(value)

    return WorkStep(work) if hook.call == "sync" else AskStep(ask)


def _hops(hooks: Iterable[Hook]) -> Iterator[Hook | tuple[Hook, ...]]:
    """The hooks in their order: each that runs on the loop by itself, neighbours that need a thread together."""
    for threaded, group in groupby(hooks, lambda hook: hook.call == "sync"):
        if threaded:
            yield tuple(group)
        else:
            yield from group


def compile_after(hooks: Sequence[Hook], answer: Answer, pool: ThreadPool) -> After | None:
    """after_request as one call. A hook may change the response in place, or return another; None keeps it.

    When a hook fails, that is answered as an error and the hooks after it see the error's response.
    """
    runs = [
        _after_on_loop(hop, answer) if isinstance(hop, Hook) else _after_in_thread(hop, answer, pool)
        for hop in _hops(hooks)
    ]

    async def after(request: Request, response: Response) -> Response:
        for run in runs:
            response = await run(request, response)
        return response

    return after if runs else None


def _after_on_loop(hook: Hook, answer: Answer) -> After:
    async def after(request: Request, response: Response) -> Response:
        try:
            value = hook(request, response)
            return _successor(response, await value if isinstance(value, Awaitable) else value)
        except Exception as error:  # noqa: BLE001 - whatever a hook raises becomes an answer
            return await answer(request, error)

    return after


def _after_in_thread(hooks: Sequence[Hook], answer: Answer, pool: ThreadPool) -> After:
    def work(request: Request, response: Response, rest: Iterator[Hook]) -> tuple[Response, Exception | None]:
        """Run the rest of the hooks, up to one that fails."""
        for hook in rest:
            try:
                response = _successor(response, hook(request, response))
            except Exception as error:  # noqa: BLE001 - whatever a hook raises becomes an answer, which is made on the loop
                return response, error
        return response, None

    async def after(request: Request, response: Response) -> Response:
        rest = iter(hooks)
        while True:
            response, error = await pool.run_surely(work, request, response, rest)
            if error is None:
                return response
            response = await answer(request, error)

    return after


async def call_afterwards(request: Request, response: Response, answer: Answer) -> Response:
    """What `after_this_request` was given; a failing function is answered as an error, and the others see that response."""
    for function in request.afterwards or ():
        try:
            value = function(response)
            response = _successor(response, await value if isinstance(value, Awaitable) else value)
        except Exception as error:  # noqa: BLE001 - whatever it raises becomes an answer
            response = await answer(request, error)
    return response


def _successor(response: Response, value: object) -> Response:
    """The response after a hook that returned this."""
    return response if value is None or value is response else to_response(value)


def compile_teardown(hooks: Sequence[Hook], pool: ThreadPool) -> Teardown | None:
    """teardown_request as one call, last registered first; a failing hook is logged and the others still run."""
    runs = [
        _teardown_on_loop(hop) if isinstance(hop, Hook) else _teardown_in_thread(hop, pool)
        for hop in _hops(reversed(hooks))
    ]

    async def teardown(error: BaseException | None) -> None:
        interruption: BaseException | None = None
        for run in runs:
            try:
                await run(error)
            except BaseException as interrupted:  # noqa: BLE001 - a cancellation waits until everything is cleared up
                interruption = interrupted
        if interruption is not None:
            raise interruption

    return teardown if runs else None


def _teardown_on_loop(hook: Hook) -> Teardown:
    async def teardown(error: BaseException | None) -> None:
        try:
            value = hook(error)
            if isinstance(value, Awaitable):
                await value
        except Exception as failure:  # noqa: BLE001 - the others still run
            log_failure("teardown-failed", failure, hook=hook.function)

    return teardown


def _teardown_in_thread(hooks: Sequence[Hook], pool: ThreadPool) -> Teardown:
    def work(error: BaseException | None) -> None:
        for hook in hooks:
            try:
                hook(error)
            except Exception as failure:  # noqa: BLE001 - the others still run
                log_failure("teardown-failed", failure, hook=hook.function)

    return lambda error: pool.run_surely(work, error)
