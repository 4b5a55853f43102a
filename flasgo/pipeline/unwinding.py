"""The other half of providers that yield, or give context managers: what they do when the request is over, or has failed.

`request.owed` is a chain of what was entered, the last first. A failure is thrown into each in turn, and what one raises instead
is thrown into the next, as nested `with` statements would have it; only that none can swallow it: there must be an answer.
"""

from collections.abc import AsyncGenerator, Callable, Generator, Iterable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from types import TracebackType
from typing import Any, TypeAlias

from flasgo.events import log_failure
from flasgo.pipeline.threads import ThreadPool
from flasgo.request import Request

Failure: TypeAlias = BaseException | None


async def end_async_generator(generator: AsyncGenerator[Any, None], error: Failure) -> None:
    """Let it run to its end, with the error raised at its `yield`. Raises what it raises itself."""
    try:
        await (anext(generator) if error is None else generator.athrow(error))
    except StopAsyncIteration:
        return
    except BaseException as raised:
        if raised is not error:
            raise
        return
    await generator.aclose()
    raise _yields_twice(generator)


def end_generator(generator: Generator[Any, None, None], error: Failure) -> None:
    """The same for a plain one."""
    try:
        if error is None:
            next(generator)
        else:
            generator.throw(error)
    except StopIteration:
        return
    except BaseException as raised:
        if raised is not error:
            raise
        return
    generator.close()
    raise _yields_twice(generator)


def _yields_twice(generator: object) -> RuntimeError:
    return RuntimeError(
        f"{getattr(generator, '__qualname__', generator)} yields twice; a provider yields its value once."
    )


async def end_async_context(context: AbstractAsyncContextManager[Any], error: Failure) -> None:
    try:
        await context.__aexit__(*_described(error))
    except BaseException as raised:
        if raised is not error:
            raise


def end_context(context: AbstractContextManager[Any], error: Failure) -> None:
    try:
        context.__exit__(*_described(error))
    except BaseException as raised:
        if raised is not error:
            raise


def _described(
    error: Failure,
) -> tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]:
    return (None, None, None) if error is None else (type(error), error, error.__traceback__)


Plain: TypeAlias = tuple[Callable[[Any, Failure], None], object]
"""How a plain provider is ended, and what it is."""


class Unwinding:
    """How the providers of an application are ended: plain ones in a thread."""

    def __init__(self, pool: ThreadPool) -> None:
        self._pool = pool

    async def generator(self, generator: Generator[Any, None, None], error: Failure) -> None:
        await self._pool.run_surely(end_generator, generator, error)

    async def context(self, context: AbstractContextManager[Any], error: Failure) -> None:
        await self._pool.run_surely(end_context, context, error)

    async def settle(self, request: Request, failure: Failure) -> Failure:
        """End the plain providers that stand first in `request.owed`, all of them in one hop; gives what the failure has become."""
        plain: list[Plain] = []
        while request.owed is not None and getattr(request.owed[0], "__self__", None) is self:
            end, made, request.owed = request.owed
            plain.append((end_generator if end == self.generator else end_context, made))
        return await self._pool.run_surely(_settled, plain, request, failure)


def _settled(plain: Iterable[Plain], request: Request, failure: Failure) -> Failure:
    for end, made in plain:
        try:
            end(made, failure)
        except BaseException as raised:  # noqa: BLE001 - the others are ended all the same
            failure = raised
            _tell(request, made, raised)
    return failure


def _tell(request: Request, made: object, raised: BaseException) -> None:
    """Log what a provider raised that can be answered no more."""
    if isinstance(raised, Exception):
        log_failure("provider-failed", raised, request, provider=getattr(made, "__qualname__", type(made).__qualname__))


async def unwind(request: Request, error: BaseException) -> None:
    """End every provider of a request that has failed. Raises what the failure has become, where that is something else."""
    failure = error
    while request.owed is not None:
        end, made, request.owed = request.owed
        try:
            await end(made, failure)
        except BaseException as raised:  # noqa: BLE001 - it takes the place of the failure; the rest is ended all the same
            failure = raised
    if failure is not error:
        raise failure


async def settle(request: Request) -> None:
    """End every provider of a request that has been answered. What they raise is logged: nothing can be answered any more."""
    failure = request.failure
    while request.owed is not None:
        end, made, rest = request.owed
        plain = getattr(end, "__self__", None)
        try:
            if isinstance(plain, Unwinding):
                failure = await plain.settle(request, failure)
            else:
                request.owed = rest
                await end(made, failure)
        except BaseException as raised:  # noqa: BLE001 - a cancellation waits until everything is cleared up
            failure = raised
            _tell(request, made, raised)
    if failure is not request.failure and failure is not None and not isinstance(failure, Exception):
        raise failure
