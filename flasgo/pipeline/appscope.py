"""Values of the application's lifetime: each made once, ended in reverse order when the application shuts down.

They are made at the lifespan's start, or when they are first needed where a server has none (and then never ended).
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from flasgo.events import log_failure
from flasgo.pipeline.threads import ThreadPool
from flasgo.pipeline.unwinding import Unwinding, end_async_context, end_async_generator
from flasgo.plan.model import Argument, Dependency, Provider
from flasgo.settings import Settings


class AppValue:
    """One value. `made` says that `value` is there."""

    def __init__(self, provider: Provider, make: Callable[["AppValue"], Awaitable[object]]) -> None:
        self.provider = provider
        self.made = False
        self.value: object = None
        self._make = make

    async def make(self) -> object:
        """The value, made now if nobody was faster."""
        return self.value if self.made else await self._make(self)


class AppScope:
    """The values of one application."""

    def __init__(self, settings: Settings, pool: ThreadPool) -> None:
        self._settings = settings
        self._pool = pool
        self._unwinding = Unwinding(pool)
        self._values: dict[object, AppValue] = {}
        self._ends: list[tuple[Callable[..., Awaitable[None]], object, AppValue]] = []
        self._lock: asyncio.Lock | None = None

    def value_of(self, provider: Provider) -> AppValue:
        return self._values.setdefault(provider.key, AppValue(provider, self._made))

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None]:
        """Make what is known, and end what was made."""
        self._lock = None
        try:
            for value in list(self._values.values()):
                await value.make()
            yield
        finally:
            await self._close()

    async def _made(self, value: AppValue) -> object:
        if self._lock is None:
            self._lock = asyncio.Lock()
        async with self._lock:
            return await self._made_alone(value)

    async def _made_alone(self, value: AppValue) -> object:
        if value.made:
            return value.value
        provider = value.provider
        arguments: list[object] = []
        named: dict[str, object] = {}
        for argument in provider.arguments:
            given = await self._given(argument)
            if argument.positional:
                arguments.append(given)
            else:
                named[argument.parameter] = given
        value.value = await self._entered(value, arguments, named)
        value.made = True
        return value.value

    async def _given(self, argument: Argument) -> object:
        if isinstance(argument.value, Dependency):
            return await self._made_alone(self.value_of(argument.value.provider))
        return self._settings

    async def _entered(self, value: AppValue, arguments: list[object], named: dict[str, object]) -> object:
        provider = value.provider
        if provider.on_loop or provider.call != "sync" or isinstance(provider.function, type):
            made = provider.function(*arguments, **named)
        else:
            made = await self._pool.run_surely(provider.function, *arguments, **named)
        if isinstance(made, Awaitable) and (provider.form == "value" or provider.call == "async"):
            made = await made
        if provider.form == "value":
            return made
        return await self._begun(value, made)

    async def _begun(self, value: AppValue, made: Any) -> object:  # a generator or context manager, as the plan says
        end: Callable[..., Awaitable[None]]
        match value.provider.form, value.provider.on_loop:
            case "generator", True:
                entered, end = await made.__anext__(), end_async_generator
            case "generator", False:
                entered, end = await self._pool.run_surely(made.__next__), self._unwinding.generator
            case _, True:
                entered, end = await made.__aenter__(), end_async_context
            case _:
                entered, end = await self._pool.run_surely(made.__enter__), self._unwinding.context
        self._ends.append((end, made, value))
        return entered

    async def _close(self) -> None:
        while self._ends:
            end, made, value = self._ends.pop()
            try:
                await end(made, None)
            except Exception as failure:  # noqa: BLE001 - the others are ended all the same
                log_failure("provider-failed", failure, provider=value.provider.source)
        for value in self._values.values():
            value.made, value.value = False, None
