"""Sync user code off the event loop: one bounded pool, one hop for as much of a request as can share it."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import ParamSpec, TypeVar, cast

from flasgo.errors import ServiceUnavailable

P = ParamSpec("P")
T = TypeVar("T")

QUEUE_PER_THREAD = 25
"""Calls that may wait for each thread before a request is refused with 503."""


class ThreadPool:
    """`threads` workers, started when first needed. Calls run in a copy of their caller's context.

    Raises ServiceUnavailable for a call that finds QUEUE_PER_THREAD times as many waiting: a queue without an end only
    turns overload into time-outs.
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._limit = threads * (1 + QUEUE_PER_THREAD)
        self._pending = 0
        self._lock = threading.Lock()
        self._executor: ThreadPoolExecutor | None = None

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        with self._lock:
            if self._pending >= self._limit:
                raise ServiceUnavailable("The server is busy. Try again later.", headers={"retry-after": "1"})
            self._pending += 1
            if self._executor is None:
                self._executor = ThreadPoolExecutor(self.threads, thread_name_prefix="flasgo")
        job = self._executor.submit(copy_context().run, _sealed, partial(function, *args, **kwargs))
        job.add_done_callback(self._done)
        return cast("T", await asyncio.wrap_future(job))

    def _done(self, _: Future[object]) -> None:
        with self._lock:
            self._pending -= 1

    def shutdown(self) -> None:
        """End the threads once their calls are over; the next call starts new ones."""
        executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown(wait=True, cancel_futures=True)


def _sealed(function: Callable[[], T]) -> T:
    """Call; a StopIteration, which no future can carry, becomes a RuntimeError as in a coroutine (PEP 479)."""
    try:
        return function()
    except StopIteration as error:
        raise RuntimeError("A handler raised StopIteration.") from error
