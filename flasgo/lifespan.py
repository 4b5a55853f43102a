"""The ASGI lifespan: what is opened before the first request and closed after the last, in reverse order."""

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import TypeAlias, TypeVar

from flasgo.http.asgi import Receive, Send

logger = logging.getLogger("flasgo.errors")

A = TypeVar("A")

Opened: TypeAlias = Mapping[str, object] | None
"""What a lifespan yields: None, or names that become attributes of `app.state`."""

Lifespan: TypeAlias = Callable[[A], AbstractAsyncContextManager[Opened]] | Callable[[A], AsyncIterator[Opened]]
"""An async generator function, or a function that gives an async context manager; called with the application."""


def as_context(lifespan: "Lifespan[A]", app: A) -> AbstractAsyncContextManager[Opened]:
    made = lifespan(app)
    if isinstance(made, AbstractAsyncContextManager):
        return made

    @asynccontextmanager
    async def generated() -> AsyncGenerator[Opened]:
        async for opened in made:
            yield opened

    return generated()


async def run_lifespan(
    receive: Receive,
    send: Send,
    *,
    prepare: Callable[[], object],
    contexts: Callable[[], Sequence[AbstractAsyncContextManager[Opened]]],
    opened: Callable[[Opened], None],
    release: Callable[[], None],
) -> None:
    """Answer the server's lifespan events.

    At startup `prepare` and then each of `contexts` is entered, `opened` taking what it yields; at shutdown they
    are left in reverse order and `release` called. A failure is reported to the server, which then does not serve.
    """
    await receive()
    stack = AsyncExitStack()
    try:
        prepare()
        for context in contexts():
            opened(await stack.enter_async_context(context))
    except Exception as error:
        logger.exception("startup-failed")
        await _close(stack)
        await send({"type": "lifespan.startup.failed", "message": f"{type(error).__name__}: {error}"})
        return
    await send({"type": "lifespan.startup.complete"})
    await receive()
    failure = await _close(stack)
    release()
    if failure is None:
        await send({"type": "lifespan.shutdown.complete"})
    else:
        await send({"type": "lifespan.shutdown.failed", "message": f"{type(failure).__name__}: {failure}"})


async def _close(stack: AsyncExitStack) -> Exception | None:
    try:
        await stack.aclose()
    except Exception as error:
        logger.exception("shutdown-failed")
        return error
    return None
