"""The ASGI lifespan: what is opened before the first request and closed after the last, in reverse order."""

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import cache
from typing import Literal, TypeAlias, TypeVar

from flasgo.events import log_failure
from flasgo.http.asgi import Receive, Send

logger = logging.getLogger("flasgo.app")

A = TypeVar("A")

Opened: TypeAlias = Mapping[str, object] | None
"""What a lifespan yields: None, or names that become attributes of `app.state`."""

Lifespan: TypeAlias = Callable[[A], AbstractAsyncContextManager[Opened]] | Callable[[A], AsyncIterator[Opened]]
"""An async generator function, or a function that gives an async context manager; called with the application."""


@cache
def warn_of_random_key() -> None:
    """Say it once in a process; serving with several workers is refused elsewhere."""
    logger.warning("SECRET_KEY is not set: a random one is used, and what it signs is lost when this process ends.")


def as_context(lifespan: "Lifespan[A]", app: A) -> AbstractAsyncContextManager[Opened]:
    """What a lifespan opens and closes. Raises TypeError where it is not a Lifespan."""
    made = lifespan(app)
    if isinstance(made, AbstractAsyncContextManager):
        return made
    if not isinstance(made, AsyncIterator):
        if isinstance(made, Coroutine):
            made.close()  # or Python would say that nobody awaited it
        raise TypeError(
            f"A lifespan is an async generator function; {lifespan!r} gave {type(made).__name__}. "
            "Write `async def` and one `yield` between startup and shutdown."
        )

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
    phase: Literal["startup", "shutdown"] = "startup"
    try:
        async with AsyncExitStack() as stack:
            stack.callback(release)
            prepare()
            for context in contexts():
                names = await context.__aenter__()
                # Left as if all were well, whatever happens: what stands after its `yield` must run.
                stack.push_async_callback(context.__aexit__, None, None, None)
                opened(names)
            await send({"type": "lifespan.startup.complete"})
            await receive()
            phase = "shutdown"
    except Exception as error:  # noqa: BLE001 - whatever it is, the server is told
        log_failure(f"{phase}-failed", error)
        await send({"type": f"lifespan.{phase}.failed", "message": f"{type(error).__name__}: {error}"})
    else:
        await send({"type": "lifespan.shutdown.complete"})


def keep(state: object, names: Opened) -> None:
    """Make what a lifespan yields attributes of `state`. Raises TypeError for what is neither None nor a mapping."""
    if names is not None and not isinstance(names, Mapping):
        raise TypeError(f"A lifespan yields nothing, or a mapping for app.state; not {type(names).__name__}.")
    for name, value in (names or {}).items():
        setattr(state, name, value)
