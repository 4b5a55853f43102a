"""What the code in hand belongs to, below the Request itself: the request, and in a thread of the pool the event loop."""

import asyncio
import threading
from collections.abc import Coroutine
from contextvars import ContextVar
from typing import Any, TypeVar

T = TypeVar("T")

current: ContextVar[Any] = ContextVar("flasgo.request")
"""A Request, always; its module stands above this one, so whoever asks says it to the type checkers."""


class Home(threading.local):
    """The event loop that a thread of the pool works for; None on the loop itself, and in threads of others."""

    loop: asyncio.AbstractEventLoop | None = None


home = Home()


def wait_for(work: Coroutine[Any, Any, T], what: str) -> T:
    """Wait in a thread for what is done on its event loop.

    Raises what the work raises; RuntimeError, with advice, where waiting would stop the event loop.
    """
    loop = home.loop
    if loop is None:
        work.close()
        raise RuntimeError(
            f"{what} would have to wait here, and this is the event loop: write `await request.form()`, `await request.json()` "
            "or `await request.body()` first, or make the handler a plain function, which runs in a thread."
        )
    return asyncio.run_coroutine_threadsafe(work, loop).result()
