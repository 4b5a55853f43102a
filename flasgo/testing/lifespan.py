"""The ASGI lifespan of an application under test, as a server drives it (ASGI lifespan spec 2.0)."""

import asyncio
from typing import Literal

from flasgo.http.asgi import ASGIApp, Message, Scope

LAST_WORDS_SECONDS = 1.0
"""How long an application may go on after it has said that it failed."""

_Phase = Literal["startup", "shutdown"]


class Lifespan:
    """Made and used inside one event loop. `state` is what the application put into the lifespan's state."""

    def __init__(self, app: ASGIApp) -> None:
        self.state: dict[str, object] = {}
        self._app = app
        self._phase: _Phase = "startup"
        self._heard = False
        self._absent = False
        self._violation: RuntimeError | None = None
        self._inbox: asyncio.Queue[Message] = asyncio.Queue()
        self._answer: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._run())

    async def startup(self) -> None:
        """Return when the application is ready.

        One that ends before it has read `lifespan.startup` has no lifespan, which ASGI allows. Raises RuntimeError with
        the application's message where it says that it failed, else what it raised.
        """
        await self._ask()
        if self._task.done() and not self._heard and self._violation is None:
            self._absent = True
        elif not self._answer.done():
            self._raise_failure()
            raise RuntimeError("The application ended its lifespan without lifespan.startup.complete.")

    async def shutdown(self) -> None:
        """Return when the application has closed; raises as `startup` does."""
        if self._absent:
            return
        if not self._task.done():
            self._phase = "shutdown"
            self._answer = asyncio.get_running_loop().create_future()
            await self._ask()
            await self._wait(self._task)
        self._raise_failure()

    async def _ask(self) -> None:
        """Announce the phase, and wait until the application has answered, or ended."""
        self._inbox.put_nowait({"type": f"lifespan.{self._phase}"})
        await self._wait(self._task, self._answer)
        if self._answer.done() and (message := self._answer.result()) is not None:
            await asyncio.wait({self._task}, timeout=LAST_WORDS_SECONDS)
            self._task.cancel()
            reason = f"Application {self._phase} failed: {message or 'it gave no reason'}"
            raise RuntimeError(reason) from self._failure()

    async def _wait(self, *ends: asyncio.Future[None] | asyncio.Future[str | None]) -> None:
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            self._task.cancel()
            raise

    def _failure(self) -> BaseException | None:
        ended = self._task.done() and not self._task.cancelled()
        return self._violation or (self._task.exception() if ended else None)

    def _raise_failure(self) -> None:
        if error := self._failure():
            raise error

    async def _run(self) -> None:
        scope: Scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        await self._app(scope, self._receive, self._send)

    async def _receive(self) -> Message:
        event = await self._inbox.get()
        self._heard = True
        return event

    async def _send(self, message: Message) -> None:
        kind = message.get("type")
        if self._answer.done() or kind not in {f"lifespan.{self._phase}.complete", f"lifespan.{self._phase}.failed"}:
            error = RuntimeError(f"The application sent {kind!r} to its lifespan, in the {self._phase} phase.")
            self._violation = self._violation or error
            raise error
        self._answer.set_result(None if kind.endswith("complete") else str(message.get("message", "")))
